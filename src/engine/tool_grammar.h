// Enters: tools, and how a model spells its calls. Leaves: a grammar that a text keeps to from its first call on.
#pragma once

#include <hearth/result.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "reply_format.h"

namespace hearth::engine {

struct ToolGrammar {
  std::string gbnf, trigger;
};

/// None where no tool says `"strict": true`. Every tool may be called then: a strict one's arguments are valid against its
/// parameters, another's are any JSON object. Errors: tools that are no such list, naming the tool; a format whose calls no grammar
/// can hold.
Result<std::optional<ToolGrammar>> tool_grammar(std::string_view tools, const text::ReplyFormat& format);

}  // namespace hearth::engine
