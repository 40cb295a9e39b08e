// Enters: replies as models write them, whole and broken. Leaves: content, reasoning and tool calls, the same however the text
// comes in pieces.
#include <algorithm>
#include <string>
#include <vector>

#include "reply_parser.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/test_data.h"

namespace chat_reply_test {

using namespace hearth;
using namespace hearth::text;

namespace {

const ReplyFormat& format_named(std::string_view name) {
  const auto rows = reply_formats();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ReplyFormat& row) { return row.name == name; });
  REQUIRE(found != rows.end());
  return *found;
}

constexpr ReplyParser::Situation kTools = {.reasoning_is_open = false, .tools = R"([
  {"type": "function", "function": {"name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
  {"type": "function", "function": {"name": "write",
    "parameters": {"type": "object", "properties": {
      "path": {"type": "string"}, "content": {"type": "string"}, "mode": {"type": "integer"}, "lines": {"type": "array"}}}}}
])"};
constexpr ReplyParser::Situation kThinking = {.reasoning_is_open = true, .tools = kTools.tools};
constexpr ReplyParser::Situation kNoTools = {};

struct Expected {
  std::string content, reasoning;
  std::vector<ToolCall> calls;
  bool broken = false;
};

std::string parse_in_pieces(const ReplyFormat& format, const std::string& raw, std::size_t piece,
                            ReplyParser::Situation situation, ReplyParts& parts) {
  ReplyParser parser(format, situation);
  std::string shown;
  for (std::size_t at = 0; at < raw.size(); at += piece) shown += parser.push(std::string_view(raw).substr(at, piece));
  shown += parser.finish();
  parts = parser.parts();
  return shown;
}

void check(std::string_view format, const std::string& raw, const Expected& expected,
           ReplyParser::Situation situation = kTools) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, raw.size() + 1}) {
    ReplyParts parts;
    const std::string shown = parse_in_pieces(format_named(format), raw, piece, situation, parts);
    INFO(format << " in pieces of " << piece << ": " << raw);
    INFO((parts.parse_error ? *parts.parse_error : "no error"));
    CHECK(parts.content == expected.content);
    CHECK(shown == expected.content);
    CHECK(parts.reasoning == expected.reasoning);
    CHECK(parts.parse_error.has_value() == expected.broken);
    REQUIRE(parts.tool_calls.size() == expected.calls.size());
    for (std::size_t i = 0; i < expected.calls.size(); ++i) {
      CHECK(parts.tool_calls[i].name == expected.calls[i].name);
      CHECK(parts.tool_calls[i].arguments == expected.calls[i].arguments);
      CHECK(parts.tool_calls[i].id == expected.calls[i].id);
    }
  }
}

const ToolCall kWeather = {"", "get_weather", R"({"city": "Paris"})"};

}  // namespace

