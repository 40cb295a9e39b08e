// Enters: text from a file, a path or a peer. Leaves: one printable line, safe to show in a message or on a terminal.
#include "escape.h"

namespace hearth {
namespace {

/// One character at the front of a text: how many bytes it takes, and its code point, or that its first byte is
/// invalid.
struct Character {
  std::size_t bytes = 1;
  std::uint32_t code = 0;
  bool valid = false;
};

/// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {1, lead, true};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {};
  return {length, code, true};
}

std::string hex_escape(unsigned char byte) {
  std::string out = "\\x";
  append_hex(out, byte, 2);
  return out;
}

std::string unicode_escape(std::uint32_t code) {
  std::string out = "\\u{";
  append_hex(out, code, code < 0x100 ? 2 : code < 0x1000 ? 3 : code < 0x10000 ? 4 : code < 0x100000 ? 5 : 6);
  return out + "}";
}

std::string shown(const Character& character, std::string_view bytes) {
  if (!character.valid) return hex_escape(static_cast<unsigned char>(bytes[0]));
  switch (character.code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    case '\'':
      return "\\'";
    default:
      break;
  }
  if (!acts_on_terminal(character.code)) return std::string(bytes);
  return character.code < 0x80 ? hex_escape(static_cast<unsigned char>(character.code))
                               : unicode_escape(character.code);
}

}  // namespace

std::string escape(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = first_character(text.substr(at));
    const std::string piece = shown(character, text.substr(at, character.bytes));
    if (out.size() + piece.size() > max_bytes) return out + "... (" + std::to_string(text.size()) + " bytes)";
    out += piece;
    at += character.bytes;
  }
  return out;
}

bool acts_on_terminal(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_hex(std::string& out, std::uint32_t value, int n_digits) {
  for (int shift = 4 * (n_digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

std::string quoted_path(std::string_view path) { return "'" + escape(path, shown_path_bytes) + "'"; }

}  // namespace hearth
