// Enters: lists, tuples and dicts. Leaves: what Python's methods of them give; those that would change them are only known.
#include <algorithm>
#include <array>

#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

Result<Value> count_equal(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  std::int64_t n = 0;
  for (const Value& value : items) {
    HEARTH_TRY(const bool found, same(rt, value, p[0]));
    n += found ? 1 : 0;
  }
  return Value::integer(n);
}

Result<Value> index(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_TRY(const std::vector<Value> items, elements(rt, self));
  const auto bound = [&](std::size_t i) { return p.given(i) ? p[i] : Value::none(); };
  HEARTH_TRY(const Bounds b, slice_bounds(bound(1), bound(2), Value::none(), static_cast<std::int64_t>(items.size())));
  for (std::int64_t i = b.start; i < b.stop; ++i) {
    HEARTH_TRY(const bool found, same(rt, items[static_cast<std::size_t>(i)], p[0]));
    if (found) return Value::integer(i);
  }
  return failure("index() does not find the value");
}

Result<Value> copy(Runtime&, const Value& self, const Params&) { return self; }  // nothing changes it

Result<Value> get(Runtime& rt, const Value& self, const Params& p) {
  HEARTH_CHECK(check_key(rt, p[0]));
  if (const Value* found = self.as<Dict>().find(p[0])) return *found;
  return p.given(1) ? p[1] : Value::none();
}

enum class Of : std::uint8_t { keys, values, items };

template <Of of> Result<Value> entries(Runtime& rt, const Value& self, const Params&) {
  constexpr std::array<std::string_view, 3> labels = {"dict_keys", "dict_values", "dict_items"};
  const auto& all = self.as<Dict>().entries;
  HEARTH_CHECK(rt.step(all.size() * sizeof(Value)));
  std::vector<Value> list;
  for (const auto& [key, value] : all)
    list.push_back(of == Of::keys ? key : of == Of::values ? value : rt.tuple({key, value}));
  return rt.view(labels[static_cast<std::size_t>(of)], std::move(list));
}

constexpr std::array kListMethods = {Native{"count", "value", 1, count_equal},
                                     Native{"index", "value start stop", 1, index}, Native{"copy", "", 0, copy}};
constexpr std::array kDictMethods = {
    Native{"get", "key default", 1, get},
    Native{"items", "", 0, entries<Of::items>},
    Native{"keys", "", 0, entries<Of::keys>},
    Native{"values", "", 0, entries<Of::values>},
    Native{"copy", "", 0, copy},
};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear", "pop",    "reverse",
                                                          "insert", "sort",  "extend", "remove"};
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};

struct Row {
  Kind kind;
  std::span<const Native> methods;
  std::span<const std::string_view> changes;
};

}  // namespace

const Native* find_method(const Value& self, std::string_view name, bool& mutates) {
  const std::array rows = {
      Row{Kind::string, string_methods(), {}},
      Row{Kind::list, kListMethods, kListChanges},
      Row{Kind::tuple, std::span(kListMethods).first(2), {}},
      Row{Kind::range, std::span(kListMethods).first(2), {}},
      Row{Kind::dict, kDictMethods, kDictChanges},
  };
  for (const Row& row : rows) {
    if (row.kind != self.kind()) continue;
    mutates = std::find(row.changes.begin(), row.changes.end(), name) != row.changes.end();
    return find_native(row.methods, name);
  }
  return nullptr;
}

}  // namespace hearth::text::jinja
