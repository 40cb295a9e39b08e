// Enters: a conversation. Leaves: the prompt that the model's own template makes of it.
#include "chat_template.h"

#include <utility>

#include "escape.h"
#include "jinja_unicode.h"
#include "reply_calls.h"
#include "try.h"

namespace hearth::text {
namespace {

using jinja::Dict;
using jinja::Runtime;
using jinja::Value;

/// Fields of one message; a text that is no UTF-8 is named.
class Fields {
 public:
  Fields(Runtime& rt, std::size_t index) : rt_(rt), index_(index) {}

  void set(std::string_view key, const Value& value) { dict_->set(rt_.text(std::string(key)), value); }
  Result<Value> text(std::string_view field, const std::string& bytes) {
    if (jinja::sound_utf8(bytes)) return rt_.text(bytes);
    return Error(Status::invalid_argument, "a text is not UTF-8; messages[" + std::to_string(index_) + "]." +
                                               std::string(field) + "; convert it");
  }
  Result<void> set_text(std::string_view key, const std::string& bytes) {
    if (bytes.empty()) return {};
    HEARTH_TRY(const Value value, text(key, bytes));
    set(key, value);
    return {};
  }
  Value done() { return rt_.dict(dict_); }

 private:
  Runtime& rt_;
  std::size_t index_;
  std::shared_ptr<Dict> dict_ = std::make_shared<Dict>();
};

/// What templates want otherwise than most.
struct Spelling {
  bool thinking = false;      // that is reasoning's name
  bool openai_calls = false;  // as OpenAI's API sends them: the content beside is null, and arguments are a text
};

Result<Value> call_value(Runtime& rt, const ToolCall& call, std::size_t index, Spelling spelling) {
  Fields function(rt, index);
  HEARTH_CHECK(function.set_text("name", call.name));
  HEARTH_TRY(const Value as_text, function.text("tool_calls.arguments", call.arguments));
  auto arguments = jinja::from_json(rt, call.arguments, "tool_calls");
  function.set("arguments", arguments && !spelling.openai_calls ? *arguments : as_text);
  Fields whole(rt, index);
  HEARTH_CHECK(whole.set_text("id", call.id));
  whole.set("type", rt.text("function"));
  whole.set("function", function.done());
  return whole.done();
}

Result<Value> content_value(Runtime& rt, Fields& fields, const ChatMessage& message, std::size_t index) {
  if (message.parts.empty()) return fields.text("content", message.content);
  std::vector<Value> parts;
  for (const std::string& part : message.parts) {
    Fields one(rt, index);
    one.set("type", rt.text("text"));
    HEARTH_TRY(const Value text, one.text("parts", part));
    one.set("text", text);
    parts.push_back(one.done());
  }
  return rt.list(std::move(parts));
}

bool has_content(const ChatMessage& message) { return !message.content.empty() || !message.parts.empty(); }

Result<Value> message_value(Runtime& rt, const ChatMessage& message, std::size_t index, Spelling spelling) {
  if (message.role.empty())
    return Error(Status::invalid_argument, "a message has no role; messages[" + std::to_string(index) +
                                               "].role; use system, user, assistant or tool");
  Fields fields(rt, index);
  HEARTH_CHECK(fields.set_text("role", message.role));
  HEARTH_TRY(const Value content, content_value(rt, fields, message, index));
  const bool is_null = spelling.openai_calls && !message.tool_calls.empty() && !has_content(message);
  fields.set("content", is_null ? Value::none() : content);
  HEARTH_CHECK(fields.set_text("reasoning_content", message.reasoning));
  // gpt-oss refuses a message that has content, thinking and calls at once.
  if (spelling.thinking && (message.content.empty() || message.tool_calls.empty()))
    HEARTH_CHECK(fields.set_text("thinking", message.reasoning));
  HEARTH_CHECK(fields.set_text("tool_call_id", message.tool_call_id));
  HEARTH_CHECK(fields.set_text("name", message.name));
  if (message.tool_calls.empty()) return fields.done();
  std::vector<Value> calls;
  for (const ToolCall& call : message.tool_calls) {
    HEARTH_TRY(Value value, call_value(rt, call, index, spelling));
    calls.push_back(std::move(value));
  }
  fields.set("tool_calls", rt.list(std::move(calls)));
  return fields.done();
}

/// A list that is not empty, or none.
Result<Value> tools_value(Runtime& rt, const ChatInput& input) {
  if (input.tools.empty()) return Value::none();
  HEARTH_TRY(const Value tools, jinja::from_json(rt, input.tools, "tools"));
  if (!tools.is(jinja::Kind::list))
    return Error(Status::invalid_argument, "the tools are no JSON array; tools; give an array of objects");
  return tools.as<jinja::Array>().items.empty() ? Value::none() : tools;
}

/// A dict.
Result<Value> more_variables(Runtime& rt, const ChatInput& input) {
  if (input.variables.empty()) return rt.dict(std::make_shared<Dict>());
  HEARTH_TRY(const Value more, jinja::from_json(rt, input.variables, "variables"));
  if (more.is(jinja::Kind::dict)) return more;
  return Error(Status::invalid_argument, "the variables are no JSON object; variables; give an object");
}

bool names_tools(const Value& key) { return key.is_text() && key.text().ends_with("tools"); }

Result<Value> variables_of(Runtime& rt, const ChatInput& input, Spelling spelling) {
  std::vector<Value> messages;
  for (std::size_t i = 0; i < input.messages.size(); ++i) {
    HEARTH_TRY(Value message, message_value(rt, input.messages[i], i, spelling));
    messages.push_back(std::move(message));
  }
  auto all = std::make_shared<Dict>();
  const auto set = [&](const char* key, const Value& value) { all->set(rt.text(key), value); };
  set("messages", rt.list(std::move(messages)));
  set("add_generation_prompt", Value::boolean(true));
  set("bos_token",
      rt.text(jinja::made_sound(input.bos)));  // a vocabulary may hold any bytes, a template's texts may not
  set("eos_token", rt.text(jinja::made_sound(input.eos)));
  HEARTH_TRY(const Value tools, tools_value(rt, input));
  set("tools", tools);
  HEARTH_TRY(const Value more, more_variables(rt, input));
  const Dict& given = more.as<Dict>();
  for (const auto& [key, value] : given.entries) all->set(key, value);
  // SmolLM3 knows tools by the format of their calls: these are they, unless the caller chose.
  if (!tools.is(jinja::Kind::none) && !given.find("xml_tools") && !given.find("python_tools")) set("xml_tools", tools);
  return rt.dict(std::move(all));
}

}  // namespace

Result<std::string_view> chat_template_source(const gguf::File& file, bool with_tools) {
  if (with_tools) {
    HEARTH_TRY(const auto for_tools, file.optional_string(tools_template_key));
    if (for_tools) return *for_tools;
  }
  HEARTH_TRY(const auto source, file.optional_string(template_key));
  if (source) return *source;
  return Error(Status::not_found, "the model has no chat template; " + quoted_path(file.path()) +
                                      "; give one with --template FILE, or complete a text instead");
}

Result<std::string> offered_tools(const ChatInput& input) {
  Runtime rt{jinja::Limits{}, input.now};
  HEARTH_TRY(const Value tools, tools_value(rt, input));
  if (!tools.is(jinja::Kind::none)) return std::string(input.tools);
  HEARTH_TRY(const Value more, more_variables(rt, input));
  for (const auto& [key, value] : more.as<Dict>().entries)
    if (names_tools(key) && value.is(jinja::Kind::list) && !value.as<jinja::Array>().items.empty())
      return jinja::to_json(rt, value, {});
  return std::string();
}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  HEARTH_TRY(auto parsed, jinja::Template::parse(source));
  return ChatTemplate(std::move(parsed), reply_format(source), source.find(".thinking") != std::string_view::npos);
}

