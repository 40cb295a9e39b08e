// Enters: expressions. Leaves: their values.
#include "jinja_evaluator.h"
#include "jinja_operators.h"
#include "try.h"

namespace hearth::text::jinja {

Result<Value> Evaluator::evaluate(Node node) {
  if (node == kNoNode) return piped_;
  return evaluate(ast_.expr(node));
}

/// Calls inside each other stand on the stack, so what an expression needs stays with its own kind.
Result<Value> Evaluator::evaluate(const Expr& expr) {
  const Runtime::Level level(rt_);
  rt_.line = expr.line;
  HEARTH_CHECK(rt_.step());
  switch (expr.kind) {
    case ExprKind::constant:
      return expr.value;
    case ExprKind::name:
      return name(expr);
    case ExprKind::list:
    case ExprKind::tuple:
      return array(expr);
    case ExprKind::dict:
      return dict(expr);
    case ExprKind::attribute:
      return dotted(expr);
    case ExprKind::item:
      return indexed(expr);
    case ExprKind::slice:
      return failure("a slice stands alone between its brackets");
    case ExprKind::call:
      return called(expr, {});
    case ExprKind::filter:
      return filtered(expr);
    case ExprKind::test:
      return tested(expr);
    case ExprKind::negate:
    case ExprKind::plus:
    case ExprKind::logical_not:
      return unary(expr);
    case ExprKind::logical_and:
    case ExprKind::logical_or:
      return logical(expr);
    case ExprKind::binary:
      return binary(expr);
    case ExprKind::compare:
      return compared(expr);
    case ExprKind::concat:
      return concatenated(expr);
    case ExprKind::conditional:
      return conditional(expr);
  }
  return failure("unknown expression");
}

Result<Value> Evaluator::name(const Expr& expr) {
  count_names();
  if (const Value* found = scope_->find(expr.text)) return *found;
  if (const Value* found = variables_.as<Dict>().find(expr.text)) return *found;
  if (const Native* row = find_global(expr.text)) return native_value(rt_, *row, Value());
  return undefined("'" + expr.text + "' is undefined");
}

Result<std::vector<Value>> Evaluator::all(const std::vector<Node>& nodes) {
  std::vector<Value> values;
  values.reserve(nodes.size());
  for (const Node node : nodes) {
    HEARTH_TRY(Value value, evaluate(node));
    values.push_back(std::move(value));
  }
  return values;
}

Result<Value> Evaluator::array(const Expr& expr) {
  HEARTH_TRY(std::vector<Value> items, all(expr.items));
  return expr.kind == ExprKind::list ? rt_.list(std::move(items)) : rt_.tuple(std::move(items));
}

Result<Value> Evaluator::dict(const Expr& expr) {
  auto made = std::make_shared<Dict>();
  for (std::size_t i = 0; i + 1 < expr.items.size(); i += 2) {
    HEARTH_TRY(const Value key, evaluate(expr.items[i]));
    HEARTH_TRY(const Value value, evaluate(expr.items[i + 1]));
    HEARTH_CHECK(check_key(rt_, key));
    made->set(key, value);
  }
  return rt_.dict(std::move(made));
}

Result<Value> Evaluator::dotted(const Expr& expr) {
  HEARTH_TRY(const Value of, evaluate(expr.a));
  rt_.line = expr.line;
  return attribute(rt_, of, expr.text);
}

Result<Value> Evaluator::indexed(const Expr& expr) {
  HEARTH_TRY(const Value of, evaluate(expr.a));
  const Expr& key = ast_.expr(expr.b);
  if (key.kind != ExprKind::slice) {
    HEARTH_TRY(const Value at, evaluate(key));
    rt_.line = expr.line;
    return item(rt_, of, at);
  }
  std::vector<Value> bounds;
  for (const Node node : {key.a, key.b, key.c}) {
    HEARTH_TRY(Value bound, node == kNoNode ? Result<Value>(Value::none()) : evaluate(node));
    bounds.push_back(std::move(bound));
  }
  return slice(rt_, of, bounds[0], bounds[1], bounds[2]);
}

Result<void> Evaluator::spread(const Argument& argument, const Value& value, Arguments& into) {
  if (argument.kind == Argument::Kind::star) {
    HEARTH_TRY(std::vector<Value> items, elements(rt_, value));
    for (Value& each : items) into.positional.push_back(std::move(each));
    return {};
  }
  if (!value.is(Kind::dict)) return failure("'**' wants a dict, not '" + std::string(type_name(value)) + "'");
  for (const auto& [key, each] : value.as<Dict>().entries) {
    if (!key.is_text()) return failure("'**' wants a dict whose keys are strings");
    HEARTH_CHECK(rt_.step(key.text().size()));
    into.named.emplace_back(std::string(key.text()), each);
  }
  return {};
}

Result<Arguments> Evaluator::arguments(const std::vector<Argument>& written) {
  Arguments made;
  for (const Argument& argument : written) {
    HEARTH_TRY(Value value, evaluate(argument.value));
    if (argument.kind == Argument::Kind::positional) made.positional.push_back(std::move(value));
    else if (argument.kind == Argument::Kind::named) made.named.emplace_back(argument.name, std::move(value));
    else HEARTH_CHECK(spread(argument, value, made));
  }
  return made;
}

/// `extra`: what {% call %} adds.
Result<Value> Evaluator::called(const Expr& expr, Arguments extra) {
  HEARTH_TRY(const Value callee, evaluate(expr.a));
  HEARTH_TRY(Arguments made, arguments(expr.arguments));
  for (auto& named : extra.named) made.named.push_back(std::move(named));
  rt_.line = expr.line;
  return call(rt_, callee, std::move(made));
}

Result<Value> Evaluator::filtered(const Expr& expr) {
  HEARTH_TRY(const Value value, evaluate(expr.a));
  HEARTH_TRY(Arguments made, arguments(expr.arguments));
  rt_.line = expr.line;
  if (!expr.native) return failure("unknown filter '" + expr.text + "'");
  return call_native(rt_, *expr.native, value, std::move(made));
}

Result<Value> Evaluator::tested(const Expr& expr) {
  HEARTH_TRY(const Value value, evaluate(expr.a));
  HEARTH_TRY(Arguments made, arguments(expr.arguments));
  rt_.line = expr.line;
  if (!expr.native) return failure("unknown test '" + expr.text + "'");
  return call_native(rt_, *expr.native, value, std::move(made));
}

Result<Value> Evaluator::unary(const Expr& expr) {
  HEARTH_TRY(const Value value, evaluate(expr.a));
  if (expr.kind == ExprKind::logical_not) return Value::boolean(!truth(value));
  return expr.kind == ExprKind::negate ? negated(rt_, value) : operate(rt_, Op::add, Value::integer(0), value);
}

/// The operand that decides, as it is.
Result<Value> Evaluator::logical(const Expr& expr) {
  const bool goes_on_while = expr.kind == ExprKind::logical_and;
  Value value;
  for (const Node node : expr.items) {
    HEARTH_TRY(value, evaluate(node));
    if (truth(value) != goes_on_while) break;
  }
  return value;
}

Result<Value> Evaluator::binary(const Expr& expr) {
  HEARTH_TRY(Value value, evaluate(expr.items[0]));
  for (std::size_t i = 0; i < expr.ops.size(); ++i) {
    HEARTH_TRY(const Value operand, evaluate(expr.items[i + 1]));
    rt_.line = expr.line;
    HEARTH_TRY(value, operate(rt_, expr.ops[i], value, operand));
  }
  return value;
}

/// a < b < c: each pair, up to the first that does not hold.
Result<Value> Evaluator::compared(const Expr& expr) {
  HEARTH_TRY(Value left, evaluate(expr.items[0]));
  for (std::size_t i = 0; i < expr.ops.size(); ++i) {
    HEARTH_TRY(Value right, evaluate(expr.items[i + 1]));
    rt_.line = expr.line;
    HEARTH_TRY(const bool holds, compare(rt_, expr.ops[i], left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Evaluator::concatenated(const Expr& expr) {
  std::string text;
  for (const Node node : expr.items) {
    HEARTH_TRY(const Value value, evaluate(node));
    HEARTH_TRY(const std::string part, to_text(rt_, value));
    text += part;
    HEARTH_CHECK(rt_.room(text.size()));
  }
  return rt_.text(std::move(text));
}

Result<Value> Evaluator::conditional(const Expr& expr) {
  HEARTH_TRY(const Value condition, evaluate(expr.b));
  if (truth(condition)) return evaluate(expr.a);
  if (expr.c != kNoNode) return evaluate(expr.c);
  return undefined("the condition is false and there is no 'else'");
}

}  // namespace hearth::text::jinja
