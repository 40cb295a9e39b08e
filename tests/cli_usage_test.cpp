// Enters: calls to `hearth`, right and wrong, and streams that fail. Leaves: the exit codes and the silence that CLI rules ask for.
#include <fstream>

#include "support/hearth_program.h"

namespace cli_usage_test {

using namespace hearth::test;

TEST_CASE("a wrong call is exit 2 with one line") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  const std::vector<std::vector<std::string>> calls = {
      {},
      {"frobnicate"},
      {"run", "--frobnicate"},
      {"run", m, "--frobnicate"},
      {"run", m, "another"},
      {"run", m, "--", "-n", "3"},
      {"run", m, "-n"},
      {"run", m, "-p"},
      {"run", m, "-p", "a", "-f", "b"},
      {"run", m, "-p", "a", "-p", "b"},
      {"run", m, "--echo", "--echo"},
      {"run", m, "--echo=3"},
      {"run", m, "--temp", "1", "--temp", "1"},
      {"run", m, "-n", "12x"},
      {"run", m, "-n", ""},
      {"run", m, "-n", " 1"},
      {"run", m, "-n", "+1"},
      {"run", m, "-n", "1.5"},
      {"run", m, "-n", "-1"},
      {"run", m, "-n", "9223372036854775808"},
      {"run", m, "--seed", "18446744073709551616"},
      {"run", m, "--seed", "-1"},
      {"run", m, "--seed", "randomly"},
      {"run", m, "--temp", "nan"},
      {"run", m, "--temp", "inf"},
      {"run", m, "--temp", "1e99"},
      {"run", m, "--temp", "-0.1"},
      {"run", m, "--top-p", "1.01"},
      {"run", m, "--top-p", "0"},
      {"run", m, "--min-p", "2"},
      {"run", m, "--top-k", "2147483648"},
      {"run", m, "--repeat-last", "-2"},
      {"run", m, "--threads", "0"},
      {"run", m, "--threads", "1025"},
      {"run", m, "--threads", "2x"},
      {"run", m, "--threads", "1e1"},
      {"run", m, "--ctx", "0"},
      {"run", m, "--chunk", "0"},
      {"run", m, "--chunk", "4097"},
      {"run", m, "--chunk", "1.5"},
      {"run", m, "--kv", "f8"},
      {"run", m, "--kv", "Q8_0"},
      {"run", m, "--kv", "q8_0,f16"},
      {"run", m, "--kv", ""},
      {"run", m, "--weights", "elsewhere"},
      {"run", m, "--isa", "sse9"},
      {"run", m, "--isa", "AMX"},
      {"run", m, "--isa", ""},
      {"run", m, "--device", "tpu"},
      {"run", m, "--device", "cuda:x"},
      {"run", m, "--device", "cuda:0,"},
      {"run", m, "--device", "cuda", "--gpu-layers", "0"},
      {"run", m, "--device", "cuda", "--gpu-layers", "some"},
      {"run", m, "--gpu-layers", "1"},
      {"run", m, "--cpu-moe"},
      {"run", m, "--stop", ""},
      {"run", "--stop=", m, "-p", "a", "-n", "1"},
      {"run", m, "-p", "a", "-n", "1", "--ctx=", "64"},
      {"run", m, "-p", "a", "-n", "1", "--echo="},
      {"embed", m, "-p", "a", "b", "--pooling=", "mean"},
      {"embed", m, "-p", "a", "--", "--pooling=", "mean"},  // the texts end there, options go on
      {"run", m, "--mirostat", "3"},
      {"run", m, "-p", "a", "--receipt"},
      {"run", m, "-p", "a", "--receipt", "r", "--receipt", "r"},
      {"chat", m, "--receipt", model.beside("x.json")},
      {"replay"},
      {"replay", model.beside("x.json"), m, "another"},
      {"replay", model.beside("x.json"), m, "--ctx", "64"},
      {"replay", model.beside("x.json"), m, "--seed", "1"},
      {"tokenize"},
      {"tokenize", m},
      {"tokenize", m, "-p", "a", "--decode", "1"},
      {"tokenize", m, "--decode", "1,,2"},
      {"tokenize", m, "--decode", "1, 2"},
      {"tokenize", m, "--decode", "-1"},
      {"tokenize", m, "--decode", "2147483648"},
      {"tokenize", m, "--decode", "1", "--special"},
      {"eval", m},
      {"eval", m, "--tokens", "1,2"},
      {"eval", m, "--logits", model.beside("x.npy")},
      {"eval", m, "--tokens", "", "--logits", model.beside("x.npy")},
      {"check", m, "--tokenizer", ""},
      {"convert", model.beside("hf"), model.beside("x.gguf"), "--type", ""},
      {"render", "--template", m, "--context", m, "--now", ""},
      {"tokenize", m, "-p", "a", "--pre", ""},
      {"inspect"},
      {"info", "extra"},
      {"run", "\x1b[2J", "--\x1b[2J\n"},
  };
  for (const auto& words : calls) {
    std::string shown;
    for (const std::string& word : words) shown += "'" + word + "' ";
    INFO(shown);
    check_error(hearth_call(words), 2);
  }
  CHECK_FALSE(std::filesystem::exists(model.beside("x.npy")));
}

