// Enters: a conversation. Leaves: the model's answer to it, split into content, reasoning and tool calls.
#include "chat_turn.h"

#include <algorithm>
#include <unordered_set>

#include "chat_template.h"
#include "jinja_strftime.h"
#include "jinja_unicode.h"
#include "reply_parser.h"
#include "tool_grammar.h"
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

struct Prompt {
  std::string text;
  std::vector<std::int32_t> ids;
  std::int64_t n_dropped = 0;  // messages
};

Result<Prompt> make_prompt(const text::Tokenizer& tokenizer, const text::ChatTemplate& chat,
                           const text::ChatInput& input) {
  Prompt prompt;
  HEARTH_TRY(prompt.text, chat.prompt(input));
  HEARTH_TRY(prompt.ids, prompt_tokens(tokenizer, prompt.text));
  return prompt;
}

/// The messages without those before `first` that are not the system's.
std::vector<ChatMessage> without_turns(std::span<const ChatMessage> messages, std::size_t first) {
  std::vector<ChatMessage> kept;
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (i >= first || messages[i].role == "system" || messages[i].role == "developer") kept.push_back(messages[i]);
  return kept;
}

/// The prompt with the fewest oldest turns left out that has at most `most` tokens; if none has, all but the last are left out.
Result<Prompt> make_fitting_prompt(const text::Tokenizer& tokenizer, const text::ChatTemplate& chat,
                                   text::ChatInput input, std::size_t most) {
  HEARTH_TRY(Prompt best, make_prompt(tokenizer, chat, input));
  if (best.ids.size() <= most) return best;
  const std::span<const ChatMessage> all = input.messages;
  std::vector<std::size_t> begins;  // of turns
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].role == "user") begins.push_back(i);
  const auto without = [&](std::size_t n_turns) -> Result<Prompt> {
    const std::vector<ChatMessage> kept = without_turns(all, begins[n_turns]);
    input.messages = kept;
    HEARTH_TRY(Prompt prompt, make_prompt(tokenizer, chat, input));
    prompt.n_dropped = static_cast<std::int64_t>(all.size() - kept.size());
    return prompt;
  };
  if (begins.size() < 2) return best;
  std::size_t too_few = 0, enough = begins.size() - 1;  // turns left out: a prompt gets shorter with each
  HEARTH_TRY(best, without(enough));
  while (best.ids.size() <= most && enough - too_few > 1) {
    const std::size_t middle = too_few + (enough - too_few) / 2;
    HEARTH_TRY(Prompt prompt, without(middle));
    if (prompt.ids.size() > most) {
      too_few = middle;
      continue;
    }
    enough = middle;
    best = std::move(prompt);
  }
  return best;
}

/// Tokens that a prompt may have under the policy; what is over the context after all is refused by the sequence.
std::size_t longest_prompt(const ChatOptions& options, std::int64_t n_ctx) {
  if (options.overflow == Overflow::error) return SIZE_MAX;
  const std::int64_t room = n_ctx / 4, wanted = options.generate.max_tokens;
  return static_cast<std::size_t>(n_ctx - (wanted < 0 ? room : std::min(wanted, room)));
}

/// The text of a prompt's last tokens, control tokens spelled out.
std::string end_of(const text::Tokenizer& tokenizer, std::span<const std::int32_t> prompt) {
  constexpr std::size_t kTokens = 64;  // more than any mark has
  std::string text;
  for (const std::int32_t id : prompt.last(std::min(kTokens, prompt.size())))
    text += tokenizer.vocab().type(id) == text::TokenType::control ? tokenizer.vocab().token(id) : tokenizer.piece(id);
  return text;
}

/// Whether an answer to that prompt begins inside of its reasoning.
bool reasoning_is_open(const text::ReplyFormat& format, const text::Tokenizer& tokenizer,
                       std::span<const std::int32_t> prompt) {
  return text::opens_reasoning(format, end_of(tokenizer, prompt));
}

