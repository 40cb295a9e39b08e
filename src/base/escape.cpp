// Enters: text from a file, a path or a peer. Leaves: one printable line, safe to show in a message or on a terminal.
#include "escape.h"

#include "utf8.h"

namespace hearth {
namespace {

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

std::string shown(std::int32_t code, std::string_view bytes) {
  switch (code) {
    case Character::no_code:
      return hex_escape(static_cast<unsigned char>(bytes[0]));
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
  if (!acts_on_terminal(static_cast<std::uint32_t>(code))) return std::string(bytes);
  return code < 0x80 ? hex_escape(static_cast<unsigned char>(code)) : unicode_escape(static_cast<std::uint32_t>(code));
}

}  // namespace

std::string escape(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = first_character(text.substr(at));
    const std::string piece = shown(character.code, text.substr(at, character.length));
    if (out.size() + piece.size() > max_bytes) return out + "... (" + std::to_string(text.size()) + " bytes)";
    out += piece;
    at += character.length;
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