TEST_CASE("each reference template has the reply format of its model") {
  struct Row {
    const char* file;
    const char* format;
  };
  const auto folder = test::data_folder() / "templates";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  for (const Row& row : {Row{"Qwen-Qwen2.5-7B-Instruct.jinja", "hermes"},
                         Row{"Qwen-Qwen3-0.6B.jinja", "hermes"},
                         Row{"NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "hermes"},
                         Row{"Qwen3-Coder.jinja", "qwen-xml"},
                         Row{"meta-llama-Llama-3.1-8B-Instruct.jinja", "llama3"},
                         Row{"meta-llama-Llama-3.2-3B-Instruct.jinja", "llama3"},
                         Row{"mistralai-Mistral-Nemo-Instruct-2407.jinja", "mistral"},
                         Row{"Mistral-Small-3.2-24B-Instruct-2506.jinja", "mistral"},
                         Row{"mistralai-Ministral-3-14B-Reasoning-2512.jinja", "mistral"},
                         Row{"deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", "deepseek"},
                         Row{"deepseek-ai-DeepSeek-V3.1.jinja", "deepseek"},
                         Row{"openai-gpt-oss-120b.jinja", "harmony"},
                         Row{"moonshotai-Kimi-K2.jinja", "kimi"},
                         Row{"Kimi-K2-Instruct.jinja", "kimi"},
                         Row{"google-gemma-2-2b-it.jinja", "gemma"},
                         Row{"meetkai-functionary-medium-v3.1.jinja", "function-tags"},
                         Row{"GLM-4.7-Flash.jinja", "glm"},
                         Row{"GLM-5.2.jinja", "glm"},
                         Row{"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "cohere"},
                         Row{"Cohere2MoE.jinja", "cohere-text"},
                         Row{"microsoft-Phi-3.5-mini-instruct.jinja", "plain"}}) {
    INFO(row.file);
    CHECK(reply_format(test::read_file(folder / row.file)).name == row.format);
  }
  CHECK(reply_format("<|start_of_role|>… respond with <|tool_call|> followed by …").name == "granite");
  CHECK(reply_format("<|start_of_role|>… <tool_call></tool_call> …").name == "hermes");  // Granite 4
  CHECK(reply_format("'<|tool|>' + message['tools'] + '<|/tool|>'").name == "phi4");
}

TEST_CASE("a reply without marks is its content, to the last byte") {
  for (const ReplyFormat& format : reply_formats()) {
    if (format.begins == Part::header) continue;
    for (const std::string text :
         {"", "Hello.", " Hello \n\n", "a < b and [x] <|", "{\"name\": \"not a call\"}", "<thin", "```\ncode\n```"})
      check(format.name, text, {text, "", {}});
  }
}

TEST_CASE("reasoning is split off, wherever it was opened") {
  check("hermes", "<think>\nhm\n</think>\n\nYes.", {"Yes.", "hm", {}});
  check("hermes", "hm, well\n</think>\n\nYes.", {"Yes.", "hm, well", {}}, kThinking);
  check("hermes", "<think>\n\n</think>\n\nYes.", {"Yes.", "", {}});
  check("hermes", "<think>never ends", {"", "never ends", {}});
  check("plain", "<think>a</think>b", {"b", "a", {}});
  check("deepseek", "I think\n</think>\nDone", {"Done", "I think", {}}, kThinking);
  check("mistral", "[THINK]hm[/THINK]Yes.", {"Yes.", "hm", {}});
  // White space around the other parts is no content, but what was told before they came stays.
  check("hermes", " \n<think>hm</think>\n\n<think>so</think>\n Yes. ", {"Yes.", "hmso", {}});
  CHECK(opens_reasoning(format_named("hermes"), "…<|im_start|>assistant\n<think>\n"));
  CHECK_FALSE(opens_reasoning(format_named("hermes"), "…<|im_start|>assistant\n<think>\n\n</think>\n\n"));
}

TEST_CASE("reasoning stands before all content: a mark of it in prose is prose") {
  const auto stays = [](std::string_view format, const std::string& text) { check(format, text, {text, "", {}}); };
  stays("hermes", " \n Hello <think>hm</think> there. ");
  stays("plain", "Write <think> first and </think> behind.");
  stays("mistral", "Say [THINK] first and [/THINK] behind.");
  stays("cohere", "Say <|START_THINKING|> first and <|END_THINKING|> behind.");
  check("hermes", "<think>hm</think>Write <think> first, then </think>.",
        {"Write <think> first, then </think>.", "hm", {}});
  check("hermes", "<think>\n\n</think>\n\nIt ends with </think>.", {"It ends with </think>.", "", {}});
  check("hermes", "</think>It ends with </think>.", {"It ends with </think>.", "", {}}, kThinking);
}

TEST_CASE("reasoning that nothing opened was told as content, and is none at the end") {
  const std::string raw = " hm, well\n</think>\n\nYes.";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, raw.size()}) {
    ReplyParts parts;
    CHECK(parse_in_pieces(format_named("plain"), raw, piece, {}, parts) == raw);
    CHECK(parts.reasoning == "hm, well");
    CHECK(parts.content == "Yes.");
  }
}

