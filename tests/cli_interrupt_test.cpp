// Enters: calls to `hearth` that Ctrl-C, kill or a full disk cut short (rows C4 and C5 of BADINPUT.md). Leaves: exit 130 or one error,
// no half file under the final name, and what was there before as it was.
#include <fstream>

#include "support/cpu_time.h"
#include "support/hearth_program.h"
#include "support/hf_folder.h"

namespace cli_interrupt_test {

using namespace hearth::test;

namespace {

/// Whether the program has come to where it catches Ctrl-C; before that, the system ends it. A child that is still this test
/// catches what this test catches.
bool catches_interrupts(pid_t child) {
  const std::string process = "/proc/" + std::to_string(child);
  std::error_code gone;
  if (std::filesystem::read_symlink(process + "/exe", gone) != std::filesystem::canonical(HEARTH_PROGRAM)) return false;
  const std::string status = read_file(process + "/status");
  const std::size_t at = status.find("SigCgt:");
  return at != std::string::npos && (std::stoull(status.substr(at + 7), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
}

struct Ended {
  int exit_code = -1, signal = 0;
};

/// Starts the program and, `milliseconds` after it began to catch Ctrl-C, sends it a signal. `output`: its stdout; -1: /dev/null.
Ended signalled(std::vector<std::string> words, int signal, int milliseconds, int output = -1) {
  words.insert(words.begin(), "hearth");
  const std::vector<char*> arguments = pointers(words);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) ::dup2(nowhere, stream);
    if (output >= 0) ::dup2(output, 1);
    ::alarm(60);  // one that hears nothing ends all the same
    ::execv(HEARTH_PROGRAM, arguments.data());
    ::_exit(99);
  }
  for (int tries = 0; tries < 100000 && !catches_interrupts(child); ++tries) ::usleep(100);
  ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
  ::kill(child, signal);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? Ended{WEXITSTATUS(status), 0} : Ended{-1, WTERMSIG(status)};
}

/// A folder whose conversion takes its time: a vocabulary of `rows` made-up tokens, quantized.
void write_slow(const HfFolder& folder, std::uint64_t rows) {
  nlohmann::json config = small_config("LlamaForCausalLM");
  config["hidden_size"] = 256, config["intermediate_size"] = 256, config["vocab_size"] = rows;
  folder.write_json("config.json", config);
  folder.write_json("tokenizer.json", small_tokenizer());
  std::vector<HfTensor> tensors;
  for (const HfTensor& small : small_tensors()) {
    std::vector<std::uint64_t> shape = small.shape;
    for (std::uint64_t& extent : shape) extent = extent == 6 ? rows : extent == 4 ? 128 : 256;
    tensors.push_back({small.name, "F32", shape, std::string(elements(shape) * 4, '\0')});
  }
  folder.write("model.safetensors", safetensors(tensors));
}

std::vector<std::string> convert_call(const HfFolder& folder) {
  return {"convert", folder.path(), folder.out(), "--type", "q6_k"};
}

/// What a file is called that an interrupted writer left, and no one else takes for a model.
std::size_t unfinished_beside(const std::filesystem::path& path) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path()))
    count += entry.path().filename().string().rfind(path.filename().string() + ".tmp-", 0) == 0;
  return count;
}

/// The program where no file may grow beyond some KiB.
Outcome with_little_disk(int kib, std::vector<std::string> words) {
  Call call;
  call.arguments = {"-c", "ulimit -f " + std::to_string(kib) + "; exec \"$0\" \"$@\"", HEARTH_PROGRAM};
  call.arguments.insert(call.arguments.end(), words.begin(), words.end());
  return run_program("/bin/bash", std::move(call));  // which counts in KiB
}

}  // namespace

TEST_CASE(
    "C4: Ctrl-C is exit 130 while a model is loaded, a prompt is read in, a text embedded or scored, or speed "
    "measured") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  std::ofstream(model.beside("long")) << std::string(40000, 'a');
  const std::string logits = model.beside("out.npy");
  std::string ids = "1";
  for (int i = 0; i < 20000; ++i) ids += ",5";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", m, "-f", model.beside("long"), "--threads", "1", "--isa", "scalar"},
           {"embed", m, "-f", model.beside("long"), "--pooling", "mean", "--json", "--threads", "1", "--isa", "scalar"},
           {"eval", m, "-f", model.beside("long"), "--ctx", "40000", "--threads", "1", "--isa", "scalar"},
           {"eval", m, "--tokens", ids, "--logits", logits, "--threads", "1", "--isa", "scalar"},
           {"bench", m, "-p", "40000", "--threads", "1", "--isa", "scalar"}}) {
    for (const int milliseconds : {0, 3, 60}) {
      INFO(words[0] << " " << words[2] << " after " << milliseconds << " ms");
      const Ended ended = signalled(words, SIGINT, milliseconds);
      CHECK(ended.exit_code == 130);
      CHECK(ended.signal == 0);
    }
  }
  CHECK_FALSE(std::filesystem::exists(logits));
  CHECK(unfinished_beside(logits) == 0);
}