Result<std::string> ChatTemplate::prompt(const ChatInput& input) const {
  HEARTH_TRY(const bool openai_calls, wants_openai_calls(input));
  return template_.render(
      [&](Runtime& rt) {
        return variables_of(rt, input, {wants_thinking_, openai_calls});
      },
      input.now);
}

std::optional<bool> ChatTemplate::shows_call(ChatInput input, std::string_view content, bool openai_calls) const {
  constexpr std::string_view name = "call_of_a_tool", argument = "what_it_is_given";
  const ToolCall call{"000000000", std::string(name), "{\"" + std::string(argument) + "\": 1}"};
  const ChatMessage messages[] = {{.role = "user", .content = "ask"},
                                  {.role = "assistant", .content = std::string(content), .tool_calls = {call}},
                                  {.role = "tool", .content = "told", .tool_call_id = call.id, .name = call.name}};
  input.messages = messages;
  const auto prompt = template_.render(
      [&](Runtime& rt) {
        return variables_of(rt, input, {wants_thinking_, openai_calls});
      },
      input.now);
  if (!prompt) return std::nullopt;
  return prompt->find(name) != std::string::npos && prompt->find(argument) != std::string::npos;
}

Result<bool> ChatTemplate::wants_openai_calls(const ChatInput& input) const {
  bool openai_calls = false, asked[2] = {};  // of messages without content, and with some
  for (std::size_t i = 0; i < input.messages.size(); ++i) {
    const ChatMessage& message = input.messages[i];
    const bool with_content = has_content(message);
    if (message.tool_calls.empty() || std::exchange(asked[with_content], true)) continue;
    if (shows_call(input, with_content ? "text" : "", false).value_or(true)) continue;  // an error is the prompt's too
    if (!with_content && shows_call(input, "", true).value_or(false)) {
      openai_calls = true;
      continue;
    }
    return Error(Status::invalid_argument, std::string("the chat template leaves out a message's tool calls") +
                                               (with_content ? " where it has content" : "") + "; messages[" +
                                               std::to_string(i) + "].tool_calls; " +
                                               (with_content ? "give them in a message of their own"
                                                             : "leave them out too, or give a template that has them"));
  }
  return openai_calls;
}

