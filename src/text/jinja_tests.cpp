// Enters: a value and what follows "is". Leaves: true or false; the table of Jinja's tests.
#include <array>

#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

template <Kind... kinds> Result<Value> is_kind(Runtime&, const Value& self, const Params&) {
  return Value::boolean((self.is(kinds) || ...));
}

Result<Value> is_defined(Runtime&, const Value& self, const Params&) {
  return Value::boolean(!self.is(Kind::undefined));
}

Result<Value> is_true(Runtime&, const Value& self, const Params&) {
  return Value::boolean(self.is(Kind::boolean) && self.integer() != 0);
}

Result<Value> is_false(Runtime&, const Value& self, const Params&) {
  return Value::boolean(self.is(Kind::boolean) && self.integer() == 0);
}

Result<Value> is_sequence(Runtime&, const Value& self, const Params&) {
  return Value::boolean(length_of(self) >= 0 && !self.is(Kind::view));
}

Result<Value> is_iterable(Runtime&, const Value& self, const Params&) {
  return Value::boolean(static_cast<bool>(Cursor::over(self)) || self.is(Kind::loop));
}

Result<Value> is_callable(Runtime&, const Value& self, const Params&) {
  return Value::boolean(self.is(Kind::callable) || self.is(Kind::loop) || self.is(Kind::undefined));
}

Result<Value> is_escaped(Runtime&, const Value& self, const Params&) { return Value::boolean(self.safe()); }

Result<Value> remainder(Runtime& rt, const Value& self, const Value& divisor) {
  return operate(rt, Op::modulo, self, divisor);
}

Result<Value> is_odd(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const Value left, remainder(rt, self, Value::integer(2)));
  return Value::boolean(left.is_number() && left.real() == 1);
}

Result<Value> is_even(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const Value left, remainder(rt, self, Value::integer(2)));
  return Value::boolean(left.is_number() && left.real() == 0);
}

Result<Value> is_divisible_by(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const Value left, remainder(rt, self, p[0]));
  return Value::boolean(left.is_number() && left.real() == 0);
}

template <Op op> Result<Value> compares(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const bool result, compare(rt, op, self, p[0]));
  return Value::boolean(result);
}

Result<Value> is_same_as(Runtime&, const Value& self, const Params& p) {
  if (self.kind() != p[0].kind()) return Value::boolean(false);
  if (self.is_whole()) return Value::boolean(self.integer() == p[0].integer());
  if (self.is_text()) return Value::boolean(self.text() == p[0].text());
  return Value::boolean(self.is(Kind::none) || (self.object() && self.object() == p[0].object()));
}

template <bool (*wanted)(char32_t), bool (*other)(char32_t)>
Result<Value> is_cased_like(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(const std::string text, to_text(rt, self));
  bool any = false;
  for (const char32_t code : decode(text)) {
    if (other(code)) return Value::boolean(false);
    any |= wanted(code);
  }
  return Value::boolean(any);
}

Result<Value> is_filter(Runtime&, const Value& self, const Params&) {
  return Value::boolean(self.is_text() && find_filter(self.text()) != nullptr);
}

Result<Value> is_test(Runtime&, const Value& self, const Params&) {
  return Value::boolean(self.is_text() && find_test(self.text()) != nullptr);
}

constexpr std::array kTests = {
    Native{"defined", "", 0, is_defined},
    Native{"undefined", "", 0, is_kind<Kind::undefined>},
    Native{"none", "", 0, is_kind<Kind::none>},
    Native{"boolean", "", 0, is_kind<Kind::boolean>},
    Native{"true", "", 0, is_true},
    Native{"false", "", 0, is_false},
    Native{"integer", "", 0, is_kind<Kind::integer>},
    Native{"float", "", 0, is_kind<Kind::real>},
    Native{"number", "", 0, is_kind<Kind::integer, Kind::real, Kind::boolean>},
    Native{"string", "", 0, is_kind<Kind::string>},
    Native{"mapping", "", 0, is_kind<Kind::dict>},
    Native{"sequence", "", 0, is_sequence},
    Native{"iterable", "", 0, is_iterable},
    Native{"callable", "", 0, is_callable},
    Native{"escaped", "", 0, is_escaped},
    Native{"odd", "", 0, is_odd},
    Native{"even", "", 0, is_even},
    Native{"divisibleby", "num", 1, is_divisible_by},
    Native{"eq", "other", 1, compares<Op::equal>},
    Native{"equalto", "other", 1, compares<Op::equal>},
    Native{"==", "other", 1, compares<Op::equal>},
    Native{"ne", "other", 1, compares<Op::unequal>},
    Native{"!=", "other", 1, compares<Op::unequal>},
    Native{"lt", "other", 1, compares<Op::less>},
    Native{"lessthan", "other", 1, compares<Op::less>},
    Native{"<", "other", 1, compares<Op::less>},
    Native{"le", "other", 1, compares<Op::less_equal>},
    Native{"<=", "other", 1, compares<Op::less_equal>},
    Native{"gt", "other", 1, compares<Op::greater>},
    Native{"greaterthan", "other", 1, compares<Op::greater>},
    Native{">", "other", 1, compares<Op::greater>},
    Native{"ge", "other", 1, compares<Op::greater_equal>},
    Native{">=", "other", 1, compares<Op::greater_equal>},
    Native{"in", "seq", 1, compares<Op::in>},
    Native{"sameas", "other", 1, is_same_as},
    Native{"upper", "", 0, is_cased_like<is_upper, is_lower>},
    Native{"lower", "", 0, is_cased_like<is_lower, is_upper>},
    Native{"filter", "", 0, is_filter},
    Native{"test", "", 0, is_test},
};

}  // namespace

const Native* find_test(std::string_view name) { return find_native(kTests, name); }

}  // namespace hearth::text::jinja
