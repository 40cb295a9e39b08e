// Enters: strings and the arguments of their methods. Leaves: what Python's str methods give.
#include <algorithm>
#include <array>

#include "jinja_runtime.h"
#include "jinja_text_ops.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

Value made(Runtime& rt, const Value& self, std::string text) { return rt.text(std::move(text), self.safe()); }

template <Side side> Result<Value> strip(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_CHECK(step_chars(rt, self.text()));
  std::optional<std::string_view> chars;
  if (p.given(0) && !p[0].is(Kind::none)) {
    HEARTH_TRY(chars, p.text_or(rt, 0, ""));
    HEARTH_CHECK(step_chars(rt, *chars));
  }
  return made(rt, self, std::string(stripped(self.text(), chars, side)));
}

template <bool from_right> Result<Value> split(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t most, p.integer_or(rt, 1, -1));
  const bool on_space = !p.given(0) || p[0].is(Kind::none);
  HEARTH_TRY(const std::string_view separator, on_space ? Result<std::string_view>(" ") : p.text_or(rt, 0, ""));
  if (separator.empty()) return failure("split() wants a separator that is not empty");
  HEARTH_CHECK(step_search(rt, self.text(), separator));
  HEARTH_CHECK(rt.room(sizeof(std::string_view) * (self.text().size() / separator.size())));
  if (on_space) return text_list(rt, split_on_space(self.text(), most, from_right), self.safe());
  return text_list(rt, split_on(self.text(), separator, most, from_right), self.safe());
}

Result<Value> splitlines(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_CHECK(step_lines(rt, self.text()));
  return text_list(rt, split_lines(self.text(), p.truth_or(0, false)), self.safe());
}

/// The part of a text that a method's start and end name, in bytes; nullopt where it begins behind its end.
struct Part {
  std::string_view text;
  std::int64_t first_char;
};
Result<std::optional<Part>> part(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_CHECK(rt.step(self.text().size()));
  if (!p.given(1) && !p.given(2)) return std::optional(Part{self.text(), 0});
  const auto bound = [&](std::size_t i) { return p.given(i) ? p[i] : Value::none(); };
  const std::int64_t length = length_of(self);
  HEARTH_TRY(const Bounds b, slice_bounds(bound(1), bound(2), Value::none(), length));
  const bool beyond = p.given(1) && p[1].is_whole() && p[1].integer() > length;
  if (b.start > b.stop || beyond) return std::optional<Part>();
  const auto bytes_of = [&](std::int64_t chars) {
    std::size_t at = 0;
    for (std::int64_t i = 0; i < chars; ++i) at += char_bytes(self.text()[at]);
    return at;
  };
  const std::size_t begin = bytes_of(b.start);
  return std::optional(Part{self.text().substr(begin, bytes_of(b.stop) - begin), b.start});
}

template <bool at_end> Result<Value> has_affix(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const auto where, part(rt, self, p));
  std::vector<Value> affixes = {p[0]};
  if (p[0].is(Kind::tuple)) affixes = p[0].as<Array>().items;
  for (const Value& affix : affixes) {
    if (!affix.is_text())
      return failure("startswith() and endswith() want a string, not '" + std::string(type_name(affix)) + "'");
    HEARTH_CHECK(rt.step(affix.text().size()));
    if (where && (at_end ? where->text.ends_with(affix.text()) : where->text.starts_with(affix.text())))
      return Value::boolean(true);
  }
  return Value::boolean(false);
}

Result<std::int64_t> position(Runtime& rt, const Value& self, const Params& p, bool from_right) {
  HEARTH_TRY(const std::string_view sought, p.text_or(rt, 0, ""));
  HEARTH_TRY(const auto where, part(rt, self, p));
  if (!where) return -1;
  HEARTH_CHECK(step_search(rt, where->text, sought));
  const std::size_t at = search_for(sought, from_right)(where->text);
  if (at == std::string_view::npos) return -1;
  return where->first_char + count_chars(where->text.substr(0, at));
}

template <bool from_right, bool must> Result<Value> find(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t at, position(rt, self, p, from_right));
  if (must && at < 0) return failure("index() does not find the text");
  return Value::integer(at);
}

