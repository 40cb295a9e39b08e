// Enters: a tree and its variables. Leaves: the text that its statements write.
#include "jinja_evaluator.h"

#include <algorithm>

#include "jinja_macro.h"
#include "try.h"

namespace hearth::text::jinja {

void Scope::set(std::string_view name, Value value) {
  const auto found =
      std::find_if(names.begin(), names.end(), [name](const auto& entry) { return entry.first == name; });
  if (found == names.end()) names.emplace_back(name, std::move(value));
  else found->second = std::move(value);
}

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope; scope = scope->outer.get())
    for (const auto& [key, value] : scope->names)
      if (key == name) return &value;
  return nullptr;
}

std::size_t Scope::n_visible() const {
  std::size_t n = 0;
  for (const Scope* scope = this; scope; scope = scope->outer.get()) n += scope->names.size();
  return n;
}

Evaluator::Evaluator(Runtime& rt, const Ast& ast, const Value& variables)
    : rt_(rt), ast_(ast), variables_(variables), scope_(std::make_shared<Scope>()) {}

Evaluator::~Evaluator() {
  for (const ScopePtr& scope : captured_)
    for (Scope* around = scope.get(); around; around = around->outer.get()) around->names.clear();
}

Result<std::string> Evaluator::run() {
  std::string out;
  out_ = &out;
  HEARTH_CHECK(execute(ast_.body));
  return out;
}

Result<void> Evaluator::put(std::string_view text) {
  HEARTH_CHECK(rt_.step(text.size()));
  n_written_ += text.size();
  HEARTH_CHECK(rt_.room(n_written_));
  if (out_->size() + text.size() > rt_.limits().output_bytes)
    return limit_reached("the text is longer than " + std::to_string(rt_.limits().output_bytes >> 20) + " MiB");
  out_->append(text);
  return {};
}

/// To be called before a name is looked for; the next step tells whether it was too much.
void Evaluator::count_names() { rt_.steps_left() -= static_cast<std::int64_t>(scope_->n_visible() / kNamesAStep); }

Result<Evaluator::Flow> Evaluator::execute(const Body& body) {
  for (const Node node : body) {
    HEARTH_TRY(const Flow flow, execute(ast_.stmt(node)));
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Result<Evaluator::Flow> Evaluator::execute(const Stmt& stmt) {
  const Runtime::Level level(rt_);
  rt_.line = stmt.line;
  Result<void> done;
  switch (stmt.kind) {
    case StmtKind::branch:
      return branch(stmt);
    case StmtKind::loop:
      return loop(stmt);
    case StmtKind::with:
      return with(stmt);
    case StmtKind::scope:
      return scoped(stmt.body);
    case StmtKind::set_block:
      return set_block(stmt);
    case StmtKind::filter_block:
      return filter_block(stmt);
    case StmtKind::break_loop:
      return Flow::leave_loop;
    case StmtKind::continue_loop:
      return Flow::next_turn;
    case StmtKind::data:
      done = put(stmt.text);
      break;
    case StmtKind::print:
      done = print(stmt);
      break;
    case StmtKind::set:
      done = set(stmt);
      break;
    case StmtKind::macro:
      done = define_macro(stmt);
      break;
    case StmtKind::call_block:
      done = call_block(stmt);
      break;
  }
  if (!done) return std::move(done).error();
  return Flow::on;
}

Result<void> Evaluator::print(const Stmt& stmt) {
  HEARTH_TRY(const Value value, evaluate(stmt.expr));
  HEARTH_TRY(const std::string text, to_text(rt_, value));
  return put(text);
}

Result<Evaluator::Flow> Evaluator::branch(const Stmt& stmt) {
  for (const auto& [condition, body] : stmt.branches) {
    HEARTH_TRY(const Value value, evaluate(condition));
    if (truth(value)) return execute(body);
  }
  return execute(stmt.otherwise);
}

Result<Evaluator::Flow> Evaluator::scoped(const Body& body) {
  const Inside inside(*this, scope_);
  return execute(body);
}

Result<Evaluator::Flow> Evaluator::with(const Stmt& stmt) {
  HEARTH_TRY(const std::vector<Value> values, all(stmt.values));
  const Inside inside(*this, scope_);
  for (std::size_t i = 0; i < values.size(); ++i) HEARTH_CHECK(assign(stmt.targets[i], values[i]));
  return execute(stmt.body);
}

Result<void> Evaluator::set(const Stmt& stmt) {
  HEARTH_TRY(const Value value, evaluate(stmt.expr));
  rt_.line = stmt.line;
  return assign(stmt.targets[0], value);
}

Result<void> Evaluator::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    HEARTH_TRY(const std::vector<Value> items, elements(rt_, value));
    if (items.size() != target.parts.size())
      return failure("cannot unpack " + std::to_string(items.size()) + " values into " +
                     std::to_string(target.parts.size()) + " names");
    for (std::size_t i = 0; i < items.size(); ++i) HEARTH_CHECK(assign(target.parts[i], items[i]));
    return {};
  }
  count_names();
  if (target.attribute.empty()) {
    scope_->set(target.name, value);
    return {};
  }
  const Value* space = scope_->find(target.name);
  if (!space) space = variables_.as<Dict>().find(target.name);
  if (!space || !space->is(Kind::space))
    return failure("'" + target.name + "' is no namespace, so its attributes cannot be set");
  space->as<Namespace>().attributes.set(rt_.text(target.attribute), value);
  return {};
}

Result<Evaluator::Flow> Evaluator::capture(const Body& body, std::string& text) {
  const Writing writing(*this, text);
  return scoped(body);
}

Result<Value> Evaluator::through_filters(Node filters, Value text) {
  if (filters == kNoNode) return text;
  const Value outer = std::exchange(piped_, std::move(text));
  auto made = evaluate(filters);
  piped_ = outer;
  return made;
}

/// What a loop's end or next turn cuts short is not kept.
Result<Evaluator::Flow> Evaluator::set_block(const Stmt& stmt) {
  std::string text;
  HEARTH_TRY(const Flow flow, capture(stmt.body, text));
  if (flow != Flow::on) return flow;
  HEARTH_TRY(const Value value, through_filters(stmt.expr, rt_.text(std::move(text))));
  HEARTH_CHECK(assign(stmt.targets[0], value));
  return flow;
}

Result<Evaluator::Flow> Evaluator::filter_block(const Stmt& stmt) {
  std::string text;
  HEARTH_TRY(const Flow flow, capture(stmt.body, text));
  if (flow != Flow::on) return flow;
  HEARTH_TRY(const Value value, through_filters(stmt.expr, rt_.text(std::move(text))));
  HEARTH_TRY(const std::string shown, to_text(rt_, value));
  HEARTH_CHECK(put(shown));
  return flow;
}

}  // namespace hearth::text::jinja
