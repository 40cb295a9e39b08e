// Enters: a list of pieces. Leaves: a vocabulary of model "llama" around them, as tests and the fuzzer make it.
#pragma once

#include <string_view>
#include <vector>

#include "token_texts.h"

namespace hearth::test {

/// Owns the texts that a Vocab made from parts() views. Ids 0 to 2 are <unk>, <s>, </s>; bytes follow where asked for.
class SmallVocab {
 public:
  enum class Bytes { all, none };

  explicit SmallVocab(Bytes bytes = Bytes::all) {
    add("<unk>", 0.0f, text::TokenType::unknown);
    add("<s>", 0.0f, text::TokenType::control);
    add("</s>", 0.0f, text::TokenType::control);
    for (unsigned b = 0; bytes == Bytes::all && b < 256; ++b) {
      add(text::byte_text(static_cast<std::uint8_t>(b)), 0.0f, text::TokenType::byte);
    }
  }

  std::int32_t add(std::string_view token, float score, text::TokenType type = text::TokenType::normal) {
    scores_.push_back(score);
    return tokens_.add(token, type);
  }

  text::VocabParts parts() const {
    text::VocabParts parts = tokens_.parts();
    parts.scores = scores_;
    return parts;
  }

 private:
  TokenTexts tokens_;
  std::vector<float> scores_;
};

}  // namespace hearth::test
