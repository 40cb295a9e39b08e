// Enters: an evaluator. Leaves: what it makes of macros, and the guards that put it inside a scope or let it write elsewhere.
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

/// While one lives, statements write to `text`, which is counted as long.
class Evaluator::Writing {
 public:
  Writing(Evaluator& evaluator, std::string& text)
      : evaluator_(evaluator), outer_(std::exchange(evaluator.out_, &text)), n_before_(evaluator.n_written_) {}
  ~Writing() {
    evaluator_.out_ = outer_;
    evaluator_.n_written_ = n_before_;
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  Evaluator& evaluator_;
  std::string* outer_;
  std::size_t n_before_;
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
