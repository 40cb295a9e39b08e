// Enters: a value and a filter's arguments. Leaves: what Jinja's filters on text make of it.
#include <algorithm>
#include <array>
#include <cmath>

#include "jinja_runtime.h"
#include "jinja_text_ops.h"
#include "jinja_unicode.h"
#include "jinja_word_wrap.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

/// A string as it is, anything else as str() writes it.
Result<Value> soft_text(Runtime& rt, const Value& self) {
  if (self.is_text()) return self;
  HEARTH_TRY(std::string text, to_text(rt, self));
  return rt.text(std::move(text));
}

/// A filter that is a string's method of the same name.
template <const char* method> Result<Value> as_method(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const Value text, soft_text(rt, self));
  const Native* row = find_native(string_methods(), method);
  return row->fn(rt, text, p);
}
constexpr char kUpper[] = "upper", kLower[] = "lower", kCapitalize[] = "capitalize", kTrim[] = "strip";

Result<Value> title_words(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const Value text, soft_text(rt, self));
  HEARTH_CHECK(step_chars(rt, text.text()));
  constexpr std::u32string_view borders = U"-({[<";
  std::u32string out;
  bool begins = true;
  for (const char32_t code : decode(text.text())) {
    const std::u32string_view one(&code, 1);
    const bool border = borders.find(code) != std::u32string_view::npos || is_space(code);
    out += begins ? upper(one) : lower(one);
    begins = border;
  }
  return rt.text(encode(out));
}

Result<Value> replace_in_any(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string text, to_text(rt, self));
  HEARTH_TRY(const std::string old, to_text(rt, p[0]));
  HEARTH_TRY(const std::string with, to_text(rt, p[1]));
  HEARTH_TRY(const std::int64_t most, p[2].is(Kind::none) ? Result<std::int64_t>(-1) : p.integer_or(rt, 2, -1));
  HEARTH_TRY(std::string out, replaced(rt, text, old, with, most));
  return rt.text(std::move(out));
}

Result<Value> center(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const Value text, soft_text(rt, self));
  HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 0, 80));
  HEARTH_TRY(std::string out, padded_to(rt, text.text(), width, U' ', Side::both));
  return rt.text(std::move(out), text.safe());
}

Result<Value> indent(Runtime& rt, const Value& self, const Params& p) {
  if (!self.is_text()) return failure("indent() wants a string, not '" + std::string(type_name(self)) + "'");
  std::string indention;
  if (p.given(0) && p[0].is_text()) {
    indention = std::string(p[0].text());
  } else {
    HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 0, 4));
    HEARTH_CHECK(rt.room(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0))));
    indention.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  HEARTH_CHECK(step_lines(rt, self.text()));
  std::vector<std::string_view> lines = split_lines(self.text(), false);
  const bool ends_line = self.text().empty() || split_lines(self.text(), true).back().size() != lines.back().size();
  if (ends_line) lines.emplace_back();  // what stands behind the last line end
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    const bool indented = i == 0 ? p.truth_or(1, false) : p.truth_or(2, false) || !lines[i].empty();
    HEARTH_CHECK(rt.step(indention.size()));
    HEARTH_CHECK(rt.room(out.size() + indention.size()));
    if (indented) out += indention;
    out += lines[i];
  }
  return rt.text(std::move(out), self.safe());
}

Result<Value> truncate(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t length, p.integer_or(rt, 0, 255));
  HEARTH_TRY(const std::string_view end, p.text_or(rt, 2, "..."));
  HEARTH_TRY(const std::int64_t leeway, p[3].is(Kind::none) ? Result<std::int64_t>(5) : p.integer_or(rt, 3, 5));
  const std::int64_t n_end = count_chars(end);
  if (length < n_end || leeway < 0)
    return failure("truncate() wants a length that holds its end, and a leeway of 0 or more");
  const std::int64_t n = length_of(self);
  if (n >= 0 && n - leeway <= length) return self;
  if (!self.is_text()) return failure("truncate() wants a string, not '" + std::string(type_name(self)) + "'");
  HEARTH_CHECK(step_chars(rt, self.text()));
  std::string out = encode(decode(self.text()).substr(0, static_cast<std::size_t>(length - n_end)));
  if (!p.truth_or(1, false)) out = out.substr(0, out.rfind(' '));
  return rt.text(out.append(end));
}

