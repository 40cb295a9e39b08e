// `hearth run --receipt`, `chat -p --receipt` and `hearth replay`: a text derived again by other means, and one line where it differs
// or cannot be.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "digest_memory.h"
#include "support/hearth_program.h"

namespace receipt_cli_test {

using namespace hearth;
using namespace hearth::test;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

/// Nothing of the machine's own cache is read or written here.
Outcome call(std::vector<std::string> words, std::vector<std::string> environment = {"HEARTH_CACHE=off"}) {
  Call call;
  call.arguments = std::move(words);
  call.environment = std::move(environment);
  return hearth_call(std::move(call));
}

Json read_json(const std::string& path) { return Json::parse(read_file(path)); }
void write_json(const std::string& path, const Json& json) { std::ofstream(path) << json.dump(1); }

std::string sha256_of_ids(const Json& ids) {
  const auto numbers = ids.get<std::vector<std::int32_t>>();
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(numbers)));
  return hash.hex();
}

/// A model with a receipt of a text of 20 tokens that it made.
struct Made {
  ModelOnDisk model;
  std::string receipt = model.beside("r.json"), altered = model.beside("altered.json");
  Outcome outcome;

  explicit Made(std::vector<std::string> more = {"--temp", "0.9", "--seed", "18446744073709551615"}) {
    std::vector<std::string> words = {"run", model.path(), "-p",  "ab",        "-n",
                                      "20",  "--ctx",      "128", "--receipt", receipt};
    words.insert(words.end(), more.begin(), more.end());
    outcome = check_done(call(words));
  }
  template <class Change> Outcome replay_with(Change change) const {
    Json json = read_json(receipt);
    change(json);
    write_json(altered, json);
    return call({"replay", altered});
  }
};

