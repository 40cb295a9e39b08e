// Enters: a conversation. Leaves: the model's answer to it, split into content, reasoning and tool calls.
#pragma once

#include <hearth/hearth.hpp>
#include <span>

#include "sequence.h"

namespace hearth::engine {

/// What an answer is generated with: control tokens are spelled out, for whoever splits it.
GenerateOptions as_chat(GenerateOptions options);

/// `sequence` then holds the prompt and the answer; what it had of the prompt before is not computed again.
Result<ChatReply> answer(Sequence& sequence, std::span<const ChatMessage> messages, const ChatOptions& options,
                         const OnText& on_text);

}  // namespace hearth::engine
