// Enters: texts. Leaves: the pieces that methods and filters share: stripped, split, padded.
#include "jinja_text_ops.h"

#include <algorithm>

#include "jinja_unicode.h"
#include "try.h"
#include "utf8.h"

namespace hearth::text::jinja {
namespace {

char32_t char_at(std::string_view text, std::size_t begin) {
  return decode(text.substr(begin, char_bytes(text[begin])))[0];
}

std::size_t last_char(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && !is_utf8_begin(text[begin])) --begin;
  return begin;
}

bool has(Side side, Side one) { return (static_cast<int>(side) & static_cast<int>(one)) != 0; }

}  // namespace

Result<void> step_chars(Runtime& rt, std::string_view text) {
  constexpr std::size_t bytes_a_step = 16;
  rt.steps_left() -= static_cast<std::int64_t>(text.size() / bytes_a_step);
  return rt.step(sizeof(char32_t) * text.size());
}

Result<void> step_lines(Runtime& rt, std::string_view text) {
  HEARTH_CHECK(rt.room(sizeof(std::string_view) * text.size()));
  return step_chars(rt, text);
}

/// For more than a few letters the way of Knuth, Morris and Pratt (1977): `border[i]` is how much of the beginning of `sought`
/// is found again, when what stood behind its letter i does not fit.
Search search_for(std::string_view sought, bool from_right) {
  constexpr std::size_t few = 16;  // so many times a text's length are few steps, and most searches are for less
  constexpr auto npos = std::string_view::npos;
  if (sought.size() <= few)
    return [=](std::string_view text) { return from_right ? text.rfind(sought) : text.find(sought); };
  const auto letter = [=](std::string_view of, std::size_t i) { return of[from_right ? of.size() - 1 - i : i]; };
  std::vector<std::size_t> border(sought.size());
  const auto fitting = [=](const std::vector<std::size_t>& known, std::size_t n, char next) {
    while (n > 0 && letter(sought, n) != next) n = known[n - 1];
    return letter(sought, n) == next ? n + 1 : 0;
  };
  for (std::size_t i = 1; i < sought.size(); ++i) border[i] = fitting(border, border[i - 1], letter(sought, i));
  return [=](std::string_view text) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      n = fitting(border, n, letter(text, i));
      if (n == sought.size()) return from_right ? text.size() - 1 - i : i + 1 - n;
    }
    return npos;
  };
}

Result<void> step_search(Runtime& rt, std::string_view text, std::string_view sought) {
  HEARTH_CHECK(rt.step(sizeof(std::size_t) * sought.size()));
  return step_chars(rt, text);
}

std::string_view stripped(std::string_view text, const std::optional<std::string_view>& chars, Side side) {
  std::u32string set = chars ? decode(*chars) : std::u32string();
  std::sort(set.begin(), set.end());
  const auto goes = [&](char32_t code) {
    return chars ? std::binary_search(set.begin(), set.end(), code) : is_space(code);
  };
  while (has(side, Side::left) && !text.empty() && goes(char_at(text, 0))) text.remove_prefix(char_bytes(text[0]));
  while (has(side, Side::right) && !text.empty() && goes(char_at(text, last_char(text))))
    text = text.substr(0, last_char(text));
  return text;
}

std::vector<std::string_view> split_on_space(std::string_view text, std::int64_t most, bool from_right) {
  std::vector<std::string_view> parts;
  text = stripped(text, std::nullopt, from_right ? Side::right : Side::left);
  if (from_right) {
    for (; !text.empty() && most != 0; --most) {
      std::size_t begin = text.size();
      while (begin > 0 && !is_space(char_at(text, last_char(text.substr(0, begin)))))
        begin = last_char(text.substr(0, begin));
      parts.push_back(text.substr(begin));
      text = stripped(text.substr(0, begin), std::nullopt, Side::right);
    }
    if (!text.empty()) parts.push_back(text);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  while (!text.empty()) {
    std::size_t end = 0;
    if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) end = text.size();
    while (end < text.size() && !is_space(char_at(text, end))) end += char_bytes(text[end]);
    parts.push_back(text.substr(0, end));
    text = stripped(text.substr(end), std::nullopt, Side::left);
  }
  return parts;
}

std::vector<std::string_view> split_on(std::string_view text, std::string_view separator, std::int64_t most,
                                       bool from_right) {
  std::vector<std::string_view> parts;
  const Search search = search_for(separator, from_right);
  const auto may_split = [&] { return most < 0 || static_cast<std::int64_t>(parts.size()) < most; };
  for (;;) {
    const std::size_t at = may_split() ? search(text) : std::string_view::npos;
    if (at == std::string_view::npos) break;
    parts.push_back(from_right ? text.substr(at + separator.size()) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(at + separator.size());
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at + char_bytes(text[at]);
    const char32_t code = char_at(text, at);
    if (is_line_end(code)) {
      if (code == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(begin, (keep_ends ? next : at) - begin));
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

Result<std::string> replaced(Runtime& rt, std::string_view text, std::string_view old, std::string_view with,
                             std::int64_t most) {
  HEARTH_CHECK(step_search(rt, text, old));
  std::string out;
  const auto put = [&](std::string_view piece) -> Result<void> {
    out += with;
    out += piece;
    HEARTH_CHECK(rt.step(with.size()));
    return rt.room(out.size());
  };
  std::int64_t n = 0;
  if (old.empty()) {  // before each character and at the end
    for (std::size_t at = 0; at <= text.size(); ++n) {
      if (most >= 0 && n >= most) return out.append(text.substr(at));
      const std::size_t length = at < text.size() ? char_bytes(text[at]) : 0;
      HEARTH_CHECK(put(text.substr(at, length)));
      at += std::max<std::size_t>(length, 1);
    }
    return out;
  }
  const Search search = search_for(old);
  for (std::size_t at = search(text); at != std::string_view::npos && (most < 0 || n < most); ++n) {
    out += text.substr(0, at);
    HEARTH_CHECK(put({}));
    text.remove_prefix(at + old.size());
    at = search(text);
  }
  return out.append(text);
}

Result<std::string> padded_to(Runtime& rt, std::string_view text, std::int64_t width, char32_t fill, Side text_goes) {
  const std::int64_t n_chars = count_chars(text), missing = std::max(width, n_chars) - n_chars;
  HEARTH_CHECK(rt.room(4 * static_cast<std::uint64_t>(std::min<std::int64_t>(missing, INT64_MAX / 8))));
  HEARTH_CHECK(rt.step(static_cast<std::size_t>(missing) + text.size()));
  // Python puts the odd one of a centred text to the left when the width is odd.
  const std::int64_t left = text_goes == Side::left    ? 0
                            : text_goes == Side::right ? missing
                                                       : missing / 2 + (missing & width & 1);
  const auto filled = [&](std::int64_t n) { return encode(std::u32string(static_cast<std::size_t>(n), fill)); };
  return filled(left).append(text) + filled(missing - left);
}

Result<std::string> joined(Runtime& rt, std::string_view separator, const std::vector<std::string>& parts) {
  std::size_t bytes = 0;
  for (const std::string& part : parts) bytes += part.size() + separator.size();
  HEARTH_CHECK(rt.step(bytes));
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

Result<Value> text_list(Runtime& rt, const std::vector<std::string_view>& parts, bool safe) {
  HEARTH_CHECK(rt.room(parts.size() * (sizeof(Text) + sizeof(Value))));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(rt.text(std::string(part), safe));
  return rt.list(std::move(items));
}

}  // namespace hearth::text::jinja
