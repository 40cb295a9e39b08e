// Enters: text, any bytes. Leaves: the same in a normal form.
#include "normalizer.h"

#include <utf8proc.h>

#include <algorithm>

#include "characters.h"
#include "utf8.h"

namespace hearth::text {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Calls visit(code, bytes) for each character; the code of a byte that is no UTF-8 is Character::no_code.
template <class Visit> void for_each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const Character character = first_character(text);
    visit(character.code, text.substr(0, character.length));
    text.remove_prefix(character.length);
  }
}

int combining_class(std::int32_t code) { return utf8proc_get_property(code)->combining_class; }

/// The decomposition of valid UTF-8, its marks in canonical order.
std::vector<utf8proc_int32_t> decomposed(std::string_view text, utf8proc_option_t options) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view) {
    utf8proc_int32_t parts[32];  // the longest has 18
    const utf8proc_ssize_t n = utf8proc_decompose_char(code, parts, std::size(parts), options, nullptr);
    if (n > 0) codes.insert(codes.end(), parts, parts + std::min<std::size_t>(static_cast<std::size_t>(n), 32));
  });
  const auto starts = [](std::int32_t code) { return combining_class(code) == 0; };
  for (auto begin = codes.begin(); begin != codes.end();) {
    begin = std::find_if_not(begin, codes.end(), starts);
    const auto end = std::find_if(begin, codes.end(), starts);
    std::stable_sort(begin, end, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  return codes;
}

struct FormRow {
  NormalForm form;
  int options;
};
constexpr FormRow forms[] = {
    {NormalForm::nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {NormalForm::nfd, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    {NormalForm::nfkc, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {NormalForm::nfkd, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
};

void append_form(std::string_view valid, utf8proc_option_t options, std::string& out) {
  std::vector<utf8proc_int32_t> codes = decomposed(valid, options);
  auto n = static_cast<utf8proc_ssize_t>(codes.size());
  if (options & UTF8PROC_COMPOSE) n = utf8proc_normalize_utf32(codes.data(), n, options);
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, codes[static_cast<std::size_t>(i)]);
}

}  // namespace

Result<void> check_normalized(std::size_t bytes) {
  if (bytes <= max_normalized) return {};
  return Error(Status::invalid_argument, "the text has " + std::to_string(bytes) +
                                             " bytes once it is normalized; encode takes up to 2147483647; "
                                             "cut it into parts");
}

std::string normal_form(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size());
  const FormRow* row =
      std::find_if(std::begin(forms), std::end(forms), [&](const FormRow& r) { return r.form == form; });
  while (!text.empty()) {
    const std::size_t valid = valid_utf8(text);
    if (is_ascii(text.substr(0, valid))) out.append(text.substr(0, valid));
    else append_form(text.substr(0, valid), static_cast<utf8proc_option_t>(row->options), out);
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  return out;
}

std::string lower_case(std::string_view text) {
  constexpr std::int32_t dotted_i = 0x130;  // the one letter that becomes two
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view bytes) {
    if (code == Character::no_code) out.append(bytes);
    else if (code == dotted_i) out.append("i\xcc\x87");
    else append_utf8(out, lower(code));
  });
  return out;
}

std::string without(std::string_view text, bool (*is_dropped)(std::int32_t code)) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view bytes) {
    if (!is_dropped(code)) out.append(bytes);
  });
  return out;
}

std::string_view stripped(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const Character character = first_character(text);
    if (!is_white_space(character.code)) break;
    text.remove_prefix(character.length);
  }
  while (right && !text.empty()) {
    const Character character = last_character(text);
    if (!is_white_space(character.code)) break;
    text.remove_suffix(character.length);
  }
  return text;
}

std::string bert_cleaned(std::string_view text) {
  constexpr std::int32_t replacement = 0xfffd;
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view bytes) {
    if (is_white_space(code) && code != 0x0b && code != 0x0c && code != 0x85) out.push_back(' ');
    else if (code != replacement && !is_control(code)) out.append(bytes);
  });
  return out;
}

std::string bert_spaced_ideographs(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view bytes) {
    if (is_bert_ideograph(code)) out.append(" ").append(bytes).append(" ");
    else out.append(bytes);
  });
  return out;
}

std::string nmt_cleaned(std::string_view text) {
  const auto dropped = [](std::int32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0b || (c >= 0x0e && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
  };
  const auto space = [](std::int32_t c) {
    return c == 0x09 || c == 0x0a || c == 0x0c || c == 0x0d || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
  };
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::int32_t code, std::string_view bytes) {
    if (space(code)) out.push_back(' ');
    else if (!dropped(code)) out.append(bytes);
  });
  return out;
}

namespace {

/// Bytes of the first grapheme cluster of valid UTF-8.
std::size_t first_grapheme(std::string_view text) {
  utf8proc_int32_t state = 0;
  Character character = first_character(text);
  std::size_t length = character.length;
  while (length < text.size()) {
    const Character next = first_character(text.substr(length));
    if (utf8proc_grapheme_break_stateful(character.code, next.code, &state)) break;
    length += next.length;
    character = next;
  }
  return length;
}

void append_mapped(std::string_view piece, const Charsmap& map, std::string& out) {
  const Charsmap::Match match = map.shortest(piece);
  out.append(match.length == 0 ? piece : match.replacement);
}

}  // namespace

std::string mapped_by_graphemes(std::string_view text, const Charsmap& map) {
  constexpr std::size_t max_whole = 5;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = valid_utf8(text);
    for (std::string_view rest = text.substr(0, valid); !rest.empty();) {
      std::string_view grapheme = rest.substr(0, first_grapheme(rest));
      rest.remove_prefix(grapheme.size());
      if (grapheme.size() <= max_whole && map.shortest(grapheme).length != 0) {
        append_mapped(grapheme, map, out);
        continue;
      }
      for_each_character(grapheme, [&](std::int32_t, std::string_view bytes) { append_mapped(bytes, map, out); });
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace hearth::text
