// Enters: something with elements and a filter's arguments. Leaves: what Jinja's filters on sequences make of it.
#include <algorithm>
#include <array>

#include "escape.h"
#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "jinja_text_ops.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

/// "a.b.0" names the element 0 of the b of the a of a thing.
class Getter {
 public:
  Getter(Runtime& rt, const Value& path, bool fold_case = false, std::optional<Value> fallback = std::nullopt)
      : rt_(rt), fold_case_(fold_case), fallback_(std::move(fallback)) {
    if (path.is_text()) {  // what a longer path names does not exist
      const auto deepest = static_cast<std::int64_t>(rt.limits().value_depth);
      for (const std::string_view part : split_on(path.text(), ".", deepest, false)) parts_.push_back(key(part));
    } else if (!path.is(Kind::none) && !path.is(Kind::undefined)) {
      parts_.push_back(path);
    }
  }

  Result<Value> operator()(Value value) const {
    for (const Value& part : parts_) {
      HEARTH_CHECK(rt_.step());
      HEARTH_TRY(value, item(rt_, value, part));
      if (value.is(Kind::undefined) && fallback_) value = *fallback_;
    }
    if (!fold_case_ || !value.is_text()) return value;
    HEARTH_CHECK(step_chars(rt_, value.text()));
    return rt_.text(encode(lower(decode(value.text()))));
  }

 private:
  Value key(std::string_view part) const {
    const bool is_index = !part.empty() && part.size() < 18 &&
                          std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_index ? Value::integer(std::stoll(std::string(part))) : rt_.text(std::string(part));
  }

  Runtime& rt_;
  bool fold_case_;
  std::optional<Value> fallback_;
  std::vector<Value> parts_;
};

struct Keyed {
  Value key, value;
};

Result<void> sort_by_key(Runtime& rt, std::vector<Keyed>& list, bool reverse) {
  Result<void> done;
  std::stable_sort(list.begin(), list.end(), [&](const Keyed& a, const Keyed& b) {
    if (!done) return false;
    const auto before = reverse ? less(rt, b.key, a.key) : less(rt, a.key, b.key);
    if (!before) done = before.error();
    return before && *before;
  });
  return done;
}

std::vector<Value> values_of(std::vector<Keyed> list) {
  std::vector<Value> values;
  values.reserve(list.size());
  for (Keyed& keyed : list) values.push_back(std::move(keyed.value));
  return values;
}

Result<std::vector<Keyed>> keyed(Runtime& rt, const Value& self, const Getter& key) {
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  std::vector<Keyed> list;
  for (Value& value : items) {
    HEARTH_TRY(Value found, key(value));
    list.push_back({std::move(found), std::move(value)});
  }
  return list;
}

Result<Value> join_elements(Runtime& rt, const Value& self, const Params& p) {
  const Getter get(rt, p[1]);
  std::string separator;
  if (p.given(0)) {
    HEARTH_TRY(separator, to_text(rt, p[0]));
  }
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  std::vector<std::string> parts;
  std::size_t bytes = 0;
  for (const Value& value : items) {
    HEARTH_TRY(const Value found, get(value));
    HEARTH_TRY(std::string text, to_text(rt, found));
    bytes += text.size();
    HEARTH_CHECK(rt.room(bytes));
    parts.push_back(std::move(text));
  }
  HEARTH_TRY(std::string out, joined(rt, separator, parts));
  return rt.text(std::move(out));
}

Result<Value> first(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(Cursor cursor, Cursor::over(self));
  HEARTH_TRY(auto found, cursor.next(rt));
  return found ? std::move(*found) : undefined("the sequence is empty and has no first element");
}

Result<Value> last(Runtime& rt, const Value& self, const Params&) {
  if (self.is(Kind::generator)) return failure("a generator has no last element; make it a |list first");
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  return items.empty() ? undefined("the sequence is empty and has no last element") : items.back();
}

Result<Value> length(Runtime& rt, const Value& self, const Params&) {
  HEARTH_CHECK(rt.step(self.is_text() ? self.text().size() : 0));
  if (const std::int64_t n = length_of(self); n >= 0) return Value::integer(n);
  return failure("'" + std::string(type_name(self)) + "' has no length");
}

