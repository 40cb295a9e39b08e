// Enters: conversations. Leaves: the prompts that templates make of them, and answers that do not depend on what a session
// computed before.
#include <filesystem>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>
#include <set>
#include <string>
#include <vector>

#include "chat_template.h"
#include "gguf_writer.h"
#include "jinja_unicode.h"
#include "loaded_model.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace chat_test {

using namespace hearth;

namespace {

const std::string kTemplate =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if tools %}T{{ tools | length "
    "}}\n"
    "{% endif %}assistant:";

std::string prompt_of(const std::string& source, const std::vector<ChatMessage>& messages, std::string_view tools = {},
                      std::string_view variables = {}) {
  auto chat = text::ChatTemplate::parse(source);
  REQUIRE(chat);
  auto prompt = chat->prompt({messages, tools, variables, "<s>", "</s>", {2026, 11, 22, 9, 30, 0}});
  INFO((prompt ? "" : prompt.error().message()));
  REQUIRE(prompt);
  return *prompt;
}

std::string error_of(const std::vector<ChatMessage>& messages, std::string_view tools = {},
                     std::string_view variables = {}) {
  auto chat = text::ChatTemplate::parse(kTemplate);
  REQUIRE(chat);
  auto prompt = chat->prompt({messages, tools, variables, "", "", {}});
  REQUIRE_FALSE(prompt);
  return prompt.error().message();
}

const std::string& model_path() {
  static const test::TempFolder folder;
  static const std::string path = test::write_random_model(test::RandomModel{}, folder / "chat.gguf");
  return path;
}

Session open_session(std::int64_t n_ctx = 0) {
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  auto session = model->session({.n_ctx = n_ctx});
  REQUIRE(session);
  return std::move(*session);
}

ChatOptions short_answers(const std::string& source = kTemplate) {
  ChatOptions options;
  options.generate.max_tokens = 8;
  options.chat_template = source;
  return options;
}

ChatReply answered(Result<ChatReply> reply) {
  INFO((reply ? "" : reply.error().message()));
  REQUIRE(reply);
  return std::move(*reply);
}

}  // namespace

TEST_CASE("a template sees messages as other programs give them") {
  const std::string source =
      "{{ messages | tojson }}|{{ tools is none }}|{{ add_generation_prompt }}|{{ bos_token }}{{ eos_token }}";
  const std::vector<ChatMessage> messages = {
      {.role = "system", .content = "Be \"brief\"."},
      {.role = "user", .parts = {"one", "two"}},
      {.role = "assistant",
       .reasoning = "hm",
       .tool_calls = {{"c1", "f", "{\"b\": 1, \"a\": [2.0]}"}, {"", "g", "no JSON"}}},
      {.role = "tool", .content = "4", .tool_call_id = "c1", .name = "f"},
  };
  CHECK(prompt_of(source, messages) ==
        R"([{"role": "system", "content": "Be \"brief\"."}, )"
        R"({"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, )"
        R"({"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": )"
        R"([{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": [2.0]}}}, )"
        R"({"type": "function", "function": {"name": "g", "arguments": "no JSON"}}]}, )"
        R"({"role": "tool", "content": "4", "tool_call_id": "c1", "name": "f"}]|True|True|<s></s>)");
  CHECK(prompt_of("{{ tools | tojson }}", {}, R"([{"type": "function"}])") == R"([{"type": "function"}])");
  CHECK(prompt_of("{{ enable_thinking }}{{ messages | length }}", {}, {}, R"({"enable_thinking": false})") == "False0");
  CHECK(prompt_of("{{ strftime_now('%H:%M') }}", {}) == "09:30");
  CHECK(prompt_of("{{ messages[0].content }}", {{.role = "user", .content = "{{ 7 * 7 }}"}}) == "{{ 7 * 7 }}");
}

