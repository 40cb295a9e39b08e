// Enters: calls from a template. Leaves: what C++ makes of them: filters, tests, methods and globals are rows of tables.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "jinja_value.h"

namespace hearth::text::jinja {

struct Native;

/// The arguments of a call, put where the row's parameters say.
class Params {
 public:
  static Result<Params> bind(Runtime& rt, const Native& row, Arguments arguments);

  bool given(std::size_t i) const { return given_[i]; }
  /// The argument, or undefined where none was given.
  const Value& operator[](std::size_t i) const { return values_[i]; }
  bool truth_or(std::size_t i, bool otherwise) const { return given(i) ? truth(values_[i]) : otherwise; }
  Result<std::int64_t> integer_or(Runtime& rt, std::size_t i, std::int64_t otherwise) const;
  /// A string's text; other values are an error.
  Result<std::string_view> text_or(Runtime& rt, std::size_t i, std::string_view otherwise) const;

  Arguments rest;  // of a row that takes any more

 private:
  const Native* row_ = nullptr;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

/// `self`: what a filter or test is applied to, what a method belongs to.
using NativeFn = Result<Value> (*)(Runtime& rt, const Value& self, const Params& params);

struct Native {
  std::string_view name;
  std::string_view parameters;  // names with a space between; "*" last takes any more
  std::size_t n_required;
  NativeFn fn;
};

const Native* find_native(std::span<const Native> table, std::string_view name);

// The tables. A name that is in none is unknown.
const Native* find_filter(std::string_view name);
const Native* find_test(std::string_view name);
const Native* find_global(std::string_view name);
/// A method of the value's type; `mutates` is set where Python has one that would change the value.
const Native* find_method(const Value& self, std::string_view name, bool& mutates);

std::span<const Native> text_filters();
std::span<const Native> list_filters();
std::span<const Native> value_filters();
std::span<const Native> string_methods();

Result<Value> call_native(Runtime& rt, const Native& row, const Value& self, Arguments arguments);
/// A method or global as a value of its own, to be called later.
Value native_value(Runtime& rt, const Native& row, const Value& self);

}  // namespace hearth::text::jinja
