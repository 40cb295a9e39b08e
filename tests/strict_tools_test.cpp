// Tools that are strict: from its first call on a text is calls of theirs, whose arguments are valid.
#include <hearth/hearth.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "constraint.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"
#include "tool_grammar.h"

namespace strict_tools_test {

using namespace hearth;

namespace {

constexpr const char* kWeather = R"(
  {"type": "function", "function": {"name": "weather", "strict": true, "parameters": {
    "type": "object", "required": ["city", "days"], "additionalProperties": false,
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}}}})";
const std::string kTools =
    std::string("[") + kWeather + R"(, {"type": "function", "function": {"name": "say \"so\""}}])";

const text::ReplyFormat& format_named(std::string_view name) {
  for (const text::ReplyFormat& format : text::reply_formats())
    if (format.name == name) return format;
  FAIL(name);
  return text::reply_formats().front();
}

/// 'y': a text as the tools want it; 'b': the beginning of one; 'n': neither.
char verdict(const char* format, std::string_view text, const std::pair<std::string, std::string>& reasoning = {}) {
  const auto made = engine::tool_grammar(kTools, format_named(format));
  INFO((made ? "" : made.error().message()));
  REQUIRE(made);
  REQUIRE(*made);
  const auto grammar =
      sample::compile({.grammar = (*made)->gbnf, .triggers = {{(*made)->trigger}, reasoning.first, reasoning.second}});
  INFO((*made)->gbnf << (grammar ? "" : grammar.error().message()));
  REQUIRE(grammar);
  sample::GrammarState state(*grammar);
  const auto accepted = state.accept(text);
  REQUIRE(accepted);
  return !*accepted ? 'n' : state.can_end() ? 'y' : 'b';
}

std::string error_of(const char* tools, const char* format = "hermes") {
  const auto made = engine::tool_grammar(tools, format_named(format));
  REQUIRE_FALSE(made);
  return made.error().message();
}

/// A model whose last token is the mark of a call.
std::string write_model(const test::TempFolder& folder) {
  test::RandomModel m;
  m.n_ctx = 1024;
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  const std::string_view digits = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b) tokens.push_back(std::string("<0x") + digits[b >> 4] + digits[b & 15] + ">");
  while (std::ssize(tokens) < m.n_vocab - 1) tokens.push_back("\xE2\x96\x81" + std::to_string(tokens.size()));
  tokens.push_back("<tool_call>");
  test::ModelEditor editor(m);
  editor.set_array<std::string>("tokenizer.ggml.tokens", tokens);
  const std::string path = folder / "tools.gguf";
  REQUIRE(editor.write(path) != 0);
  return path;
}

}  // namespace

TEST_CASE("strict tools: text is free before a call, and calls are the tools'") {
  const std::string good =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 3}}\n</tool_call>";
  CHECK(verdict("hermes", "Any text { } at all.") == 'y');
  CHECK(verdict("hermes", "Let me see. " + good) == 'y');
  CHECK(verdict("hermes", good + "\n" + good) == 'y');
  CHECK(verdict("hermes", good + "\nThere you are.") == 'n');
  CHECK(verdict("hermes", "<tool_call>\n{\"name\": \"wea") == 'b');
  CHECK(verdict("hermes", "<tool_call>\n{\"name\": \"whether") == 'n');
  CHECK(verdict("hermes", "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo") == 'n');
  CHECK(verdict("hermes", "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 10") ==
        'n');
  CHECK(verdict("hermes", R"(<tool_call>
{"name": "say \"so\"", "arguments": {"anything": [1, {"at": "all"}]}}
</tool_call>)") == 'y');
  CHECK(verdict("function-tags", "So: <function=weather>{\"city\": \"Paris\", \"days\": 9}</function>") == 'y');
  CHECK(verdict("function-tags", "So: <function=weather>{\"city\": \"Paris\"}") == 'n');
}

