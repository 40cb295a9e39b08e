// Enters: any value and a filter's arguments. Leaves: its default, its number, its JSON: Jinja's filters on single values.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "jinja_text_ops.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

Result<Value> default_value(Runtime& rt, const Value& self, const Params& p) {
  const bool missing = self.is(Kind::undefined) || (p.truth_or(1, false) && !truth(self));
  if (!missing) return self;
  return p.given(0) ? p[0] : rt.text("");
}

/// Digits as Python writes numbers, without white space around and single underscores between; empty where they are none.
std::string plain_digits(std::string_view text) {
  text = stripped(text, std::nullopt, Side::both);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') out += text[i];
    else if (i == 0 || i + 1 == text.size() || text[i - 1] == '_') return "";
  }
  return out;
}

enum class Read : std::uint8_t { good, bad, too_large };

Read read_whole(std::string_view text, std::int64_t base, std::int64_t& value) {
  std::string digits = plain_digits(text);
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  const char mark = digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 0x20) : ' ';
  const std::int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked != 0 && (base == 0 || base == marked)) digits.erase(0, 2), base = marked;
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || digits.empty() || digits[0] == '-') return Read::bad;
  digits.insert(0, negative ? "-" : "");
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
  if (read.ptr != digits.data() + digits.size()) return Read::bad;
  return read.ec == std::errc::result_out_of_range ? Read::too_large : read.ec == std::errc() ? Read::good : Read::bad;
}

bool read_real(std::string_view text, double& value) {
  std::string digits = plain_digits(text);
  if (digits.starts_with('+')) digits.erase(0, 1);
  if (digits.empty() || digits[0] == '+' || digits.find('(') != std::string::npos) return false;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ptr != digits.data() + digits.size()) return false;
  if (read.ec == std::errc::result_out_of_range) {  // Python gives infinity or zero
    const std::size_t exponent = digits.find_first_of("eE");
    const bool tiny = exponent != std::string::npos && digits.find('-', exponent) != std::string::npos;
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    if (digits[0] == '-') value = -value;
    return true;
  }
  return read.ec == std::errc();
}

Result<std::optional<std::int64_t>> whole_of(double value) {
  if (!std::isfinite(value)) return std::optional<std::int64_t>();
  if (std::fabs(value) >= 9223372036854775808.0) return failure("the number needs more than 64 bits");
  return std::optional(static_cast<std::int64_t>(value));
}

Result<Value> to_int(Runtime& rt, const Value& self, const Params& p) {
  const Value otherwise = p.given(0) ? p[0] : Value::integer(0);
  HEARTH_TRY(const std::int64_t base, p.integer_or(rt, 1, 10));
  if (self.is(Kind::undefined)) return failure(std::string(self.text()));
  if (self.is_whole()) return Value::integer(self.integer());
  double value = self.is(Kind::real) ? self.real() : 0;
  if (self.is_text()) {
    HEARTH_CHECK(rt.step(self.text().size()));
    std::int64_t whole = 0;
    const Read read = read_whole(self.text(), base, whole);
    if (read == Read::good) return Value::integer(whole);
    if (read == Read::too_large) return failure("the number needs more than 64 bits");
    if (!read_real(self.text(), value)) return otherwise;
  } else if (!self.is(Kind::real)) {
    return otherwise;
  }
  if (self.is(Kind::real) && std::isinf(value)) return failure("infinity is no whole number");
  HEARTH_TRY(const auto whole, whole_of(value));
  return whole ? Value::integer(*whole) : otherwise;
}

Result<Value> to_float(Runtime& rt, const Value& self, const Params& p) {
  const Value otherwise = p.given(0) ? p[0] : Value::real(0);
  if (self.is(Kind::undefined)) return failure(std::string(self.text()));
  if (self.is_number()) return Value::real(self.real());
  if (!self.is_text()) return otherwise;
  HEARTH_CHECK(rt.step(self.text().size()));
  double value = 0;
  return read_real(self.text(), value) ? Value::real(value) : otherwise;
}

