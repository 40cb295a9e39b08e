// Enters: values. Leaves: what they are: true or false, equal, how many, of which type.
#include "jinja_value.h"

#include <algorithm>
#include <array>
#include <functional>

#include "jinja_unicode.h"

namespace hearth::text::jinja {
namespace {

constexpr std::array<std::string_view, 16> kTypeNames = {
    "Undefined", "NoneType",  "bool",  "int",       "float",     "str",      "list",        "tuple",
    "dict",      "dict_view", "range", "generator", "Namespace", "function", "LoopContext", "Cycler",
};

bool equal_arrays(const std::vector<Value>& a, const std::vector<Value>& b, std::int64_t& budget) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](const Value& x, const Value& y) { return equal(x, y, budget); });
}

bool equal_dicts(const Dict& a, const Dict& b, std::int64_t& budget) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(entry.first);
    return other && equal(entry.second, *other, budget);
  });
}

/// The order of the two counts.
std::size_t joined_hash(std::size_t a, std::size_t b) { return a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2)); }

/// The same for keys that are equal: 1, 1.0 and true are one key.
std::size_t hash_of(const Value& key) {
  if (key.is_text()) return std::hash<std::string_view>()(key.text());
  if (key.is_number()) return std::hash<double>()(key.real());
  if (key.is(Kind::none) || key.is(Kind::undefined)) return 0;
  if (key.is(Kind::range)) {
    const Range& range = key.as<Range>();
    const std::int64_t size = range.size(), step = size > 1 ? range.step : 0;
    if (size == 0) return 0;
    return joined_hash(joined_hash(static_cast<std::size_t>(range.start), static_cast<std::size_t>(size)),
                       static_cast<std::size_t>(step));
  }
  if (!key.is(Kind::tuple)) return std::hash<const void*>()(key.object().get());
  const std::vector<Value>& items = key.as<Array>().items;
  std::size_t hash = items.size() + 1;
  for (const Value& item : items) hash = joined_hash(hash, hash_of(item));
  return hash;
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.size() != b.size()) return false;
  if (a.size() == 0) return true;
  return a.start == b.start && (a.size() == 1 || a.step == b.step);
}

}  // namespace

std::string_view Value::text() const { return object_ ? std::string_view(as<Text>().bytes) : std::string_view(); }
bool Value::safe() const { return is_text() && as<Text>().safe; }

Value constant_text(std::string bytes) {
  auto object = std::make_shared<Text>();
  object->bytes = std::move(bytes);
  object->n_chars = count_chars(object->bytes);  // threads that share a template only read it
  return Value(Kind::string, std::move(object));
}

Value undefined(std::string why) { return Value(Kind::undefined, constant_text(std::move(why)).object()); }

std::int64_t Range::size() const {
  if (step > 0 ? start >= stop : start <= stop) return 0;
  const auto span = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                             : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t n = (span - 1) / stride + 1;
  return n > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(n);
}

std::int64_t Range::at(std::int64_t index) const {
  const std::int64_t inside = std::clamp<std::int64_t>(index, 0, std::max<std::int64_t>(size() - 1, 0));
  const std::uint64_t way =
      static_cast<std::uint64_t>(inside) * static_cast<std::uint64_t>(step);  // may wrap on its own
  auto value = static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + way);
  const std::int64_t edge = (step > 0) == (index > inside) ? INT64_MAX : INT64_MIN;
  if (index > inside && __builtin_add_overflow(value, step, &value)) return edge;
  if (index < inside && __builtin_sub_overflow(value, step, &value)) return edge;
  return value;
}

template <class Same> std::ptrdiff_t Dict::position(std::size_t hash, Same same) const {
  const auto [begin, end] = places_.equal_range(hash);
  for (auto place = begin; place != end; ++place)
    if (same(entries[place->second].first)) return static_cast<std::ptrdiff_t>(place->second);
  return -1;
}

std::ptrdiff_t Dict::position(const Value& key) const {
  return position(hash_of(key), [&](const Value& other) { return equal_keys(other, key); });
}

const Value* Dict::find(std::string_view key) const {
  const std::ptrdiff_t at = position(std::hash<std::string_view>()(key),
                                     [&](const Value& other) { return other.is_text() && other.text() == key; });
  return at < 0 ? nullptr : &entries[static_cast<std::size_t>(at)].second;
}

const Value* Dict::find(const Value& key) const {
  const std::ptrdiff_t at = position(key);
  return at < 0 ? nullptr : &entries[static_cast<std::size_t>(at)].second;
}

void Dict::set(const Value& key, const Value& value) {
  depth = std::max({depth, depth_of(value) + 1, depth_of(key) + 1});
  const std::ptrdiff_t at = position(key);
  if (at >= 0) {
    entries[static_cast<std::size_t>(at)].second = value;
    return;
  }
  if (equal_keys(key, key)) places_.emplace(hash_of(key), entries.size());  // NaN is never found again
  entries.emplace_back(key, value);
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.integer() != 0;
    case Kind::real:
      return value.real() != 0;
    case Kind::string:
      return !value.text().empty();
    default:
      return length_of(value) != 0;
  }
}

std::string_view type_name(const Value& value) {
  if (value.is(Kind::view)) return value.as<Array>().label;
  return kTypeNames[static_cast<std::size_t>(value.kind())];
}

unsigned depth_of(const Value& value) { return value.object() ? value.object()->depth : 0; }

unsigned depth_around(const std::vector<Value>& values) {
  unsigned depth = 0;
  for (const Value& value : values) depth = std::max(depth, depth_of(value));
  return depth + 1;
}

std::int64_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string: {
      const Text& text = value.as<Text>();
      if (text.n_chars < 0) text.n_chars = count_chars(text.bytes);
      return text.n_chars;
    }
    case Kind::list:
    case Kind::tuple:
    case Kind::view:
      return static_cast<std::int64_t>(value.as<Array>().items.size());
    case Kind::dict:
      return static_cast<std::int64_t>(value.as<Dict>().entries.size());
    case Kind::range:
      return value.as<Range>().size();
    default:
      return -1;
  }
}

bool equal(const Value& a, const Value& b, std::int64_t& budget) {
  if (--budget < 0) return false;
  if (a.is_number() && b.is_number()) {
    if (a.is_whole() && b.is_whole()) return a.integer() == b.integer();
    return a.real() == b.real();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::string:
      budget -= static_cast<std::int64_t>(a.text().size() / 256);
      return a.text() == b.text();
    case Kind::list:
    case Kind::tuple:
      return equal_arrays(a.as<Array>().items, b.as<Array>().items, budget);
    case Kind::dict:
      return equal_dicts(a.as<Dict>(), b.as<Dict>(), budget);
    case Kind::range:
      return equal_ranges(a.as<Range>(), b.as<Range>());
    default:
      return a.object() == b.object();
  }
}

bool equal_keys(const Value& a, const Value& b) {
  std::int64_t budget = 100000;
  return equal(a, b, budget);
}

std::uint64_t key_bytes(const Value& value) {
  if (value.is_text()) return value.text().size();
  return value.is(Kind::tuple) ? value.as<Array>().key_bytes : sizeof(Value);
}

bool hashable(const Value& value) {
  if (value.is(Kind::list) || value.is(Kind::dict)) return false;
  if (!value.is(Kind::tuple)) return true;
  const auto& items = value.as<Array>().items;
  return std::all_of(items.begin(), items.end(), hashable);
}

}  // namespace hearth::text::jinja
