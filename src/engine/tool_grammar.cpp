// Enters: tools, and how a model spells its calls. Leaves: a grammar that a text keeps to from its first call on.
#include "tool_grammar.h"

#include <algorithm>
#include <vector>

#include "escape.h"
#include "grammar.h"
#include "json_tree.h"
#include "try.h"

namespace hearth::engine {
namespace {

using sample::JsonValue;
using Kind = JsonValue::Kind;

struct Tool {
  std::string name, schema;
  bool strict = false;
};

Error wrong(std::size_t index, const std::string& what) {
  return Error(Status::invalid_argument,
               what + "; tools[" + std::to_string(index) +
                   "]; write {\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": …}}");
}

Result<std::vector<Tool>> read_tools(std::string_view json) {
  HEARTH_TRY(const JsonValue all, sample::parse_json_tree(json, "tools", sample::GrammarLimits::nesting,
                                                          sample::GrammarLimits::schema_values));
  if (!all.is(Kind::array))
    return Error(Status::invalid_argument, "the tools are no JSON array; tools; give an array of objects");
  std::vector<Tool> tools;
  for (std::size_t i = 0; i < all.items.size(); ++i) {
    const JsonValue *inner = all.items[i].find("function"), &function = inner ? *inner : all.items[i];
    const JsonValue *name = function.find("name"), *parameters = function.find("parameters"),
                    *strict = function.find("strict");
    if (!name || !name->is(Kind::string) || name->text.empty()) return wrong(i, "the tool has no name");
    if (parameters && !parameters->is(Kind::object)) return wrong(i, "the parameters are no JSON Schema object");
    if (strict && !strict->is(Kind::boolean)) return wrong(i, "\"strict\" is neither true nor false");
    const bool held = strict && strict->flag;
    tools.push_back({name->text, held && parameters ? sample::json_text(*parameters) : R"({"type":"object"})", held});
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
  const auto strict = std::find_if(all.begin(), all.end(), [](const Tool& tool) { return tool.strict; });
  if (strict == all.end()) return std::optional<ToolGrammar>();
  if (!format.calls)
    return Error(Status::unsupported, "tool " + escape(strict->name) + " is strict, but calls written as '" +
                                          std::string(format.name) +
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
