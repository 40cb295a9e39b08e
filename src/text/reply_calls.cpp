// Enters: the text of a tool call as a model wrote it. Leaves: the call's name and arguments as JSON, or what is broken.
#include "reply_calls.h"

#include <algorithm>

#include "escape.h"
#include "jinja_runtime.h"
#include "try.h"

namespace hearth::text {
namespace {

using jinja::Kind;
using jinja::Value;

Error broken(const std::string& what, std::string_view text) {
  return Error(Status::malformed, what + "; tool call " + escape(text, 80) + "; read the raw text");
}

/// A value's home while a call is read.
struct Scratch {
  jinja::Runtime rt{jinja::Limits{}, jinja::Moment{}};

  Result<Value> read(std::string_view json) { return jinja::from_json(rt, json, "tool call"); }
  Result<std::string> write(const Value& value) {
    auto json = jinja::to_json(rt, value, {});
    if (!json) return broken(json.error().message(), "");
    return json;
  }
};

/// An object, or a string that holds one, as many models write arguments.
Result<std::string> arguments_text(Scratch& scratch, const Value& value) {
  if (value.is_text()) {
    HEARTH_TRY(const Value inner, scratch.read(value.text()));
    if (inner.is(Kind::dict)) return scratch.write(inner);
  } else if (value.is(Kind::dict)) {
    return scratch.write(value);
  } else if (value.is(Kind::none)) {
    return std::string("{}");
  }
  return broken("the arguments are no JSON object", "");
}

Result<ToolCall> call_of(Scratch& scratch, const Value& value, std::string_view text) {
  if (!value.is(Kind::dict)) return broken("a call is no JSON object", text);
  const jinja::Dict* dict = &value.as<jinja::Dict>();
  ToolCall made;
  if (const Value* id = dict->find("id"); id && id->is_text()) made.id = std::string(id->text());
  if (const Value* inner = dict->find("function"); inner && inner->is(Kind::dict)) dict = &inner->as<jinja::Dict>();
  const Value* name = dict->find("name");
  if (!name) name = dict->find("tool_name");  // Cohere
  if (!name || !name->is_text() || name->text().empty()) return broken("a call has no name", text);
  made.name = std::string(name->text());
  for (const std::string_view key : {"arguments", "parameters"}) {
    const Value* arguments = dict->find(key);
    if (!arguments) continue;
    HEARTH_TRY(made.arguments, arguments_text(scratch, *arguments));
    break;
  }
  return made;
}

/// A name that a template can repeat and a program can look up.
Result<std::string> checked_name(std::string_view name, std::string_view text) {
  name = trimmed(name);
  const bool good =
      !name.empty() && name.size() <= 256 && name.find_first_of(" \t\r\n<>{}()[]\"'") == std::string_view::npos;
  if (!good) return broken("a call has no sound name", text);
  return std::string(name);
}

Calls one_call(std::string_view name, std::string_view json, std::string id, std::string_view text) {
  ToolCall made;
  made.id = std::move(id);
  HEARTH_TRY(made.name, checked_name(name, text));
  Scratch scratch;
  json = trimmed(json);
  HEARTH_TRY(const Value value, json.empty() ? Result<Value>(Value::none()) : scratch.read(json));
  HEARTH_TRY(made.arguments, arguments_text(scratch, value));
  return std::vector{std::move(made)};
}

/// A function's name as gpt-oss and Kimi K2 write it: functions.name.
std::string_view without_namespace(std::string_view name) {
  constexpr std::string_view functions = "functions.";
  if (name.starts_with(functions)) name.remove_prefix(functions.size());
  return name;
}

/// Without ```json or ```tool_call before and ``` behind.
std::string_view unfenced(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with("```")) return text;
  text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return trimmed(text.substr(0, text.rfind("```")));
}

// ---- Arguments in tags -----------------------------------------------------------------------------------------------

const jinja::Dict* dict_in(const jinja::Dict* dict, std::string_view key) {
  const Value* value = dict ? dict->find(key) : nullptr;
  return value && value->is(Kind::dict) ? &value->as<jinja::Dict>() : nullptr;
}

/// A call whose arguments stand each by itself as a text, which does not say of what type it is: the tool's schema does.
class TaggedCall {
 public:
  explicit TaggedCall(const CallSource& source) : source_(source) {}