TEST_CASE("a vocabulary's BOS and EOS may be any bytes") {
  auto chat = text::ChatTemplate::parse("{{ bos_token | upper }}{{ eos_token[0] }}{{ eos_token | length }}");
  REQUIRE(chat);
  const auto prompt = chat->prompt({{}, {}, {}, "\xf0", "\xff<", {}});
  REQUIRE(prompt);
  CHECK(*prompt == "\ufffd\ufffd2");
}

TEST_CASE("a template tells what ends a turn") {
  const auto end = [](const std::string& source) {
    const auto chat = text::ChatTemplate::parse(source);
    REQUIRE(chat);
    return chat->turn_end();
  };
  const std::string before = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}", after = "{% endfor %}";
  CHECK(end(before + "<|over|>\n" + after) == "<|over|>");
  CHECK(end(before + "\n[/OVER] x" + after) == "[/OVER]");
  CHECK(end(before + after) == "<|user|>");
  CHECK(end(before + "{{ eos_token }}" + after).empty());
  CHECK(end("{% for m in messages %}\n\n{{ m.role }}: {{ m.content }}{% endfor %}").empty());
  CHECK(end("{{ raise_exception('no') }}").empty());
  CHECK(
      end("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}" + before + "<|over|>" + after)
          .empty());
}

TEST_CASE("the reference templates end turns as their models do") {
  struct Row {
    const char* file;
    const char* end;
  };
  const auto folder = test::data_folder() / "templates";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  for (const Row& row :
       {Row{"Qwen-Qwen3-0.6B.jinja", "<|im_end|>"}, Row{"meta-llama-Llama-3.1-8B-Instruct.jinja", "<|eot_id|>"},
        Row{"google-gemma-2-2b-it.jinja", "<end_of_turn>"}, Row{"microsoft-Phi-3.5-mini-instruct.jinja", "<|end|>"},
        Row{"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "<|END_RESPONSE|>"},
        Row{"openai-gpt-oss-120b.jinja", "<|end|>"}, Row{"mistralai-Mistral-Nemo-Instruct-2407.jinja", ""},
        Row{"GLM-4.7-Flash.jinja", "<|user|>"}, Row{"google-gemma-4-31B-it-interleaved.jinja", "<turn|>"}}) {
    INFO(row.file);
    const auto chat = text::ChatTemplate::parse(test::read_file(folder / row.file));
    REQUIRE(chat);
    CHECK(chat->turn_end() == row.end);
  }
}

TEST_CASE("what the templates of a file end turns with ends a generated text") {
  const test::TempFolder folder;
  const std::string path = (folder / "ends.gguf").string();
  const std::string begin = "{% for m in messages %}{{ m.content }}", end = "{% endfor %}";
  REQUIRE(test::ModelEditor()
              .set("tokenizer.chat_template", begin + "<0x41>" + end)
              .set("tokenizer.chat_template.tool_use", begin + "<0x42>" + end)
              .write(path) != 0);
  const auto model = engine::LoadedModel::open(path, {.threads = 1});
  REQUIRE(model);
  const text::Vocab& vocab = (*model)->tokenizer().vocab();
  CHECK(vocab.ends_text(vocab.find("<0x41>")));
  CHECK(vocab.ends_text(vocab.find("<0x42>")));
  CHECK_FALSE(vocab.ends_text(vocab.find("<0x43>")));
}

TEST_CASE("what is wrong with a conversation is named") {
  CHECK(error_of({{.role = "user"}, {.role = "user", .content = "\xff"}}).find("messages[1].content") !=
        std::string::npos);
  CHECK(error_of({{.role = ""}}).find("messages[0].role") != std::string::npos);
  CHECK(error_of({}, "{").find("tools") != std::string::npos);
  CHECK(error_of({}, "{}").find("tools") != std::string::npos);
  CHECK(error_of({}, "", "[]").find("variables") != std::string::npos);
}

TEST_CASE("a model file's template is found, the one for tools where there are tools") {
  const test::TempFolder folder;
  const std::string path = (folder / "two.gguf").string();
  gguf::Writer writer;
  writer.add("tokenizer.chat_template", "plain");
  writer.add("tokenizer.chat_template.tool_use", "with tools");
  REQUIRE(writer.write(path));
  CHECK(*tools::chat_template(path) == "plain");
  CHECK(*tools::chat_template(path, true) == "with tools");
  const auto none = tools::chat_template(model_path());
  REQUIRE_FALSE(none);
  CHECK(none.error().status() == Status::not_found);
  CHECK(none.error().message().find("--template FILE") != std::string::npos);
}

TEST_CASE("render is the template alone") {
  CHECK(*tools::render("{{ a }}{{ strftime_now('%Y') }}", "{\"a\": 1}", "2026-11-22T09:30:00") == "12026");
  CHECK_FALSE(tools::render("{{ a }}", "{}", "yesterday"));
  CHECK_FALSE(tools::render("{{ a", "{}"));
  CHECK(tools::render("{{ strftime_now('%Y') }}", "{}")->size() == 4);
}

TEST_CASE("without a template there is no chat, and completion still works") {
  Session session = open_session();
  const auto reply = session.chat("Hi");
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status() == Status::not_found);
  CHECK(reply.error().message().find("--template FILE") != std::string::npos);
  CHECK(session.n_past() == 0);
  CHECK(session.generate("ab", {.max_tokens = 3}));
}