bool mentions(const Outcome& outcome, const std::string& text) { return outcome.err.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("a receipt changes nothing in the text and names the model as sha256sum does") {
  const Made made;
  const Outcome plain = check_done(call({"run", made.model.path(), "-p", "ab", "-n", "20", "--ctx", "128", "--temp",
                                         "0.9", "--seed", "18446744073709551615"}));
  CHECK(plain.out == made.outcome.out);
  const Json json = read_json(made.receipt);
  CHECK(json["settings"]["sampling"]["seed"] == "18446744073709551615");
  CHECK(json["model"]["path"] == made.model.path());
  CHECK(json["model"]["template_sha256"].is_null());
  CHECK(json["output"]["ids"].size() == 20);
  CHECK(made.outcome.err.find("logits " + json["output"]["logits"].get<std::string>()) != std::string::npos);
  const Outcome ids = check_done(call({"tokenize", made.model.path(), "-p", "ab", "--special"}));
  CHECK(json["prompt"]["ids"] == Json::parse(ids.out));
  const Outcome sum = run_program("/usr/bin/sha256sum", {.arguments = {made.model.path()}});
  if (sum.exit_code != 0) WARN("SKIPPED: sha256sum is absent");
  else CHECK(json["model"]["files"][0]["sha256"] == sum.out.substr(0, 64));
}

TEST_CASE("replay gives the same tokens by other threads, chunks, layouts and instruction sets") {
  const ModelOnDisk model;
  std::ofstream(model.beside("g.gbnf")) << "root ::= [a-z 0-9]+";
  const std::string receipt = model.beside("r.json");
  const std::vector<std::vector<std::string>> calls = {
      {"-n", "12"},
      {"-n", "12", "--temp", "1.3", "--seed", "random", "--kv", "f32"},
      {"-n",
       "12",
       "--temp",
       "1",
       "--top-k",
       "90",
       "--top-p",
       "0.9",
       "--min-p",
       "0.01",
       "--typical",
       "0.95",
       "--top-n-sigma",
       "3",
       "--xtc-probability",
       "0.3",
       "--repeat-penalty",
       "1.1",
       "--repeat-last",
       "-1",
       "--presence",
       "0.2",
       "--frequency",
       "0.1",
       "--dry-multiplier",
       "0.8",
       "--dry-breaker",
       "a",
       "--dynatemp-range",
       "0.2",
       "--logit-bias",
       "40=1.5",
       "--logit-bias",
       "41=-inf",
       "--ban",
       "42"},
      {"-n", "12", "--temp", "0.8", "--mirostat", "2", "--echo", "--stop", "a2", "--stop", "\xff"},
      {"-n", "12", "--temp", "0.8", "--grammar", model.beside("g.gbnf")},
      {"--temp", "0.8", "--regex", "[ab]{4}"},
      {"--temp", "0.8", "--ctx", "24"},
  };
  std::vector<std::string> isas = Json::parse(check_done(call({"info", "--json"})).out)["isas"];
  for (std::vector<std::string> more : calls) {
    INFO(more.back());
    more.insert(more.begin(), {"run", model.path(), "-p", "ab a", "--receipt", receipt});
    check_done(call(more));
    const auto same = [&](std::vector<std::string> how) {
      how.insert(how.begin(), {"replay", receipt});
      const Outcome outcome = check_done(call(how));
      CHECK(outcome.out.empty());
      CHECK(outcome.err.rfind("the same ", 0) == 0);
    };
    for (const char* threads : {"1", "2", "4"}) same({"--threads", threads});
    for (const char* chunk : {"1", "3", "4096"}) same({"--chunk", chunk});
    for (const std::string& isa : isas) same({model.path(), "--isa", isa});
    same({"--weights", "repacked"});
    same({"--weights", "file", "--no-mmap"});
  }
}

TEST_CASE("a text that differs is one line with the token's number") {
  const Made made;
  for (const std::size_t at : {std::size_t{0}, std::size_t{7}, std::size_t{19}}) {
    const Outcome outcome = made.replay_with([&](Json& r) {
      Json& ids = r["output"]["ids"];
      ids[at] = ids[at].get<int>() ^ 1;
      r["output"]["sha256"] = sha256_of_ids(ids);
    });
    check_error(outcome, 1);
    CHECK(outcome.err.rfind("error: token " + std::to_string(at) + " differs; ", 0) == 0);
  }
  const Outcome shorter = made.replay_with([](Json& r) {
    Json& ids = r["output"]["ids"];
    ids.erase(19);
    r["output"]["sha256"] = sha256_of_ids(ids);
  });
  check_error(shorter, 1);
  CHECK(shorter.err.rfind("error: token 19 differs; ", 0) == 0);
  const Outcome seed = made.replay_with([](Json& r) { r["settings"]["sampling"]["seed"] = "1"; });
  check_error(seed, 1);
  CHECK(mentions(seed, " differs; "));
  const Outcome logits = made.replay_with([](Json& r) { r["output"]["logits"] = "0123456789abcdef"; });
  check_error(logits, 1);
  CHECK(mentions(logits, "the last logits differ"));
  const Outcome finish = made.replay_with([](Json& r) { r["output"]["finish"] = "stop_string"; });
  check_error(finish, 1);
  CHECK(mentions(finish, "the text ends for another reason"));
}

TEST_CASE("a receipt that is wrong in itself or for this model is refused in one line") {
  const Made made;
  const auto refused = [&](auto change, const std::string& part) {
    const Outcome outcome = made.replay_with(change);
    check_error(outcome, 1);
    INFO(outcome.err);
    CHECK(mentions(outcome, part));
  };
  refused([](Json& r) { r["output"]["ids"][3] = 5; }, "output.sha256");
  refused([](Json& r) { r["prompt"]["ids"][0] = 5; }, "prompt.sha256");
  refused([](Json& r) { r.erase("settings"); }, "settings is missing");
  refused([](Json& r) { r["settings"]["sampling"].erase("seed"); }, "settings.sampling.seed is missing");
  refused([](Json& r) { r["settings"]["n_ctx"] = "128"; }, "settings.n_ctx is not");
  refused([](Json& r) { r["settings"]["sampling"]["top_p"] = 2; }, "top_p is 2");
  refused([](Json& r) { r["settings"]["magic"] = 1; }, "settings.magic is no field");
  refused([](Json& r) { r["arithmetic"] = 2; }, "arithmetic 2");
  refused([](Json& r) { r["receipt"] = 2; }, "receipt is 2");
  refused([](Json& r) { r["model"]["path"] = "/nowhere/m.gguf"; }, "the model is not where the receipt says");
  const std::string other = made.model.beside("other.gguf");
  write_random_model({.n_ctx = 128, .seed = 9}, other);
  const Outcome stranger = call({"replay", made.receipt, other});
  check_error(stranger, 1);
  const Outcome sum = run_program("/usr/bin/sha256sum", {.arguments = {other}});
  CHECK(mentions(stranger, read_json(made.receipt)["model"]["files"][0]["sha256"]));
  if (sum.exit_code == 0) CHECK(mentions(stranger, sum.out.substr(0, 64)));
  fs::rename(made.model.path(), other);  // gone from where the receipt says, but the same
  check_error(call({"replay", made.receipt}), 1);
  check_done(call({"replay", made.receipt, other}));
  for (const std::string& bad :
       {made.model.beside("none.json"), made.model.beside(""), other, std::string("/dev/zero")})
    check_error(call({"replay", bad, other}), 1);
}

TEST_CASE("a receipt of the bundled model finds it on every machine") {
  const TempFolder folder;
  const std::string receipt = folder / "r.json";
  check_done(call({"run", "-p", "Once", "-n", "6", "--receipt", receipt}));
  check_done(call({"replay", receipt}));
  Json json = read_json(receipt);
  json["model"]["path"] = "/nowhere/hearth-stories.gguf";
  write_json(receipt, json);
  check_done(call({"replay", receipt, "--threads", "1"}));
}

TEST_CASE("a receipt that cannot be written is said before there is a text") {
  const ModelOnDisk model;
  std::ofstream(model.beside("old.json")) << "old";
  for (const std::string& bad :
       {model.beside("no/such/folder/r.json"), std::string(), std::string("/dev/null"), model.beside(""), model.path()})
    check_error(call({"run", model.path(), "-p", "ab", "-n", "4", "--receipt", bad}), 1);
  check_error(call({"run", model.path(), "-p", "too long", "--ctx", "4", "--receipt", model.beside("old.json")}), 1);
  CHECK(read_file(model.beside("old.json")) == "old");
  check_done(call({"run", model.path(), "-p", "ab", "-n", "4", "--receipt", model.beside("old.json")}));
  check_done(call({"replay", model.beside("old.json")}));
  Call left;
  left.arguments = {"run", model.path(), "-p", "ab", "-n", "40", "--receipt", model.beside("new.json")};
  left.environment = {"HEARTH_CACHE=off"};
  left.leave_output = true;
  CHECK(hearth_call(std::move(left)).exit_code == 1);
  CHECK_FALSE(fs::exists(model.beside("new.json")));
  std::size_t n_files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(fs::path(model.path()).parent_path())) ++n_files;
  CHECK(n_files == 2);  // the model and old.json: nothing temporary stayed
}

