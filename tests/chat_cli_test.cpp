// Enters: calls to `hearth chat` and `hearth render`. Leaves: prompts and replies on stdout, one error line for what cannot be.
#include <fstream>

#include "support/hearth_program.h"
#include "support/sanitized.h"

namespace chat_cli_test {

using namespace hearth::test;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

}  // namespace

TEST_CASE("render prints the prompt and nothing else") {
  const TempFolder folder;
  const std::string source = (folder / "t.jinja").string(), context = (folder / "c.json").string();
  write(source,
        "{{ bos_token }}{% for m in messages %}\n<{{ m.role }}>{{ m.content }}\n{% endfor %}\n{{ strftime_now('%d %b') "
        "}}");
  write(context, R"({"messages": [{"role": "user", "content": "Grüße\n"}], "bos_token": "<s>"})");
  const Outcome made =
      check_done(hearth_call({"render", "--template", source, "--context", context, "--now", "2026-11-22T09:30:00"}));
  CHECK(made.out == "<s><user>Grüße\n\n22 Nov");
  CHECK(made.err.empty());
  check_error(hearth_call({"render", "--template", source, "--context", context, "--now", "soon"}), 1);
  check_error(hearth_call({"render", "--template", source}), 2);
  check_error(hearth_call({"render", "--context", context}), 2);
  check_error(hearth_call({"render", "--template", (folder / "none").string(), "--context", context}), 1);
  write(context, "{");
  check_error(hearth_call({"render", "--template", source, "--context", context}), 1);
}

TEST_CASE("render takes a model's own template, and says so where there is none") {
  const ModelOnDisk model;
  const std::string context = model.beside("c.json"), with = model.beside("with.gguf");
  write(context, R"({"messages": [], "tools": [{}]})");
  check_error(hearth_call({"render", model.path(), "--context", context}), 1);
  hearth::gguf::Writer writer;
  writer.add("tokenizer.chat_template", "plain");
  writer.add("tokenizer.chat_template.tool_use", "tools");
  REQUIRE(writer.write(with));
  CHECK(check_done(hearth_call({"render", with, "--context", context})).out == "tools");
  write(context, R"({"messages": [], "tools": null})");
  CHECK(check_done(hearth_call({"render", with, "--context", context})).out == "plain");
}

#ifdef HEARTH_TEST_SANITIZED
TEST_CASE("render looks for tools within limits") {
  WARN("SKIPPED: a sanitizer takes more memory than may be taken here");
}
#else
TEST_CASE("render looks for tools within limits") {
  const TempFolder folder;
  const std::string context = (folder / "c.json").string(), model = (folder / "m.gguf").string();
  hearth::gguf::Writer writer;
  writer.add("tokenizer.chat_template", "plain");
  REQUIRE(writer.write(model));
  write(context, "{\"tools\":" + std::string(8 << 20, '['));
  Call call;
  call.arguments = {"-c", "ulimit -v 200000; exec \"$0\" render \"$1\" --context \"$2\"", HEARTH_PROGRAM, model,
                    context};
  const Outcome refused = run_program("/bin/bash", std::move(call));  // which counts in KiB
  check_error(refused, 1);
  CHECK(refused.err.find("nested more than 64 deep") != std::string::npos);
}
#endif

TEST_CASE("chat without a template is refused, with what to do") {
  const ModelOnDisk model;
  for (const bool bundled : {false, true}) {
    Call call;
    call.arguments = {"chat", "-p", "Hi", "-n", "4"};
    if (!bundled) call.arguments.insert(call.arguments.begin() + 1, model.path());
    const Outcome refused = hearth_call(std::move(call));
    check_error(refused, 1);
    CHECK(refused.err.find("--template FILE") != std::string::npos);
  }
}

TEST_CASE("an empty template is an error, not the model's own") {
  const ModelOnDisk model;
  const std::string source = model.beside("empty.jinja");
  write(source, "");
  const Outcome refused = hearth_call({"chat", model.path(), "-p", "a", "-n", "1", "--template", source});
  check_error(refused, 1);
  CHECK(refused.err.find("the chat template is empty; --template ") != std::string::npos);
}

TEST_CASE("chat answers one turn with -p, and each line of standard input") {
  const ModelOnDisk model;
  const std::string source = model.beside("t.jinja");
  write(source, kTemplate);
  const std::vector<std::string> base = {"chat", model.path(), "--template", source, "-n", "6", "--system", "s"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return more;
  };
  const Outcome once = check_done(hearth_call(with({"-p", "ab"})));
  CHECK(once.out.back() == '\n');
  CHECK(once.out == check_done(hearth_call(with({"-p", "ab"}))).out);
  CHECK(once.out != check_done(hearth_call(with({"-p", "ab", "--seed", "9"}))).out);
  Call lines;
  lines.arguments = with({});
  lines.input = "ab\n\nb";
  const Outcome two = check_done(hearth_call(std::move(lines)));
  CHECK(two.out.rfind(once.out, 0) == 0);
  CHECK(two.out.size() > once.out.size());
  Call nothing;
  nothing.arguments = with({});
  nothing.input = "";
  CHECK(check_done(hearth_call(std::move(nothing))).out.empty());
}

}  // namespace chat_cli_test
