// Enters: a value and a name, index or slice. Leaves: what it has there; undefined, with the reason, where it has nothing.
#include <algorithm>

#include "jinja_runtime.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

std::string object_name(const Value& value) {
  if (value.is(Kind::none)) return "None";
  return std::string(type_name(value)) + " object";
}

Value no_attribute(const Value& value, std::string_view name) {
  return undefined("'" + object_name(value) + "' has no attribute '" + std::string(name) + "'");
}

std::optional<Value> named_element(const Value& value, std::string_view name) {
  const Array& array = value.as<Array>();
  for (std::size_t i = 0; array.names && i < array.items.size(); ++i)
    if (name == array.names[i]) return array.items[i];
  return std::nullopt;
}

/// What Python's getattr finds, where anything.
Result<std::optional<Value>> own_attribute(Runtime& rt, const Value& value, std::string_view name) {
  if (value.is(Kind::tuple))
    if (auto element = named_element(value, name)) return element;
  if (value.is(Kind::space)) {
    const Value* found = value.as<Namespace>().attributes.find(name);
    return found ? std::optional(*found) : std::nullopt;
  }
  if (value.is(Kind::callable) || value.is(Kind::loop) || value.is(Kind::plain)) {
    HEARTH_TRY(Value found, value.as<Callable>().attribute(rt, name));
    return found.is(Kind::undefined) && !found.object() ? std::nullopt : std::optional(std::move(found));
  }
  bool mutates = false;
  if (const Native* method = find_method(value, name, mutates)) return std::optional(native_value(rt, *method, value));
  if (!mutates) return std::optional<Value>();
  return std::optional(undefined("'" + std::string(name) + "' would change a '" + std::string(type_name(value)) +
                                 "', and a template may only change namespaces"));
}

/// What Python's value[key] finds, where anything.
Result<std::optional<Value>> own_item(Runtime& rt, const Value& value, const Value& key) {
  if (value.is(Kind::dict)) {
    HEARTH_CHECK(rt.step(key_bytes(key)));
    const Value* found = hashable(key) ? value.as<Dict>().find(key) : nullptr;
    return found ? std::optional(*found) : std::nullopt;
  }
  const bool indexable = value.is_array() || value.is_text() || value.is(Kind::range);
  if (!indexable || !key.is_whole()) return std::optional<Value>();
  const std::int64_t length = length_of(value);
  const std::int64_t at = key.integer() < 0 ? key.integer() + length : key.integer();
  if (at < 0 || at >= length) return std::optional<Value>();
  if (value.is(Kind::range)) return std::optional(Value::integer(value.as<Range>().at(at)));
  if (value.is_array()) return std::optional(value.as<Array>().items[static_cast<std::size_t>(at)]);
  const std::string_view bytes = value.text();
  HEARTH_CHECK(rt.step(bytes.size()));
  std::size_t begin = static_cast<std::size_t>(at);
  if (static_cast<std::size_t>(length) != bytes.size()) {
    begin = 0;
    for (std::int64_t i = 0; i < at; ++i) begin += char_bytes(bytes[begin]);
  }
  return std::optional(rt.text(std::string(bytes.substr(begin, char_bytes(bytes[begin]))), value.safe()));
}

Result<std::int64_t> bound(const Value& given, std::int64_t otherwise, std::int64_t length, bool forward) {
  if (given.is(Kind::none)) return otherwise;
  if (!given.is_whole()) return failure("a slice wants whole numbers, not '" + std::string(type_name(given)) + "'");
  std::int64_t at = given.integer();
  if (at < 0) at = at < -length ? -1 : at + length;
  return forward ? std::clamp<std::int64_t>(at, 0, length) : std::clamp<std::int64_t>(at, -1, length - 1);
}

}  // namespace

Result<Value> attribute(Runtime& rt, const Value& value, std::string_view name) {
  if (value.is(Kind::undefined)) return failure(std::string(value.text()));
  HEARTH_TRY(auto found, own_attribute(rt, value, name));
  if (found) return std::move(*found);
  if (value.is(Kind::dict))
    if (const Value* element = value.as<Dict>().find(name)) return *element;
  return no_attribute(value, name);
}

Result<Value> item(Runtime& rt, const Value& value, const Value& key) {
  if (value.is(Kind::undefined)) return failure(std::string(value.text()));
  HEARTH_TRY(auto element, own_item(rt, value, key));
  if (element) return std::move(*element);
  if (key.is_text()) {
    HEARTH_TRY(auto found, own_attribute(rt, value, key.text()));
    return found ? std::move(*found) : no_attribute(value, key.text());
  }
  HEARTH_TRY(const std::string shown, to_repr(rt, key));
  return undefined(object_name(value) + " has no element " + shown);
}

Result<Bounds> slice_bounds(const Value& start, const Value& stop, const Value& step, std::int64_t length) {
  std::int64_t stride = 1;
  if (step.is_whole()) stride = step.integer();
  else if (!step.is(Kind::none)) return failure("a slice's step is a whole number");
  if (stride == 0) return failure("a slice's step is not zero");
  const bool forward = stride > 0;
  HEARTH_TRY(const std::int64_t from, bound(start, forward ? 0 : length - 1, length, forward));
  HEARTH_TRY(const std::int64_t to, bound(stop, forward ? length : -1, length, forward));
  return Bounds{from, to, std::clamp(stride, -length - 1, length + 1)};
}

Result<Value> slice(Runtime& rt, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is(Kind::undefined)) return failure(std::string(value.text()));
  if (!value.is_array() && !value.is_text() && !value.is(Kind::range))
    return failure("'" + object_name(value) + "' cannot be sliced");
  HEARTH_TRY(const Bounds b, slice_bounds(start, stop, step, length_of(value)));
  const auto goes_on = [&](std::int64_t i) { return b.step > 0 ? i < b.stop : i > b.stop; };
  if (value.is_text()) {
    HEARTH_CHECK(rt.step(4 * value.text().size()));
    const std::u32string codes = decode(value.text());
    std::string out;
    for (std::int64_t i = b.start; goes_on(i); i += b.step) append_char(out, codes[static_cast<std::size_t>(i)]);
    return rt.text(std::move(out), value.safe());
  }
  if (value.is(Kind::range)) {
    const Range& r = value.as<Range>();
    std::int64_t stride = 0;
    if (__builtin_mul_overflow(r.step, b.step, &stride)) return failure("the slice's step needs more than 64 bits");
    return rt.range(r.at(b.start), r.at(b.stop), stride);
  }
  const auto& items = value.as<Array>().items;
  HEARTH_CHECK(rt.step(items.size() * sizeof(Value)));
  std::vector<Value> part;
  for (std::int64_t i = b.start; goes_on(i); i += b.step) part.push_back(items[static_cast<std::size_t>(i)]);
  return value.is(Kind::list) ? rt.list(std::move(part)) : rt.tuple(std::move(part));
}

}  // namespace hearth::text::jinja
