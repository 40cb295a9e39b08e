// Enters: a format and values. Leaves: the text that Python's % operator or str.format makes of them.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "escape.h"
#include "jinja_runtime.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

constexpr std::int64_t kMaxPrecision = 1000;
constexpr std::int64_t kUnset = -1;

/// How one value is to be written; the same for both ways of formatting.
struct Spec {
  char32_t fill = U' ';
  char align = 0;  // < > ^ =
  char sign = '-';
  bool alternate = false;
  std::int64_t width = 0, precision = kUnset;
  char grouping = 0;
  char type = 0;
};

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

/// Digits with a separator between each three, before any fraction.
std::string grouped(const std::string& digits, char separator) {
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

/// The sign, the prefix and the digits, filled up to the width.
Result<std::string> padded(Runtime& rt, const std::string& head, const std::string& body, const Spec& spec,
                           char otherwise) {
  const std::int64_t length = count_chars(head) + count_chars(body);
  const std::int64_t missing = std::max<std::int64_t>(spec.width - length, 0);
  HEARTH_CHECK(rt.room(4 * static_cast<std::uint64_t>(missing)));
  HEARTH_CHECK(rt.step(static_cast<std::size_t>(missing)));
  const char align = spec.align ? spec.align : otherwise;
  const std::int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  const auto fill = [&](std::int64_t n) { return encode(std::u32string(static_cast<std::size_t>(n), spec.fill)); };
  if (align == '=') return head + fill(missing) + body;
  return fill(left) + head + body + fill(missing - left);
}

Result<std::string> float_digits(double magnitude, const Spec& spec) {
  if (std::isnan(magnitude) || std::isinf(magnitude)) return std::string(std::isnan(magnitude) ? "nan" : "inf");
  if (spec.precision > kMaxPrecision) return failure("a format's precision is above " + std::to_string(kMaxPrecision));
  const char type = static_cast<char>(spec.type | 0x20);
  if (spec.type == 0 && spec.precision == kUnset) return float_text(magnitude);
  const int precision = spec.precision == kUnset ? 6 : static_cast<int>(spec.precision);
  const auto format = type == 'f' || spec.type == '%' ? std::chars_format::fixed
                      : type == 'e'                   ? std::chars_format::scientific
                                                      : std::chars_format::general;
  std::array<char, 1400> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, format,
                                     format == std::chars_format::general ? std::max(precision, 1) : precision);
  std::string digits(buffer.data(), written.ptr);
  if (spec.type == 0 && digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

std::string sign_of(bool negative, const Spec& spec) {
  return negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
}

Result<std::string> format_real(Runtime& rt, double value, const Spec& spec) {
  HEARTH_TRY(std::string digits, float_digits(std::fabs(spec.type == '%' ? value * 100 : value), spec));
  if (spec.type == 'E' || spec.type == 'F' || spec.type == 'G') digits = upper_case(digits);
  if (spec.grouping) digits = grouped(digits, spec.grouping);
  if (spec.type == '%') digits += '%';
  return padded(rt, sign_of(std::signbit(value) && !std::isnan(value), spec), digits, spec, '>');
}

Result<std::string> format_whole(Runtime& rt, std::int64_t value, const Spec& spec) {
  const char type = static_cast<char>(spec.type | 0x20);
  const int base = type == 'x' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  const std::uint64_t magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::array<char, 64> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), written.ptr);
  std::string head = sign_of(value < 0, spec);
  if (spec.alternate && base != 10) head += std::string("0") + type;
  if (spec.type == 'X') digits = upper_case(digits), head = upper_case(head);
  if (spec.grouping) digits = grouped(digits, spec.grouping);
  return padded(rt, head, digits, spec, '>');
}

Result<std::string> format_text(Runtime& rt, std::string text, const Spec& spec, char otherwise) {
  if (spec.precision != kUnset && count_chars(text) > spec.precision)
    text = encode(decode(text).substr(0, static_cast<std::size_t>(spec.precision)));
  return padded(rt, "", text, spec, otherwise);
}

