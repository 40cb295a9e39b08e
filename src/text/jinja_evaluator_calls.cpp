// Enters: loops, macros and calls with a body. Leaves: what their bodies write, each time in a scope of its own.
#include <algorithm>
#include <array>
#include <deque>

#include "escape.h"
#include "jinja_evaluator.h"
#include "jinja_macro.h"
#include "jinja_operators.h"
#include "try.h"

namespace hearth::text::jinja {

// ---- macros ----------------------------------------------------------------------------------------------------------

Value Evaluator::macro_here(const MacroNode& node) {
  constexpr std::size_t macro_bytes = 96, scope_bytes = 256;
  if (captured_.empty() || captured_.back() != scope_) {
    captured_.push_back(scope_);
    rt_.memory()->live += scope_bytes;  // for good: it lives to the end
  }
  return rt_.counted(Kind::callable, std::make_shared<Macro>(*this, node, scope_), macro_bytes);
}

Result<void> Evaluator::define_macro(const Stmt& stmt) {
  const MacroNode& node = ast_.macros[static_cast<std::size_t>(stmt.macro)];
  scope_->set(node.name, macro_here(node));
  return {};
}

Result<void> Evaluator::call_block(const Stmt& stmt) {
  Arguments extra;
  extra.named.emplace_back("caller", macro_here(ast_.macros[static_cast<std::size_t>(stmt.macro)]));
  HEARTH_TRY(const Value value, called(ast_.expr(stmt.expr), std::move(extra)));
  HEARTH_TRY(const std::string text, to_text(rt_, value));
  return put(text);
}

Result<Value> Evaluator::Macro::attribute(Runtime& rt, std::string_view wanted) {
  if (wanted == "name") return rt.text(node_.name);
  if (wanted == "catch_varargs") return Value::boolean(node_.uses_varargs);
  if (wanted == "catch_kwargs") return Value::boolean(node_.uses_kwargs);
  if (wanted == "caller") return Value::boolean(node_.uses_caller);
  if (wanted != "arguments") return Value();
  std::vector<Value> names;
  for (const Parameter& parameter : node_.parameters) names.push_back(rt.text(parameter.name));
  return rt.tuple(std::move(names));
}

/// Sets the macro's parameters in the scope that evaluation is in.
Result<void> Evaluator::Macro::bind(Runtime& rt, Arguments& given) {
  Scope& scope = *evaluator_.scope_;
  const std::string who = "macro '" + escape(node_.name) + "'";
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    const auto found =
        std::find_if(given.named.begin(), given.named.end(), [name](const auto& entry) { return entry.first == name; });
    if (found == given.named.end()) return std::nullopt;
    Value value = std::move(found->second);
    given.named.erase(found);
    return value;
  };
  const std::size_t n_positional = std::min(given.positional.size(), node_.parameters.size());
  for (std::size_t i = 0; i < node_.parameters.size(); ++i) {
    const Parameter& parameter = node_.parameters[i];
    rt.steps_left() -= static_cast<std::int64_t>((i + given.named.size()) / kNamesAStep);  // each is looked for
    std::optional<Value> value = take(parameter.name);
    if (i < n_positional) {
      if (value) return failure(who + " got twice the parameter '" + escape(parameter.name) + "'");
      value = given.positional[i];
    } else if (!value && parameter.fallback != kNoNode) {
      HEARTH_TRY(value, evaluator_.evaluate(parameter.fallback));
    }
    scope.set(parameter.name, value ? *value : undefined("parameter '" + parameter.name + "' was not provided"));
  }
  if (node_.uses_caller) {
    const std::optional<Value> caller = take("caller");
    scope.set("caller", caller ? *caller : undefined("the macro was called without a body, so it has no caller"));
  }
  if (!node_.uses_varargs && given.positional.size() > n_positional)
    return failure(who + " takes at most " + std::to_string(node_.parameters.size()) + " arguments");
  if (!node_.uses_kwargs && !given.named.empty())
    return failure(who + " has no parameter '" + escape(given.named[0].first) + "'");
  if (node_.uses_varargs)
    scope.set("varargs",
              rt.tuple({given.positional.begin() + static_cast<std::ptrdiff_t>(n_positional), given.positional.end()}));
  if (node_.uses_kwargs) {
    auto dict = std::make_shared<Dict>();
    for (auto& [name, value] : given.named) dict->set(rt.text(name), value);
    scope.set("kwargs", rt.dict(std::move(dict)));
  }
  return {};
}