  Result<void> begin(std::string_view name) {
    HEARTH_TRY(made_.name, checked_name(name, source_.text));
    if (source_.tools.empty()) return {};
    auto tools = scratch_.read(source_.tools);
    if (!tools || !tools->is(Kind::list)) return {};  // who offered them has been told
    tools_ = *std::move(tools);
    for (const Value& tool : tools_.as<jinja::Array>().items) {
      if (!tool.is(Kind::dict)) continue;
      const jinja::Dict* function = dict_in(&tool.as<jinja::Dict>(), "function");
      if (!function) function = &tool.as<jinja::Dict>();
      const Value* called = function->find("name");
      if (called && called->is_text() && called->text() == made_.name)
        properties_ = dict_in(dict_in(function, "parameters"), "properties");
    }
    return {};
  }

  void add(std::string_view key, std::string_view value) {
    key = trimmed(key);
    const jinja::Dict* schema = dict_in(properties_, key);
    const Value* type = schema ? schema->find("type") : nullptr;
    bool is_string = type && type->is_text() && type->text() == "string";
    Value read;
    if (!is_string) {
      auto json = scratch_.read(value);
      is_string = !json || json->is_text();
      if (!is_string) read = *json;
    }
    arguments_->set(scratch_.rt.text(std::string(key)), is_string ? scratch_.rt.text(std::string(value)) : read);
  }

  Result<ToolCall> done() {
    HEARTH_TRY(made_.arguments, scratch_.write(scratch_.rt.dict(arguments_)));
    return made_;
  }

 private:
  CallSource source_;
  Scratch scratch_;
  ToolCall made_;
  Value tools_;
  const jinja::Dict* properties_ = nullptr;  // in tools_
  std::shared_ptr<jinja::Dict> arguments_ = std::make_shared<jinja::Dict>();
};

// ---- name(a=1, b="x") ------------------------------------------------------------------------------------------------

bool in_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

std::size_t identifier_end(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && in_identifier(text[end])) ++end;
  return end;
}