/// Ids of `length` letters and digits for calls that have none such, or one that came before: the number of the call in the
/// conversation.
void make_ids(std::vector<ToolCall>& calls, std::span<const ChatMessage> messages, std::size_t length) {
  if (length == 0) return;
  std::unordered_set<std::string> taken;
  std::size_t number = 0;
  for (const ChatMessage& message : messages) {
    number += message.tool_calls.size();
    for (const ToolCall& call : message.tool_calls) taken.insert(call.id);
  }
  const auto fits = [&](const std::string& id) {
    constexpr std::string_view allowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return id.size() == length && id.find_first_not_of(allowed) == std::string::npos && !taken.contains(id);
  };
  for (ToolCall& call : calls) {
    for (std::size_t next = number++; !fits(call.id); ++next) {
      const std::string digits = std::to_string(next);
      call.id = std::string(length - std::min(length, digits.size()), '0') + digits;
    }
    taken.insert(call.id);
  }
}

}  // namespace

Result<GenerateOptions> as_chat(const ChatOptions& options, std::string_view template_source,
                                const text::Tokenizer& tokenizer, std::span<const std::int32_t> prompt) {
  GenerateOptions generate = options.generate;
  generate.special = true;
  generate.echo = false;
  const text::ReplyFormat& format = text::reply_format(template_source);
  HEARTH_TRY(const auto tools, tool_grammar(options.tools, format));
  const bool constrained = generate.grammar || generate.json_schema || generate.regex;
  if (!tools) {
    if (!constrained || !generate.grammar_triggers.empty()) return generate;
    generate.grammar_triggers.assign(format.begins_answer.begin(), format.begins_answer.end());
    if (generate.grammar_triggers.empty() && reasoning_is_open(format, tokenizer, prompt))
      generate.grammar_triggers = {std::string(format.closes_reasoning)};
    return generate;
  }
  if (constrained)
    return Error(Status::invalid_argument,
                 "a grammar is given beside strict tools, which are one; tools; leave either out");
  generate.grammar = tools->gbnf;
  generate.grammar_triggers = {tools->trigger};
  if (!reasoning_is_open(format, tokenizer, prompt)) generate.reasoning_opens = format.opens_reasoning;
  generate.reasoning_closes = format.closes_reasoning;
  return generate;
}

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
  HEARTH_TRY(const Prompt prompt,
             make_fitting_prompt(model.tokenizer(), chat, input, longest_prompt(options, sequence.n_ctx())));

  HEARTH_TRY(const std::string tools, text::offered_tools(input));
  if (!tools.empty() && !chat.shows_tools(input))
    return Error(
        Status::invalid_argument,
        "the chat template tells the model of no tools; tools; leave them out or give a template that has them");

  const text::ReplyFormat& format = chat.replies();
  text::ReplyParser parser(format, {reasoning_is_open(format, model.tokenizer(), prompt.ids), tools});
  const auto show = [&](const std::string& piece) { return piece.empty() || !on_text || on_text(piece); };
  HEARTH_TRY(const GenerateOptions generate, as_chat(options, source, model.tokenizer(), prompt.ids));
  ChatReply reply;
  HEARTH_TRY(reply.generation, sequence.generate_after(prompt.ids, generate, [&](std::string_view piece) {
    return show(parser.push(text::jinja::made_sound(piece)));
  }));
  reply.n_reused = reply.generation.n_reused;
  reply.n_dropped_messages = prompt.n_dropped;
  const std::string rest = parser.finish();
  const bool heard = reply.generation.finish != Finish::cancelled;  // who said stop is told no more
  if (heard && !show(rest)) reply.generation.finish = Finish::cancelled;
  reply.raw = reply.generation.text;
  const text::ReplyParts& parts = parser.parts();
  reply.content = parts.content;
  reply.reasoning = parts.reasoning;
  reply.tool_calls = parts.tool_calls;
  make_ids(reply.tool_calls, messages, format.id_length);
  reply.parse_error = parts.parse_error;
  return reply;
}

}  // namespace hearth::engine