TEST_CASE("a conversation goes on, and its answers are those of a session that starts anew") {
  Session session = open_session();
  std::string shown;
  const ChatReply first = answered(session.chat("ab", short_answers(), [&](std::string_view piece) {
    shown += piece;
    return true;
  }));
  CHECK(first.n_reused == 0);
  CHECK(shown == first.content);
  CHECK(first.generation.text == first.raw);
  const ChatReply second = answered(session.chat("ba", short_answers()));
  CHECK(second.n_reused >= first.generation.n_prompt - 2);
  CHECK(second.generation.n_prompt > first.generation.n_prompt);

  Session anew = open_session();
  const std::vector<ChatMessage> messages = {
      {.role = "user", .content = "ab"},
      {.role = "assistant", .content = first.content, .reasoning = first.reasoning},
      {.role = "user", .content = "ba"}};
  const ChatReply same = answered(anew.chat(messages, short_answers()));
  CHECK(same.n_reused == 0);
  CHECK(same.generation.logits_hash == second.generation.logits_hash);
  CHECK(same.raw == second.raw);
}

TEST_CASE("the same question again computes nothing but the last position, and a shorter one forgets the rest") {
  Session session = open_session();
  const std::vector<ChatMessage> question = {{.role = "user", .content = "abab"}};
  const ChatReply once = answered(session.chat(question, short_answers()));
  const ChatReply twice = answered(session.chat(question, short_answers()));
  CHECK(twice.n_reused == once.generation.n_prompt);
  CHECK(twice.raw == once.raw);
  CHECK(twice.generation.logits_hash == once.generation.logits_hash);
  const std::vector<ChatMessage> other = {{.role = "user", .content = "b"}};
  const ChatReply third = answered(session.chat(other, short_answers()));
  Session anew = open_session();
  CHECK(third.generation.logits_hash == answered(anew.chat(other, short_answers())).generation.logits_hash);
}

TEST_CASE("a reply that is no UTF-8 is no end of the conversation") {
  Session session = open_session();
  ChatOptions options = short_answers();
  options.generate.max_tokens = 40;  // random weights: some bytes among them
  const ChatReply first = answered(session.chat("ab", options));
  CHECK_FALSE(text::jinja::sound_utf8(first.raw));
  CHECK(text::jinja::sound_utf8(first.content));
  answered(session.chat("b", options));
}

TEST_CASE("who says stop is told no more") {
  ChatOptions options = short_answers();
  options.generate.max_tokens = 40;
  options.generate.sampling.temp = 2;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    options.generate.sampling.seed = seed;
    Session session = open_session();
    int calls = 0;
    const ChatReply reply = answered(session.chat("ab", options, [&](std::string_view) { return ++calls == 0; }));
    CHECK(calls <= 1);
    CHECK((calls == 0 || reply.generation.finish == Finish::cancelled));
  }
}