TEST_CASE("strict tools: a call's mark in reasoning is part of it") {
  const std::string call = "<tool_call>\n{\"name\": \"", open = call + "wea", closed = call + "whether";
  const std::pair<std::string, std::string> own = {"<think>", "</think>"}, prompts = {"", "</think>"};
  CHECK(verdict("hermes", "<think>a <tool_call> or none</think>Well.", own) == 'y');
  CHECK(verdict("hermes", " \n<think>a " + closed, own) == 'y');
  CHECK(verdict("hermes", "<think>a</think>\n<think>a " + closed, own) == 'y');
  CHECK(verdict("hermes", "<think>a <tool_call></think>\n" + open, own) == 'b');
  for (const char* before :
       {"<think>a <tool_call></think>\n", "", "In <think> ", "<thin", "<think>a</think>b<think>"}) {
    INFO(before);
    CHECK(verdict("hermes", before + open, own) == 'b');
    CHECK(verdict("hermes", before + closed, own) == 'n');
  }
  CHECK(verdict("hermes", "a <tool_call> or " + closed, prompts) == 'y');
  CHECK(verdict("hermes", "a <tool_call></think>" + open, prompts) == 'b');
  CHECK(verdict("hermes", "a <tool_call></think>" + closed, prompts) == 'n');
  for (const sample::Triggers& wrong : {sample::Triggers{{"x"}, "<think>", ""}, sample::Triggers{{}, "", "</think>"}}) {
    const auto refused = sample::compile({.regex = "a", .triggers = wrong});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("reasoning_closes") != std::string::npos);
  }
}

TEST_CASE("strict tools: without one there is no grammar; what cannot be kept is an error") {
  for (const char* lenient : {"", "[]", R"([{"name": "f"}])", R"([{"type": "web_search"}])",
                              R"([{"name": "f", "strict": false, "parameters": {"x": 1}}])"}) {
    const auto made = engine::tool_grammar(lenient, format_named("llama3"));
    REQUIRE(made);
    CHECK_FALSE(*made);
  }
  CHECK(error_of("{}").find("tools") != std::string::npos);
  CHECK(error_of("[").find("tools") != std::string::npos);
  CHECK(error_of(R"([{"name": "f", "strict": 1}])").find("tools[0]") != std::string::npos);
  CHECK(error_of(R"([{"name": "g"}, {"strict": true}])").find("tools[1]") != std::string::npos);
  CHECK(error_of(R"([{"name": "f", "strict": true, "parameters": 5}])").find("tools[0]") != std::string::npos);
  CHECK(error_of(R"([{"name": "f", "strict": true}])", "llama3").find("llama3") != std::string::npos);
}

TEST_CASE("strict tools: a model that writes nonsense makes sound calls") {
  const test::TempFolder folder;
  const auto model = Model::open(write_model(folder), {.threads = 2});
  REQUIRE(model);
  auto session = model->session();
  REQUIRE(session);
  ChatOptions options;
  options.tools = std::string("[") + kWeather + "]";
  options.chat_template = "{# <tool_call> #}{{ tools }}{% for m in messages %}{{ m.content }}{% endfor %}";
  options.generate.max_tokens = 400;
  options.generate.sampling.logit_bias = {{287, 50.0f}};  // eager to call
  std::set<std::string> cities;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    options.generate.sampling.seed = seed;
    const std::vector<ChatMessage> messages = {{.role = "user", .content = "ab"}};
    const auto reply = session->chat(messages, options);
    INFO((reply ? reply->raw : reply.error().message()));
    REQUIRE(reply);
    for (const ToolCall& call : reply->tool_calls) {
      CHECK(call.name == "weather");
      const auto arguments = nlohmann::json::parse(call.arguments);
      CHECK(arguments.size() == 2);
      cities.insert(arguments.at("city"));
      CHECK((arguments.at("days") >= 1 && arguments.at("days") <= 9));
    }
  }
  CHECK_FALSE(cities.empty());
  for (const std::string& city : cities) CHECK((city == "Paris" || city == "Rome"));
  options.chat_template += "<think>";
  const auto thinks = session->chat(std::vector<ChatMessage>{{.role = "user", .content = "ab"}}, options);
  REQUIRE(thinks);
  CHECK(thinks->tool_calls.empty());
  CHECK(thinks->reasoning.starts_with("<tool_call><tool_call>"));
  options.generate.regex = "a*";
  const auto both = session->chat(std::vector<ChatMessage>{{.role = "user", .content = "ab"}}, options);
  REQUIRE_FALSE(both);
  CHECK(both.error().message().find("tools") != std::string::npos);
}

}  // namespace strict_tools_test
