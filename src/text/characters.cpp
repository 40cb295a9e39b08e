// Enters: a text, or a code point. Leaves: its last character, or the class, lower case and base of a code point.
#include "characters.h"

#include <utf8proc.h>

namespace hearth::text {
namespace {

struct Range {
  std::int32_t first, last;
};

/// CJK ideographs as BERT's tokenizer lists them; the fifth extension begins at U+2B920 in the copies that models are
/// trained with.
constexpr Range bert_ideographs[] = {
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
    {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f},
};

constexpr Range white_spaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

template <std::size_t n> bool within(const Range (&ranges)[n], std::int32_t code) {
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

using Category = utf8proc_category_t;

bool in_categories(std::int32_t code, Category first, Category last) {
  const Category category = utf8proc_category(code);
  return code >= 0 && category >= first && category <= last;
}

}  // namespace

Character last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && !is_utf8_begin(text[begin])) --begin;
  const Character character = first_character(text.substr(begin));
  return begin + character.length == text.size() ? character : Character{Character::no_code, 1};
}

bool is_white_space(std::int32_t code) { return within(white_spaces, code); }

bool is_control(std::int32_t code) { return in_categories(code, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

bool is_punctuation(std::int32_t code) { return in_categories(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }

bool is_number(std::int32_t code) { return in_categories(code, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }

bool is_accent(std::int32_t code) { return in_categories(code, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN); }

bool is_mark(std::int32_t code) { return in_categories(code, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }

bool is_word(std::int32_t code) {
  constexpr Range others[] = {{0x200c, 0x200d},
                              {0x24b6, 0x24e9},
                              {0x1f130, 0x1f149},
                              {0x1f150, 0x1f169},
                              {0x1f170, 0x1f189}};  // joiners; circled and squared letters count as alphabetic
  return in_categories(code, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) || code == '_' ||
         in_categories(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PC) || within(others, code);
}

bool is_bert_punctuation(std::int32_t code) {
  if (code < 0x80)
    return (code > ' ' && code < '0') || (code > '9' && code < 'A') || (code > 'Z' && code < 'a') ||
           (code > 'z' && code < 0x7f);
  return is_punctuation(code);
}

bool is_bert_ideograph(std::int32_t code) { return within(bert_ideographs, code); }

std::int32_t lower(std::int32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
  return utf8proc_tolower(code);
}

std::int32_t base_letter(std::int32_t code) {
  if (code < 0xc0) return code;
  utf8proc_int32_t decomposed[8];  // the longest canonical decomposition has 4
  const utf8proc_ssize_t n =
      utf8proc_decompose_char(code, decomposed, std::size(decomposed), UTF8PROC_DECOMPOSE, nullptr);
  return n > 0 ? decomposed[0] : code;
}

}  // namespace hearth::text
