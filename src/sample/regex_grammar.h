// Enters: a regular expression. Leaves: an expression over characters that has the same texts.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "grammar_builder.h"

namespace hearth::sample {

/// Texts that match as a whole. Literals, `.` (any character but a line break), classes, groups, | * + ? {m} {m,} {m,n} (a ? after
/// them changes nothing), \d \w \s and escapes. \d, \w and \s are ASCII; \D and \W too, and \S is no Unicode space, so
/// that every dialect agrees that a text matches. Back references, look-around, \b and \p are errors that name them.
Result<std::shared_ptr<const Grammar>> parse_regex(std::string_view text);

/// How a set of characters is spelled in the text: as they are, or as in a JSON string.
using SpellCharacters = std::function<GrammarBuilder::Expr(const CharacterSet&)>;

/// Texts that have a match somewhere, as JSON Schema means it: ^ and $ stand at the ends of an alternative or nowhere.
Result<GrammarBuilder::Expr> regex_search(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell,
                                          std::string_view where);

/// Whole texts, where ^ and $ at the ends say nothing new.
Result<GrammarBuilder::Expr> regex_match(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell,
                                         std::string_view where);

}  // namespace hearth::sample
