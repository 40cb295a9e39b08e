// Enters: a conversation. Leaves: the prompt that the model's own template makes of it.
#pragma once

#include <hearth/hearth.hpp>
#include <span>
#include <string>
#include <string_view>

#include "gguf_reader.h"
#include "jinja_template.h"
#include "reply_format.h"

namespace hearth::text {

/// tokenizer.chat_template of a model file, or the one that it has for tools. Neither: an error that says what to do.
Result<std::string_view> chat_template_source(const gguf::File& file, bool with_tools);

struct ChatInput {
  std::span<const ChatMessage> messages;
  std::string_view tools, variables;  // JSON texts, or empty
  std::string_view bos, eos;          // the texts of these tokens, or empty
  jinja::Moment now;
};

class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source);

  /// Ends where the assistant's answer begins.
  Result<std::string> prompt(const ChatInput& input) const;
  const ReplyFormat& replies() const { return *replies_; }

 private:
  ChatTemplate(jinja::Template parsed, const ReplyFormat& replies, bool wants_thinking)
      : template_(std::move(parsed)), replies_(&replies), wants_thinking_(wants_thinking) {}

  jinja::Template template_;
  const ReplyFormat* replies_;
  bool wants_thinking_;  // its name for reasoning is another
};

}  // namespace hearth::text
