// Enters: a tree and its variables. Leaves: the text it renders.
#pragma once

#include <hearth/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja_ast.h"
#include "jinja_runtime.h"

namespace hearth::text::jinja {

/// Names set in one place of a template; what is not found here is looked for further out.
struct Scope {
  std::shared_ptr<Scope> outer;
  std::vector<std::pair<std::string_view, Value>> names;  // views of the tree's own texts

  // Both look at one name after the other: where templates make thousands, that is work to be counted.
  void set(std::string_view name, Value value);
  const Value* find(std::string_view name) const;
  std::size_t n_visible() const;
};

class Evaluator {
 public:
  /// `variables` is a dict. All three outlive the evaluator.
  Evaluator(Runtime& rt, const Ast& ast, const Value& variables);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  Result<std::string> run();

 private:
  static constexpr std::size_t kNamesAStep = 16;
  enum class Flow : std::uint8_t { on, leave_loop, next_turn };
  class Macro;
  class Loop;
  class Inside;
  class Writing;
  using ScopePtr = std::shared_ptr<Scope>;

  // Statements: jinja_evaluator.cpp, loops and macros: jinja_evaluator_calls.cpp.
  Result<Flow> execute(const Body& body);
  Result<Flow> execute(const Stmt& stmt);
  Result<void> print(const Stmt& stmt);
  Result<void> put(std::string_view text);
  void count_names();
  Result<Flow> branch(const Stmt& stmt);
  Result<Flow> with(const Stmt& stmt);
  Result<void> set(const Stmt& stmt);
  Result<Flow> set_block(const Stmt& stmt);
  Result<Flow> filter_block(const Stmt& stmt);
  Result<void> define_macro(const Stmt& stmt);
  Result<void> call_block(const Stmt& stmt);
  Result<Flow> scoped(const Body& body);
  Result<Flow> capture(const Body& body, std::string& text);
  Result<void> assign(const Target& target, const Value& value);
  Result<Value> through_filters(Node filters, Value text);
  Value macro_here(const MacroNode& node);

  Result<Flow> loop(const Stmt& stmt);
  Result<Flow> loop_over(const Stmt& stmt, const Value& iterable, const ScopePtr& outer, int depth);
  Result<bool> passes(const Stmt& stmt, const Value& value, const ScopePtr& outer);

  // Expressions: jinja_expressions.cpp.
  Result<Value> evaluate(Node node);
  Result<Value> evaluate(const Expr& expr);
  Result<Value> name(const Expr& expr);
  Result<std::vector<Value>> all(const std::vector<Node>& nodes);
  Result<Value> array(const Expr& expr);
  Result<Value> dict(const Expr& expr);
  Result<Value> dotted(const Expr& expr);
  Result<Value> indexed(const Expr& expr);
  Result<Value> called(const Expr& expr, Arguments extra);
  Result<Value> filtered(const Expr& expr);
  Result<Value> tested(const Expr& expr);
  Result<Value> unary(const Expr& expr);
  Result<Value> logical(const Expr& expr);
  Result<Value> binary(const Expr& expr);
  Result<Value> compared(const Expr& expr);
  Result<Value> concatenated(const Expr& expr);
  Result<Value> conditional(const Expr& expr);
  Result<Arguments> arguments(const std::vector<Argument>& written);
  Result<void> spread(const Argument& argument, const Value& value, Arguments& into);

  Runtime& rt_;
  const Ast& ast_;
  const Value& variables_;
  ScopePtr scope_;
  std::string* out_ = nullptr;
  std::size_t n_written_ = 0;       // bytes of all texts that are being written and not yet values
  Value piped_;                     // what a filter without an operand is applied to
  std::vector<ScopePtr> captured_;  // scopes that macros hold and are held by; emptied at the end
};

}  // namespace hearth::text::jinja
