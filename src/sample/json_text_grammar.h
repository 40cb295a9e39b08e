// Enters: what a JSON value may be. Leaves: expressions for it: white space, strings, numbers, and values of any kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "grammar_builder.h"
#include "json_tree.h"

namespace hearth::sample {

/// One end of a range of numbers.
struct NumberBound {
  Decimal value;
  bool exclusive = false;
};

/// Makes the rules that several values share once. White space is at most one blank, or a line break and 32 blanks or tabs,
/// after { [ , : and before } and ]: texts laid out in any usual way, and none that goes on for ever.
class JsonText {
 public:
  using Expr = GrammarBuilder::Expr;
  explicit JsonText(GrammarBuilder& builder) : builder_(builder) {}

  Expr white_space();
  /// Any string, every character in any of JSON's spellings; surrogates come in pairs.
  Expr string(std::uint32_t least = 0, std::optional<std::uint32_t> most = {});
  /// Characters inside a string, each in the one spelling that a writer of JSON chooses.
  Expr characters(const CharacterSet& set);
  /// A string whose characters `inside` describes.
  Expr quoted(Expr inside) { return builder_.sequence({builder_.literal("\""), inside, builder_.literal("\"")}); }
  /// A string that is none of `names`, spelled so that no other spelling gets round that. nullopt: they take too many states.
  std::optional<Expr> string_but(std::vector<std::string> names);

  Expr any_number();
  /// Whole numbers of up to 18 digits. Error: a bound that is not near enough to tell.
  Expr integers(const std::optional<NumberBound>& lower, const std::optional<NumberBound>& upper);
  /// Decimal numbers without an exponent, of 15 digits: as many as a double keeps apart, so that a bound is kept by
  /// whoever reads the number. nullopt: a bound has more digits.
  std::optional<Expr> decimals(const std::optional<NumberBound>& lower, const std::optional<NumberBound>& upper);

  Expr any_value();
  Expr any_object() { return any_value(), call_object_; }
  Expr any_array() { return any_value(), call_array_; }
  /// Exactly this value, however it is laid out.
  Expr constant(const JsonValue& value);

  /// { members } or [ items ]: what stands inside ends in white space, or is nothing.
  Expr enclosed(const char* open, Expr inside, const char* close);
  Expr comma() { return builder_.sequence({builder_.literal(","), white_space()}); }

 private:
  Expr string_character();
  Expr between(std::int64_t lowest, std::int64_t highest, int n_fraction);

  GrammarBuilder& builder_;
  std::optional<Expr> white_space_, string_, number_, value_;
  Expr call_object_ = 0, call_array_ = 0;
};

}  // namespace hearth::sample
