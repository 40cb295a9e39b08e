// Enters: what a template computes with. Leaves: values with Python's types: shared, immutable but for namespaces, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hearth::text::jinja {

class Runtime;
class Value;

enum class Kind : std::uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  view,  // what dict.items() and its like give: counted and iterable, not indexable
  range,
  generator,  // iterable once
  space,      // a namespace, the one thing a template may change
  callable,
  loop,
  plain,  // a thing with methods alone: cycler
};

/// Bytes that the values of one rendering hold. Objects count themselves in and out; Runtime looks at the sum.
struct Memory {
  std::size_t live = 0;
};

class Object {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() {
    if (memory_) memory_->live -= bytes_;
  }
  void count(Memory* memory, std::size_t bytes) {
    memory_ = memory, bytes_ = bytes;
    if (memory_) memory_->live += bytes_;
  }

  /// Of things that hold each other: objects are let go one inside the other, so this is kept low.
  unsigned depth = 0;

 private:
  Memory* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

class Value {
 public:
  Value() = default;  // undefined
  Value(Kind kind, std::shared_ptr<Object> object) : kind_(kind), object_(std::move(object)) {}
  static Value none() { return Value(Kind::none, nullptr); }
  static Value boolean(bool value) { return Value(Kind::boolean, value ? 1 : 0); }
  static Value integer(std::int64_t value) { return Value(Kind::integer, value); }
  static Value real(double value) {
    Value made(Kind::real, nullptr);
    made.real_ = value;
    return made;
  }

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_text() const { return kind_ == Kind::string; }
  bool is_number() const { return kind_ == Kind::integer || kind_ == Kind::real || kind_ == Kind::boolean; }
  bool is_whole() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
  bool is_array() const { return kind_ == Kind::list || kind_ == Kind::tuple; }

  std::int64_t integer() const { return integer_; }  // of a boolean too
  double real() const { return kind_ == Kind::real ? real_ : static_cast<double>(integer_); }
  std::string_view text() const;  // of a string; of an undefined value: why it is
  bool safe() const;              // a string that |safe or |escape made

  template <class T> T& as() const { return static_cast<T&>(*object_); }
  const std::shared_ptr<Object>& object() const { return object_; }

 private:
  Value(Kind kind, std::int64_t value) : kind_(kind), integer_(value) {}

  Kind kind_ = Kind::undefined;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
  std::shared_ptr<Object> object_;
};

struct Text : Object {
  std::string bytes;  // sound UTF-8
  bool safe = false;
  mutable std::ptrdiff_t n_chars = -1;  // counted when first asked for
};

/// The elements of a list, tuple, view or generator.
struct Array : Object {
  std::vector<Value> items;
  std::uint64_t key_bytes = 0;         // of a tuple: what hashing it reads, an element as often as it is there
  std::string_view label;              // of a view: dict_keys, dict_values, dict_items
  const char* const* names = nullptr;  // of a tuple whose elements have names
  mutable std::size_t next = 0;        // of a generator
};

/// Keys in the order they came; keys that are equal numbers are one key.
struct Dict : Object {
  Dict() { depth = 1; }
  std::vector<std::pair<Value, Value>> entries;

  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;
  void set(const Value& key, const Value& value);
  void clear() { entries.clear(), places_.clear(); }

 private:
  template <class Same> std::ptrdiff_t position(std::size_t hash, Same same) const;
  std::ptrdiff_t position(const Value& key) const;
  std::unordered_multimap<std::size_t, std::size_t> places_;  // by a key's hash
};

struct Range : Object {
  std::int64_t start = 0, stop = 0, step = 1;
  std::int64_t size() const;
  /// Of an element it has; before the first and behind the last one, what 64 bits can hold of it.
  std::int64_t at(std::int64_t index) const;
};

struct Namespace : Object {
  Dict attributes;
};

/// What a call brings.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// Macros, methods, globals, and the things that have attributes of their own: loop, cycler.
struct Callable : Object {
  virtual Result<Value> call(Runtime& rt, Arguments arguments) = 0;
  virtual std::string_view name() const = 0;
  /// Undefined where it has none of this name.
  virtual Result<Value> attribute(Runtime&, std::string_view) { return Value(); }
};

/// A string that belongs to no rendering: a template's own.
Value constant_text(std::string bytes);
/// Undefined, and what to say where it is used.
Value undefined(std::string why);

bool truth(const Value& value);
/// Python's name of a type: 'str', 'list', 'NoneType'.
std::string_view type_name(const Value& value);
unsigned depth_of(const Value& value);
/// Of what holds these.
unsigned depth_around(const std::vector<Value>& values);
/// Elements where Python's len() knows them, else -1.
std::int64_t length_of(const Value& value);

/// Python's ==. Both are trees at most as deep as Runtime allows; `budget` is counted down, 0 ends the comparison as unequal.
bool equal(const Value& a, const Value& b, std::int64_t& budget);
bool equal_keys(const Value& a, const Value& b);
bool hashable(const Value& value);
/// Bytes that hashing and comparing it as a key reads.
std::uint64_t key_bytes(const Value& value);

}  // namespace hearth::text::jinja
