// Enters: a byte, or a character. Leaves: the letter that GPT-2's vocabularies spell the byte with, and the byte again.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "utf8.h"

namespace hearth::text {

/// Bytes that print in Latin-1 stand for themselves; the 68 others, in order, for U+0100 and up.
constexpr std::array<std::uint16_t, 256> byte_letters = [] {
  std::array<std::uint16_t, 256> letters{};
  std::uint16_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    const bool prints = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    letters[b] = prints ? static_cast<std::uint16_t>(b) : next++;
  }
  return letters;
}();

/// The byte that a letter stands for, by code point; -1: none.
constexpr std::array<std::int16_t, 0x144> letter_bytes = [] {
  std::array<std::int16_t, 0x144> bytes{};
  for (auto& byte : bytes) byte = -1;
  for (unsigned b = 0; b < 256; ++b) bytes[byte_letters[b]] = static_cast<std::int16_t>(b);
  return bytes;
}();

inline void append_byte_letter(std::uint8_t byte, std::string& text) {
  const unsigned letter = byte_letters[byte];
  if (letter < 0x80) {
    text.push_back(static_cast<char>(letter));
  } else {
    text.push_back(static_cast<char>(0xc0 | letter >> 6));
    text.push_back(static_cast<char>(0x80 | (letter & 0x3f)));
  }
}

/// The byte that a character, valid UTF-8, is the letter of.
inline std::optional<std::uint8_t> byte_of_letter(std::string_view character) {
  unsigned letter = static_cast<unsigned char>(character[0]);
  if (character.size() == 2) letter = (letter & 0x1f) << 6 | (static_cast<unsigned char>(character[1]) & 0x3f);
  if (character.size() > 2 || letter >= 0x144) return std::nullopt;
  if (letter_bytes[letter] < 0) return std::nullopt;
  return static_cast<std::uint8_t>(letter_bytes[letter]);
}

/// Appends the bytes that a spelling stands for; what is no letter of a byte stays as it is.
inline void append_unlettered(std::string_view spelled, std::string& bytes) {
  while (!spelled.empty()) {
    const Utf8Step step = utf8_step(spelled);
    const std::string_view character = spelled.substr(0, step.length);
    const auto byte = step.state == Utf8::valid ? byte_of_letter(character) : std::nullopt;
    byte ? bytes.push_back(static_cast<char>(*byte)) : static_cast<void>(bytes.append(character));
    spelled.remove_prefix(step.length);
  }
}

}  // namespace hearth::text
