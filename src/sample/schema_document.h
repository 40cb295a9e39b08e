// Enters: a JSON Schema's text. Leaves: its subschemas by number, keywords checked, references and alternatives resolved.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "json_text_grammar.h"
#include "json_tree.h"

namespace hearth::sample {

using SchemaId = std::uint32_t;
/// Schemas that hold at once, each once.
using Conjunction = std::vector<SchemaId>;

/// What a value is, as bits. A number has both number bits; a whole one is `integer`.
enum TypeBit : unsigned {
  t_null = 1,
  t_boolean = 2,
  t_integer = 4,
  t_fraction = 8,
  t_string = 16,
  t_array = 32,
  t_object = 64
};
inline constexpr unsigned t_number = t_integer | t_fraction, t_any = 127;
unsigned type_of(const JsonValue& value);

class SchemaDocument {
 public:
  static Result<SchemaDocument> parse(std::string_view text);

  /// The ways to meet them all. Each is a list of schemas without references and combinations; several are alternatives.
  /// Error, besides: a oneOf on the way to them that cannot be shown to let only one of its alternatives be met.
  Result<std::vector<Conjunction>> expand(const Conjunction& schemas) const;

  const JsonValue& value(SchemaId id) const { return *values_[id]; }
  SchemaId id(const JsonValue& schema) const { return ids_.at(&schema); }
  std::string pointer(SchemaId id) const;

  // Over the schemas of one alternative.
  unsigned stated_types(const Conjunction& all) const;  // t_any where none is stated
  bool has_types(const Conjunction& all) const;
  unsigned implied_types(const Conjunction& all) const;  // 0 where no keyword speaks of one
  /// The types that are generated.
  unsigned types(const Conjunction& all) const;
  /// What enum and const leave, if there is one.
  Result<std::optional<std::vector<const JsonValue*>>> constants(const Conjunction& all) const;
  Result<std::unordered_set<std::string_view>> required_keys(const Conjunction& all) const;
  /// What a key's value must meet; `listed` says whether a schema names the key.
  Conjunction property(const Conjunction& all, std::string_view key, bool& listed) const;

  /// Counts work that is more than linear in the text. Error: it is too much for one schema.
  Result<void> spend(std::uint64_t steps) const;
  /// The same for a text that is read anew each time somebody asks.
  Result<void> spend_bytes(std::size_t bytes) const;

  /// "KEYWORD what; JSON Schema, at POINTER; …"
  Error unsupported(SchemaId id, std::string_view keyword, std::string_view what = "is not supported") const;
  Error wrong(SchemaId id, std::string_view keyword, std::string_view what) const;

 private:
  struct Parent {
    const JsonValue* value = nullptr;
    std::size_t index = 0;
  };
  using Path = std::shared_ptr<const std::vector<SchemaId>>;
  struct Pending {
    SchemaId id;
    Path inside;  // what led to it without reading anything
  };
  void number(const JsonValue& value);
  Result<void> check_keywords(SchemaId from) const;
  Result<void> check_one(SchemaId id) const;
  Result<SchemaId> target(SchemaId id, const std::string& reference) const;
  Result<void> expand_into(Conjunction plain, std::vector<Pending> pending, int depth,
                           std::vector<Conjunction>& ways) const;
  Result<std::vector<Conjunction>> ways_to_meet(const Conjunction& schemas) const;
  Result<void> prove_exclusive() const;
  Result<void> prove_exclusive(SchemaId id) const;
  Result<bool> disjoint(const Conjunction& a, const Conjunction& b, int depth, bool& only_objects) const;
  Result<bool> disjoint_ways(const Conjunction& a, const Conjunction& b, int depth, bool& only_objects) const;
  Result<std::string> spelled(const JsonValue& value) const;
  Result<std::unordered_set<std::string>> spelled(const std::vector<const JsonValue*>& values) const;
  bool closed_without(const Conjunction& all, std::string_view key) const;

  std::unique_ptr<JsonValue> root_;
  std::vector<const JsonValue*> values_;
  std::unordered_map<const JsonValue*, SchemaId> ids_;
  std::unordered_map<const JsonValue*, Parent> parents_;
  mutable std::unordered_set<SchemaId> exclusive_;  // oneOf that is shown to be, or is in unproven_
  mutable std::vector<SchemaId> unproven_;
  mutable std::unordered_set<SchemaId> of_objects_;  // oneOf that is exclusive as long as only objects are made for it
  mutable std::unordered_set<SchemaId> checked_;     // whose keywords are known and hold what they must
  mutable std::uint64_t n_steps_ = 0;
};

}  // namespace hearth::sample
