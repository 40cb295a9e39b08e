// Enters: a conversation. Leaves: the prompt that the model's own template makes of it.
#pragma once

#include <hearth/hearth.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf_reader.h"
#include "jinja_template.h"
#include "reply_format.h"

namespace hearth::text {

inline constexpr std::string_view template_key = "tokenizer.chat_template";
inline constexpr std::string_view tools_template_key = "tokenizer.chat_template.tool_use";

/// tokenizer.chat_template of a model file, or the one that it has for tools. Neither: an error that says what to do.
Result<std::string_view> chat_template_source(const gguf::File& file, bool with_tools);

struct ChatInput {
  std::span<const ChatMessage> messages;
  std::string_view tools, variables;  // JSON texts, or empty; a variable whose name ends with "tools" offers some too
  std::string_view bos, eos;          // the texts of these tokens, or empty
  jinja::Moment now;
};

/// The tools that are offered, a JSON array's text: `tools`, or the first variable that offers some. Empty where none are.
Result<std::string> offered_tools(const ChatInput& input);

/// The texts that end a turn in the templates of a model file; none where there are none that are sound.
std::vector<std::string> turn_ends(const gguf::File& file);

class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source);

  /// Ends where the assistant's answer begins. Errors: the template's own; tool calls that it would leave out.
  Result<std::string> prompt(const ChatInput& input) const;
  /// Whether the model is told of the tools that are offered: a question's prompt is another without them, or there is none
  /// to compare.
  bool shows_tools(ChatInput input) const;
  const ReplyFormat& replies() const { return *replies_; }

  /// What it writes behind an answer that is over, such as <|im_end|>: a model that generates it has ended its turn. Empty
  /// where that begins with no marker in brackets, or the template does not render two plain messages.
  std::string turn_end() const;

 private:
  /// Whether a call is in the prompt that has one; none where there is no prompt.
  std::optional<bool> shows_call(ChatInput input, std::string_view content, bool openai_calls) const;
  /// Whether the messages' calls are shown only as OpenAI's API sends them. Error: not even then.
  Result<bool> wants_openai_calls(const ChatInput& input) const;

  ChatTemplate(jinja::Template parsed, const ReplyFormat& replies, bool wants_thinking)
      : template_(std::move(parsed)), replies_(&replies), wants_thinking_(wants_thinking) {}

  jinja::Template template_;
  const ReplyFormat* replies_;
  bool wants_thinking_;  // its name for reasoning is another
};

}  // namespace hearth::text