Result<Value> Evaluator::Macro::call(Runtime& rt, Arguments arguments) {
  const Runtime::Level level(rt);
  HEARTH_CHECK(rt.step());
  const Inside inside(evaluator_, scope_);
  HEARTH_CHECK(bind(rt, arguments));
  std::string text;
  HEARTH_CHECK(evaluator_.capture(node_.body, text));
  return rt.text(std::move(text));
}

// ---- loops -----------------------------------------------------------------------------------------------------------

/// What a body knows as `loop`. Elements are taken, and tried by the loop's condition, as late as possible.
class Evaluator::Loop : public Callable {
 public:
  Loop(Evaluator& evaluator, const Stmt& stmt, Cursor cursor, ScopePtr outer, int level)
      : evaluator_(evaluator), stmt_(stmt), cursor_(std::move(cursor)), outer_(std::move(outer)), depth_(level) {}

  /// The next element, or nullopt at the end.
  Result<std::optional<Value>> advance() {
    if (ahead_.empty()) HEARTH_CHECK(look_ahead());
    if (ahead_.empty()) return std::optional<Value>();
    previous_ = std::exchange(current_, std::move(ahead_.front()));
    ahead_.pop_front();
    ++index_;
    return current_;
  }

  Result<Value> call(Runtime& rt, Arguments arguments) override {
    if (!stmt_.recursive) return failure("loop() needs {% for … recursive %}");
    if (!outer_) return failure("loop() is called after its loop");
    if (arguments.positional.size() != 1) return failure("loop() takes one value to iterate over");
    const Runtime::Level level(rt);
    std::string text;
    const Writing writing(evaluator_, text);
    HEARTH_CHECK(evaluator_.loop_over(stmt_, arguments.positional[0], outer_, depth_ + 1));
    return rt.text(std::move(text));
  }

  /// While one lives, the loop runs. After it a namespace may still know the loop: without the values and names that it
  /// held, so that nothing holds itself.
  class Running {
   public:
    explicit Running(Loop& loop) : loop_(loop) {}
    ~Running() {
      loop_.outer_ = nullptr;
      loop_.cursor_ = {};
      loop_.ended_ = true;
      loop_.ahead_.clear();
      loop_.current_.reset(), loop_.previous_.reset(), loop_.watched_.reset();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Loop& loop_;
  };

  std::string_view name() const override { return "loop"; }
  Result<Value> attribute(Runtime& rt, std::string_view wanted) override;

  std::weak_ptr<Loop> self;

 private:
  Result<void> look_ahead() {
    while (!ended_) {
      HEARTH_TRY(auto next, cursor_.next(evaluator_.rt_));
      if (!next) {
        ended_ = true;
        return {};
      }
      HEARTH_TRY(const bool passes, evaluator_.passes(stmt_, *next, outer_));
      if (!passes) continue;
      ahead_.push_back(std::move(*next));
      return {};
    }
    return {};
  }

  Result<std::int64_t> length() {
    while (!ended_) HEARTH_CHECK(look_ahead());
    return index_ + static_cast<std::int64_t>(ahead_.size());
  }

  static Result<Value> cycle(Runtime&, const Value& self, const Params& p) {
    const auto& values = p.rest.positional;
    if (values.empty()) return failure("loop.cycle() wants at least one value");
    return values[static_cast<std::size_t>(self.as<Loop>().index_ - 1) % values.size()];
  }