TEST_CASE("a turn that fails or is cancelled leaves text and conversation as they were") {
  Session session = open_session(), untouched = open_session();
  const ChatOptions options = short_answers();
  for (Session* each : {&session, &untouched}) answered(each->chat("ab", options));
  const std::vector<ChatMessage> other = {{.role = "system", .content = "not like the text"},
                                          {.role = "user", .content = "b"}};
  const auto fails = [&](const ChatOptions& how, const OnText& on_text, Status status) {
    const auto reply = session.chat(other, how, on_text);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().status() == status);
    CHECK(session.n_past() == untouched.n_past());
  };
  ChatOptions wrong = options, stopped = options, told = options;
  wrong.generate.sampling.top_k = -1;
  fails(wrong, {}, Status::invalid_argument);
  stopped.generate.cancelled = [] { return true; };
  fails(stopped, {}, Status::cancelled);
  told.generate.on_progress = [](double done) { return done < 1; };  // the whole prompt has been computed
  fails(told, {}, Status::cancelled);
  fails(
      options, [](std::string_view) -> bool { throw std::runtime_error("from a callback"); }, Status::internal);
  const Reply text = *session.generate_from({}, options.generate),
              expected = *untouched.generate_from({}, options.generate);
  CHECK((text.tokens == expected.tokens && text.logits_hash == expected.logits_hash));
  const ChatReply next = answered(session.chat("b", options)), right = answered(untouched.chat("b", options));
  CHECK((next.raw == right.raw && next.generation.logits_hash == right.generation.logits_hash));
}

TEST_CASE("a grammar begins where the reasoning ends that the prompt opened") {
  const test::TempFolder folder;
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  const std::string_view digits = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b) tokens.push_back(std::string("<0x") + digits[b >> 4] + digits[b & 15] + ">");
  while (std::ssize(tokens) < test::RandomModel{}.n_vocab - 1)
    tokens.push_back("\xE2\x96\x81" + std::to_string(tokens.size()));
  tokens.push_back("</think>");
  test::ModelEditor editor;
  editor.set_array<std::string>("tokenizer.ggml.tokens", tokens);
  const std::string path = folder / "thinker.gguf";
  REQUIRE(editor.write(path) != 0);
  const auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  auto session = model->session();
  REQUIRE(session);
  ChatOptions options = short_answers("{% for m in messages %}{{ m.content }}{% endfor %}<think>\n");
  options.generate.max_tokens = 150;
  options.generate.sampling.logit_bias = {{287, 4.0f}};  // eager to end its reasoning
  options.generate.regex = "yes|no";
  const ChatReply reply = answered(session->chat("ab", options));
  CHECK((reply.content == "yes" || reply.content == "no"));
  CHECK(reply.raw == reply.raw.substr(0, reply.raw.find("</think>")) + "</think>" + reply.content);
  const auto receipt = tools::make_receipt(*session, options, reply, *tools::file_digests(*model));
  REQUIRE(receipt);
  CHECK(receipt->generate.grammar_triggers == std::vector<std::string>{"</think>"});
  options.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n</think>\n";
  const ChatReply plain = answered(session->chat(std::vector<ChatMessage>{{.role = "user", .content = "ab"}}, options));
  CHECK((plain.raw == "yes" || plain.raw == "no"));
  options.generate.grammar_triggers = {"never"};  // who names some means these
  options.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n";
  const auto own = session->chat(std::vector<ChatMessage>{{.role = "user", .content = "ab"}}, options);
  CHECK(answered(own).raw.find("</think>") != std::string::npos);
}