bool ChatTemplate::shows_tools(ChatInput input) const {
  const ChatMessage question[] = {{.role = "user", .content = "ask"}};
  input.messages = question;
  const auto prompt = [&](bool with_tools) {
    return template_.render(
        [&](Runtime& rt) -> Result<Value> {
          HEARTH_TRY(const Value all, variables_of(rt, input, {.thinking = wants_thinking_}));
          for (auto& [key, value] : all.as<Dict>().entries)
            if (!with_tools && names_tools(key)) value = Value::none();
          return all;
        },
        input.now);
  };
  const auto with = prompt(true), without = prompt(false);
  return !with || !without || *with != *without;
}

std::string ChatTemplate::turn_end() const {
  constexpr std::string_view answer = "the answer is here", eos = "<eos_token>";
  struct Brackets {
    char open, close;
  };
  constexpr Brackets brackets[] = {{'<', '>'}, {'[', ']'}};
  jinja::Limits limits;
  limits.steps = 100000;  // nobody asked for this prompt, so it may not take long
  const ChatMessage messages[] = {{.role = "user", .content = "ask"},
                                  {.role = "assistant", .content = std::string(answer)},
                                  {.role = "user", .content = "ask"}};
  const ChatInput input{messages, {}, {}, {}, eos, {}};
  const auto prompt = template_.render(
      [&](Runtime& rt) { return variables_of(rt, input, {.thinking = wants_thinking_}); }, input.now, limits);
  const std::size_t at = prompt ? prompt->find(answer) : std::string::npos;
  if (at == std::string::npos) return {};
  const std::string_view behind = trimmed(std::string_view(*prompt).substr(at + answer.size()));
  if (behind.starts_with(eos)) return {};  // every vocabulary knows that one
  for (const Brackets& pair : brackets) {
    if (behind.starts_with(pair.open)) return std::string(behind.substr(0, behind.find(pair.close) + 1));
  }
  return {};
}

std::vector<std::string> turn_ends(const gguf::File& file) {
  std::vector<std::string> ends;
  for (const std::string_view key : {template_key, tools_template_key}) {
    const auto source = file.optional_string(key);
    if (!source || !*source) continue;
    const auto parsed = ChatTemplate::parse(**source);
    if (!parsed) continue;
    if (std::string end = parsed->turn_end(); !end.empty()) ends.push_back(std::move(end));
  }
  return ends;
}

}  // namespace hearth::text