TEST_CASE("a command that there is not is called that, whatever follows it") {
  for (const std::string name : {"quantize", "imatrix", "models", "batch", "serve", "chatt"})
    for (const std::vector<std::string>& rest : std::vector<std::vector<std::string>>{{},
                                                                                      {"IN.gguf", "OUT.gguf", "q4_0"},
                                                                                      {"--json"},
                                                                                      {"--help"},
                                                                                      {"run", "-p", "a"},
                                                                                      {"m", "--tensor-type", "a=b"}}) {
      std::vector<std::string> words = {name};
      words.insert(words.end(), rest.begin(), rest.end());
      const Outcome outcome = hearth_call(words);
      INFO(outcome.err);
      check_error(outcome, 2);
      CHECK(outcome.err.find(" has no command '" + name + "'; hearth; ") != std::string::npos);
    }
}

TEST_CASE("values of the environment are checked like options") {
  const ModelOnDisk model;
  for (const char* value : {"HEARTH_THREADS=two", "HEARTH_THREADS=0", "HEARTH_ISA=sse9"}) {
    Call call;
    call.arguments = {"run", model.path(), "-p", "a", "-n", "1"};
    call.environment = {value};
    INFO(value);
    check_error(hearth_call(std::move(call)), 2);
  }
  Call call;
  call.arguments = {"run", model.path(), "-p", "a", "-n", "1"};
  call.environment = {"HEARTH_THREADS=3", "HEARTH_ISA=scalar"};
  const Outcome outcome = check_done(hearth_call(std::move(call)));
  CHECK(outcome.err.find("threads 3;") != std::string::npos);
  CHECK(outcome.err.find("isa scalar;") != std::string::npos);
}

TEST_CASE("what cannot be done is exit 1 with one line") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  std::ofstream(model.beside("not.gguf")) << "<html>";
  const std::vector<std::vector<std::string>> calls = {
      {"run", model.beside("none.gguf"), "-p", "a"},
      {"run", "", "-p", "a"},
      {"run", "llama-of-the-lake", "-p", "a"},
      {"run", model.beside("not.gguf"), "-p", "a"},
      {"run", model.beside(""), "-p", "a"},
      {"run", m, "-f", model.beside("none.txt")},
      {"run", m, "-f", model.beside("")},
      {"run", m, "-p", "a", "--kv", "q8_0"},
      {"run", m, "-p", "a", "--device", "cuda:254"},
      {"run", m, "-p", "a", "--device", "cuda:255"},
      {"run", m, "-p", "a", "--isa", "neon"},
      {"run", "-p", "a", "--", "--stop="},  // a file's name
      {"run", m, "-p", "a", "--ctx", "100001"},
      {"run", m, "-p", "a long prompt", "--ctx", "4"},
      {"inspect", model.beside("not.gguf"), "--json"},
      {"run", m, "-p", "a", "--receipt", model.beside("no/such/folder/x.json")},
      {"replay", model.beside("none.json")},
      {"replay", model.beside("not.gguf"), m},
      {"tokenize", model.beside("not.gguf"), "-p", "a"},
      {"tokenize", m, "--decode", "288"},
      {"eval", m, "--tokens", "1,288", "--logits", model.beside("x.npy")},
      {"eval", m, "--tokens", "1,2", "--logits", model.beside("no/such/folder/x.npy")},
      {"eval", m, "--tokens", "1,2", "--logits", "/dev/null"},
      {"info", "--isa", "neon"},
  };
  for (const auto& words : calls) {
#if defined(__aarch64__)
    if (words.back() == "neon") continue;
#endif
    std::string shown;
    for (const std::string& word : words) shown += "'" + word + "' ";
    INFO(shown);
    check_error(hearth_call(words), 1);
  }
  CHECK_FALSE(std::filesystem::exists(model.beside("x.npy")));
}

TEST_CASE("logits take no model's place, by whatever name") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  const std::string shard = model.beside("other-00002-of-00002.gguf"), link = model.beside("link.npy");
  std::filesystem::copy_file(m, shard);
  std::filesystem::create_symlink(m, link);
  const std::string before = read_file(m);
  for (const std::string& out : {m, shard, link}) {
    const Outcome outcome = hearth_call({"eval", m, "--tokens", "1,2", "--logits", out});
    check_error(outcome, 1);
    CHECK(outcome.err.find("a model's place") != std::string::npos);
    const bool untouched = read_file(out) == before;  // too long to be shown
    CHECK(untouched);
  }
}

