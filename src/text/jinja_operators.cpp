// Enters: operands. Leaves: what Python's operators make of them; an error where Python raises one, or 64 bits are too few.
#include "jinja_operators.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "jinja_text_ops.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

constexpr std::array<std::string_view, 15> kSigns = {
    "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

std::string sign(Op op) { return std::string(kSigns[static_cast<std::size_t>(op)]); }

Error wrong_types(Op op, const Value& a, const Value& b) {
  return failure("'" + sign(op) + "' does not work on '" + std::string(type_name(a)) + "' and '" +
                 std::string(type_name(b)) + "'");
}

Error overflow(Op op) { return failure("the result of '" + sign(op) + "' needs more than 64 bits"); }
Error by_zero() { return failure("division by zero"); }

Result<Value> whole_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return failure("0 has no negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  bool base_fits = true;
  while (exponent > 0) {
    if ((exponent & 1) && (!base_fits || __builtin_mul_overflow(result, base, &result))) return overflow(Op::power);
    exponent >>= 1;
    if (exponent > 0 && base_fits) base_fits = !__builtin_mul_overflow(base, base, &base);
  }
  return Value::integer(result);
}

/// Quotient rounded down, and the remainder that goes with it: it has the divisor's sign.
Result<Value> whole_division(Op op, std::int64_t a, std::int64_t b) {
  if (b == 0) return by_zero();
  if (b == -1) {  // INT64_MIN / -1 has no result, and the remainder is 0 whatever a is
    std::int64_t negative = 0;
    if (op == Op::modulo) return Value::integer(0);
    if (__builtin_sub_overflow(std::int64_t{0}, a, &negative)) return overflow(op);
    return Value::integer(negative);
  }
  const std::int64_t remainder = a % b;
  const bool below = remainder != 0 && (remainder < 0) != (b < 0);
  return Value::integer(op == Op::modulo ? remainder + (below ? b : 0) : a / b - (below ? 1 : 0));
}

Result<Value> whole(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool too_large = false;
  switch (op) {
    case Op::add:
      too_large = __builtin_add_overflow(a, b, &result);
      break;
    case Op::subtract:
      too_large = __builtin_sub_overflow(a, b, &result);
      break;
    case Op::multiply:
      too_large = __builtin_mul_overflow(a, b, &result);
      break;
    case Op::divide:
      if (b == 0) return by_zero();
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case Op::power:
      return whole_power(a, b);
    default:
      return whole_division(op, a, b);
  }
  if (too_large) return overflow(op);
  return Value::integer(result);
}

double float_modulo(double a, double b) {
  const double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double float_floor_divide(double a, double b) {
  const double quotient = (a - float_modulo(a, b)) / b;
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Result<Value> real(Op op, double a, double b) {
  switch (op) {
    case Op::add:
      return Value::real(a + b);
    case Op::subtract:
      return Value::real(a - b);
    case Op::multiply:
      return Value::real(a * b);
    case Op::power:
      if (a == 0 && b < 0) return failure("0 has no negative power");
      if (a < 0 && std::floor(b) != b) return failure("a negative number has no such power");
      return Value::real(std::pow(a, b));
    default:
      break;
  }
  if (b == 0) return by_zero();
  if (op == Op::divide) return Value::real(a / b);
  return Value::real(op == Op::modulo ? float_modulo(a, b) : float_floor_divide(a, b));
}

Result<Value> joined_texts(Runtime& rt, const Value& a, const Value& b) {
  HEARTH_CHECK(rt.step(a.text().size() + b.text().size()));
  if (!a.safe() && !b.safe()) return rt.text(std::string(a.text()).append(b.text()));
  HEARTH_TRY(std::string text, as_html(rt, a));
  HEARTH_TRY(const std::string behind, as_html(rt, b));
  return rt.text(text.append(behind), true);
}

Result<Value> joined_arrays(Runtime& rt, const Value& a, const Value& b) {
  std::vector<Value> items = a.as<Array>().items;
  const auto& more = b.as<Array>().items;
  HEARTH_CHECK(rt.step((items.size() + more.size()) * sizeof(Value)));
  items.insert(items.end(), more.begin(), more.end());
  return a.is(Kind::list) ? rt.list(std::move(items)) : rt.tuple(std::move(items));
}

/// A text or list so many times over.
Result<Value> repeated(Runtime& rt, const Value& what, std::int64_t times) {
  const auto n = static_cast<std::uint64_t>(std::max<std::int64_t>(times, 0));
  const std::uint64_t each = what.is_text() ? what.text().size() : what.as<Array>().items.size() * sizeof(Value);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(each, n, &bytes)) return limit_reached("the text or list would be too long");
  HEARTH_CHECK(rt.room(bytes));
  HEARTH_CHECK(rt.step(bytes));
  if (what.is_text()) {
    std::string text;
    text.reserve(bytes);
    for (std::uint64_t i = 0; i < n && each > 0; ++i) text += what.text();
    return rt.text(std::move(text), what.safe());
  }
  const auto& part = what.as<Array>().items;
  std::vector<Value> items;
  for (std::uint64_t i = 0; i < n && each > 0; ++i) items.insert(items.end(), part.begin(), part.end());
  return what.is(Kind::list) ? rt.list(std::move(items)) : rt.tuple(std::move(items));
}

bool repeatable(const Value& value) { return value.is_text() || value.is_array(); }

}  // namespace

Result<Value> operate(Runtime& rt, Op op, const Value& a, const Value& b) {
  HEARTH_CHECK(rt.step());
  if (op == Op::modulo && a.is_text()) return percent_format(rt, a, b);
  for (const Value* operand : {&a, &b})
    if (operand->is(Kind::undefined)) return failure(std::string(operand->text()));
  if (a.is_whole() && b.is_whole()) return whole(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return real(op, a.real(), b.real());
  if (op == Op::add && a.is_text() && b.is_text()) return joined_texts(rt, a, b);
  if (op == Op::add && a.is_array() && a.kind() == b.kind()) return joined_arrays(rt, a, b);
  if (op == Op::multiply && repeatable(a) && b.is_whole()) return repeated(rt, a, b.integer());
  if (op == Op::multiply && repeatable(b) && a.is_whole()) return repeated(rt, b, a.integer());
  return wrong_types(op, a, b);
}

Result<Value> negated(Runtime& rt, const Value& value) {
  if (value.is(Kind::real)) return Value::real(-value.real());
  if (value.is_whole()) return operate(rt, Op::subtract, Value::integer(0), value);
  if (value.is(Kind::undefined)) return failure(std::string(value.text()));
  return failure("'-' does not work on '" + std::string(type_name(value)) + "'");
}

Result<bool> same(Runtime& rt, const Value& a, const Value& b) {
  const bool result = equal(a, b, rt.steps_left());
  HEARTH_CHECK(rt.step());
  return result;
}

Result<bool> less(Runtime& rt, const Value& a, const Value& b) {
  const Runtime::Level level(rt);
  HEARTH_CHECK(rt.step());
  if (a.is_whole() && b.is_whole()) return a.integer() < b.integer();
  if (a.is_number() && b.is_number()) return a.real() < b.real();
  if (a.is_text() && b.is_text()) {
    HEARTH_CHECK(rt.step(std::min(a.text().size(), b.text().size())));
    return a.text() < b.text();  // UTF-8 sorts as its characters do
  }
  if (!a.is_array() || a.kind() != b.kind()) return wrong_types(Op::less, a, b);
  const auto &x = a.as<Array>().items, &y = b.as<Array>().items;
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
    HEARTH_TRY(const bool equal_so_far, same(rt, x[i], y[i]));
    if (!equal_so_far) return less(rt, x[i], y[i]);
  }
  return x.size() < y.size();
}

Result<bool> contains(Runtime& rt, const Value& container, const Value& element) {
  if (container.is_text()) {
    if (!element.is_text())
      return failure("'in' a string wants a string, not '" + std::string(type_name(element)) + "'");
    HEARTH_CHECK(step_search(rt, container.text(), element.text()));
    return search_for(element.text())(container.text()) != std::string_view::npos;
  }
  if (container.is(Kind::dict)) {
    HEARTH_CHECK(check_key(rt, element));
    return container.as<Dict>().find(element) != nullptr;
  }
  HEARTH_TRY(Cursor cursor, Cursor::over(container));
  for (;;) {
    HEARTH_TRY(const auto next, cursor.next(rt));
    if (!next) return false;
    HEARTH_TRY(const bool found, same(rt, *next, element));
    if (found) return true;
  }
}

Result<bool> compare(Runtime& rt, Op op, const Value& a, const Value& b) {
  if (op == Op::equal) return same(rt, a, b);
  if (op == Op::in) return contains(rt, b, a);
  if (op == Op::unequal || op == Op::not_in) {
    HEARTH_TRY(const bool opposite, compare(rt, op == Op::unequal ? Op::equal : Op::in, a, b));
    return !opposite;
  }
  for (const Value* operand : {&a, &b})
    if (operand->is(Kind::undefined)) return failure(std::string(operand->text()));
  const bool nan = (a.is_number() && std::isnan(a.real())) || (b.is_number() && std::isnan(b.real()));
  if (op == Op::less) return less(rt, a, b);
  if (op == Op::greater) return less(rt, b, a);
  HEARTH_TRY(const bool opposite, op == Op::less_equal ? less(rt, b, a) : less(rt, a, b));
  return !opposite && !nan;
}

}  // namespace hearth::text::jinja