Result<Value> count_occurrences(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string_view sought, p.text_or(rt, 0, ""));
  HEARTH_TRY(const auto where, part(rt, self, p));
  if (!where) return Value::integer(0);
  if (sought.empty()) return Value::integer(count_chars(where->text) + 1);
  HEARTH_CHECK(step_search(rt, where->text, sought));
  const Search search = search_for(sought);
  std::int64_t n = 0;
  std::string_view text = where->text;
  for (std::size_t at = search(text); at != std::string_view::npos; at = search(text), ++n)
    text.remove_prefix(at + sought.size());
  return Value::integer(n);
}

Result<Value> replace_in_text(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string_view old, p.text_or(rt, 0, ""));
  HEARTH_TRY(const std::string_view with, p.text_or(rt, 1, ""));
  HEARTH_TRY(const std::int64_t most, p.integer_or(rt, 2, -1));
  HEARTH_TRY(std::string text, replaced(rt, self.text(), old, with, most));
  return made(rt, self, std::move(text));
}

std::u32string swap_case(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) {
    const std::u32string_view one(&code, 1);
    out += is_upper(code) ? lower(one) : is_lower(code) ? upper(one) : std::u32string(one);
  }
  return out;
}

template <std::u32string (*map)(std::u32string_view)>
Result<Value> mapped(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(step_chars(rt, self.text()));
  return made(rt, self, encode(map(decode(self.text()))));
}

Result<Value> join_texts(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::vector<Value> items, elements(rt, p[0]));
  std::vector<std::string> parts;
  std::uint64_t bytes = 0;
  for (const Value& value : items) {
    HEARTH_CHECK(rt.room(bytes += value.text().size()));
    if (!value.is_text())
      return failure("join() wants strings, not '" + std::string(type_name(value)) + "'; |join takes anything");
    HEARTH_TRY(std::string part, self.safe() ? as_html(rt, value) : Result<std::string>(std::string(value.text())));
    parts.push_back(std::move(part));
  }
  HEARTH_TRY(std::string text, joined(rt, self.text(), parts));
  return made(rt, self, std::move(text));
}

Result<Value> format_braces(Runtime& rt, const Value& self, const Params& p) {
  return brace_format(rt, self.text(), p.rest);
}

template <bool (*holds)(char32_t)> Result<Value> all_are(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(step_chars(rt, self.text()));
  const std::u32string codes = decode(self.text());
  return Value::boolean(!codes.empty() && std::all_of(codes.begin(), codes.end(), holds));
}

bool is_alphanumeric(char32_t code) { return is_alpha(code) || is_digit(code); }

Result<Value> is_ascii(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(rt.step(self.text().size()));
  return Value::boolean(static_cast<std::size_t>(length_of(self)) == self.text().size());
}

/// Some letter has this case and none the other.
template <bool (*wanted)(char32_t), bool (*other)(char32_t)>
Result<Value> cased(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(step_chars(rt, self.text()));
  const std::u32string codes = decode(self.text());
  return Value::boolean(std::any_of(codes.begin(), codes.end(), wanted) &&
                        std::none_of(codes.begin(), codes.end(), other));
}

Result<Value> is_title(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(step_chars(rt, self.text()));
  bool inside = false, any = false;
  for (const char32_t code : decode(self.text())) {
    const bool capital = is_cased(code) && !is_lower(code);
    if (is_cased(code) && capital == inside) return Value::boolean(false);
    inside = is_cased(code);
    any |= inside;
  }
  return Value::boolean(any);
}

Result<Value> zfill(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 0, 0));
  const std::string_view text = self.text();
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  HEARTH_TRY(const std::string digits,
             padded_to(rt, text.substr(sign), std::max<std::int64_t>(width, 1) - static_cast<std::int64_t>(sign), U'0',
                       Side::right));
  return made(rt, self, std::string(text.substr(0, sign)) + digits);
}

template <Side goes> Result<Value> justify(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 0, 0));
  HEARTH_TRY(const std::string_view fill, p.text_or(rt, 1, " "));
  const std::u32string codes = decode(fill);
  if (codes.size() != 1) return failure("a text is filled up with exactly one character");
  HEARTH_TRY(std::string text, padded_to(rt, self.text(), width, codes[0], goes));
  return made(rt, self, std::move(text));
}

template <bool at_end> Result<Value> remove_affix(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string_view affix, p.text_or(rt, 0, ""));
  HEARTH_CHECK(rt.step(self.text().size()));
  std::string_view text = self.text();
  if (at_end && text.ends_with(affix)) text.remove_suffix(affix.size());
  if (!at_end && text.starts_with(affix)) text.remove_prefix(affix.size());
  return made(rt, self, std::string(text));
}