Result<std::string> format_char(Runtime& rt, const Value& value, const Spec& spec) {
  if (value.is_text() && length_of(value) == 1) return format_text(rt, std::string(value.text()), spec, '>');
  const bool is_char = value.is_whole() && value.integer() >= 0 && value.integer() <= 0x10ffff &&
                       !(value.integer() >= 0xd800 && value.integer() < 0xe000);
  if (!is_char) return failure("a format's 'c' wants one character or its number");
  std::string text;
  append_char(text, static_cast<char32_t>(value.integer()));
  return format_text(rt, text, spec, '>');
}

Result<std::int64_t> truncated(const Value& value) {
  if (value.is_whole()) return value.integer();
  if (value.is(Kind::real) && std::fabs(value.real()) < 9.2e18) return static_cast<std::int64_t>(value.real());
  return failure("a format wants a number, not '" + std::string(type_name(value)) + "'");
}

// ---- "…" % values ----------------------------------------------------------------------------------------------------

class Percent {
 public:
  Percent(Runtime& rt, std::string_view format, const Value& values) : rt_(rt), format_(format), values_(values) {
    if (values.is(Kind::tuple)) n_values_ = values.as<Array>().items.size();
  }

  Result<std::string> run() {
    std::string out;
    while (at_ < format_.size()) {
      const std::size_t mark = std::min(format_.find('%', at_), format_.size());
      out += format_.substr(at_, mark - at_);
      at_ = mark + 1;
      if (mark == format_.size()) break;
      HEARTH_TRY(const std::string piece, conversion());
      out += piece;
      HEARTH_CHECK(rt_.room(out.size()));
    }
    const bool has_items = values_.is(Kind::dict) || values_.is(Kind::list) || values_.is(Kind::range) ||
                           values_.is(Kind::undefined);  // where Python asks for a mapping
    if (next_ < n_values_ && !has_items) return failure("a format leaves some of its values over");
    return out;
  }

 private:
  Result<Value> argument() {
    if (next_ >= n_values_) return failure("a format has more marks than values");
    const std::size_t i = next_++;
    return values_.is(Kind::tuple) ? values_.as<Array>().items[i] : values_;
  }

  Result<std::int64_t> number() {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      HEARTH_TRY(const Value given, argument());
      if (!given.is_whole()) return failure("a format's '*' wants a whole number");
      return std::clamp<std::int64_t>(given.integer(), -INT32_MAX, INT32_MAX);
    }
    std::int64_t value = 0;
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_)
      value = std::min<std::int64_t>(value * 10 + (format_[at_] - '0'), INT32_MAX);
    return value;
  }

  Result<std::optional<Value>> key() {
    if (at_ >= format_.size() || format_[at_] != '(') return std::optional<Value>();
    const std::size_t close = format_.find(')', at_);
    if (close == std::string_view::npos || !values_.is(Kind::dict)) return failure("a format's %(key) wants a dict");
    const std::string_view name = format_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    const Value* found = values_.as<Dict>().find(name);
    if (!found) return failure("a format's key '" + escape(name) + "' is not in the dict");
    return std::optional(*found);
  }

  Result<std::string> conversion() {
    HEARTH_CHECK(rt_.step());
    Spec spec;
    HEARTH_TRY(const auto keyed, key());
    bool zero = false;
    for (; at_ < format_.size() && std::string_view("-+ #0").find(format_[at_]) != std::string_view::npos; ++at_) {
      const char flag = format_[at_];
      if (flag == '-') spec.align = '<';
      if (flag == '+' || (flag == ' ' && spec.sign != '+')) spec.sign = flag;
      spec.alternate |= flag == '#';
      zero |= flag == '0';
    }
    HEARTH_TRY(spec.width, number());
    if (spec.width < 0) spec.width = -spec.width, spec.align = '<';
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      HEARTH_TRY(const std::int64_t precision, number());
      spec.precision = std::max<std::int64_t>(precision, 0);
    }
    while (at_ < format_.size() && std::string_view("hlL").find(format_[at_]) != std::string_view::npos) ++at_;
    if (at_ == format_.size()) return failure("a format ends inside a mark");
    spec.type = format_[at_++];
    if (spec.type == '%') return std::string("%");
    HEARTH_TRY(const Value value, keyed ? Result<Value>(*keyed) : argument());
    if (zero && !spec.align && std::string_view("csra").find(spec.type) == std::string_view::npos)
      spec.fill = U'0', spec.align = '=';
    return convert(value, spec);
  }

  Result<std::string> convert(const Value& value, Spec& spec) {
    constexpr std::string_view reals = "eEfFgG", wholes = "diuxXo";
    if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
      HEARTH_TRY(std::string text, spec.type == 's' ? to_text(rt_, value) : to_repr(rt_, value));
      return format_text(rt_, std::move(text), spec, '>');
    }
    if (spec.type == 'c') return format_char(rt_, value, spec);
    if (reals.find(spec.type) != std::string_view::npos) {
      if (!value.is_number()) return failure("a format wants a number, not '" + std::string(type_name(value)) + "'");
      return format_real(rt_, value.real(), spec);
    }
    if (wholes.find(spec.type) == std::string_view::npos)
      return failure("a format has the unknown mark '%" + escape(std::string(1, spec.type)) + "'");
    if (value.is(Kind::real) && std::string_view("xXo").find(spec.type) != std::string_view::npos)
      return failure("a format's '%" + std::string(1, spec.type) + "' wants a whole number");
    HEARTH_TRY(const std::int64_t whole, truncated(value));
    return format_whole(rt_, whole, spec);
  }

  Runtime& rt_;
  std::string_view format_;
  const Value& values_;
  std::size_t at_ = 0, next_ = 0, n_values_ = 1;
};

