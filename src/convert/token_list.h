// Enters: tokens with their ids, in any order. Leaves: the arrays of a GGUF vocabulary, every id taken once.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metadata.h"
#include "vocab.h"

namespace hearth::convert {

class TokenList {
 public:
  /// `n_vocab`: rows of the embedding; ids that nobody takes are filled up. `where` names the file in errors.
  TokenList(std::uint64_t n_vocab, std::string where);

  /// A later one replaces an earlier: added tokens come last. Error: an id that the embedding does not have.
  Result<void> put(std::uint64_t id, std::string text, text::TokenType type, float score = 0);
  /// The same for a token that comes besides the model's own. One that the embedding does not have is left out, as
  /// llama.cpp's converter does: every Gemma 3 has an <image_soft_token>, for which those that see nothing have no row.
  void put_added(std::uint64_t id, std::string text, text::TokenType type, float score);
  std::vector<std::string> left_out() const;  ///< by their ids

  std::uint64_t size() const { return texts_.size(); }
  std::string& text(std::uint64_t id) { return texts_[id]; }
  text::TokenType type(std::uint64_t id) const { return static_cast<text::TokenType>(types_[id]); }
  /// -1 where no token reads so.
  std::int64_t find(std::string_view text) const;

  /// tokenizer.ggml.model, tokens, token_type and, where asked, scores. The list gives them away and is empty then.
  void write(std::string_view model, bool with_scores, Metadata& metadata);

 private:
  std::string where_;
  std::vector<std::string> texts_;
  std::vector<float> scores_;
  std::vector<std::int32_t> types_;
  std::map<std::uint64_t, std::string> left_out_;
};

}  // namespace hearth::convert