TEST_CASE("calls have ids that Mistral's templates take, and none twice in a conversation") {
  const auto file = test::data_folder() / "templates" / "mistralai-Mistral-Nemo-Instruct-2407.jinja";
  HEARTH_NEEDS_TEST_DATA(file);
  const test::TempFolder folder;
  test::RandomModel large;
  large.n_ctx = 2048;
  const auto model = Model::open(test::write_random_model(large, folder / "large.gguf"), {.threads = 1});
  REQUIRE(model);
  auto session = model->session();
  REQUIRE(session);
  ChatOptions options = short_answers(test::read_file(file));
  options.generate.max_tokens = 400;
  options.tools = R"([{"type": "function", "function": {"name": "f"}}])";
  std::vector<ChatMessage> messages = {{.role = "user", .content = "a"}};
  const auto ids_of_answer = [&](const std::string& calls) {
    options.generate.grammar = "root ::= \"[TOOL_CALLS][" + calls + "]\"";
    const ChatReply reply = answered(session->chat(messages, options));
    CHECK_FALSE(reply.parse_error);
    std::vector<std::string> ids;
    for (const ToolCall& call : reply.tool_calls) ids.push_back(call.id);
    messages.push_back({.role = "assistant", .tool_calls = reply.tool_calls});
    for (const std::string& id : ids) messages.push_back({.role = "tool", .content = "1", .tool_call_id = id});
    return ids;
  };
  using Ids = std::vector<std::string>;
  const auto call = [](const std::string& id) { return R"({\"name\": \"f\", \"id\": \")" + id + R"(\"})"; };
  const std::string bare = R"({\"name\": \"f\"})";
  CHECK(ids_of_answer(bare + ", " + call("a1B2c3D4e")) == Ids{"000000000", "a1B2c3D4e"});
  CHECK(ids_of_answer(call("short") + ", " + call("a-b-c-d-e") + ", " + call("a1B2c3D4e")) ==
        Ids{"000000002", "000000003", "000000004"});
  messages.erase(messages.begin() + 1,
                 messages.begin() + 4);  // as who keeps to the newest turns does: now three calls are before
  CHECK(ids_of_answer(bare + ", " + bare) == Ids{"000000005", "000000006"});
}

TEST_CASE("a grammar begins in gpt-oss's final channel, whatever comes before") {
  Session session = open_session();
  ChatOptions options = short_answers("{# <|channel|><|message|> #}{% for m in messages %}{{ m.content }}{% endfor %}");
  options.generate.regex = "yes|no";
  const auto triggers = [&](const std::string& end) {
    const std::vector<ChatMessage> messages = {{.role = "user", .content = "ab" + end}};
    const ChatReply reply = answered(session.chat(messages, options));
    const auto model = Model::open(model_path(), {.threads = 1});
    REQUIRE(model);
    const auto receipt = tools::make_receipt(session, options, reply, *tools::file_digests(*model));
    REQUIRE(receipt);
    return receipt->generate.grammar_triggers;
  };
  const std::vector<std::string> answer = {"<|channel|>final<|message|>",
                                           "<|channel|>final <|constrain|>json<|message|>"};
  CHECK(triggers("") == answer);
  CHECK(triggers("<|channel|>analysis<|message|>") == answer);
  options.generate.grammar_triggers = {"mine"};
  CHECK(triggers("") == options.generate.grammar_triggers);
}

TEST_CASE("tool calls of a message are in the prompt, or an error says that they cannot be") {
  const auto calls_of = [](const std::string& source, const std::string& content) -> Result<std::string> {
    const auto chat = text::ChatTemplate::parse(source);
    REQUIRE(chat);
    const std::vector<ChatMessage> messages = {
        {.role = "user", .content = "ab"},
        {.role = "assistant", .content = content, .tool_calls = {{"000000001", "weather", R"({"city": "Rome"})"}}},
        {.role = "tool", .content = "rain", .tool_call_id = "000000001", .name = "weather"}};
    return chat->prompt({messages, {}, {}, "<s>", "</s>", {2026, 11, 22, 9, 30, 0}});
  };
  const auto refused = calls_of("{% for m in messages %}{{ m.content }}{% endfor %}", "");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::invalid_argument);
  CHECK(refused.error().message().find("; messages[1].tool_calls; ") != std::string::npos);
  const std::string either =
      "{% for m in messages %}{% if m.tool_calls and not m.content %}{{ m.tool_calls }}{% else %}{{ m.content }}"
      "{% endif %}{% endfor %}";
  CHECK(calls_of(either, ""));
  const auto both = calls_of(either, "I look.");
  REQUIRE_FALSE(both);
  CHECK(both.error().message().find("content; messages[1].tool_calls; ") != std::string::npos);
  CHECK(calls_of("{{ raise_exception('no tools') }}", "").error().message().rfind("no tools", 0) == 0);

  const auto folder = test::data_folder() / "templates";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  const auto distilled = calls_of(test::read_file(folder / "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja"), "");
  REQUIRE(distilled);
  CHECK(distilled->find("function<｜tool▁sep｜>weather\n```json\n{\"city\": \"Rome\"}\n```") != std::string::npos);
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".jinja") continue;
    const auto prompt = calls_of(test::read_file(file.path()), "");
    INFO(file.path() << (prompt ? *prompt : prompt.error().message()));
    if (prompt) CHECK((prompt->find("weather") != std::string::npos && prompt->find("Rome") != std::string::npos));
  }
}