// ---- "…".format(values) ----------------------------------------------------------------------------------------------

class Brace {
 public:
  Brace(Runtime& rt, const Arguments& arguments) : rt_(rt), arguments_(arguments) {}

  Result<std::string> run(std::string_view format, int depth = 0) {
    if (depth > 1) return failure("a format's fields are nested too deeply");
    std::string out;
    for (std::size_t at = 0; at < format.size();) {
      const char c = format[at];
      if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '{') {
        const std::size_t end = field_end(format, at);
        if (end == std::string_view::npos) return failure("a format has a '{' without its '}'");
        HEARTH_TRY(const std::string piece, field(format.substr(at + 1, end - at - 1), depth));
        out += piece;
        at = end + 1;
        HEARTH_CHECK(rt_.room(out.size()));
      } else if (c == '}') {
        return failure("a format has a '}' without its '{'");
      } else {
        out += c;
        ++at;
      }
    }
    return out;
  }

 private:
  static std::size_t field_end(std::string_view format, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < format.size(); ++i) {
      if (format[i] == '{') ++depth;
      if (format[i] == '}' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  Result<Value> first(std::string_view name) {
    std::size_t number = 0;
    const bool is_number =
        !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (name.empty()) number = next_++;
    if (is_number)
      number = std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc() ? number : SIZE_MAX;
    if (is_number || name.empty()) {
      if (number >= arguments_.positional.size()) return failure("a format has more fields than values");
      return arguments_.positional[number];
    }
    for (const auto& [key, value] : arguments_.named)
      if (key == name) return value;
    return failure("a format's field '" + escape(name) + "' was not given");
  }

  /// name.attribute[key]…
  Result<Value> value_of(std::string_view path) {
    std::size_t at = std::min(path.find_first_of(".["), path.size());
    HEARTH_TRY(Value value, first(path.substr(0, at)));
    while (at < path.size()) {
      const bool bracket = path[at] == '[';
      const std::size_t begin = at + 1;
      const std::size_t end = bracket ? path.find(']', begin) : std::min(path.find_first_of(".[", begin), path.size());
      if (end == std::string_view::npos) return failure("a format's field has a '[' without its ']'");
      const std::string_view part = path.substr(begin, end - begin);
      std::int64_t index = 0;
      const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool is_index = bracket && read.ec == std::errc() && read.ptr == part.data() + part.size();
      HEARTH_TRY(value, !bracket   ? attribute(rt_, value, part)
                        : is_index ? item(rt_, value, Value::integer(index))
                                   : item(rt_, value, rt_.text(std::string(part))));
      at = bracket ? end + 1 : end;
    }
    return value;
  }

  Result<std::string> field(std::string_view text, int depth) {
    HEARTH_CHECK(rt_.step());
    const std::size_t colon = std::min(text.find(':'), text.size());
    std::string_view name = text.substr(0, colon);
    char conversion = 0;
    if (name.size() >= 2 && name[name.size() - 2] == '!') {
      conversion = name.back();
      name.remove_suffix(2);
    }
    HEARTH_TRY(Value value, value_of(name));
    std::string spec;
    if (colon < text.size()) {
      HEARTH_TRY(spec, run(text.substr(colon + 1), depth + 1));
    }
    if (conversion == 's' || conversion == 'r' || conversion == 'a') {
      HEARTH_TRY(std::string converted, conversion == 's' ? to_text(rt_, value) : to_repr(rt_, value));
      value = rt_.text(std::move(converted));
    } else if (conversion != 0) {
      return failure("a format has an unknown conversion");
    }
    HEARTH_TRY(const Spec parsed, parse(spec));
    return write(value, parsed, spec.empty());
  }

  static Result<Spec> parse(const std::string& text) {
    Spec spec;
    const std::u32string codes = decode(text);
    std::size_t at = 0;
    const auto is_one_of = [&](std::size_t i, std::u32string_view set) {
      return i < codes.size() && set.find(codes[i]) != std::u32string_view::npos;
    };
    const auto take = [&](std::u32string_view set) {
      return is_one_of(at, set) ? static_cast<char>(codes[at++]) : '\0';
    };
    const auto number = [&] {
      std::int64_t value = 0;
      while (is_one_of(at, U"0123456789"))
        value = std::min<std::int64_t>(value * 10 + static_cast<std::int64_t>(codes[at++] - U'0'), INT32_MAX);
      return value;
    };
    if (is_one_of(1, U"<>^=")) spec.fill = codes[at++];
    spec.align = take(U"<>^=");
    if (const char sign = take(U"+- ")) spec.sign = sign;
    spec.alternate = take(U"#") != 0;
    if (is_one_of(at, U"0") && !spec.align) spec.fill = U'0', spec.align = '=';
    spec.width = number();
    spec.grouping = take(U",_");
    if (take(U".")) spec.precision = number();
    spec.type = take(U"bcdeEfFgGnosxX%");
    if (at < codes.size()) return failure("the format specifier '" + escape(text) + "' is not understood");
    if (spec.type == 'n') spec.type = 0;
    return spec;
  }

  Result<std::string> write(const Value& value, const Spec& spec, bool plain) {
    if (plain) return to_text(rt_, value);
    constexpr std::string_view reals = "eEfFgG%";
    const bool as_real = spec.type != 0 && reals.find(spec.type) != std::string_view::npos;
    if (value.is(Kind::real) || (value.is_whole() && as_real)) return format_real(rt_, value.real(), spec);
    if (value.is_whole() && spec.type == 'c') return format_char(rt_, value, spec);
    if (value.is_whole() && spec.type != 's') return format_whole(rt_, value.integer(), spec);
    if (!value.is_text() || (spec.type != 0 && spec.type != 's'))
      return failure("a format specifier does not fit a '" + std::string(type_name(value)) + "'");
    return format_text(rt_, std::string(value.text()), spec, '<');
  }

  Runtime& rt_;
  const Arguments& arguments_;
  std::size_t next_ = 0;
};

}  // namespace

Result<Value> percent_format(Runtime& rt, const Value& format, const Value& values) {
  HEARTH_CHECK(rt.step(format.text().size()));
  HEARTH_TRY(std::string text, Percent(rt, format.text(), values).run());
  return rt.text(std::move(text), format.safe());
}

Result<Value> brace_format(Runtime& rt, std::string_view format, const Arguments& arguments) {
  HEARTH_CHECK(rt.step(format.size()));
  HEARTH_TRY(std::string text, Brace(rt, arguments).run(format));
  return rt.text(std::move(text));
}

}  // namespace hearth::text::jinja