TEST_CASE("what a program of the same number left unfinished is in nobody's way") {
  const ModelOnDisk model;
  Call call;
  call.arguments = {"-c",
                    ": >\"$2.tmp-$$\"; : >\"$2.tmp-$$-0\"; : >\"$2.tmp-$$-1\"; "
                    "exec \"$0\" eval \"$1\" --tokens 1,2 --logits \"$2\"",
                    HEARTH_PROGRAM, model.path(), model.beside("x.npy")};
  check_done(run_program("/bin/sh", std::move(call)));
  CHECK(std::filesystem::exists(model.beside("x.npy")));
}

TEST_CASE("a prompt longer than the context names both numbers") {
  const ModelOnDisk model;
  const Outcome outcome = hearth_call({"run", model.path(), "-p", "a long prompt", "--ctx", "4"});
  CHECK(outcome.err.find("holds 4") != std::string::npos);
  CHECK(outcome.err.find("15 tokens") != std::string::npos);  // BOS, and a token for each of 14 characters
}

TEST_CASE("help and version are results") {
  for (const char* command : {"run", "replay", "tokenize", "eval", "inspect", "info"}) {
    const Outcome outcome = check_done(hearth_call({command, "--help"}));
    CHECK(outcome.out.find(command) != std::string::npos);
    CHECK(outcome.err.empty());
  }
  CHECK(check_done(hearth_call({"--help"})).out.find("inspect") != std::string::npos);
  CHECK(check_done(hearth_call({"--version"})).out.rfind("hearth ", 0) == 0);
}

TEST_CASE("a reader that leaves gets no message, a closed or full stdout does") {
  const ModelOnDisk model;
  std::ofstream(model.beside("t.jinja")) << "{{ messages[0].content }}";
  hearth::gguf::Writer writer;
  writer.add("general.sampling.temp", 0.5f);
  REQUIRE(writer.write(model.beside("advice.gguf")));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"run", model.path(), "-p", "a"},
                                             {"chat", model.path(), "-p", "a", "--template", model.beside("t.jinja")},
                                             {"inspect", model.path()},
                                             {"inspect", model.beside("advice.gguf")},
                                             {"tokenize", model.path(), "-p", "a"},
                                             {"info"},
                                             {"--help"}}) {
    Call call;
    call.arguments = words;
    call.leave_output = true;
    const Outcome outcome = hearth_call(std::move(call));
    INFO(words[0] << ": " << outcome.err);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.err.empty());
  }
  Call call;
  call.arguments = {"tokenize", model.path(), "-p", "a"};
  call.close_output = true;
  check_error(hearth_call(std::move(call)), 1);
}

TEST_CASE("standard input is a prompt, and its absence an error") {
  const ModelOnDisk model;
  Call given;
  given.arguments = {"run", model.path(), "-n", "0", "--echo"};
  given.input = std::string("a\0b\n", 4);
  CHECK(check_done(hearth_call(std::move(given))).out == std::string("a\0b\n", 4));
  Call closed;
  closed.arguments = {"run", model.path(), "-n", "0"};
  closed.close_input = true;
  check_error(hearth_call(std::move(closed)), 1);
}

TEST_CASE("a text larger than the documented limit is refused before it is read") {
  const ModelOnDisk model;
  std::ofstream(model.beside("large.txt")).put('a');
  std::filesystem::resize_file(model.beside("large.txt"), std::uintmax_t{1} << 30);
  check_error(hearth_call({"run", model.path(), "-f", model.beside("large.txt")}), 1);
}

TEST_CASE("Ctrl-C is exit 130, whether text flows or a prompt is awaited") {
  const ModelOnDisk model;
  Call flowing;
  flowing.arguments = {"run", model.path(), "-p", "ab"};
  bool sent = false;
  flowing.watch = [&](pid_t child, std::string_view out) {
    if (!out.empty() && !sent) sent = ::kill(child, SIGINT) == 0;
  };
  const Outcome outcome = hearth_call(std::move(flowing));
  INFO(outcome.err);
  CHECK(outcome.exit_code == 130);
  CHECK_FALSE(outcome.out.empty());

  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[0], 0);
    ::execl(HEARTH_PROGRAM, "hearth", "run", model.path().c_str(), nullptr);
    ::_exit(99);
  }
  int status = 0;
  for (int tries = 0; ::waitpid(child, &status, WNOHANG) == 0 && tries < 100; ++tries) {
    ::usleep(50000);
    if (tries >= 20)
      ::kill(child, SIGINT);  // by then it waits; an earlier one would meet a program that has not started
  }
  ::close(ends[0]), ::close(ends[1]);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

}  // namespace cli_usage_test