Result<Value> wordwrap(Runtime& rt, const Value& self, const Params& p) {
  if (!self.is_text()) return failure("wordwrap() wants a string, not '" + std::string(type_name(self)) + "'");
  HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 0, 79));
  HEARTH_TRY(const std::string_view separator,
             p[2].is(Kind::none) ? Result<std::string_view>("\n") : p.text_or(rt, 2, "\n"));
  if (width < 1) return failure("wordwrap() wants a width of 1 or more");
  HEARTH_CHECK(step_chars(rt, self.text()));
  HEARTH_CHECK(rt.room(sizeof(std::string) * self.text().size()));  // where each character is a line
  std::vector<std::string> lines;
  for (const std::string_view paragraph : split_lines(self.text(), false)) {
    const std::vector<std::string> wrapped =
        word_wrapped(paragraph, static_cast<std::size_t>(width), p.truth_or(1, true), p.truth_or(3, true));
    HEARTH_TRY(std::string line, joined(rt, separator, wrapped));
    lines.push_back(std::move(line));
  }
  HEARTH_TRY(std::string out, joined(rt, separator, lines));
  return rt.text(std::move(out));
}

Result<Value> wordcount(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const Value text, soft_text(rt, self));
  HEARTH_CHECK(step_chars(rt, text.text()));
  std::int64_t n = 0;
  bool inside = false;
  for (const char32_t code : decode(text.text())) {
    const bool word = is_alpha(code) || is_digit(code) || code == '_';
    n += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(n);
}

Result<Value> format_percent(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const Value text, soft_text(rt, self));
  if (!p.rest.positional.empty() && !p.rest.named.empty()) return failure("format() takes values or names, not both");
  if (p.rest.named.empty()) return percent_format(rt, text, rt.tuple(p.rest.positional));
  auto dict = std::make_shared<Dict>();
  for (const auto& [name, value] : p.rest.named) dict->set(rt.text(name), value);
  return percent_format(rt, text, rt.dict(dict));
}

Result<Value> escape_html(Runtime& rt, const Value& self, const Params&) {
  if (self.safe()) return self;
  HEARTH_TRY(const std::string text, to_text(rt, self));
  HEARTH_TRY(std::string escaped, escaped_html(rt, text));
  return rt.text(std::move(escaped), true);
}

Result<Value> force_escape(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const std::string text, to_text(rt, self));
  HEARTH_TRY(std::string escaped, escaped_html(rt, text));
  return rt.text(std::move(escaped), true);
}

Result<Value> mark_safe(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(std::string text, to_text(rt, self));
  return rt.text(std::move(text), true);
}

Result<Value> string(Runtime& rt, const Value& self, const Params&) { return soft_text(rt, self); }

/// Without comments, then without tags.
std::string without_tags(std::string text) {
  const auto cut = [&text](std::string_view open, std::string_view close) {
    std::string out;
    std::size_t at = 0;
    for (;;) {
      const std::size_t begin = text.find(open, at);
      const std::size_t end = begin == std::string::npos ? begin : text.find(close, begin + open.size());
      if (end == std::string::npos) return out.append(text, at);
      out.append(text, at, begin - at);
      at = end + close.size();
    }
  };
  text = cut("<!--", "-->");
  return cut("<", ">");
}

Result<Value> striptags(Runtime& rt, const Value& self, const Params&) {
  struct Entity {
    std::string_view written, meant;
  };
  constexpr std::array entities = {Entity{"&lt;", "<"},   Entity{"&gt;", ">"},  Entity{"&quot;", "\""},
                                   Entity{"&#34;", "\""}, Entity{"&#39;", "'"}, Entity{"&amp;", "&"}};
  HEARTH_TRY(const std::string text, to_text(rt, self));
  HEARTH_CHECK(step_chars(rt, text));
  HEARTH_CHECK(rt.room(sizeof(std::string) * text.size() / 2));  // where each second character is a word
  const std::string bare = without_tags(text);
  std::vector<std::string> words;
  for (const std::string_view word : split_on_space(bare, -1, false)) words.emplace_back(word);
  HEARTH_TRY(std::string out, joined(rt, " ", words));
  for (const Entity& entity : entities) {
    HEARTH_TRY(out, replaced(rt, out, entity.written, entity.meant, -1));
  }
  return rt.text(std::move(out));
}

Result<std::string> url_quoted(Runtime& rt, std::string_view text, bool for_query) {
  constexpr std::string_view digits = "0123456789ABCDEF", kept = "_.-~";
  HEARTH_CHECK(rt.step(3 * text.size()));
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kept.find(c) != std::string_view::npos || (c == '/' && !for_query);
    if (plain) out += c;
    else if (c == ' ' && for_query) out += '+';
    else out.append("%").append(1, digits[static_cast<unsigned char>(c) >> 4]).append(1, digits[c & 15]);
  }
  return out;
}