TEST_CASE("tools that a template does not show are an error, whatever it calls them") {
  const auto shows = [](const std::string& source, std::string_view tools, std::string_view variables = {}) {
    const auto chat = text::ChatTemplate::parse(source);
    REQUIRE(chat);
    const std::vector<ChatMessage> messages = {{.role = "user", .content = "ab"}};
    return chat->shows_tools({messages, tools, variables, "<s>", "</s>", {2026, 11, 22, 9, 30, 0}});
  };
  const std::string tools =
      R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}}])";
  CHECK(shows(kTemplate, tools));
  CHECK(shows("{% if xml_tools or python_tools %}{{ xml_tools }}{{ python_tools }}{% endif %}", tools));  // SmolLM3
  CHECK(prompt_of("{{ xml_tools | length }}{{ python_tools }}", {}, tools) == "1");
  CHECK(prompt_of("{{ xml_tools }}{{ python_tools }}", {}, tools, R"({"python_tools": ["p"]})") == "['p']");
  CHECK(shows("{{ python_tools }}", tools, R"({"python_tools": ["p"]})"));
  CHECK_FALSE(shows("{{ messages[0].content }}{{ enable_thinking }}", tools, R"({"enable_thinking": false})"));
  CHECK_FALSE(shows("{% if with_them %}{{ tools }}{% endif %}", tools));
  CHECK(shows("{% if with_them %}{{ tools }}{% endif %}", tools, R"({"with_them": true})"));

  Session session = open_session();
  ChatOptions options = short_answers("{{ messages[0].content }}");
  options.tools = tools;
  const std::vector<ChatMessage> messages = {{.role = "user", .content = "ab"}};
  const auto refused = session.chat(messages, options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::invalid_argument);
  CHECK(refused.error().message().find("; tools; ") != std::string::npos);
  CHECK(session.n_past() == 0);
  options.tools = "[]";
  answered(session.chat(messages, options));

  const auto folder = test::data_folder() / "templates";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  std::set<std::string> without;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().extension() == ".jinja" && !shows(test::read_file(file.path()), tools))
      without.insert(file.path().filename().string());
  CHECK(without == std::set<std::string>{"HuggingFaceTB-SmolLM3-3B.jinja",
                                         "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja",
                                         "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja",
                                         "deepseek-ai-DeepSeek-V3.1.jinja", "google-gemma-2-2b-it.jinja",
                                         "llama-cpp-rwkv-world.jinja", "microsoft-Phi-3.5-mini-instruct.jinja"});
}

