// Enters: values. Leaves: what they are: true or false, equal, how many, of which type.
#include "jinja_value.h"

#include <algorithm>
#include <array>

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

const Value* Dict::find(std::string_view key) const {
  const auto found = texts_.find(key);
  return found == texts_.end() ? nullptr : &entries[found->second].second;
}

std::ptrdiff_t Dict::position(const Value& key) const {
  if (key.is_text()) {
    const auto found = texts_.find(key.text());
    return found == texts_.end() ? -1 : static_cast<std::ptrdiff_t>(found->second);
  }
  if (texts_.size() == entries.size()) return -1;
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return equal_keys(entry.first, key); });
  return found == entries.end() ? -1 : found - entries.begin();
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
  if (key.is_text()) texts_.emplace(key.text(), entries.size());
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

unsigned depth_of(const Value& value) {
  if (value.is_array() || value.is(Kind::view) || value.is(Kind::generator)) return value.as<Array>().depth;
  return value.is(Kind::dict) ? value.as<Dict>().depth : 0;
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

bool hashable(const Value& value) {
  if (value.is(Kind::list) || value.is(Kind::dict)) return false;
  if (!value.is(Kind::tuple)) return true;
  const auto& items = value.as<Array>().items;
  return std::all_of(items.begin(), items.end(), hashable);
}

}  // namespace hearth::text::jinja