Result<Value> list(Runtime& rt, const Value& self, const Params&) {
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  return rt.list(std::move(items));
}

/// By one attribute, or by several with a comma between.
Result<Value> sort(Runtime& rt, const Value& self, const Params& p) {
  const bool fold_case = !p.truth_or(1, false);
  std::vector<Getter> getters;
  if (p[2].is_text()) {
    HEARTH_CHECK(rt.room(sizeof(Getter) * p[2].text().size()));
    for (const std::string_view path : split_on(p[2].text(), ",", -1, false))
      getters.emplace_back(rt, rt.text(std::string(path)), fold_case);
  } else {
    getters.emplace_back(rt, p[2], fold_case);
  }
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  std::vector<Keyed> sorted;
  for (Value& value : items) {
    std::vector<Value> keys;
    for (const Getter& get : getters) {
      HEARTH_TRY(Value key, get(value));
      keys.push_back(std::move(key));
    }
    sorted.push_back({rt.list(std::move(keys)), std::move(value)});
  }
  HEARTH_CHECK(sort_by_key(rt, sorted, p.truth_or(0, false)));
  return rt.list(values_of(std::move(sorted)));
}

Result<Value> dictsort(Runtime& rt, const Value& self, const Params& p) {
  if (!self.is(Kind::dict)) return failure("dictsort() wants a dict, not '" + std::string(type_name(self)) + "'");
  HEARTH_TRY(const std::string_view by, p.text_or(rt, 1, "key"));
  if (by != "key" && by != "value") return failure("dictsort() sorts by 'key' or 'value'");
  const Getter fold(rt, Value(), !p.truth_or(0, false));
  std::vector<Keyed> sorted;
  for (const auto& [key, value] : self.as<Dict>().entries) {
    HEARTH_TRY(Value sort_key, fold(by == "key" ? key : value));
    sorted.push_back({std::move(sort_key), rt.tuple({key, value})});
  }
  HEARTH_CHECK(sort_by_key(rt, sorted, p.truth_or(2, false)));
  return rt.list(values_of(std::move(sorted)));
}

Result<Value> unique(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(std::vector<Keyed> all, keyed(rt, self, Getter(rt, p[1], !p.truth_or(0, false))));
  Dict seen;
  std::vector<Value> kept;
  for (Keyed& each : all) {
    HEARTH_CHECK(rt.step(key_bytes(each.key)));
    if (!hashable(each.key)) return failure("unique() cannot compare a '" + std::string(type_name(each.key)) + "'");
    if (seen.find(each.key)) continue;
    seen.set(each.key, Value::none());
    kept.push_back(std::move(each.value));
  }
  return rt.generator(std::move(kept));
}

Result<Value> reverse(Runtime& rt, const Value& self, const Params&) {
  if (self.is_text()) return slice(rt, self, Value::none(), Value::none(), Value::integer(-1));
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  std::reverse(items.begin(), items.end());
  return self.is(Kind::generator) ? rt.list(std::move(items)) : rt.generator(std::move(items));
}

template <bool largest> Result<Value> extreme(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(std::vector<Keyed> all, keyed(rt, self, Getter(rt, p[1], !p.truth_or(0, false))));
  if (all.empty()) return undefined("the sequence is empty and has no least or largest element");
  const Keyed* best = &all[0];
  for (const Keyed& each : all) {
    HEARTH_TRY(const bool better, largest ? less(rt, best->key, each.key) : less(rt, each.key, best->key));
    if (better) best = &each;
  }
  return best->value;
}

Result<Value> sum(Runtime& rt, const Value& self, const Params& p) {
  const Getter get(rt, p[0]);
  Value total = p.given(1) ? p[1] : Value::integer(0);
  if (total.is_text()) return failure("sum() does not join strings; use |join");
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  for (const Value& value : items) {
    HEARTH_TRY(const Value found, get(value));
    HEARTH_TRY(total, operate(rt, Op::add, total, found));
  }
  return total;
}

