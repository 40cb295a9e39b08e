// Enters: text from a model or a file. Leaves: the same text, with what a terminal would act upon shown as escapes.
#include "printable.h"

#include <cstdint>

namespace hearth::cli {
namespace {

constexpr std::size_t kQuotedBytes = 64;

struct Character {
  std::size_t bytes = 1;
  std::uint32_t code = 0;
  bool sound = false;  // false: the first byte begins no character
};

Character next_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {1, lead, true};
  const std::size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || bytes > text.size()) return {};
  std::uint32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {};
  return {bytes, code, true};
}

/// Controls of both sets, line separators, bidirectional marks and overrides (UAX 9), the byte order mark.
bool acts(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string hexadecimal(std::uint32_t value, int at_least) {
  std::string digits;
  for (; value != 0 || at_least > 0; value >>= 4, --at_least)
    digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
  return digits;
}

std::string shown(const Character& character, std::string_view bytes, Lines lines) {
  const bool layout = character.code == '\n' || character.code == '\t';
  if (!character.sound) return "\\x" + hexadecimal(static_cast<unsigned char>(bytes[0]), 2);
  if (!acts(character.code) || (layout && lines == Lines::keep)) return std::string(bytes);
  if (character.code == '\n') return "\\n";
  if (character.code == '\t') return "\\t";
  return character.code < 0x80 ? "\\x" + hexadecimal(character.code, 2) : "\\u{" + hexadecimal(character.code, 1) + "}";
}

}  // namespace

std::string printable(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = next_character(text.substr(at));
    out += shown(character, text.substr(at, character.bytes), lines);
    at += character.bytes;
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  if (text.size() <= kQuotedBytes) return "'" + printable(text, Lines::escape) + "'";
  std::size_t cut = kQuotedBytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return "'" + printable(text.substr(0, cut), Lines::escape) + "…' (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace hearth::cli
