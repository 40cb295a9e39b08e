// Enters: bytes that may or may not be UTF-8, or a code point. Leaves: where the first character ends and what it is, or its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hearth {

enum class Utf8 : std::uint8_t {
  valid,       ///< a whole character
  invalid,     ///< a byte that no continuation can save
  incomplete,  ///< the text ends inside what may still become a character
};

struct Utf8Step {
  Utf8 state;
  std::size_t length;  // bytes of the character, 1 of an invalid byte, all that is left of an incomplete one
};

/// The first character of `text`, which is not empty. Unicode 15, table 3-7: no overlong forms, no surrogates, nothing
/// above U+10FFFF; only the second byte has a range that depends on the first.
inline Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {Utf8::valid, 1};
  if (lead < 0xc2 || lead > 0xf4) return {Utf8::invalid, 1};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8::incomplete, text.size()};
    unsigned low = 0x80, high = 0xbf;
    if (i == 1 && lead == 0xe0) low = 0xa0;
    if (i == 1 && lead == 0xed) high = 0x9f;
    if (i == 1 && lead == 0xf0) low = 0x90;
    if (i == 1 && lead == 0xf4) high = 0x8f;
    if (byte(i) < low || byte(i) > high) return {Utf8::invalid, 1};
  }
  return {Utf8::valid, length};
}

/// One character of a text. A byte that is no UTF-8 counts as a character of its own, without a code point.
struct Character {
  static constexpr std::int32_t no_code = -1;

  std::int32_t code = no_code;
  std::size_t length = 0;  // bytes
};

/// The first character of `text`, which is not empty.
inline Character first_character(std::string_view text) {
  const Utf8Step step = utf8_step(text);
  if (step.state != Utf8::valid) return {Character::no_code, 1};
  const auto byte = [&](std::size_t i) { return static_cast<std::int32_t>(static_cast<unsigned char>(text[i])); };
  std::int32_t code = step.length == 1 ? byte(0) : byte(0) & (0xff >> (step.length + 1));
  for (std::size_t i = 1; i < step.length; ++i) code = code << 6 | (byte(i) & 0x3f);
  return {code, step.length};
}

/// Adds a code point's bytes, one to four.
inline void append_utf8(std::string& out, std::int32_t code) {
  const auto byte = [&](std::int32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xe0 | code >> 12);
    } else {
      byte(0xf0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3f));
    }
    byte(0x80 | (code >> 6 & 0x3f));
  }
  byte(0x80 | (code & 0x3f));
}

/// Whether a byte of UTF-8 begins a character.
inline bool is_utf8_begin(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

/// Bytes of the longest beginning of `text` that is UTF-8.
inline std::size_t valid_utf8(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080u;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = high_bits;
    if (text.size() - at >= sizeof eight) std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & high_bits) == 0) {
      at += sizeof eight;
      continue;
    }
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.state != Utf8::valid) break;
    at += step.length;
  }
  return at;
}

}  // namespace hearth