Result<Value> batch(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t size, p.integer_or(rt, 0, 1));
  HEARTH_TRY(std::vector<Value> items, elements(rt, self));
  std::vector<Value> rows, row;
  for (Value& value : items) {
    if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(rt.list(std::exchange(row, {})));
    row.push_back(std::move(value));
  }
  if (!row.empty()) {
    HEARTH_CHECK(rt.room(static_cast<std::uint64_t>(std::clamp<std::int64_t>(size, 0, INT32_MAX)) * sizeof(Value)));
    const bool filled = p.given(1) && !p[1].is(Kind::none);
    while (filled && static_cast<std::int64_t>(row.size()) < size) {
      HEARTH_CHECK(rt.step());
      row.push_back(p[1]);
    }
    rows.push_back(rt.list(std::move(row)));
  }
  return rt.generator(std::move(rows));
}

Result<Value> slice_columns(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::int64_t n_slices, p.integer_or(rt, 0, 1));
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  if (n_slices == 0) return failure("division by zero");
  const auto length = static_cast<std::int64_t>(items.size());
  std::vector<Value> columns;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < n_slices; ++i) {
    HEARTH_CHECK(rt.step());
    const bool longer = i < length % n_slices;
    const std::int64_t end = begin + length / n_slices + (longer ? 1 : 0);
    std::vector<Value> column(items.begin() + begin, items.begin() + end);
    if (p.given(1) && !p[1].is(Kind::none) && !longer) column.push_back(p[1]);
    columns.push_back(rt.list(std::move(column)));
    begin = end;
  }
  return rt.generator(std::move(columns));
}

Result<Value> groupby(Runtime& rt, const Value& self, const Params& p) {
  static constexpr const char* names[] = {"grouper", "list"};
  const std::optional<Value> fallback = p.given(1) && !p[1].is(Kind::none) ? std::optional(p[1]) : std::nullopt;
  const bool fold_case = !p.truth_or(2, false);
  const Getter shown(rt, p[0], false, fallback);
  HEARTH_TRY(std::vector<Keyed> all, keyed(rt, self, Getter(rt, p[0], fold_case, fallback)));
  HEARTH_CHECK(sort_by_key(rt, all, false));
  std::vector<Value> groups;
  for (std::size_t i = 0; i < all.size();) {
    HEARTH_TRY(Value grouper, shown(all[i].value));
    std::vector<Value> members;
    const Value key = all[i].key;
    for (; i < all.size(); ++i) {
      HEARTH_TRY(const bool same_group, same(rt, all[i].key, key));
      if (!same_group) break;
      members.push_back(all[i].value);
    }
    Value group = rt.tuple({std::move(grouper), rt.list(std::move(members))});
    group.as<Array>().names = names;
    groups.push_back(std::move(group));
  }
  return rt.list(std::move(groups));
}

/// A copy for each element that a filter or test is called with.
Result<Arguments> after(Runtime& rt, const Arguments& arguments, std::size_t n) {
  std::size_t bytes = (arguments.positional.size() + arguments.named.size()) * sizeof(Value);
  for (const auto& [name, value] : arguments.named) bytes += name.size();
  HEARTH_CHECK(rt.step(bytes));
  Arguments rest;
  const auto skipped = static_cast<std::ptrdiff_t>(std::min(n, arguments.positional.size()));
  rest.positional.assign(arguments.positional.begin() + skipped, arguments.positional.end());
  rest.named = arguments.named;
  return rest;
}

Result<const Native*> row_named(const Value& name, const Native* (*find)(std::string_view), const char* what) {
  if (!name.is_text()) return failure(std::string("the name of a ") + what + " is a string");
  if (const Native* row = find(name.text())) return row;
  return failure(std::string("unknown ") + what + " '" + escape(name.text()) + "'");
}

Result<Value> map_attribute(Runtime& rt, const Value& self, const Arguments& arguments) {
  Value path;
  std::optional<Value> fallback;
  for (const auto& [name, value] : arguments.named) {
    if (name == "attribute") path = value;
    else if (name == "default" && !value.is(Kind::none)) fallback = value;
    else if (name != "default") return failure("map() has no parameter '" + escape(name) + "'");
  }
  if (path.is(Kind::undefined)) return failure("map() needs a filter's name or attribute=");
  HEARTH_TRY(std::vector<Keyed> all, keyed(rt, self, Getter(rt, path, false, fallback)));
  std::vector<Value> keys;
  for (Keyed& each : all) keys.push_back(std::move(each.key));
  return rt.generator(std::move(keys));
}