/// Where the text up to `close` ends, outside of strings and brackets; npos where nothing closes it.
std::size_t closing(std::string_view text, std::string_view close) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      else if (c == quote) quote = 0;
    } else if (depth == 0 && close.find(c) != std::string_view::npos) {
      return i;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

/// Python's literals that JSON writes otherwise.
std::string as_json(std::string_view literal) {
  if (literal == "True") return "true";
  if (literal == "False") return "false";
  if (literal == "None") return "null";
  std::string json(literal);
  if (json.size() < 2 || json.front() != '\'' || json.back() != '\'') return json;
  std::string out = "\"";
  for (std::size_t i = 1; i + 1 < json.size(); ++i) {
    if (json[i] == '\\' && i + 2 < json.size()) {  // with what it escapes; JSON needs none before an apostrophe
      ++i;
      if (json[i] != '\'') out += '\\';
    } else if (json[i] == '"') {
      out += '\\';
    }
    out += json[i];
  }
  return out + "\"";
}

Calls read_code(std::string_view code, int depth = 0) {
  code = trimmed(code);
  const std::size_t end = identifier_end(code);
  std::string_view name = code.substr(0, end);
  if (end == 0 || end == code.size() || code[end] != '(') return broken("it is neither JSON nor a call", code);
  std::string_view inside = code.substr(end + 1);
  const std::size_t close = closing(inside, ")");
  if (close == std::string_view::npos) return broken("the call is not closed", code);
  inside = trimmed(inside.substr(0, close));
  if (name == "print" && depth == 0) return read_code(inside, 1);
  if (name.ends_with(".call")) name.remove_suffix(5);
  std::string json;
  while (!inside.empty()) {
    const std::size_t comma = std::min(closing(inside, ","), inside.size());
    const std::string_view argument = trimmed(inside.substr(0, comma));
    const std::size_t key_end = identifier_end(argument);
    const std::string_view rest = trimmed(argument.substr(key_end));
    if (key_end == 0 || !rest.starts_with('=')) return broken("an argument has no name", code);
    json += (json.empty() ? "\"" : ", \"") + std::string(argument.substr(0, key_end)) +
            "\": " + as_json(trimmed(rest.substr(1)));
    inside = trimmed(inside.substr(std::min(comma + 1, inside.size())));
  }
  return one_call(name, "{" + json + "}", "", code);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view json_extent(std::string_view text) {
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return {};
  const std::size_t inner = closing(text.substr(1), "]}");
  return inner == std::string_view::npos ? std::string_view() : text.substr(0, inner + 2);
}

Calls read_json_calls(const CallSource& source) {
  Scratch scratch;
  std::vector<ToolCall> calls;
  std::string_view rest = unfenced(source.text);
  do {
    const std::string_view json = json_extent(rest);
    if (json.empty()) return broken("the JSON is not closed", source.text);
    HEARTH_TRY(const Value value, scratch.read(json));
    std::vector<Value> each = {value};
    if (value.is(Kind::list)) each = value.as<jinja::Array>().items;
    for (const Value& one : each) {
      HEARTH_TRY(ToolCall made, call_of(scratch, one, source.text));
      calls.push_back(std::move(made));
    }
    rest.remove_prefix(json.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n;,"), rest.size()));
  } while (!rest.empty());
  return calls;
}

Calls read_json_or_code(const CallSource& source) {
  const std::string_view text = unfenced(source.text);
  return text.starts_with('{') || text.starts_with('[') ? read_json_calls({.header = {}, .text = text, .tools = {}})
                                                        : read_code(text);
}

Calls read_mistral_call(const CallSource& source) {
  constexpr std::string_view arguments_mark = "[ARGS]", id_mark = "[CALL_ID]";
  const std::string_view text = trimmed(source.text);
  if (text.starts_with('[') || text.starts_with('{')) return read_json_calls(source);
  std::size_t end = text.find(arguments_mark);
  const std::size_t begin = end == std::string_view::npos ? text.find('{') : end + arguments_mark.size();
  end = std::min(end, begin);
  if (end == std::string_view::npos) return broken("a call has no arguments", source.text);
  std::string_view name = text.substr(0, end);
  std::string id;
  if (const std::size_t mark = name.find(id_mark); mark != std::string_view::npos) {
    id = std::string(trimmed(name.substr(mark + id_mark.size())));
    name = name.substr(0, mark);
  }
  return one_call(name, text.substr(begin), std::move(id), source.text);
}

Calls read_deepseek_call(const CallSource& source) {
  const std::string_view stretch = source.text;
  constexpr std::string_view separator = "<｜tool▁sep｜>";
  const std::size_t at = stretch.find(separator);
  if (at == std::string_view::npos) return broken("a call has no separator", stretch);
  std::string_view name = trimmed(stretch.substr(0, at));
  std::string_view rest = trimmed(stretch.substr(at + separator.size()));
  if (name == "function" && !rest.starts_with('{')) {  // the older form: the name stands in a line of its own
    const std::size_t line = std::min(rest.find('\n'), rest.size());
    name = rest.substr(0, line);
    rest = rest.substr(line);
  }
  return one_call(name, unfenced(rest), "", stretch);
}

Calls read_kimi_call(const CallSource& source) {
  constexpr std::string_view arguments_mark = "<|tool_call_argument_begin|>";
  const std::size_t at = source.text.find(arguments_mark);
  if (at == std::string_view::npos) return broken("a call has no arguments", source.text);
  const std::string_view id = trimmed(source.text.substr(0, at));
  return one_call(without_namespace(id.substr(0, id.rfind(':'))), source.text.substr(at + arguments_mark.size()),
                  std::string(id), source.text);
}

Calls read_harmony_call(const CallSource& source) {
  const std::string_view header = source.header, stretch = source.text;
  constexpr std::string_view to = "to=";
  const std::size_t at = header.find(to);
  if (at == std::string_view::npos) return broken("a call names no function", header);
  const std::string_view name = header.substr(at + to.size());
  return one_call(without_namespace(name.substr(0, name.find_first_of(" <\n\t"))), stretch, "", stretch);
}

Calls read_xml_call(const CallSource& source) {
  constexpr std::string_view open = "<function=", key_open = "<parameter=", key_close = "</parameter>";
  const std::string_view text = trimmed(source.text);
  if (text.starts_with('{')) return read_json_calls(source);
  if (!text.starts_with(open)) return broken("a call has no <function=name>", source.text);
  std::vector<ToolCall> calls;
  std::string_view rest = text;
  for (std::size_t begin = 0; begin != std::string_view::npos; begin = rest.find(open)) {
    rest = rest.substr(begin + open.size());
    const std::size_t name_end = rest.find('>');
    if (name_end == std::string_view::npos) return broken("a call has no <function=name>", source.text);
    TaggedCall call(source);
    HEARTH_CHECK(call.begin(rest.substr(0, name_end)));
    rest = rest.substr(name_end + 1);
    for (std::size_t at = rest.find(key_open); at != std::string_view::npos; at = rest.find(key_open)) {
      if (rest.substr(0, at).find(open) != std::string_view::npos) break;  // the next call's
      rest = rest.substr(at + key_open.size());
      const std::size_t key_end = rest.find('>');
      const std::size_t value_end = rest.find(key_close);
      if (key_end == std::string_view::npos || value_end == std::string_view::npos || key_end > value_end)
        return broken("a parameter is not closed", source.text);
      std::string_view value = rest.substr(key_end + 1, value_end - key_end - 1);
      if (value.starts_with('\n')) value.remove_prefix(1);
      if (value.ends_with('\n')) value.remove_suffix(1);
      call.add(rest.substr(0, key_end), value);
      rest = rest.substr(value_end + key_close.size());
    }
    HEARTH_TRY(ToolCall made, call.done());
    calls.push_back(std::move(made));
  }
  return calls;
}

Calls read_glm_call(const CallSource& source) {
  constexpr std::string_view key_open = "<arg_key>", key_close = "</arg_key>", value_open = "<arg_value>",
                             value_close = "</arg_value>";
  const std::string_view text = trimmed(source.text);
  if (text.starts_with('{')) return read_json_calls(source);
  std::string_view rest = text.substr(std::min(text.find(key_open), text.size()));
  TaggedCall call(source);
  HEARTH_CHECK(call.begin(text.substr(0, text.size() - rest.size())));
  while (rest.starts_with(key_open)) {
    rest.remove_prefix(key_open.size());
    const std::size_t key_end = rest.find(key_close);
    if (key_end == std::string_view::npos) return broken("a key is not closed", source.text);
    const std::string_view key = rest.substr(0, key_end);
    rest = trimmed(rest.substr(key_end + key_close.size()));
    if (!rest.starts_with(value_open)) return broken("a key has no value", source.text);
    rest.remove_prefix(value_open.size());
    const std::size_t value_end = rest.find(value_close);
    if (value_end == std::string_view::npos) return broken("a value is not closed", source.text);
    call.add(key, rest.substr(0, value_end));
    rest = trimmed(rest.substr(value_end + value_close.size()));
  }
  if (!rest.empty()) return broken("something stands behind the arguments", source.text);
  HEARTH_TRY(ToolCall made, call.done());
  return std::vector{std::move(made)};
}

Calls read_function_tag(const CallSource& source) {
  const std::string_view text = trimmed(source.text);
  if (text.starts_with('{') || text.starts_with('[')) return read_json_calls(source);
  const std::size_t name_end = text.find('>');
  if (name_end == std::string_view::npos) return broken("a call's name is not closed", source.text);
  return one_call(text.substr(0, name_end), text.substr(name_end + 1), "", source.text);
}

}  // namespace hearth::text