TEST_CASE("a receipt takes no model's place, nor that of what the call reads, by whatever name") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  const std::string shard = model.beside("other-00002-of-00002.gguf"), story = model.beside("story.txt"),
                    link = model.beside("link.json"), grammar = model.beside("g.gbnf"),
                    schema = model.beside("schema.json"), source = model.beside("t.jinja");
  fs::copy_file(m, shard);
  std::ofstream(story) << "ab";
  fs::create_symlink(story, link);
  std::ofstream(grammar) << "root ::= [a-z]+";
  std::ofstream(schema) << "{}";
  std::ofstream(source) << "{{ messages[0].content }}";
  const auto refused = [](const Outcome& outcome, const std::string& part) {
    check_error(outcome, 1);
    CHECK(mentions(outcome, part));
  };
  const std::string before = read_file(shard);
  refused(call({"run", m, "-p", "a", "-n", "2", "--receipt", shard}), "take the place of a model");
  const bool untouched = read_file(shard) == before;  // too long to be shown
  CHECK(untouched);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"run", m, "-f", story, "--receipt", story},
                                             {"run", m, "-f", story, "--receipt", link},
                                             {"run", m, "-p", "a", "--grammar", grammar, "--receipt", grammar},
                                             {"run", m, "-p", "a", "--json-schema", schema, "--receipt", schema},
                                             {"chat", m, "-p", "a", "--template", source, "--receipt", source}}) {
    INFO(words.back());
    auto all = words;
    all.insert(all.end(), {"-n", "2"});
    refused(call(all), "take the place of what the call reads");
    CHECK(fs::file_size(words.back()) < 64);
  }
  Call redirected;
  redirected.arguments = {"-c", "exec \"$0\" run \"$1\" -n 2 --receipt \"$2\" <\"$2\"", HEARTH_PROGRAM, m, story};
  redirected.environment = {"HEARTH_CACHE=off"};
  refused(run_program("/bin/sh", std::move(redirected)), "take the place of what the call reads");
  CHECK(read_file(story) == "ab");
}