Result<Value> map(Runtime& rt, const Value& self, const Params& p) {
  const Arguments& arguments = p.rest;
  if (!truth(self)) return rt.generator({});  // none too, as in Jinja
  if (arguments.positional.empty()) return map_attribute(rt, self, arguments);
  HEARTH_TRY(const Native* filter, row_named(arguments.positional[0], find_filter, "filter"));
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  std::vector<Value> mapped;
  for (const Value& value : items) {
    const Runtime::Level level(rt);
    HEARTH_TRY(Arguments given, after(rt, arguments, 1));
    HEARTH_TRY(Value made, call_native(rt, *filter, value, std::move(given)));
    mapped.push_back(std::move(made));
  }
  return rt.generator(std::move(mapped));
}

template <bool by_attribute, bool wanted> Result<Value> select(Runtime& rt, const Value& self, const Params& p) {
  const Arguments& arguments = p.rest;
  if (!truth(self)) return rt.generator({});
  constexpr std::size_t test_at = by_attribute ? 1 : 0;
  if (by_attribute && arguments.positional.empty()) return failure("selectattr() and rejectattr() need an attribute");
  const Getter get(rt, by_attribute ? arguments.positional[0] : Value());
  const Native* test = nullptr;
  if (arguments.positional.size() > test_at) {
    HEARTH_TRY(test, row_named(arguments.positional[test_at], find_test, "test"));
  }
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  std::vector<Value> kept;
  for (const Value& value : items) {
    const Runtime::Level level(rt);
    HEARTH_TRY(Value found, get(value));
    if (test) {
      HEARTH_TRY(Arguments given, after(rt, arguments, test_at + 1));
      HEARTH_TRY(found, call_native(rt, *test, found, std::move(given)));
    }
    if (truth(found) == wanted) kept.push_back(value);
  }
  return rt.generator(std::move(kept));
}

Result<Value> pairs(Runtime& rt, const Value& self, const Params&) {
  if (self.is(Kind::undefined)) return rt.generator({});
  if (!self.is(Kind::dict)) return failure("items wants a dict, not '" + std::string(type_name(self)) + "'");
  std::vector<Value> list;
  for (const auto& [key, value] : self.as<Dict>().entries) {
    HEARTH_CHECK(rt.step());
    list.push_back(rt.tuple({key, value}));
  }
  return rt.generator(std::move(list));
}

constexpr std::array kListFilters = {
    Native{"join", "d attribute", 0, join_elements},
    Native{"first", "", 0, first},
    Native{"last", "", 0, last},
    Native{"length", "", 0, length},
    Native{"count", "", 0, length},
    Native{"list", "", 0, list},
    Native{"sort", "reverse case_sensitive attribute", 0, sort},
    Native{"dictsort", "case_sensitive by reverse", 0, dictsort},
    Native{"unique", "case_sensitive attribute", 0, unique},
    Native{"reverse", "", 0, reverse},
    Native{"min", "case_sensitive attribute", 0, extreme<false>},
    Native{"max", "case_sensitive attribute", 0, extreme<true>},
    Native{"sum", "attribute start", 0, sum},
    Native{"batch", "linecount fill_with", 1, batch},
    Native{"slice", "slices fill_with", 1, slice_columns},
    Native{"groupby", "attribute default case_sensitive", 1, groupby},
    Native{"map", "*", 0, map},
    Native{"select", "*", 0, select<false, true>},
    Native{"reject", "*", 0, select<false, false>},
    Native{"selectattr", "*", 0, select<true, true>},
    Native{"rejectattr", "*", 0, select<true, false>},
    Native{"items", "", 0, pairs},
};

}  // namespace

std::span<const Native> list_filters() { return kListFilters; }

}  // namespace hearth::text::jinja
