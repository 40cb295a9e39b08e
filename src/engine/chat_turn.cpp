// Enters: a conversation. Leaves: the model's answer to it, split into content, reasoning and tool calls.
#include "chat_turn.h"

#include "chat_template.h"
#include "jinja_strftime.h"
#include "jinja_unicode.h"
#include "reply_parser.h"
#include "try.h"

namespace hearth::engine {
namespace {

std::string_view text_of(const text::Vocab& vocab, const std::optional<std::int32_t>& id) {
  return id ? vocab.token(*id) : std::string_view();
}

/// BOS as the vocabulary says, and never twice; no EOS, since the answer follows.
Result<std::vector<std::int32_t>> prompt_tokens(const text::Tokenizer& tokenizer, std::string_view prompt) {
  const text::Vocab& vocab = tokenizer.vocab();
  const std::string_view bos = text_of(vocab, vocab.special().bos);
  const bool has_bos = !bos.empty() && prompt.starts_with(bos);
  HEARTH_TRY(auto ids, tokenizer.encode(prompt, {.add_special = !has_bos, .parse_special = true}));
  if (!has_bos && vocab.add_eos() && !ids.empty() && vocab.special().eos == ids.back()) ids.pop_back();
  return ids;
}

}  // namespace

Result<ChatReply> answer(Sequence& sequence, std::span<const ChatMessage> messages, const ChatOptions& options,
                         const OnText& on_text) {
  const LoadedModel& model = sequence.context().model();
  const text::Vocab& vocab = model.tokenizer().vocab();
  text::ChatInput input{messages,
                        options.tools,
                        options.variables,
                        text_of(vocab, vocab.special().bos),
                        text_of(vocab, vocab.special().eos),
                        {}};
  HEARTH_TRY(input.now, text::jinja::moment_or_now(options.now));
  std::string_view source = options.chat_template;
  if (source.empty()) {
    HEARTH_TRY(source, text::chat_template_source(model.file(), !options.tools.empty()));
  }
  HEARTH_TRY(const text::ChatTemplate chat, text::ChatTemplate::parse(source));
  HEARTH_TRY(const std::string prompt, chat.prompt(input));
  HEARTH_TRY(const std::vector<std::int32_t> ids, prompt_tokens(model.tokenizer(), prompt));

  const text::ReplyFormat& format = chat.replies();
  text::ReplyParser parser(format, {text::opens_reasoning(format, prompt), !options.tools.empty()});
  const auto show = [&](const std::string& piece) { return piece.empty() || !on_text || on_text(piece); };
  GenerateOptions generate = options.generate;
  generate.special = true;
  generate.echo = false;
  ChatReply reply;
  HEARTH_TRY(reply.generation, sequence.generate_after(ids, generate, [&](std::string_view piece) {
    return show(parser.push(text::jinja::made_sound(piece)));
  }));
  reply.n_reused = reply.generation.n_reused;
  const std::string rest = parser.finish();
  const bool heard = reply.generation.finish != Finish::cancelled;  // who said stop is told no more
  if (heard && !show(rest)) reply.generation.finish = Finish::cancelled;
  reply.raw = reply.generation.text;
  const text::ReplyParts& parts = parser.parts();
  reply.content = parts.content;
  reply.reasoning = parts.reasoning;
  reply.tool_calls = parts.tool_calls;
  reply.parse_error = parts.parse_error;
  return reply;
}

}  // namespace hearth::engine
