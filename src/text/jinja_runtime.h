// Enters: one rendering. Leaves: values made and counted, limits kept, errors worded; what every built-in is handed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja_native.h"
#include "jinja_value.h"

namespace hearth::text::jinja {

/// What one rendering may take.
struct Limits {
  std::int64_t steps = 10'000'000;  // expressions, elements, and 256 bytes of text each count one
  std::size_t output_bytes = std::size_t{16} << 20;
  std::size_t memory_bytes = std::size_t{256} << 20;  // of all values that live at once
  int call_depth = 144;       // expressions and statements inside each other while they run: each
                              // takes up to 800 bytes of a thread's stack, of which musl gives 128 KB
  unsigned value_depth = 64;  // lists in lists
};

/// A date and a time of day without a zone.
struct Moment {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

class Runtime {
 public:
  Runtime(const Limits& limits, const Moment& moment) : limits_(limits), steps_left_(limits.steps), now_(moment) {}
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  Value text(std::string bytes, bool safe = false);
  Value list(std::vector<Value> items) { return array(Kind::list, std::move(items)); }
  Value tuple(std::vector<Value> items) { return array(Kind::tuple, std::move(items)); }
  Value generator(std::vector<Value> items) { return array(Kind::generator, std::move(items)); }
  Value view(std::string_view label, std::vector<Value> items);
  Value dict(std::shared_ptr<Dict> filled);
  Value range(std::int64_t start, std::int64_t stop, std::int64_t step);
  Value space(std::shared_ptr<Namespace> filled);
  Value counted(Kind kind, std::shared_ptr<Object> object, std::size_t bytes);

  /// To be asked before each piece of work of about this many bytes, and before such a text is made.
  Result<void> step(std::size_t bytes = 0);
  Result<void> room(std::uint64_t bytes);
  std::int64_t& steps_left() { return steps_left_; }

  const Limits& limits() const { return limits_; }
  const Moment& now() const { return now_; }
  Memory* memory() { return &memory_; }

  /// While one lives, evaluation is one level deeper.
  class Level {
   public:
    explicit Level(Runtime& rt) : rt_(rt) { ++rt_.depth_; }
    ~Level() { --rt_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Runtime& rt_;
  };

  /// The template's line that is being worked on; errors name it.
  int line = 0;

 private:
  Value array(Kind kind, std::vector<Value> items);

  Limits limits_;
  Memory memory_;
  std::int64_t steps_left_;
  int depth_ = 0;
  bool too_deep_ = false;
  Moment now_;
  std::vector<std::shared_ptr<Namespace>> spaces_;  // may hold each other in circles, so they are emptied at the end
};

/// What went wrong, without where: the evaluator adds the line.
Error failure(std::string what);
Result<void> check_key(Runtime& rt, const Value& key);
Error limit_reached(const std::string& what);

/// The elements of anything Python iterates over, one at a time. Undefined has none.
class Cursor {
 public:
  static Result<Cursor> over(const Value& value);
  /// nullopt at the end.
  Result<std::optional<Value>> next(Runtime& rt);

 private:
  Value value_;
  std::size_t at_ = 0;
};
Result<std::vector<Value>> elements(Runtime& rt, const Value& value);

// As Python's str() and repr().
Result<std::string> to_text(Runtime& rt, const Value& value);
Result<std::string> to_repr(Runtime& rt, const Value& value);
std::string float_text(double value);

// Access: x.name prefers an attribute or method, x[key] prefers an item.
Result<Value> attribute(Runtime& rt, const Value& value, std::string_view name);
Result<Value> item(Runtime& rt, const Value& value, const Value& key);
Result<Value> slice(Runtime& rt, const Value& value, const Value& start, const Value& stop, const Value& step);
Result<Value> call(Runtime& rt, const Value& callee, Arguments arguments);

/// Slice bounds put inside a length, as Python does.
struct Bounds {
  std::int64_t start, stop, step;
};
Result<Bounds> slice_bounds(const Value& start, const Value& stop, const Value& step, std::int64_t length);

// JSON: a template's variables, and tojson.
Result<Value> from_json(Runtime& rt, std::string_view json, const std::string& where);
struct JsonStyle {
  bool ascii = false, sort_keys = false;
  std::optional<std::string> indent;
  std::string item_separator = ", ", key_separator = ": ";
};
Result<std::string> to_json(Runtime& rt, const Value& value, const JsonStyle& style);

/// Python's "…" % values and str.format.
Result<Value> percent_format(Runtime& rt, const Value& format, const Value& values);
Result<Value> brace_format(Runtime& rt, std::string_view format, const Arguments& arguments);

Result<std::string> escaped_html(Runtime& rt, std::string_view text);
/// A text that is not marked as safe, escaped.
Result<std::string> as_html(Runtime& rt, const Value& text);

}  // namespace hearth::text::jinja
