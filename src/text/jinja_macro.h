// Enters: an evaluator. Leaves: what it makes of macros, and the guard that puts it inside a scope.
#pragma once

#include "jinja_evaluator.h"

namespace hearth::text::jinja {

/// While one lives, names are set in a scope of its own.
class Evaluator::Inside {
 public:
  Inside(Evaluator& evaluator, ScopePtr outer) : evaluator_(evaluator), before_(evaluator.scope_) {
    auto scope = std::make_shared<Scope>();
    scope->outer = std::move(outer);
    evaluator_.scope_ = std::move(scope);
  }
  ~Inside() { evaluator_.scope_ = std::move(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Evaluator& evaluator_;
  ScopePtr before_;
};

class Evaluator::Macro : public Callable {
 public:
  Macro(Evaluator& evaluator, const MacroNode& node, ScopePtr scope)
      : evaluator_(evaluator), node_(node), scope_(std::move(scope)) {}

  Result<Value> call(Runtime& rt, Arguments arguments) override;
  std::string_view name() const override { return node_.name; }
  Result<Value> attribute(Runtime& rt, std::string_view wanted) override;

 private:
  Result<void> bind(Runtime& rt, Arguments& arguments);

  Evaluator& evaluator_;
  const MacroNode& node_;
  ScopePtr scope_;
};

}  // namespace hearth::text::jinja