template <bool from_right> Result<Value> partition(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string_view separator, p.text_or(rt, 0, ""));
  HEARTH_CHECK(step_search(rt, self.text(), separator));
  if (separator.empty()) return failure("partition() wants a separator that is not empty");
  const std::string_view text = self.text();
  const std::size_t at = search_for(separator, from_right)(text);
  std::array<std::string_view, 3> parts = {text, "", ""};
  if (at != std::string_view::npos) parts = {text.substr(0, at), separator, text.substr(at + separator.size())};
  else if (from_right) parts = {"", "", text};
  std::vector<Value> items;
  for (const std::string_view piece : parts) items.push_back(made(rt, self, std::string(piece)));
  return rt.tuple(std::move(items));
}

Result<Value> expandtabs(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t size, p.integer_or(rt, 0, 8));
  HEARTH_CHECK(step_chars(rt, self.text()));
  std::string out;
  std::int64_t column = 0;
  for (const char32_t code : decode(self.text())) {
    if (code != '\t') {
      append_char(out, code);
      column = code == '\n' || code == '\r' ? 0 : column + 1;
      continue;
    }
    const std::int64_t n = size > 0 ? size - column % size : 0;
    HEARTH_CHECK(rt.room(out.size() + static_cast<std::uint64_t>(n)));
    HEARTH_CHECK(rt.step(static_cast<std::size_t>(n)));
    out.append(static_cast<std::size_t>(n), ' ');
    column += n;
  }
  return made(rt, self, std::move(out));
}

constexpr std::array kStringMethods = {
    Native{"strip", "chars", 0, strip<Side::both>},
    Native{"lstrip", "chars", 0, strip<Side::left>},
    Native{"rstrip", "chars", 0, strip<Side::right>},
    Native{"split", "sep maxsplit", 0, split<false>},
    Native{"rsplit", "sep maxsplit", 0, split<true>},
    Native{"splitlines", "keepends", 0, splitlines},
    Native{"startswith", "prefix start end", 1, has_affix<false>},
    Native{"endswith", "suffix start end", 1, has_affix<true>},
    Native{"replace", "old new count", 2, replace_in_text},
    Native{"find", "sub start end", 1, find<false, false>},
    Native{"rfind", "sub start end", 1, find<true, false>},
    Native{"index", "sub start end", 1, find<false, true>},
    Native{"rindex", "sub start end", 1, find<true, true>},
    Native{"count", "sub start end", 1, count_occurrences},
    Native{"upper", "", 0, mapped<upper>},
    Native{"lower", "", 0, mapped<lower>},
    Native{"casefold", "", 0, mapped<case_folded>},
    Native{"title", "", 0, mapped<title>},
    Native{"capitalize", "", 0, mapped<capitalize>},
    Native{"swapcase", "", 0, mapped<swap_case>},
    Native{"join", "iterable", 1, join_texts},
    Native{"format", "*", 0, format_braces},
    Native{"isdigit", "", 0, all_are<is_digit>},
    Native{"isdecimal", "", 0, all_are<is_decimal>},
    Native{"isnumeric", "", 0, all_are<is_digit>},
    Native{"isalpha", "", 0, all_are<is_alpha>},
    Native{"isalnum", "", 0, all_are<is_alphanumeric>},
    Native{"isspace", "", 0, all_are<is_space>},
    Native{"isascii", "", 0, is_ascii},
    Native{"isupper", "", 0, cased<is_upper, is_lower>},
    Native{"islower", "", 0, cased<is_lower, is_upper>},
    Native{"istitle", "", 0, is_title},
    Native{"zfill", "width", 1, zfill},
    Native{"center", "width fillchar", 1, justify<Side::both>},
    Native{"ljust", "width fillchar", 1, justify<Side::left>},
    Native{"rjust", "width fillchar", 1, justify<Side::right>},
    Native{"removeprefix", "prefix", 1, remove_affix<false>},
    Native{"removesuffix", "suffix", 1, remove_affix<true>},
    Native{"partition", "sep", 1, partition<false>},
    Native{"rpartition", "sep", 1, partition<true>},
    Native{"expandtabs", "tabsize", 0, expandtabs},
};

}  // namespace

std::span<const Native> string_methods() { return kStringMethods; }

}  // namespace hearth::text::jinja
