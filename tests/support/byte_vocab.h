// Enters: a list of merges. Leaves: a byte-level vocabulary of model "gpt2", as tests and the fuzzer make it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "byte_letters.h"
#include "token_texts.h"

namespace hearth::test {

/// A byte-level vocabulary: the letters of all bytes at ids 0 to 255, then the results of the merges, in order.
class ByteVocab {
 public:
  ByteVocab() {
    for (unsigned b = 0; b < 256; ++b) {
      std::string letter;
      text::append_byte_letter(static_cast<std::uint8_t>(b), letter);
      add(letter);
    }
  }

  std::int32_t add(std::string_view token, text::TokenType type = text::TokenType::normal) {
    return tokens_.add(token, type);
  }

  void merge_only(std::string_view merge) { merges_.push_back(tokens_.keep(merge)); }

  /// "left right" becomes a token of its own.
  std::int32_t merge(std::string_view merge) {
    merge_only(merge);
    std::string both(merge);
    both.erase(both.find(' '), 1);
    return add(both);
  }

  text::VocabParts parts(std::string pre = "gpt-2") const {
    text::VocabParts parts = tokens_.parts();
    parts.model = "gpt2";
    parts.pre = std::move(pre);
    parts.merges = merges_;
    return parts;
  }

 private:
  TokenTexts tokens_;
  std::vector<std::string_view> merges_;
};

}  // namespace hearth::test
