// Enters: a conversation. Leaves: the model's answer to it, split into content, reasoning and tool calls.
#pragma once

#include <hearth/hearth.hpp>
#include <span>

#include "sequence.h"

namespace hearth::engine {

/// What an answer to a prompt by a template of that source is generated with: control tokens are spelled out, for whoever splits
/// it, strict tools are a grammar that no mark in reasoning begins, and reasoning that the prompt opens is free: a grammar
/// without triggers begins where it ends.
Result<GenerateOptions> as_chat(const ChatOptions& options, std::string_view template_source,
                                const text::Tokenizer& tokenizer, std::span<const std::int32_t> prompt);

/// `sequence` then holds the prompt and the answer; what it had of the prompt before is not computed again.
Result<ChatReply> answer(Sequence& sequence, std::span<const ChatMessage> messages, const ChatOptions& options,
                         const OnText& on_text);

}  // namespace hearth::engine
