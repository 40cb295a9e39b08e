// Enters: tokens, one after the other. Leaves: their texts and types as VocabParts views them.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "vocab.h"

namespace hearth::test {

/// Owns the texts; views of them stay valid as it grows.
class TokenTexts {
 public:
  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

  std::int32_t add(std::string_view token, text::TokenType type) {
    tokens_.push_back(keep(token));
    types_.push_back(type);
    return static_cast<std::int32_t>(tokens_.size() - 1);
  }

  text::VocabParts parts() const {
    text::VocabParts parts;
    parts.tokens = tokens_;
    parts.types = types_;
    return parts;
  }

 private:
  std::deque<std::string> texts_;
  std::vector<std::string_view> tokens_;
  std::vector<text::TokenType> types_;
};

}  // namespace hearth::test
