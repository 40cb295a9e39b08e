// Enters: tools, and how a model spells its calls. Leaves: a grammar that a text keeps to from its first call on.
#include "tool_grammar.h"

#include <algorithm>
#include <vector>

#include "grammar.h"
#include "json_tree.h"
#include "try.h"

namespace hearth::engine {
namespace {

using sample::JsonValue;

struct Tool {
  std::string name, schema;
  bool strict = false;
};

Error wrong(std::size_t index, const std::string& what) {
  return Error(Status::invalid_argument,
               what + "; tools[" + std::to_string(index) +
                   "]; write {\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": …}}");
}

const JsonValue& function_of(const JsonValue& tool) {
  const JsonValue* inner = tool.find("function");
  return inner ? *inner : tool;
}

/// None where no tool is strict: what the others are is the template's concern alone.
Result<std::vector<Tool>> read_tools(std::string_view json) {
  HEARTH_TRY(const JsonValue all, sample::parse_json_tree(json, "tools", sample::GrammarLimits::nesting,
                                                          sample::GrammarLimits::schema_values));
  if (!all.is(JsonValue::Kind::array))
    return Error(Status::invalid_argument, "the tools are no JSON array; tools; give an array of objects");
  std::vector<Tool> tools(all.items.size());
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const JsonValue* strict = function_of(all.items[i]).find("strict");
    if (strict && !strict->is(JsonValue::Kind::boolean)) return wrong(i, "\"strict\" is neither true nor false");
    tools[i].strict = strict && strict->flag;
  }
  if (std::none_of(tools.begin(), tools.end(), [](const Tool& tool) { return tool.strict; }))
    return std::vector<Tool>();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const JsonValue& function = function_of(all.items[i]);
    const JsonValue *name = function.find("name"), *parameters = function.find("parameters");
    if (!name || !name->is(JsonValue::Kind::string) || name->text.empty()) return wrong(i, "the tool has no name");
    if (parameters && !parameters->is(JsonValue::Kind::object))
      return wrong(i, "the parameters are no JSON Schema object");
    tools[i].name = name->text;
    tools[i].schema = tools[i].strict && parameters ? sample::json_text(*parameters) : R"({"type":"object"})";
  }
  return tools;
}

std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// As it stands inside a JSON string's quotes.
std::string unquoted(std::string_view name) {
  const std::string json = sample::json_quoted(name);
  return json.substr(1, json.size() - 2);
}

}  // namespace

Result<std::optional<ToolGrammar>> tool_grammar(std::string_view tools, const text::ReplyFormat& format) {
  if (tools.empty()) return std::optional<ToolGrammar>();
  HEARTH_TRY(const auto all, read_tools(tools));
  if (all.empty()) return std::optional<ToolGrammar>();
  if (!format.calls)
    return Error(Status::unsupported, "a tool is strict, but calls written as '" + std::string(format.name) +
                                          "' cannot be held to a schema; tools; leave \"strict\" out");
  const text::CallText& call = *format.calls;
  std::string gbnf = "root ::= call (" + literal(call.between) + " call)*\ncall ::= ";
  for (std::size_t i = 0; i < all.size(); ++i)
    gbnf += (i == 0 ? "" : " | ") +
            literal(std::string(call.before_name) + unquoted(all[i].name) + std::string(call.before_arguments)) +
            " %json " + all[i].schema + " " + literal(call.after);
  return std::optional(ToolGrammar{gbnf + "\n", std::string(call.opens)});
}

}  // namespace hearth::engine
