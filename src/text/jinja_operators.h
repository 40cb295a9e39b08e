// Enters: operands. Leaves: what Python's operators make of them; an error where Python raises one, or 64 bits are too few.
#pragma once

#include "jinja_ast.h"
#include "jinja_runtime.h"

namespace hearth::text::jinja {

Result<Value> operate(Runtime& rt, Op op, const Value& a, const Value& b);
Result<Value> negated(Runtime& rt, const Value& value);
Result<bool> compare(Runtime& rt, Op op, const Value& a, const Value& b);
/// a < b; an error for values without an order.
Result<bool> less(Runtime& rt, const Value& a, const Value& b);
Result<bool> same(Runtime& rt, const Value& a, const Value& b);
Result<bool> contains(Runtime& rt, const Value& container, const Value& element);

}  // namespace hearth::text::jinja
