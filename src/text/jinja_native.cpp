// Enters: a row of a table and a call's arguments. Leaves: the arguments in the row's order, and what the row makes of them.
#include "jinja_native.h"

#include <algorithm>

#include "escape.h"
#include "jinja_runtime.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t n = std::min(text.find(' '), text.size());
    parts.push_back(text.substr(0, n));
    text.remove_prefix(std::min(n + 1, text.size()));
  }
  return parts;
}

class BoundNative : public Callable {
 public:
  BoundNative(const Native& row, Value self) : row_(row), self_(std::move(self)) { depth = depth_of(self_) + 1; }
  Result<Value> call(Runtime& rt, Arguments arguments) override {
    return call_native(rt, row_, self_, std::move(arguments));
  }
  std::string_view name() const override { return row_.name; }

 private:
  const Native& row_;
  Value self_;
};

}  // namespace

const Native* find_native(std::span<const Native> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [name](const Native& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Result<Params> Params::bind(Runtime&, const Native& row, Arguments arguments) {
  Params params;
  params.row_ = &row;
  std::vector<std::string_view> names = words(row.parameters);
  const bool takes_more = !names.empty() && names.back() == "*";
  if (takes_more) names.pop_back();
  params.values_.resize(names.size());
  params.given_.resize(names.size());
  const std::string who = std::string(row.name) + "()";
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    if (i < names.size()) params.values_[i] = std::move(arguments.positional[i]), params.given_[i] = true;
    else if (takes_more) params.rest.positional.push_back(std::move(arguments.positional[i]));
    else
      return failure(who + " takes at most " + std::to_string(names.size()) + " arguments, not " +
                     std::to_string(arguments.positional.size()));
  }
  for (auto& [name, value] : arguments.named) {
    const auto found = std::find(names.begin(), names.end(), name);
    const auto i = static_cast<std::size_t>(found - names.begin());
    if (found != names.end() && !params.given_[i]) params.values_[i] = std::move(value), params.given_[i] = true;
    else if (found == names.end() && takes_more) params.rest.named.emplace_back(name, std::move(value));
    else
      return failure(who + (found == names.end() ? " has no parameter '" : " got twice the parameter '") +
                     escape(name) + "'");
  }
  for (std::size_t i = 0; i < row.n_required; ++i)
    if (!params.given_[i]) return failure(who + " needs the argument '" + std::string(names[i]) + "'");
  return params;
}

Result<std::int64_t> Params::integer_or(Runtime&, std::size_t i, std::int64_t otherwise) const {
  if (!given(i)) return otherwise;
  if (values_[i].is_whole()) return values_[i].integer();
  return failure(std::string(row_->name) + "() wants a whole number, not '" + std::string(type_name(values_[i])) + "'");
}

Result<std::string_view> Params::text_or(Runtime&, std::size_t i, std::string_view otherwise) const {
  if (!given(i)) return otherwise;
  if (values_[i].is_text()) return values_[i].text();
  return failure(std::string(row_->name) + "() wants a string, not '" + std::string(type_name(values_[i])) + "'");
}

Result<Value> call_native(Runtime& rt, const Native& row, const Value& self, Arguments arguments) {
  rt.steps_left() -= static_cast<std::int64_t>(arguments.positional.size() + arguments.named.size());
  HEARTH_CHECK(rt.step());
  HEARTH_TRY(const Params params, Params::bind(rt, row, std::move(arguments)));
  return row.fn(rt, self, params);
}

Value native_value(Runtime& rt, const Native& row, const Value& self) {
  constexpr std::size_t bytes = 96;
  return rt.counted(Kind::callable, std::make_shared<BoundNative>(row, self), bytes);
}

const Native* find_filter(std::string_view name) {
  for (const std::span<const Native> table : {text_filters(), list_filters(), value_filters()})
    if (const Native* row = find_native(table, name)) return row;
  return nullptr;
}

}  // namespace hearth::text::jinja
