// Enters: nothing. Leaves: a small vocabulary for grammars: every byte, pieces of JSON, halves of characters, two ends of text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "token_masks.h"

namespace hearth::test {

struct GrammarVocabulary {
  static constexpr std::int32_t end = 256, other_end = 257, control = 258;

  std::vector<std::string> texts;
  std::shared_ptr<const sample::GrammarTokens> tokens;

  GrammarVocabulary() {
    for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
    texts.insert(texts.end(), {"<end>", "<other end>", "<|call|>"});
    for (const char* piece : {"{\"",
                              "\"}",
                              "\":",
                              "\": ",
                              "\",",
                              "\", \"",
                              ",\"",
                              ", \"",
                              "\"]",
                              "[\"",
                              "[[",
                              "]]",
                              "}}",
                              "{}",
                              "[]",
                              "true",
                              "false",
                              "null",
                              "tr",
                              "ue",
                              " ",
                              "  ",
                              "\n  ",
                              "\n",
                              "12",
                              "0.",
                              "-1",
                              "e5",
                              "00",
                              "2024",
                              "-0",
                              "1.5",
                              "name",
                              "\"name",
                              "\"name\":",
                              "value",
                              "abc",
                              "ab",
                              "bc",
                              "a",
                              "hello",
                              " world",
                              "\\n",
                              "\\\"",
                              "\\u00",
                              "\xc3",
                              "\xc3\xa9",
                              "\xa9\xe2",
                              "\xe2\x82",
                              "\x82\xac",
                              "\xf0\x9f",
                              "\x99\x82",
                              "\xf0\x9f\x99\x82",
                              "\xff\xfe",
                              "a\xc3",
                              "\"\xc3",
                              "<tool>",
                              "<to",
                              "ol>{"})
      texts.emplace_back(piece);
    std::vector<std::string_view> text(texts.begin(), texts.end()), controls(texts.size());
    text[control] = {};
    controls[control] = texts[control];
    tokens = std::make_shared<const sample::GrammarTokens>(std::move(text), std::move(controls),
                                                           std::vector<std::int32_t>{end, other_end});
  }

  std::int32_t id(std::string_view wanted) const {
    for (std::size_t i = texts.size(); i-- > 0;)
      if (texts[i] == wanted) return static_cast<std::int32_t>(i);
    return -1;
  }
};

inline bool allows(std::span<const std::uint64_t> mask, std::int32_t id) {
  const auto bit = static_cast<std::size_t>(id);
  return (mask[bit / 64] >> bit % 64 & 1) != 0;
}

}  // namespace hearth::test
