// Enters: sound UTF-8. Leaves: what Python's str says of it, character by character.
#include "jinja_unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "characters.h"
#include "utf8.h"

namespace hearth::text::jinja {
namespace {

/// Letters whose upper or title case is more than one (Unicode, SpecialCasing.txt, unconditional).
struct Expansion {
  char32_t code;
  std::u32string_view upper, title;
};
constexpr std::array kExpansions = {
    Expansion{0xdf, U"SS", U"Ss"},
    Expansion{0x149, U"\u02bcN", U"\u02bcN"},
    Expansion{0x1f0, U"J\u030c", U"J\u030c"},
    Expansion{0x390, U"\u0399\u0308\u0301", U"\u0399\u0308\u0301"},
    Expansion{0x3b0, U"\u03a5\u0308\u0301", U"\u03a5\u0308\u0301"},
    Expansion{0x587, U"\u0535\u0552", U"\u0535\u0582"},
    Expansion{0xfb00, U"FF", U"Ff"},
    Expansion{0xfb01, U"FI", U"Fi"},
    Expansion{0xfb02, U"FL", U"Fl"},
    Expansion{0xfb03, U"FFI", U"Ffi"},
    Expansion{0xfb04, U"FFL", U"Ffl"},
    Expansion{0xfb05, U"ST", U"St"},
    Expansion{0xfb06, U"ST", U"St"},
};

const Expansion* expansion(char32_t code) {
  const auto* found =
      std::find_if(kExpansions.begin(), kExpansions.end(), [code](const Expansion& row) { return row.code == code; });
  return found == kExpansions.end() ? nullptr : found;
}

utf8proc_category_t category(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

void append_lower(std::u32string& out, char32_t code) {
  if (code == 0x130) out += U"i\u0307";
  else out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

void append_title(std::u32string& out, char32_t code) {
  if (const Expansion* row = expansion(code)) out += row->title;
  else out += static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code)));
}

}  // namespace

bool sound_utf8(std::string_view bytes) { return valid_utf8(bytes) == bytes.size(); }

std::string made_sound(std::string_view bytes) {
  std::string sound;
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    sound += step.state == Utf8::valid ? bytes.substr(0, step.length) : "\ufffd";
    bytes.remove_prefix(step.length);
  }
  return sound;
}

std::ptrdiff_t count_chars(std::string_view bytes) { return std::count_if(bytes.begin(), bytes.end(), is_utf8_begin); }

std::u32string decode(std::string_view bytes) {
  std::u32string codes;
  codes.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t n = char_bytes(bytes[at]);
    char32_t code = static_cast<unsigned char>(bytes[at]);
    if (n > 1) code &= 0xffu >> (n + 1);
    for (std::size_t i = 1; i < n; ++i) code = code << 6 | (static_cast<unsigned char>(bytes[at + i]) & 0x3fu);
    codes += code;
    at += n;
  }
  return codes;
}

void append_char(std::string& bytes, char32_t code) { append_utf8(bytes, static_cast<std::int32_t>(code)); }

std::string encode(std::u32string_view codes) {
  std::string bytes;
  bytes.reserve(codes.size());
  for (const char32_t code : codes) append_char(bytes, code);
  return bytes;
}

bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f ||
         code == 0x205f || code == 0x3000;
}

bool is_line_end(char32_t code) {
  return (code >= 0x0a && code <= 0x0d) || (code >= 0x1c && code <= 0x1e) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

bool is_printable(char32_t code) {
  if (code < 0x7f) return code >= 0x20;
  const auto kind = category(code);
  return kind != UTF8PROC_CATEGORY_CN && kind < UTF8PROC_CATEGORY_ZS;  // the last ones: separators, controls, private
}

bool is_alpha(char32_t code) {
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }

bool is_digit(char32_t code) {
  const bool raised = code == 0xb2 || code == 0xb3 || code == 0xb9 || code == 0x2070 ||
                      (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089) ||
                      (code >= 0x2460 && code <= 0x2468);
  return raised || is_decimal(code);
}

bool is_upper(char32_t code) { return utf8proc_isupper(static_cast<utf8proc_int32_t>(code)) != 0; }
bool is_lower(char32_t code) { return utf8proc_islower(static_cast<utf8proc_int32_t>(code)) != 0; }
bool is_cased(char32_t code) { return is_upper(code) || is_lower(code) || category(code) == UTF8PROC_CATEGORY_LT; }

std::u32string upper(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) {
    if (const Expansion* row = expansion(code)) out += row->upper;
    else out += static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code)));
  }
  return out;
}

std::u32string lower(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) append_lower(out, code);
  return out;
}

std::u32string case_folded(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) {
    std::array<utf8proc_int32_t, 8> folded;
    int last_boundary = 0;
    const auto n =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), folded.data(),
                                static_cast<utf8proc_ssize_t>(folded.size()), UTF8PROC_CASEFOLD, &last_boundary);
    for (utf8proc_ssize_t i = 0; i < n; ++i) out += static_cast<char32_t>(folded[static_cast<std::size_t>(i)]);
  }
  return out;
}

std::u32string title(std::u32string_view codes) {
  std::u32string out;
  bool inside = false;
  for (const char32_t code : codes) {
    if (inside) append_lower(out, code);
    else append_title(out, code);
    inside = is_cased(code);
  }
  return out;
}

std::u32string capitalize(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) {
    if (out.empty()) append_title(out, code);
    else append_lower(out, code);
  }
  return out;
}

}  // namespace hearth::text::jinja