Result<Value> absolute(Runtime& rt, const Value& self, const Params&) {
  if (self.is(Kind::real)) return Value::real(std::fabs(self.real()));
  if (self.is_whole()) return self.integer() < 0 ? negated(rt, self) : Value::integer(self.integer());
  return failure("abs() wants a number, not '" + std::string(type_name(self)) + "'");
}

/// To so many decimals, ties to even, decided on the exact binary value.
double round_real(double value, std::int64_t decimals) {
  constexpr std::int64_t most = 323;
  if (!std::isfinite(value) || decimals > most) return value;
  if (decimals < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-std::max<std::int64_t>(decimals, -400)));
    return std::isinf(unit) ? std::copysign(0.0, value) : std::nearbyint(value / unit) * unit;
  }
  std::array<char, 700> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed,
                                     static_cast<int>(decimals));
  double rounded = value;
  std::from_chars(buffer.data(), written.ptr, rounded);
  return rounded;
}

Result<Value> round(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t decimals, p.integer_or(rt, 0, 0));
  HEARTH_TRY(const std::string_view method, p.text_or(rt, 1, "common"));
  if (!self.is_number()) return failure("round() wants a number, not '" + std::string(type_name(self)) + "'");
  if (method == "common") {
    if (self.is(Kind::real)) return Value::real(round_real(self.real(), decimals));
    if (decimals >= 0) return Value::integer(self.integer());
    HEARTH_TRY(const auto rounded, whole_of(round_real(self.real(), decimals)));
    return Value::integer(rounded.value_or(0));
  }
  if (method != "ceil" && method != "floor") return failure("round() knows the methods common, ceil and floor");
  const double unit = std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(decimals, -400, 400)));
  const double scaled = self.real() * unit;
  if (!std::isfinite(scaled) || unit == 0) return failure("round() leaves the range of numbers");
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

/// Never an item, so of a dict its methods alone.
Result<Value> get_attribute(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::string_view name, p.text_or(rt, 0, ""));
  bool mutates = false;
  if (self.is(Kind::dict) && !find_method(self, name, mutates))
    return undefined("'dict object' has no attribute '" + std::string(name) + "'");
  return attribute(rt, self, name);
}

/// As the transformers package defines it for chat templates: json.dumps, nothing escaped for HTML.
Result<Value> tojson(Runtime& rt, const Value& self, const Params& p) {
  JsonStyle style;
  style.ascii = p.truth_or(0, false);
  style.sort_keys = p.truth_or(3, false);
  if (p[1].is_text()) {
    style.indent = std::string(p[1].text());
  } else if (p.given(1) && !p[1].is(Kind::none)) {
    HEARTH_TRY(const std::int64_t width, p.integer_or(rt, 1, 0));
    HEARTH_CHECK(rt.room(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0))));
    style.indent = std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (p.given(2) && !p[2].is(Kind::none)) {
    HEARTH_TRY(const std::vector<Value> separators, elements(rt, p[2]));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text())
      return failure("tojson() wants two separators");
    style.item_separator = std::string(separators[0].text());
    style.key_separator = std::string(separators[1].text());
  }
  HEARTH_TRY(std::string text, to_json(rt, self, style));
  return rt.text(std::move(text));
}

constexpr std::array kValueFilters = {
    Native{"default", "default_value boolean", 0, default_value},
    Native{"d", "default_value boolean", 0, default_value},
    Native{"int", "default base", 0, to_int},
    Native{"float", "default", 0, to_float},
    Native{"abs", "", 0, absolute},
    Native{"round", "precision method", 0, round},
    Native{"attr", "name", 1, get_attribute},
    Native{"tojson", "ensure_ascii indent separators sort_keys", 0, tojson},
};

}  // namespace

std::span<const Native> value_filters() { return kValueFilters; }

}  // namespace hearth::text::jinja