TEST_CASE("C4: one Ctrl-C ends a call whose reader does not read on") {
  const ModelOnDisk model;
  const Pipe out;  // which holds less than the vectors of so many tokens
  const Ended ended = signalled({"embed", model.path(), "-p", std::string(200, 'a'), "--pooling", "none"}, SIGINT, 100,
                                out.write_end());
  CHECK(ended.exit_code == 130);
  CHECK(ended.signal == 0);
}

TEST_CASE("C4: Ctrl-C in a conversion is exit 130, and leaves what was there and nothing else") {
  const HfFolder folder;
  write_slow(folder, 30000);
  std::size_t n_interrupted = 0;
  for (const int milliseconds : {0, 10, 20, 40}) {
    INFO(milliseconds << " ms");
    std::ofstream(folder.out()) << "what was there";
    const Ended ended = signalled(convert_call(folder), SIGINT, milliseconds);
    n_interrupted += ended.exit_code == 130;
    CHECK((ended.exit_code == 130 || ended.exit_code == 0));  // a quick machine is done by then
    const std::string now = read_file(folder.out());
    CHECK((now == "what was there" || now.rfind("GGUF", 0) == 0));  // one or the other, never less
    CHECK((ended.exit_code == 130 || now != "what was there"));
    CHECK(folder.others() == 1);
  }
  CHECK(n_interrupted > 0);
}

TEST_CASE("C4: a disk that is full is one error, and no file under the final name") {
  const ModelOnDisk model;
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  const auto refused = [](const Outcome& outcome) {
    check_error(outcome, 1);
    CHECK(outcome.err.find("File too large") != std::string::npos);
  };
  refused(with_little_disk(1, {"convert", folder.path(), folder.out()}));
  CHECK(folder.others() == 0);
  const std::string logits = model.beside("out.npy");
  refused(with_little_disk(2, {"eval", model.path(), "--tokens", "1,2,3", "--logits", logits}));
  CHECK_FALSE(std::filesystem::exists(logits));
  CHECK(unfinished_beside(logits) == 0);
  for (const char* full : {"/dev/full", "/dev/null"}) {
    check_error(hearth_call({"convert", folder.path(), full}), 1);
    check_error(hearth_call({"eval", model.path(), "--tokens", "1,2", "--logits", full}), 1);
  }
}

TEST_CASE("C5: killed in the middle, a conversion has hurt neither its input nor an older output, and runs again") {
  const HfFolder folder;
  write_slow(folder, 30000);
  const std::string input = read_file(folder.path() + "/model.safetensors");
  std::size_t n_killed = 0;
  for (const int milliseconds : {0, 10, 20, 40}) {
    INFO(milliseconds << " ms");
    std::ofstream(folder.out()) << "what was there";
    const Ended ended = signalled(convert_call(folder), SIGKILL, milliseconds);
    n_killed += ended.signal == SIGKILL;
    CHECK((ended.signal == SIGKILL || ended.exit_code == 0));
    const std::string now = read_file(folder.out());
    CHECK((now == "what was there" || now.rfind("GGUF", 0) == 0));
    CHECK((ended.signal == SIGKILL || now != "what was there"));
  }
  CHECK(n_killed > 0);
  const bool same_input = read_file(folder.path() + "/model.safetensors") == input;  // too long to be shown
  CHECK(same_input);
  check_done(hearth_call(convert_call(folder)));
  check_done(hearth_call({"check", folder.out(), "--tensors"}));
}

TEST_CASE("C5: the output may be none of the input's files, by whatever name") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  const std::filesystem::path hf = folder.path();
  std::filesystem::create_symlink(hf / "model.safetensors", folder.out() + ".link");
  std::filesystem::create_hard_link(hf / "tokenizer.json", folder.out() + ".hard");
  const std::string before = read_file(hf / "model.safetensors");
  for (const std::string& out :
       {(hf / "model.safetensors").string(), (hf / "config.json").string(), (hf / "." / "tokenizer.json").string(),
        folder.path() + "/../hf/model.safetensors", folder.out() + ".link", folder.out() + ".hard", folder.path()})
    check_error(hearth_call({"convert", folder.path(), out}), 1);
  CHECK(read_file(hf / "model.safetensors") == before);
  check_done(hearth_call({"convert", folder.path(), (hf / "model.gguf").string()}));
  check_done(hearth_call({"convert", folder.path(), (hf / "model.gguf").string()}));  // its own output may be replaced
}

TEST_CASE("C5: input that ends too early at any tenth is one error") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.json"}) {
    const std::string whole = read_file(folder.path() + "/" + name);
    for (std::size_t tenth = 0; tenth < 10; ++tenth) {
      INFO(name << " " << tenth);
      folder.write(name, whole.substr(0, whole.size() * tenth / 10));
      check_error(hearth_call({"convert", folder.path(), folder.out()}), 1);
    }
    folder.write(name, whole);
  }
  CHECK(folder.others() == 0);
}

}  // namespace cli_interrupt_test