TEST_CASE("a mark inside a call's JSON string is part of the string, however the format writes calls") {
  const auto says = [](const std::string& text) { return ToolCall{"", "say", "{\"text\": \"" + text + "\"}"}; };
  check("hermes", "<tool_call>\n{\"name\": \"say\", \"arguments\": {\"text\": \"a</tool_call>b\"}}\n</tool_call> So.",
        {"So.", "", {says("a</tool_call>b")}});
  check("hermes",
        R"(<tool_call>[{"name": "say", "arguments": {"text": "\"</tool_call>\\"}}, {"name": "f"}]</tool_call>)",
        {"", "", {says(R"(\"</tool_call>\\)"), {"", "f", "{}"}}});
  check("qwen-xml", R"(<tool_call>{"name": "say", "arguments": {"text": "</tool_call>"}}</tool_call>)",
        {"", "", {says("</tool_call>")}});
  check("function-tags", R"(<function=say>{"text": "a</function>b"}</function><function=f>{}</function>)",
        {"", "", {says("a</function>b"), {"", "f", "{}"}}});
  check("mistral", R"([TOOL_CALLS]say[ARGS]{"text": "[TOOL_CALLS]"}[TOOL_CALLS]f{})",
        {"", "", {says("[TOOL_CALLS]"), {"", "f", "{}"}}});
  check("deepseek",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>say\n```json\n{\"text\": "
        "\"<｜tool▁calls▁end｜>\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        {"", "", {says("<｜tool▁calls▁end｜>")}});
  check("harmony", R"(<|channel|>commentary to=functions.say<|message|>{"text": "<|end|><|start|>"}<|call|>)",
        {"", "", {says("<|end|><|start|>")}});
  check("gemma", "```tool_code\n{\"name\": \"say\", \"parameters\": {\"text\": \"```\"}}\n```", {"", "", {says("```")}},
        kTools);
  // Quotes in tags and code are no JSON's.
  check("qwen-xml",
        "<tool_call>\n<function=say>\n<parameter=text>\n{ a \"b\n</parameter>\n</function>\n</tool_call> So.",
        {"So.", "", {says(R"({ a \"b)")}});
  check("gemma", "```tool_code\nsay(text='{ \"')\n``` So.", {"So.", "", {says(R"({ \")")}});
  // A string that nothing closes: a line break ends what can be one, else the reply's end.
  check("hermes", "<tool_call>{\"name\": \"say\n</tool_call> So.", {"So.", "", {}, true});
  check("hermes", "<tool_call>{\"name\": \"say</tool_call> So.", {"", "", {}, true});
  check("hermes", "<tool_call>{\"name\": \"say\", \"arguments\": {}</tool_call> So.", {"So.", "", {}, true});
}

TEST_CASE("marks by the thousand inside a call's string take a time linear in them") {
  std::string raw = "<tool_call>{\"name\": \"";
  for (int i = 0; i < 100000; ++i) raw += "</tool_call>";
  for (const std::size_t piece : {std::size_t{5}, raw.size()}) {
    ReplyParts parts;
    const double begin = test::cpu_seconds();
    CHECK(parse_in_pieces(format_named("hermes"), raw, piece, kTools, parts).empty());
    CHECK(test::cpu_seconds() - begin < 5);  // a look from each mark on at all behind it takes minutes
    CHECK(parts.parse_error);
  }
}

TEST_CASE("marks by the million in one piece take a time linear in them") {
  constexpr int kMarks = 1000000;
  std::string raw;
  for (int i = 0; i < kMarks; ++i) raw += i % 2 == 0 ? "<think>" : "</think>";
  ReplyParts parts;
  const double begin = test::cpu_seconds();
  CHECK(parse_in_pieces(format_named("hermes"), raw, raw.size(), kTools, parts).empty());
  CHECK(test::cpu_seconds() - begin < 5);  // all behind each mark moved to where that stood: half a minute
  CHECK(parts.reasoning.empty());
}

