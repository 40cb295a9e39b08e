// Enters: a list of pieces. Leaves: a vocabulary of model "llama" around them, as tests and the fuzzer make it.
#pragma once

#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "vocab.h"

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
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", b);
      add(name, 0.0f, text::TokenType::byte);
    }
  }

  std::int32_t add(std::string_view token, float score, text::TokenType type = text::TokenType::normal) {
    views_.push_back(texts_.emplace_back(token));
    scores_.push_back(score);
    types_.push_back(type);
    return static_cast<std::int32_t>(views_.size() - 1);
  }

  text::VocabParts parts() const {
    text::VocabParts parts;
    parts.tokens = views_;
    parts.scores = scores_;
    parts.types = types_;
    return parts;
  }

 private:
  std::deque<std::string> texts_;  // a deque: views stay valid as it grows
  std::vector<std::string_view> views_;
  std::vector<float> scores_;
  std::vector<text::TokenType> types_;
};

}  // namespace hearth::test