TEST_CASE("a chat that offers no tools has no calls, whatever name the template has for tools") {
  Session session = open_session();
  ChatOptions options = short_answers("{# <tool_call> #}{{ tools }}{{ python_tools }}{{ messages[0].content }}");
  options.generate.max_tokens = 100;
  options.generate.regex = R"(<tool_call>\{"name": "f"\}</tool_call>)";
  const std::vector<ChatMessage> messages = {{.role = "user", .content = "ab"}};
  const auto n_calls = [&] {
    const ChatReply reply = answered(session.chat(messages, options));
    CHECK(reply.content == (reply.tool_calls.empty() ? reply.raw : ""));
    CHECK_FALSE(reply.parse_error);
    return reply.tool_calls.size();
  };
  CHECK(n_calls() == 0);
  options.tools = "[]";
  CHECK(n_calls() == 0);
  options.tools = R"([{"name": "f"}])";
  CHECK(n_calls() == 1);
  options.tools = "";
  options.variables = R"({"python_tools": ["def f(): ..."]})";  // under a name of the template's own
  CHECK(n_calls() == 1);
}

TEST_CASE("BOS stands once, whether the template writes it or not") {
  Session with = open_session(), without = open_session();
  const ChatReply a = answered(with.chat("ab", short_answers("{{ bos_token }}{{ messages[0].content }}")));
  const ChatReply b = answered(without.chat("ab", short_answers("{{ messages[0].content }}")));
  CHECK(a.generation.n_prompt == b.generation.n_prompt);
  CHECK(a.generation.logits_hash == b.generation.logits_hash);
}

TEST_CASE("a conversation that does not fit is an error with both numbers and changes nothing") {
  Session session = open_session(64);
  answered(session.chat("a", short_answers()));
  const std::int64_t n_past = session.n_past();
  const auto reply = session.chat(std::string(200, 'a'), short_answers());
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status() == Status::context_full);
  CHECK(reply.error().message().find("64") != std::string::npos);
  CHECK(session.n_past() == n_past);
}

TEST_CASE("a template that raises is an error in its own words") {
  Session session = open_session();
  const auto reply = session.chat("a", short_answers("{{ raise_exception('no such role') }}"));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().message().rfind("no such role; template line 1;", 0) == 0);
}

TEST_CASE(
    "where it is asked for, a conversation that does not fit loses its oldest turns whole, and the reply says how "
    "many") {
  constexpr std::int64_t kContext = 160;  // a token is about a byte here; 8 of them are for the answer
  std::vector<ChatMessage> messages = {{.role = "system", .content = "sys"}};
  for (int turn = 0; turn < 6; ++turn) {
    messages.push_back({.role = "user", .content = std::string(10, static_cast<char>('a' + turn))});
    messages.push_back({.role = "assistant", .content = "yes"});
    if (turn == 0) messages.push_back({.role = "tool", .content = "tool"});
  }
  messages.push_back({.role = "user", .content = "last"});
  ChatOptions options = short_answers();
  options.overflow = Overflow::drop_oldest_turns;
  Session session = open_session(kContext);
  const ChatReply reply = answered(session.chat(messages, options));
  REQUIRE(reply.n_dropped_messages >= 3);
  CHECK(reply.n_dropped_messages % 2 == 1);  // the first turn has three messages, the others two
  CHECK(reply.generation.n_prompt <= kContext - 8);

  // It is the answer to the conversation without them, and one turn more would not have fitted.
  const auto without = [&](std::int64_t n) {
    std::vector<ChatMessage> kept = {messages[0]};
    kept.insert(kept.end(), messages.begin() + 1 + static_cast<std::ptrdiff_t>(n), messages.end());
    return kept;
  };
  Session anew = open_session(kContext);
  CHECK(answered(anew.chat(without(reply.n_dropped_messages), short_answers())).generation.logits_hash ==
        reply.generation.logits_hash);
  Session large = open_session();
  const std::int64_t fewer = reply.n_dropped_messages == 3 ? 0 : reply.n_dropped_messages - 2;
  CHECK(answered(large.chat(without(fewer), short_answers())).generation.n_prompt > kContext - 8);

  // What fits loses nothing; what cannot fit is the same error as without the policy.
  Session roomy = open_session();
  CHECK(answered(roomy.chat(messages, options)).n_dropped_messages == 0);
  messages.back().content = std::string(200, 'a');
  const auto refused = session.chat(messages, options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::context_full);
  CHECK(refused.error().message().find(std::to_string(kContext)) != std::string::npos);
}

}  // namespace chat_test
