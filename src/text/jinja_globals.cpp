// Enters: calls of the names that every template knows. Leaves: ranges, dicts, namespaces, and the two that chat templates add.
#include <array>

#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "jinja_strftime.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100000;

Result<Value> range(Runtime& rt, const Value&, const Params& p) {
  HEARTH_TRY(const std::int64_t first, p.integer_or(rt, 0, 0));
  HEARTH_TRY(const std::int64_t second, p.integer_or(rt, 1, first));
  HEARTH_TRY(const std::int64_t step, p.integer_or(rt, 2, 1));
  if (step == 0) return failure("range() wants a step that is not zero");
  const Value made = rt.range(p.given(1) ? first : 0, second, step);
  if (made.as<Range>().size() > kMaxRange)
    return limit_reached("range() gives at most " + std::to_string(kMaxRange) + " numbers");
  return made;
}

/// From a mapping or pairs, and from names.
Result<void> fill(Runtime& rt, const Params& p, Dict& dict) {
  if (p.rest.positional.size() > 1) return failure("dict() and namespace() take at most one value without a name");
  if (!p.rest.positional.empty()) {
    const Value& from = p.rest.positional[0];
    const bool is_dict = from.is(Kind::dict);
    HEARTH_TRY(const std::vector<Value> items, elements(rt, from));
    for (const Value& entry : items) {
      if (!is_dict && (!entry.is_array() || entry.as<Array>().items.size() != 2))
        return failure("dict() wants pairs of a key and a value");
      const Value& key = is_dict ? entry : entry.as<Array>().items[0];
      HEARTH_CHECK(check_key(rt, key));
      dict.set(key, is_dict ? *from.as<Dict>().find(key) : entry.as<Array>().items[1]);
    }
  }
  for (const auto& [name, value] : p.rest.named) dict.set(rt.text(name), value);
  return {};
}

Result<Value> make_dict(Runtime& rt, const Value&, const Params& p) {
  auto dict = std::make_shared<Dict>();
  HEARTH_CHECK(fill(rt, p, *dict));
  return rt.dict(std::move(dict));
}

Result<Value> make_namespace(Runtime& rt, const Value&, const Params& p) {
  auto space = std::make_shared<Namespace>();
  HEARTH_CHECK(fill(rt, p, space->attributes));
  return rt.space(std::move(space));
}

struct Cycler : Callable {
  std::vector<Value> items;
  std::size_t at = 0;

  Result<Value> call(Runtime&, Arguments) override { return failure("a cycler is not called, its next() is"); }
  std::string_view name() const override { return "cycler"; }
  Result<Value> attribute(Runtime& rt, std::string_view wanted) override;
  std::weak_ptr<Cycler> self;
};

Result<Value> cycler_next(Runtime&, const Value& self, const Params&) {
  Cycler& cycler = self.as<Cycler>();
  const Value current = cycler.items[cycler.at];
  cycler.at = (cycler.at + 1) % cycler.items.size();
  return current;
}

Result<Value> cycler_reset(Runtime&, const Value& self, const Params&) {
  self.as<Cycler>().at = 0;
  return Value::none();
}

constexpr std::array kCyclerMethods = {Native{"next", "", 0, cycler_next}, Native{"reset", "", 0, cycler_reset}};

Result<Value> Cycler::attribute(Runtime& rt, std::string_view wanted) {
  if (wanted == "current") return items[at];
  const Native* row = find_native(kCyclerMethods, wanted);
  return row ? native_value(rt, *row, Value(Kind::plain, self.lock())) : Value();
}

Result<Value> make_cycler(Runtime& rt, const Value&, const Params& p) {
  if (p.rest.positional.empty()) return failure("cycler() wants at least one value");
  auto made = std::make_shared<Cycler>();
  made->items = p.rest.positional;
  made->self = made;
  made->depth = depth_around(made->items);
  return rt.counted(Kind::plain, made, sizeof(Cycler) + made->items.size() * sizeof(Value));
}

/// Nothing at its first call, the separator from then on.
struct Joiner : Callable {
  Value separator;
  bool used = false;

  Result<Value> call(Runtime& rt, Arguments) override { return std::exchange(used, true) ? separator : rt.text(""); }
  std::string_view name() const override { return "joiner"; }
};

Result<Value> make_joiner(Runtime& rt, const Value&, const Params& p) {
  auto made = std::make_shared<Joiner>();
  made->separator = p.given(0) ? p[0] : rt.text(", ");
  made->depth = depth_of(made->separator) + 1;
  return rt.counted(Kind::callable, std::move(made), sizeof(Joiner));
}

Result<Value> raise_exception(Runtime& rt, const Value&, const Params& p) {
  HEARTH_TRY(std::string message, to_text(rt, p[0]));
  return failure(std::move(message));
}

Result<Value> strftime_now(Runtime& rt, const Value&, const Params& p) {
  HEARTH_TRY(const std::string_view format, p.text_or(rt, 0, ""));
  constexpr std::size_t longest = 12;  // "%c" becomes 24 letters
  HEARTH_CHECK(rt.step(longest * format.size()));
  return rt.text(written_moment(rt.now(), format));
}

constexpr std::array kGlobals = {
    Native{"range", "start stop step", 1, range},      Native{"dict", "*", 0, make_dict},
    Native{"namespace", "*", 0, make_namespace},       Native{"cycler", "*", 0, make_cycler},
    Native{"joiner", "sep", 0, make_joiner},           Native{"raise_exception", "message", 1, raise_exception},
    Native{"strftime_now", "format", 1, strftime_now},
};

}  // namespace

const Native* find_global(std::string_view name) { return find_native(kGlobals, name); }

}  // namespace hearth::text::jinja
