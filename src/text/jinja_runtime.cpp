// Enters: one rendering. Leaves: values made and counted, limits kept, errors worded, elements handed out.
#include "jinja_runtime.h"

#include <algorithm>

#include "escape.h"
#include "jinja_unicode.h"
#include "saturating.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

constexpr std::size_t kObjectBytes = 64, kEntryBytes = 144;  // about what the allocator takes
constexpr std::size_t kBytesAStep = 256;

}  // namespace

Error failure(std::string what) { return Error(Status::invalid_argument, std::move(what)); }
Error limit_reached(const std::string& what) { return Error(Status::out_of_memory, what); }

Result<void> check_key(Runtime& rt, const Value& key) {
  HEARTH_CHECK(rt.step(key_bytes(key)));
  if (hashable(key)) return {};
  return failure("'" + std::string(type_name(key)) + "' cannot be a key");
}

Value Runtime::counted(Kind kind, std::shared_ptr<Object> object, std::size_t bytes) {
  object->count(&memory_, bytes);
  too_deep_ |= object->depth > limits_.value_depth;
  return Value(kind, std::move(object));
}

Value Runtime::text(std::string bytes, bool safe) {
  auto object = std::make_shared<Text>();
  object->bytes = std::move(bytes);
  object->safe = safe;
  const std::size_t size = object->bytes.size();
  return counted(Kind::string, std::move(object), kObjectBytes + size);
}

Value Runtime::array(Kind kind, std::vector<Value> items) {
  auto object = std::make_shared<Array>();
  object->depth = depth_around(items);
  object->items = std::move(items);
  if (kind == Kind::tuple)
    for (const Value& item : object->items)
      object->key_bytes = saturating_add(object->key_bytes, saturating_add(key_bytes(item), sizeof(Value)));
  const std::size_t bytes = object->items.size() * sizeof(Value);
  return counted(kind, std::move(object), kObjectBytes + bytes);
}

Value Runtime::view(std::string_view label, std::vector<Value> items) {
  Value made = array(Kind::view, std::move(items));
  made.as<Array>().label = label;
  return made;
}

Value Runtime::dict(std::shared_ptr<Dict> filled) {
  const std::size_t bytes = kObjectBytes + filled->entries.size() * kEntryBytes;
  return counted(Kind::dict, std::move(filled), bytes);
}

Value Runtime::range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  auto object = std::make_shared<Range>();
  object->start = start, object->stop = stop, object->step = step;
  return counted(Kind::range, std::move(object), kObjectBytes);
}

Runtime::~Runtime() {
  for (const auto& space : spaces_) space->attributes.clear();
}

Value Runtime::space(std::shared_ptr<Namespace> filled) {
  spaces_.push_back(filled);
  return counted(Kind::space, std::move(filled), kObjectBytes + kEntryBytes);
}

Result<void> Runtime::room(std::uint64_t bytes) {
  if (bytes <= limits_.memory_bytes && memory_.live + bytes <= limits_.memory_bytes) return {};
  return limit_reached("the values take more than " + std::to_string(limits_.memory_bytes >> 20) + " MiB");
}

Result<void> Runtime::step(std::size_t bytes) {
  steps_left_ -= 1 + static_cast<std::int64_t>(bytes / kBytesAStep);
  if (steps_left_ < 0) return limit_reached("the template takes more than " + std::to_string(limits_.steps) + " steps");
  if (depth_ > limits_.call_depth) return limit_reached("calls, tags and expressions run too deeply inside each other");
  if (too_deep_)
    return limit_reached("lists, dicts or calls are nested more than " + std::to_string(limits_.value_depth) + " deep");
  return room(bytes);
}

Result<Cursor> Cursor::over(const Value& value) {
  Cursor cursor;
  cursor.value_ = value;
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::string:
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
    case Kind::view:
    case Kind::range:
    case Kind::generator:
      return cursor;
    default:
      return failure("'" + std::string(type_name(value)) + "' cannot be iterated over");
  }
}

Result<std::optional<Value>> Cursor::next(Runtime& rt) {
  HEARTH_CHECK(rt.step());
  const std::size_t i = at_++;
  switch (value_.kind()) {
    case Kind::string: {
      const std::string_view bytes = value_.text();
      if (i >= bytes.size()) return std::optional<Value>();
      at_ = i + char_bytes(bytes[i]);
      return std::optional(rt.text(std::string(bytes.substr(i, at_ - i))));
    }
    case Kind::list:
    case Kind::tuple:
    case Kind::view: {
      const auto& items = value_.as<Array>().items;
      return i < items.size() ? std::optional(items[i]) : std::nullopt;
    }
    case Kind::generator: {
      const Array& array = value_.as<Array>();
      return array.next < array.items.size() ? std::optional(array.items[array.next++]) : std::nullopt;
    }
    case Kind::dict: {
      const auto& entries = value_.as<Dict>().entries;
      return i < entries.size() ? std::optional(entries[i].first) : std::nullopt;
    }
    case Kind::range: {
      const Range& range = value_.as<Range>();
      if (static_cast<std::int64_t>(i) >= range.size()) return std::optional<Value>();
      return std::optional(Value::integer(range.at(static_cast<std::int64_t>(i))));
    }
    default:
      return std::optional<Value>();
  }
}

Result<std::vector<Value>> elements(Runtime& rt, const Value& value) {
  HEARTH_TRY(Cursor cursor, Cursor::over(value));
  std::vector<Value> items;
  for (;;) {
    HEARTH_TRY(auto next, cursor.next(rt));
    if (!next) return items;
    items.push_back(std::move(*next));
    if (items.size() % 1024 == 0) HEARTH_CHECK(rt.room(items.size() * sizeof(Value)));
  }
}

Result<Value> call(Runtime& rt, const Value& callee, Arguments arguments) {
  HEARTH_CHECK(rt.step());
  if (callee.is(Kind::callable) || callee.is(Kind::loop)) return callee.as<Callable>().call(rt, std::move(arguments));
  if (callee.is(Kind::undefined)) return failure(std::string(callee.text()));
  return failure("'" + std::string(type_name(callee)) + "' cannot be called");
}

}  // namespace hearth::text::jinja