Result<Value> urlencode(Runtime& rt, const Value& self, const Params&) {
  if (self.is_text() || !Cursor::over(self)) {
    HEARTH_TRY(const std::string text, to_text(rt, self));
    HEARTH_TRY(std::string quoted, url_quoted(rt, text, false));
    return rt.text(std::move(quoted));
  }
  std::vector<std::string> pairs;
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  for (const Value& value : items) {
    if (!self.is(Kind::dict) && (!value.is_array() || value.as<Array>().items.size() != 2))
      return failure("urlencode() wants pairs");
    HEARTH_TRY(const std::string key, to_text(rt, self.is(Kind::dict) ? value : value.as<Array>().items[0]));
    HEARTH_TRY(const std::string of,
               to_text(rt, self.is(Kind::dict) ? *self.as<Dict>().find(value) : value.as<Array>().items[1]));
    HEARTH_TRY(std::string pair, url_quoted(rt, key, true));
    HEARTH_TRY(const std::string quoted, url_quoted(rt, of, true));
    pairs.push_back(pair.append("=").append(quoted));
  }
  HEARTH_TRY(std::string out, joined(rt, "&", pairs));
  return rt.text(std::move(out));
}

Result<Value> xmlattr(Runtime& rt, const Value& self, const Params& p) {
  if (!self.is(Kind::dict)) return failure("xmlattr() wants a dict, not '" + std::string(type_name(self)) + "'");
  std::string out;
  for (const auto& [key, value] : self.as<Dict>().entries) {
    if (value.is(Kind::none) || value.is(Kind::undefined)) continue;
    HEARTH_TRY(const std::string name, to_text(rt, key));
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      return failure("an attribute's name holds a space, '/', '>' or '='");
    HEARTH_TRY(const std::string text, to_text(rt, value));
    HEARTH_TRY(const std::string shown_name, escaped_html(rt, name));
    HEARTH_TRY(const std::string shown, value.safe() ? Result<std::string>(text) : escaped_html(rt, text));
    out.append(out.empty() ? "" : " ").append(shown_name).append("=\"").append(shown).append("\"");
    HEARTH_CHECK(rt.room(out.size()));
  }
  return rt.text(!out.empty() && p.truth_or(0, true) ? " " + out : out);
}

Result<Value> filesizeformat(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const Value number, call_native(rt, *find_filter("float"), self, {{Value::none()}, {}}));
  if (!number.is_number()) return failure("filesizeformat() wants a number");
  const bool binary = p.truth_or(0, false);
  const double base = binary ? 1024 : 1000, bytes = number.real();
  constexpr std::string_view prefixes = "kMGTPEZY";
  if (!std::isfinite(bytes)) return failure("filesizeformat() wants a finite number");
  if (bytes == 1) return rt.text("1 Byte");
  if (bytes < base && std::fabs(bytes) < 1e18)
    return rt.text(std::to_string(static_cast<std::int64_t>(bytes)) + " Bytes");
  double unit = base;
  std::size_t i = 0;
  for (; i + 1 < prefixes.size() && bytes >= unit * base; ++i) unit *= base;
  HEARTH_TRY(const Value shown, percent_format(rt, rt.text("%.1f"), Value::real(bytes / unit)));
  const char prefix = binary && i == 0 ? 'K' : prefixes[i];
  return rt.text(std::string(shown.text()) + " " + prefix + (binary ? "iB" : "B"));
}

constexpr std::array kTextFilters = {
    Native{"upper", "", 0, as_method<kUpper>},
    Native{"lower", "", 0, as_method<kLower>},
    Native{"capitalize", "", 0, as_method<kCapitalize>},
    Native{"trim", "chars", 0, as_method<kTrim>},
    Native{"title", "", 0, title_words},
    Native{"replace", "old new count", 2, replace_in_any},
    Native{"center", "width", 0, center},
    Native{"indent", "width first blank", 0, indent},
    Native{"truncate", "length killwords end leeway", 0, truncate},
    Native{"wordwrap", "width break_long_words wrapstring break_on_hyphens", 0, wordwrap},
    Native{"wordcount", "", 0, wordcount},
    Native{"format", "*", 0, format_percent},
    Native{"escape", "", 0, escape_html},
    Native{"e", "", 0, escape_html},
    Native{"forceescape", "", 0, force_escape},
    Native{"safe", "", 0, mark_safe},
    Native{"string", "", 0, string},
    Native{"striptags", "", 0, striptags},
    Native{"urlencode", "", 0, urlencode},
    Native{"xmlattr", "autospace", 0, xmlattr},
    Native{"filesizeformat", "binary", 0, filesizeformat},
};

}  // namespace

Result<std::string> escaped_html(Runtime& rt, std::string_view text) {
  constexpr std::string_view letters = "&<>'\"";
  constexpr std::array<std::string_view, 5> names = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
  HEARTH_CHECK(rt.step(names[0].size() * text.size()));
  std::string out;
  for (const char c : text) {
    const std::size_t at = letters.find(c);
    if (at == std::string_view::npos) out += c;
    else out += names[at];
  }
  return out;
}

Result<std::string> as_html(Runtime& rt, const Value& text) {
  return text.safe() ? Result<std::string>(std::string(text.text())) : escaped_html(rt, text.text());
}

std::span<const Native> text_filters() { return kTextFilters; }

}  // namespace hearth::text::jinja
