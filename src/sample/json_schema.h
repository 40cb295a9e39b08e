// Enters: a JSON Schema (draft 2020-12). Leaves: a Grammar all of whose texts are valid against it.
#pragma once

#include <memory>
#include <string_view>

#include "grammar_builder.h"

namespace hearth::sample {

/// Every keyword is kept exactly or is an error that names it and its place. Where the schema leaves a choice, the grammar
/// is narrower than it: keys come in the order of `properties`; keys that are not listed come only where
/// additionalProperties or patternProperties says so, or where no property is listed; a schema without `type` means the
/// types that its other keywords speak of, alternatives of a oneOf without it that only their keys tell apart mean
/// objects; whole numbers have up to 18 digits, bounded others no exponent.
Result<std::shared_ptr<const Grammar>> parse_json_schema(std::string_view text);

/// The same as a rule of a grammar that is being built.
Result<RuleId> json_schema_rule(GrammarBuilder& builder, std::string_view text);

}  // namespace hearth::sample
