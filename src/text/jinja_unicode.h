// Enters: sound UTF-8. Leaves: what Python's str says of it, character by character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::text::jinja {

/// Bytes of the character that begins with this one.
constexpr std::size_t char_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

bool sound_utf8(std::string_view bytes);
/// Each byte that belongs to no character becomes U+FFFD.
std::string made_sound(std::string_view bytes);
std::ptrdiff_t count_chars(std::string_view bytes);
std::u32string decode(std::string_view bytes);
void append_char(std::string& bytes, char32_t code);
std::string encode(std::u32string_view codes);

bool is_space(char32_t code);      // str.isspace
bool is_line_end(char32_t code);   // where str.splitlines splits
bool is_printable(char32_t code);  // what repr shows as it is
bool is_alpha(char32_t code);
bool is_decimal(char32_t code);
bool is_digit(char32_t code);
bool is_upper(char32_t code);
bool is_lower(char32_t code);
bool is_cased(char32_t code);

/// Full case mapping where it is the same in every language; a final sigma is not looked for.
std::u32string upper(std::u32string_view codes);
std::u32string lower(std::u32string_view codes);
std::u32string case_folded(std::u32string_view codes);
/// The first letter of each run of letters in title case, the others in lower case.
std::u32string title(std::u32string_view codes);
/// The first character in title case, the others in lower case.
std::u32string capitalize(std::u32string_view codes);

}  // namespace hearth::text::jinja