  static Result<Value> changed(Runtime& rt, const Value& self, const Params& p) {
    Loop& loop = self.as<Loop>();
    const Value now = rt.tuple(p.rest.positional);
    HEARTH_TRY(const bool unchanged, loop.watched_ ? same(rt, *loop.watched_, now) : Result<bool>(false));
    if (loop.outer_) loop.watched_ = now;
    return Value::boolean(!unchanged);
  }

  static constexpr std::array kMethods = {Native{"cycle", "*", 0, cycle}, Native{"changed", "*", 0, changed}};

  Evaluator& evaluator_;
  const Stmt& stmt_;
  Cursor cursor_;
  ScopePtr outer_;
  int depth_;
  std::deque<Value> ahead_;
  bool ended_ = false;
  std::int64_t index_ = 0;
  std::optional<Value> current_, previous_, watched_;
};

Result<Value> Evaluator::Loop::attribute(Runtime& rt, std::string_view wanted) {
  if (wanted == "index") return Value::integer(index_);
  if (wanted == "index0") return Value::integer(index_ - 1);
  if (wanted == "first") return Value::boolean(index_ == 1);
  if (wanted == "depth") return Value::integer(depth_ + 1);
  if (wanted == "depth0") return Value::integer(depth_);
  if (wanted == "previtem") return previous_ ? *previous_ : undefined("there is no previous item");
  if (wanted == "last" || wanted == "nextitem") {
    if (ahead_.empty()) HEARTH_CHECK(look_ahead());
    if (wanted == "last") return Value::boolean(ahead_.empty());
    return ahead_.empty() ? undefined("there is no next item") : ahead_.front();
  }
  if (wanted == "length" || wanted == "revindex" || wanted == "revindex0") {
    HEARTH_TRY(const std::int64_t n, length());
    return Value::integer(wanted == "length" ? n : n - index_ + (wanted == "revindex" ? 1 : 0));
  }
  const Native* row = find_native(kMethods, wanted);
  return row ? native_value(rt, *row, Value(Kind::loop, self.lock())) : Value();
}

Result<bool> Evaluator::passes(const Stmt& stmt, const Value& value, const ScopePtr& outer) {
  if (stmt.test == kNoNode) return true;
  const Runtime::Level level(rt_);
  const Inside inside(*this, outer);
  HEARTH_CHECK(assign(stmt.targets[0], value));
  HEARTH_TRY(const Value holds, evaluate(stmt.test));
  return truth(holds);
}

Result<Evaluator::Flow> Evaluator::loop(const Stmt& stmt) {
  HEARTH_TRY(const Value iterable, evaluate(stmt.expr));
  rt_.line = stmt.line;
  return loop_over(stmt, iterable, scope_, 0);
}

Result<Evaluator::Flow> Evaluator::loop_over(const Stmt& stmt, const Value& iterable, const ScopePtr& outer,
                                             int depth) {
  const Runtime::Level level(rt_);
  HEARTH_TRY(Cursor cursor, Cursor::over(iterable));
  const auto loop = std::make_shared<Loop>(*this, stmt, std::move(cursor), outer, depth);
  loop->self = loop;
  const Loop::Running running(*loop);
  const Value as_value = rt_.counted(Kind::loop, loop, sizeof(Loop));
  bool completed = false;  // one turn, to its end: else {% else %} is run, also after a break or nothing but continues
  for (;;) {
    HEARTH_TRY(const std::optional<Value> next, loop->advance());
    if (!next) break;
    const Inside inside(*this, outer);
    HEARTH_CHECK(assign(stmt.targets[0], *next));
    scope_->set("loop", as_value);
    HEARTH_TRY(const Flow flow, execute(stmt.body));
    if (flow == Flow::leave_loop) break;
    completed |= flow == Flow::on;
  }
  if (completed) return Flow::on;
  const Inside inside(*this, outer);
  return execute(stmt.otherwise);
}

}  // namespace hearth::text::jinja