TEST_CASE("a turn of a chat has a receipt, a conversation line by line has none") {
  const ModelOnDisk model;
  const std::string source = model.beside("t.jinja"), receipt = model.beside("r.json");
  std::ofstream(source) << "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}a:";
  const std::vector<std::string> words = {"chat", model.path(), "--template", source,      "--system",
                                          "s",    "-n",         "10",         "--receipt", receipt};
  check_error(call(words), 2);
  CHECK_FALSE(fs::exists(receipt));
  auto turn = words;
  turn.insert(turn.end(), {"-p", "ab", "--seed", "4"});
  check_done(call(turn));
  const Json json = read_json(receipt);
  tools::Sha256 hash;
  const std::string text = read_file(source);
  hash.update(std::as_bytes(std::span(text)));
  CHECK(json["model"]["template_sha256"] == hash.hex());
  std::string ids;
  for (const Json& id : json["prompt"]["ids"]) ids += (ids.empty() ? "" : ",") + id.dump();
  CHECK(check_done(call({"tokenize", model.path(), "--decode", ids})).out.find("user: ab\na:") != std::string::npos);
  check_done(call({"replay", receipt, "--threads", "1", "--isa", "scalar"}));
}

TEST_CASE("a text that Ctrl-C ended has a receipt of what came") {
  const ModelOnDisk model;
  Call flowing;
  flowing.arguments = {"run", model.path(), "-p", "ab", "--receipt", model.beside("r.json")};
  flowing.environment = {"HEARTH_CACHE=off"};
  bool sent = false;
  flowing.watch = [&](pid_t child, std::string_view out) {
    if (!out.empty() && !sent) sent = ::kill(child, SIGINT) == 0;
  };
  const Outcome outcome = hearth_call(std::move(flowing));
  INFO(outcome.err);
  CHECK(outcome.exit_code == 130);
  REQUIRE(fs::exists(model.beside("r.json")));
  CHECK(read_json(model.beside("r.json"))["output"]["finish"] == "cancelled");
  check_done(call({"replay", model.beside("r.json")}));
}

TEST_CASE("Ctrl-C is heard while tokens come whose text is held back") {
  const ModelOnDisk model;
  const std::string grammar = model.beside("g.gbnf"), source = model.beside("t.jinja"),
                    receipt = model.beside("r.json");
  std::ofstream(grammar) << "root ::= \"b\" \"a\"+";
  std::ofstream(source) << "{{ messages[0].content }}";
  const std::string stop(40000, 'a');
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {"run", model.path()}, {"chat", model.path(), "--template", source, "--temp", "0"}}) {
    INFO(words[0]);
    words.insert(words.end(), {"-p", "ab", "-n", "30000", "--ban", "1", "--ban", "2", "--grammar", grammar, "--stop",
                               stop, "--receipt", receipt});
    Call hidden;
    hidden.arguments = words;
    hidden.environment = {"HEARTH_CACHE=off"};
    bool sent = false;
    hidden.watch = [&](pid_t child, std::string_view out) {
      if (!out.empty() && !sent) sent = ::kill(child, SIGINT) == 0;
    };
    const Outcome outcome = hearth_call(std::move(hidden));
    INFO(outcome.err);
    CHECK(outcome.exit_code == 130);
    CHECK(outcome.out.substr(0, 1) == "b");
    const Json output = read_json(receipt)["output"];
    CHECK(output["finish"] == "cancelled");
    CHECK(output["ids"].size() < 30000);
  }
}

TEST_CASE("digests are remembered where the environment says, or nowhere") {
  const ModelOnDisk model;
  const std::string receipt = model.beside("r.json");
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // a file this new might still change unseen
  const auto digest = [&](std::vector<std::string> environment) {
    check_done(call({"run", model.path(), "-p", "ab", "-n", "2", "--receipt", receipt}, std::move(environment)));
    return read_json(receipt)["model"]["files"][0]["sha256"].get<std::string>();
  };
  const std::string right = digest({"HEARTH_CACHE=off"}), own = model.beside("own"), user = model.beside("user");
  CHECK_FALSE(fs::exists(own));
  CHECK(digest({"HEARTH_CACHE=" + own, "XDG_CACHE_HOME=" + user}) == right);
  CHECK(fs::exists(own + "/digests"));
  CHECK_FALSE(fs::exists(user));
  CHECK(digest({"HEARTH_CACHE=", "XDG_CACHE_HOME=" + user}) == right);
  CHECK(fs::exists(user + "/hearth/digests"));
  const std::string marker(64, '7');
  engine::DigestMemory memory(own + "/digests");
  memory.remember(MappedFile::open(model.path())->stamp(), marker);
  memory.save();
  CHECK(digest({"HEARTH_CACHE=" + own}) == marker);  // the model was not read for it
  CHECK(digest({"HEARTH_CACHE=/dev/null"}) == right);
}

}  // namespace receipt_cli_test
