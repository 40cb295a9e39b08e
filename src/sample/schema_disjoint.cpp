// Enters: the alternatives of a oneOf. Leaves: whether it can be shown that no text made for one is valid for another.
#include <algorithm>

#include "escape.h"
#include "schema_document.h"
#include "try.h"

namespace hearth::sample {

/// One by one: what is met while alternatives are held against each other only joins those that wait.
Result<void> SchemaDocument::prove_exclusive() const {
  while (!unproven_.empty()) {
    const SchemaId at = unproven_.back();
    unproven_.pop_back();
    HEARTH_CHECK(prove_exclusive(at));
  }
  return {};
}

/// A text of one alternative must not be valid for another, or the whole would not be valid.
Result<void> SchemaDocument::prove_exclusive(SchemaId at) const {
  constexpr std::size_t most = 256;  // each is held against each
  const std::vector<JsonValue>& parts = value(at).find("oneOf")->items;
  if (parts.size() > most) return unsupported(at, "oneOf", "has more than " + std::to_string(most) + " alternatives");
  bool only_objects = false;
  for (std::size_t a = 0; a < parts.size(); ++a) {
    for (std::size_t b = a + 1; b < parts.size(); ++b) {
      HEARTH_TRY(const bool apart, disjoint({id(parts[a])}, {id(parts[b])}, 0, only_objects));
      if (!apart)
        return unsupported(at, "oneOf",
                           "has alternatives " + std::to_string(a) + " and " + std::to_string(b) +
                               " that a value may match both, or so it seems");
    }
  }
  if (only_objects) of_objects_.insert(at);
  return {};
}

Result<bool> SchemaDocument::disjoint(const Conjunction& a, const Conjunction& b, int depth, bool& only_objects) const {
  constexpr int deepest = 6;
  if (depth > deepest) return false;
  HEARTH_TRY(const auto ways_of_a, ways_to_meet(a));
  HEARTH_TRY(const auto ways_of_b, ways_to_meet(b));
  for (const Conjunction& x : ways_of_a) {
    for (const Conjunction& y : ways_of_b) {
      HEARTH_TRY(const bool apart, disjoint_ways(x, y, depth, only_objects));
      if (!apart) return false;
    }
  }
  return true;
}

/// Whether an object with the key is never valid.
bool SchemaDocument::closed_without(const Conjunction& all, std::string_view key) const {
  bool listed = false;
  const Conjunction schemas = property(all, key, listed);
  return std::any_of(schemas.begin(), schemas.end(),
                     [&](SchemaId s) { return value(s).is(JsonValue::Kind::boolean) && !value(s).flag; });
}

/// Where neither states a type, a null is valid for both, though by themselves they mean objects: what stands beside them
/// may let it in. `only_objects` becomes true where they are apart as long as nothing else is made. Further inside that
/// cannot be promised.
Result<bool> SchemaDocument::disjoint_ways(const Conjunction& a, const Conjunction& b, int depth,
                                           bool& only_objects) const {
  const unsigned in_both = stated_types(a) & stated_types(b);
  if (in_both == 0) return true;
  HEARTH_TRY(const auto of_a, constants(a));
  HEARTH_TRY(const auto of_b, constants(b));
  if (of_a && of_b) {
    HEARTH_TRY(const auto texts_of_a, spelled(*of_a));
    HEARTH_TRY(const auto texts_of_b, spelled(*of_b));
    return std::none_of(texts_of_a.begin(), texts_of_a.end(),
                        [&](const std::string& text) { return texts_of_b.contains(text); });
  }
  if (of_a || of_b) {
    const unsigned others = stated_types(of_a ? b : a);
    const auto& values = of_a ? *of_a : *of_b;
    return std::none_of(values.begin(), values.end(), [&](const JsonValue* v) { return type_of(*v) & others; });
  }
  if (in_both != t_object) {
    const bool untyped = !has_types(a) && !has_types(b);
    const bool mean_objects = (implied_types(a) | implied_types(b)) == t_object;
    if (depth > 0 || !untyped || !mean_objects) return false;
    only_objects = true;
  }
  HEARTH_TRY(const auto required_of_a, required_keys(a));
  HEARTH_TRY(const auto required_of_b, required_keys(b));
  for (const auto* required : {&required_of_a, &required_of_b}) {
    const auto& other_required = required == &required_of_a ? required_of_b : required_of_a;
    const Conjunction& other = required == &required_of_a ? b : a;
    for (const std::string_view key : *required) {
      HEARTH_CHECK(spend(a.size() + b.size()));
      if (closed_without(other, key)) return true;
      if (!other_required.contains(key)) continue;
      bool listed = false;
      HEARTH_TRY(const bool apart,
                 disjoint(property(a, key, listed), property(b, key, listed), depth + 1, only_objects));
      if (apart) return true;
    }
  }
  return false;
}

}  // namespace hearth::sample