TEST_CASE("Hermes and Qwen: JSON in tool_call tags") {
  const std::string call =
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";
  check("hermes", call, {"", "", {kWeather}});
  check("hermes", "Let me look.\n" + call + "\n" + call, {"Let me look.", "", {kWeather, kWeather}});
  check("hermes", "<think>\nlook it up\n</think>\n\n" + call, {"", "look it up", {kWeather}});
  check("hermes", "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>",
        {"", "", {{"", "f", "{\"a\": 1}"}}});
  check("hermes", "<tool_call>{\"name\": \"f\"}</tool_call>", {"", "", {{"", "f", "{}"}}});
  // Broken: said, and what could be read is kept.
  check("hermes", "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": ", {"", "", {}, true});
  check("hermes", "A " + call + " <tool_call>no JSON</tool_call> B", {"A   B", "", {kWeather}, true});
  check("hermes", "<tool_call>[1, 2]</tool_call>", {"", "", {}, true});
  check("hermes", "<tool_call>{\"arguments\": {}}</tool_call>", {"", "", {}, true});
}

TEST_CASE("a call's marks are text where no tools were offered") {
  for (const ReplyFormat& format : reply_formats()) {
    if (format.begins == Part::header) continue;
    for (const Mark& mark : format.marks) {
      if (mark.from != Part::content || (mark.to != Part::call && mark.to != Part::between)) continue;
      const std::string text = "So: " + std::string(mark.text) + "{\"name\": \"f\"} and more.";
      check(format.name, text, {text, "", {}}, kNoTools);
    }
  }
  check("harmony", "<|channel|>commentary to=functions.f<|message|>{\"a\": 1}<|call|>", {"{\"a\": 1}", "", {}},
        kNoTools);
  check("hermes", "<think>hm</think><tool_call>\n{}</tool_call>", {"<tool_call>\n{}</tool_call>", "hm", {}}, kNoTools);
}

TEST_CASE("Qwen3-Coder: parameters in XML") {
  check("qwen-xml",
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
        {"", "", {kWeather}});
  check("qwen-xml",
        "Now:\n<tool_call>\n<function=edit>\n<parameter=text>\nline 1\n\nline "
        "<b>2</b>\n</parameter>\n<parameter=lines>\n[1, "
        "2]\n</parameter>\n<parameter=force>\ntrue\n</parameter>\n</function>\n</tool_call>",
        {"Now:", "", {{"", "edit", R"({"text": "line 1\n\nline <b>2</b>", "lines": [1, 2], "force": true})"}}});
  check("qwen-xml", "<tool_call>\n<function=f>\n</function>\n</tool_call>", {"", "", {{"", "f", "{}"}}});
  check("qwen-xml", "<tool_call>\n<function=f>\n<parameter=x>\n1", {"", "", {}, true});
  check("qwen-xml", "<tool_call>\nnothing\n</tool_call>", {"", "", {}, true});
}

TEST_CASE("GLM: a name and its arguments in tags") {
  check("glm", "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>",
        {"", "", {kWeather}});
  check("glm",
        "which?</think>Now:\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
        "</tool_call>\n<tool_call>now</tool_call>",
        {"Now:", "which?", {kWeather, {"", "now", "{}"}}}, kThinking);
  check("glm",
        "<tool_call>f<arg_key>n</arg_key><arg_value>[1, {\"a\": \"b\"}]</arg_value><arg_key>s</arg_key>"
        "<arg_value>say \"</arg_value></tool_call> So.",
        {"So.", "", {{"", "f", R"({"n": [1, {"a": "b"}], "s": "say \""})"}}});
  check("glm", "<tool_call>f<arg_key>s</arg_key><arg_value>[\"</arg_value></tool_call> So.",
        {"So.", "", {{"", "f", R"({"s": "[\""})"}}});
  check("glm",
        "<tool_call>write<arg_key>content</arg_key><arg_value>{\"a\": 1}\n</arg_value><arg_key>mode</arg_key>"
        "<arg_value>420</arg_value></tool_call>",
        {"", "", {{"", "write", R"({"content": "{\"a\": 1}\n", "mode": 420})"}}});
  check("glm", "<tool_call>f<arg_key>s</arg_key><arg_value>x", {"", "", {}, true});
  check("glm", "<tool_call>f<arg_key>s</arg_key></tool_call>", {"", "", {}, true});
  check("glm", "<tool_call>f<arg_key>s</tool_call>", {"", "", {}, true});
  check("glm", "<tool_call>two words</tool_call>", {"", "", {}, true});
}

TEST_CASE("parameters in tags are what the tool's schema says they are") {
  const std::string call =
      "<tool_call>\n<function=write>\n<parameter=path>\n7\n</parameter>\n<parameter=content>\n{\"a\": "
      "1}\n</parameter>\n"
      "<parameter=mode>\n420\n</parameter>\n<parameter=lines>\n[1]\n</parameter>\n<parameter=else>\n2\n</parameter>\n"
      "</function>\n</tool_call>";
  check("qwen-xml", call,
        {"", "", {{"", "write", R"({"path": "7", "content": "{\"a\": 1}", "mode": 420, "lines": [1], "else": 2})"}}},
        kTools);
  const ReplyParser::Situation bare{
      .reasoning_is_open = false,
      .tools = R"([{"name": "write", "parameters": {"properties": {"path": {"type": "string"}}}}])"};
  check("qwen-xml", call,
        {"", "", {{"", "write", R"({"path": "7", "content": {"a": 1}, "mode": 420, "lines": [1], "else": 2})"}}}, bare);
  for (const char* strange : {"[]", "{}", "no JSON", R"([1, {"name": "write"}, {"name": "write", "parameters": 5}])"})
    check("qwen-xml", call,
          {"", "", {{"", "write", R"({"path": 7, "content": {"a": 1}, "mode": 420, "lines": [1], "else": 2})"}}},
          {.reasoning_is_open = false, .tools = strange});
}

TEST_CASE("Qwen3-Coder: a call that begins without its tag is one where tools were offered") {
  const std::string call = "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n";
  check("qwen-xml", call + "</tool_call>", {"", "", {kWeather}});
  check("qwen-xml", "I look.\n\n" + call + "</tool_call>\n" + call + "</tool_call>",
        {"I look.", "", {kWeather, kWeather}});
  check("qwen-xml", call + call, {"", "", {kWeather, kWeather}});
  check("qwen-xml", "<tool_call>\n" + call + "</tool_call> So.", {"So.", "", {kWeather}});
  check("qwen-xml", "<function=f>\n<parameter=text>\na <function=g> b\n</parameter>\n</function>\n</tool_call>",
        {"", "", {{"", "f", R"({"text": "a <function=g> b"})"}}});
  check("qwen-xml", "<function=f>\n</function>", {"<function=f>\n</function>", "", {}}, kNoTools);
}

TEST_CASE("Granite and Phi 4: a list of calls behind a mark") {
  const std::string call = R"(<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}])";
  check("granite", call, {"", "", {kWeather}});
  check("granite", "<think>hm</think>\n<response>Yes.</response>", {"Yes.", "hm", {}});
  check("granite", "<response>is a tag</response>", {"<response>is a tag</response>", "", {}});
  check("granite", "<|tool_call|>[{\"name\":", {"", "", {}, true});
  check("phi4", call + "<|/tool_call|>", {"", "", {kWeather}});
  check("phi4", "One moment. " + call, {"One moment.", "", {kWeather}});
}

TEST_CASE("Cohere: actions, thoughts and responses") {
  check("cohere", "<|START_RESPONSE|>Hello.<|END_RESPONSE|>", {"Hello.", "", {}});
  check("cohere",
        "<|START_THINKING|>hm<|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": "
        "\"get_weather\", \"parameters\": {\"city\": \"Paris\"}}\n]<|END_ACTION|>",
        {"", "hm", {kWeather}});
  check("cohere", "<|START_ACTION|>[{\"tool_name\": \"get_wea", {"", "", {}, true});
  check("cohere-text", "hm<|END_THINKING|><|START_TEXT|>Hello.<|END_TEXT|>", {"Hello.", "hm", {}}, kThinking);
}

TEST_CASE("Llama 3: bare JSON, python_tag with JSON or a call") {
  const std::string json = "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}";
  check("llama3", json, {"", "", {kWeather}});
  check("llama3", json + "; " + json, {"", "", {kWeather, kWeather}});
  check("llama3", json, {json, "", {}}, kNoTools);
  check("llama3", "<|python_tag|>" + json, {"", "", {kWeather}});
  check("llama3", "<|python_tag|>brave_search.call(query=\"weather in \\\"Paris\\\"\")",
        {"", "", {{"", "brave_search", R"({"query": "weather in \"Paris\""})"}}});
  check("llama3", "<|python_tag|>import os\nprint(os)", {"", "", {}, true});
  check("llama3", "{\"name\": \"get_weather\", \"param", {"{\"name\": \"get_weather\", \"param", "", {}, true});
  check("llama3", "It is sunny.", {"It is sunny.", "", {}});
  const std::string anna = "{\"name\": \"Anna (7)\", \"city\": \"Paris\"}";  // an answer in JSON
  check("llama3", anna, {anna, "", {}});
  check("llama3", "[" + anna + "]", {"[" + anna + "]", "", {}});
}

TEST_CASE("Functionary: function tags") {
  check("function-tags", "<function=get_weather>{\"city\": \"Paris\"}</function>", {"", "", {kWeather}});
  check("function-tags", "Wait.<function=a>{}</function><function=b>{}</function>",
        {"Wait.", "", {{"", "a", "{}"}, {"", "b", "{}"}}});
  check("function-tags", "<function=get_weather>{\"city\"</function>", {"", "", {}, true});
}

TEST_CASE("Mistral: an array after the mark, or a name and its arguments") {
  check("mistral",
        "[TOOL_CALLS][{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}, \"id\": \"abc123def\"}]",
        {"", "", {{"abc123def", "get_weather", R"({"city": "Paris"})"}}});
  check("mistral", "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Paris\"}[TOOL_CALLS]now[ARGS]{}",
        {"", "", {kWeather, {"", "now", "{}"}}});
  check("mistral", "[TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]{\"city\": \"Paris\"}",
        {"", "", {{"abc123def", "get_weather", R"({"city": "Paris"})"}}});
  check("mistral", "[THINK]which?[/THINK]One moment.[TOOL_CALLS]get_weather{\"city\": \"Paris\"}",
        {"One moment.", "which?", {kWeather}});
  check("mistral", "[TOOL_CALLS][{\"name\": \"get_weather\", \"argum", {"", "", {}, true});
  check("mistral", "[TOOL_CALLS]get_weather", {"", "", {}, true});
}

TEST_CASE("DeepSeek: calls between marks, with a fenced block or without") {
  const std::string begin = "<｜tool▁calls▁begin｜>", end = "<｜tool▁calls▁end｜>", open = "<｜tool▁call▁begin｜>",
                    close = "<｜tool▁call▁end｜>", separator = "<｜tool▁sep｜>";
  check("deepseek",
        "One moment." + begin + open + "function" + separator + "get_weather\n```json\n{\"city\": \"Paris\"}\n```" +
            close + end,
        {"One moment.", "", {kWeather}});
  check("deepseek",
        "plan</think>" + begin + open + "get_weather" + separator + "{\"city\": \"Paris\"}" + close + open + "now" +
            separator + "{}" + close + end,
        {"", "plan", {kWeather, {"", "now", "{}"}}}, kThinking);
  check("deepseek", begin + open + "get_weather" + separator + "{\"city\"" + close + end, {"", "", {}, true});
  check("deepseek", begin + open + "get_weather", {"", "", {}, true});
}

TEST_CASE("Kimi K2: calls in a section, each with its id") {
  const std::string begin = "<|tool_calls_section_begin|>", end = "<|tool_calls_section_end|>",
                    open = "<|tool_call_begin|>", close = "<|tool_call_end|>", with = "<|tool_call_argument_begin|>";
  const ToolCall weather = {"functions.get_weather:0", kWeather.name, kWeather.arguments};
  check("kimi",
        "One moment." + begin + open + "functions.get_weather:0" + with + kWeather.arguments + close + open +
            "functions.now:1" + with + "{}" + close + end,
        {"One moment.", "", {weather, {"functions.now:1", "now", "{}"}}});
  check("kimi",
        "<think>which?</think>" + begin + open + "functions.get_weather:0" + with + kWeather.arguments + close + end,
        {"", "which?", {weather}});
  check("kimi", begin + open + "get_weather" + with + kWeather.arguments + close + end,
        {"", "", {{"get_weather", kWeather.name, kWeather.arguments}}});
  check("kimi", begin + open + "functions.get_weather:0" + with + "{\"city\"" + close + end, {"", "", {}, true});
  check("kimi", begin + open + "functions.get_weather:0", {"", "", {}, true});
  const std::string marks = begin + open + "functions.get_weather:0" + with + "{}" + close + end;
  check("kimi", marks, {marks, "", {}}, kNoTools);
}

TEST_CASE("gpt-oss: harmony's channels") {
  check("harmony", "<|channel|>final<|message|>Hello.", {"Hello.", "", {}});
  check("harmony",
        "<|channel|>analysis<|message|>greet them<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>",
        {"Hello.", "greet them", {}});
  check("harmony",
        "<|channel|>analysis<|message|>need it<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather "
        "<|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
        {"", "need it", {kWeather}});
  check("harmony",
        "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant "
        "to=functions.get_weather<|channel|>commentary json<|message|>{\"city\":\"Paris\"}",
        {"I will look.", "", {kWeather}});
  check("harmony", "<|channel|>commentary to=functions.get_weather<|message|>{\"city\":", {"", "", {}, true});
  check("harmony", "Hello.", {"Hello.", "", {}, true});
  check("harmony", "<|channel|>analysis<|message|>cut sh", {"", "cut sh", {}});
}

TEST_CASE("Gemma: tool_code blocks and JSON") {
  check("gemma", "```tool_code\nget_weather(city=\"Paris\")\n```", {"", "", {kWeather}});
  check("gemma", "I look.\n```tool_code\nprint(get_weather(city='Paris'))\n```", {"I look.", "", {kWeather}});
  check("gemma", "```tool_code\nf(a=1, b=[1, 2], c=True, d=None, e={\"x\": \"y, z\"})\n```",
        {"", "", {{"", "f", R"({"a": 1, "b": [1, 2], "c": true, "d": null, "e": {"x": "y, z"}})"}}});
  check("gemma", "```json\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}\n```",
        {"", "", {kWeather}});
  check("gemma", R"(```tool_code
f(a='x\", "b": "y', p='C:\\', q='it\'s')
```)",
        {"", "", {{"", "f", R"({"a": "x\", \"b\": \"y", "p": "C:\\", "q": "it's"})"}}});
  check("gemma", "```tool_code\nget_weather(\"Paris\")\n```", {"", "", {}, true});
  check("gemma", "```tool_code\nget_weather(", {"", "", {}, true});
}

TEST_CASE("plain JSON is a call where tools were offered") {
  check("plain", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}", {"", "", {kWeather}});
  check("plain", "[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}]", {"", "", {kWeather}});
  check("plain",
        "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}, "
        "\"id\": \"c1\"}",
        {"", "", {{"c1", "get_weather", R"({"city": "Paris"})"}}});
  check("plain", "{\"answer\": 42}", {"{\"answer\": 42}", "", {}});
}

TEST_CASE("a call whose bytes are no UTF-8 is JSON all the same") {
  check("qwen-xml", "<tool_call>\n<function=f>\n<parameter=k>\na\xff\n</parameter>\n</function>\n</tool_call>",
        {"", "", {{"", "f", "{\"k\": \"a\xef\xbf\xbd\"}"}}});
  check("llama3", "{\"name\": \"f\", \"parameters\": {\"k\": \"\xc3\"}}",
        {"", "", {{"", "f", "{\"k\": \"\xef\xbf\xbd\"}"}}});
}

TEST_CASE("reading a reply takes time in proportion to it, white space too") {
  const auto seconds = [](std::string_view begin, std::size_t n) {
    ReplyParser parser(format_named("hermes"), kTools);
    const double before = test::cpu_seconds();
    parser.push(begin);
    for (std::size_t i = 0; i < n; ++i) parser.push("\n");
    parser.finish();
    return test::cpu_seconds() - before;
  };
  for (const char* begin : {"", "a", "{"}) {
    const double one = seconds(begin, 12500), all = seconds(begin, 100000);
    CAPTURE(begin, one, all);
    CHECK(all < 8 * 4 * one + 1.0);
  }
}

}  // namespace chat_reply_test
