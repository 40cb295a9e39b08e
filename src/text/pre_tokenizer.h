// Enters: a text and a row of the table. Leaves: where its pretokens end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "pre_tokenizer_table.h"

namespace hearth::text {

/// A regex that is compiled once and searched for by any number of threads.
class Regex;

/// Cuts a text into pretokens, over whose borders nothing merges. Immutable.
class PreTokenizer {
 public:
  /// Errors: a regex that PCRE2 refuses; no memory.
  static Result<PreTokenizer> make(const PreTokenizerRow& row);
  PreTokenizer(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  /// Appends the end of each pretoken of `text`, ascending, the last one text.size(). A byte that is no UTF-8 is a
  /// pretoken of its own, and the text goes on after it as a new text. Linear in the text.
  Result<void> split(std::string_view text, std::vector<std::uint32_t>& ends) const;

 private:
  class Cut;
  PreTokenizer();
  struct Step {
    std::unique_ptr<const Regex> regex;
    Thousands thousands;
  };
  std::vector<Step> steps_;
};

}  // namespace hearth::text
