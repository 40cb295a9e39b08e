// Enters: schemas that hold together. Leaves: the ways to meet them, references and alternatives resolved, in bounded steps.
#include <algorithm>

#include "escape.h"
#include "schema_document.h"
#include "try.h"

namespace hearth::sample {

/// Alternatives of alternatives and lists against lists multiply: a short schema can ask for more than a lifetime.
Result<void> SchemaDocument::spend(std::uint64_t steps) const {
  n_steps_ += steps;
  if (n_steps_ <= GrammarLimits::schema_steps) return {};
  return too_complex("JSON Schema", "its alternatives, references and lists combine in too many ways");
}

Result<void> SchemaDocument::spend_bytes(std::size_t bytes) const {
  constexpr std::size_t bytes_a_step = 32;
  return spend(bytes / bytes_a_step);
}

Result<std::vector<Conjunction>> SchemaDocument::expand(const Conjunction& schemas) const {
  HEARTH_TRY(auto ways, ways_to_meet(schemas));
  HEARTH_CHECK(prove_exclusive());
  return ways;
}

Result<std::vector<Conjunction>> SchemaDocument::ways_to_meet(const Conjunction& schemas) const {
  std::vector<Conjunction> ways;
  std::vector<Pending> pending;
  const auto nothing = std::make_shared<const std::vector<SchemaId>>();
  for (auto at = schemas.rbegin(); at != schemas.rend(); ++at) pending.push_back({*at, nothing});
  HEARTH_CHECK(expand_into({}, std::move(pending), 0, ways));
  return ways;
}

Result<void> SchemaDocument::expand_into(Conjunction plain, std::vector<Pending> pending, int depth,
                                         std::vector<Conjunction>& ways) const {
  constexpr std::size_t most_ways = 1024;
  constexpr int deepest = 64;
  while (!pending.empty()) {
    Pending next = std::move(pending.back());
    pending.pop_back();
    HEARTH_CHECK(spend(1 + plain.size() + next.inside->size()));
    if (std::find(next.inside->begin(), next.inside->end(), next.id) != next.inside->end())
      return wrong(next.id, "$ref", "comes back to where it began without reading anything");
    if (std::find(plain.begin(), plain.end(), next.id) != plain.end()) continue;
    const JsonValue& schema = value(next.id);
    if (schema.is(JsonValue::Kind::boolean)) {
      if (!schema.flag) return {};
      continue;
    }
    plain.push_back(next.id);
    std::vector<SchemaId> path = *next.inside;
    path.push_back(next.id);
    const Path inside = std::make_shared<const std::vector<SchemaId>>(std::move(path));  // of all its parts
    if (const JsonValue* all = schema.find("allOf"))
      for (auto part = all->items.rbegin(); part != all->items.rend(); ++part) pending.push_back({id(*part), inside});
    if (const JsonValue* reference = schema.find("$ref")) {
      HEARTH_TRY(const SchemaId led_to, target(next.id, reference->text));
      pending.push_back({led_to, inside});
    }
    std::vector<const JsonValue*> choices;
    for (const char* name : {"anyOf", "oneOf"})
      if (const JsonValue* any = schema.find(name)) choices.push_back(any);
    if (choices.empty()) continue;
    if (schema.find("oneOf") && exclusive_.insert(next.id).second) unproven_.push_back(next.id);
    if (depth >= deepest)
      return too_complex("JSON Schema, at " + escape(pointer(next.id)), "alternatives in alternatives");
    const JsonValue& last = *choices.back();
    for (const JsonValue& first : choices.front()->items) {
      for (const JsonValue& second : last.items) {
        if (&last == choices.front() && &second != &last.items.front()) break;
        HEARTH_CHECK(spend(plain.size() + pending.size()));
        std::vector<Pending> further = pending;
        if (&last != choices.front()) further.push_back({id(second), inside});
        further.push_back({id(first), inside});
        HEARTH_CHECK(expand_into(plain, std::move(further), depth + 1, ways));
      }
    }
    return {};
  }
  if (ways.size() >= most_ways)
    return too_complex("JSON Schema", "more than " + std::to_string(most_ways) + " alternatives at one place");
  ways.push_back(std::move(plain));
  return {};
}

}  // namespace hearth::sample
