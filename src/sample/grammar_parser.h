// Enters: a grammar's text in GBNF. Leaves: a Grammar, or an error with line and column.
#pragma once

#include <memory>
#include <string_view>

#include "grammar.h"

namespace hearth::sample {

/// GBNF as llama.cpp reads it: `name ::= alternatives`, literals, character classes, groups, ? * + {m} {m,} {m,n}, `.` for
/// any character, # comments. And beyond it: `%json {…}`, any value that is valid against this JSON Schema. `root` is where texts begin. Escapes: \n \r \t \\ \" \[ \] \^ \- \xHH \uHHHH \UHHHHHHHH, each
/// one character. A rule defined twice, used but not defined, or defined but not reached from root is an error.
Result<std::shared_ptr<const Grammar>> parse_gbnf(std::string_view text);

}  // namespace hearth::sample
