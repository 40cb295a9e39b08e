// Enters: the alternatives of a oneOf. Leaves: whether it can be shown that no text made for one is valid for another.
#include <algorithm>

#include "escape.h"
#include "schema_document.h"
#include "try.h"

namespace hearth::sample {

/// A text of one alternative must not be valid for another, or the whole would not be valid.
Result<void> SchemaDocument::check_exclusive(SchemaId at) const {
  constexpr std::size_t most = 256;  // each is held against each
  const std::vector<JsonValue>& parts = value(at).find("oneOf")->items;
  if (!exclusive_.insert(at).second) return {};
  if (parts.size() > most) return unsupported(at, "oneOf", "has more than " + std::to_string(most) + " alternatives");
  for (std::size_t a = 0; a < parts.size(); ++a) {
    for (std::size_t b = a + 1; b < parts.size(); ++b) {
      HEARTH_TRY(const bool apart, disjoint({id(parts[a])}, {id(parts[b])}, 0));
      if (!apart)
        return unsupported(at, "oneOf",
                           "has alternatives " + std::to_string(a) + " and " + std::to_string(b) +
                               " that a value may match both, or so it seems");
    }
  }
  return {};
}

Result<bool> SchemaDocument::disjoint(const Conjunction& a, const Conjunction& b, int depth) const {
  constexpr int deepest = 6;
  if (depth > deepest) return false;
  HEARTH_TRY(const auto ways_of_a, expand(a));
  HEARTH_TRY(const auto ways_of_b, expand(b));
  for (const Conjunction& x : ways_of_a) {
    for (const Conjunction& y : ways_of_b) {
      HEARTH_TRY(const bool apart, disjoint_ways(x, y, depth));
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

Result<bool> SchemaDocument::disjoint_ways(const Conjunction& a, const Conjunction& b, int depth) const {
  const unsigned in_both = (types(a) & stated_types(b)) | (types(b) & stated_types(a));
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
  if (in_both != t_object) return false;
  const auto required_of_a = required_keys(a), required_of_b = required_keys(b);
  HEARTH_CHECK(spend(required_of_a.size() + required_of_b.size()));
  for (const auto* required : {&required_of_a, &required_of_b}) {
    const auto& other_required = required == &required_of_a ? required_of_b : required_of_a;
    const Conjunction& other = required == &required_of_a ? b : a;
    for (const std::string_view key : *required) {
      HEARTH_CHECK(spend(a.size() + b.size()));
      if (closed_without(other, key)) return true;
      if (!other_required.contains(key)) continue;
      bool listed = false;
      HEARTH_TRY(const bool apart, disjoint(property(a, key, listed), property(b, key, listed), depth + 1));
      if (apart) return true;
    }
  }
  return false;
}

}  // namespace hearth::sample
