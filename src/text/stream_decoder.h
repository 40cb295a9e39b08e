// Enters: token ids, one at a time. Leaves: their text as soon as whole characters are there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tokenizer.h"

namespace hearth::text {

/// What is given out is valid until the next call. All that push returns, then flush, is what decode gives for the same ids. No piece ends inside a UTF-8 character;
/// bytes that can no longer become one pass as they are. The tokenizer must outlive it.
class StreamDecoder {
 public:
  enum class Begin { text, inside_text };  // inside_text: a prompt stands before, so a first space is kept

  explicit StreamDecoder(const Tokenizer& tokenizer, Begin begin = Begin::text)
      : tokenizer_(&tokenizer), at_start_(begin == Begin::text) {}

  /// The text that is certain now. An id outside the vocabulary gives nothing.
  std::string_view push(std::int32_t id);

  /// What is left at the end of a text: the bytes of a character that was never finished.
  std::string_view flush();

 private:
  const Tokenizer* tokenizer_;
  bool at_start_;
  std::string bytes_;  // what was given out last, then those of a character that is not whole yet
  std::size_t n_out_ = 0;
};

}  // namespace hearth::text
