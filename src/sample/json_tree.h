// Enters: JSON text. Leaves: its values with keys in the order of the text and numbers as they were spelled.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::sample {

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool flag = false;
  std::string text;                  // of a string, decoded; of a number, as it stands
  std::vector<std::string> keys;     // [members] of an object
  std::vector<JsonValue> items;      // of an array; an object's values
  std::vector<std::uint32_t> order;  // [members] their numbers in the order of their keys

  bool is(Kind wanted) const { return kind == wanted; }
  /// The value of a key; nullptr where there is none, and where this is no object.
  const JsonValue* find(std::string_view key) const;
};

/// Errors: no JSON, with the byte; a key that comes twice; deeper than `max_depth`, more than `max_values`. `what` names the text.
Result<JsonValue> parse_json_tree(std::string_view text, std::string_view what, int max_depth, std::size_t max_values);

/// A number exactly: digits * 10^exponent. Without zeros at the end of the digits; zero has none.
struct Decimal {
  bool negative = false;
  std::string digits{};
  std::int64_t exponent = 0;
  bool is_integer() const { return exponent >= 0; }
};
/// nullopt for a number whose exponent passes a million either way.
std::optional<Decimal> decimal_of(std::string_view json_number);

/// One text for all spellings of a value by the rules of JSON Schema: 1 is 1.0, the order of keys says nothing.
std::string canonical_json(const JsonValue& value);

/// A string as JSON, with its quotes: every character as it is but those that must be escaped.
std::string json_quoted(std::string_view text);

/// A value that is neither array nor object, as JSON.
std::string json_scalar(const JsonValue& value);

/// Any value as JSON, in one line: keys in their order, numbers as they were spelled.
std::string json_text(const JsonValue& value);

/// Bytes of the JSON object that a text begins with, by its braces and quotes alone; 0 where there is none, or none that closes.
std::size_t json_object_length(std::string_view text);

}  // namespace hearth::sample
