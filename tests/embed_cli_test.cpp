// Calls to `hearth embed`, right and wrong, and of an encoder where text is wanted. Leaves: stdout, stderr and exit codes as CLI rules.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/hearth_program.h"

namespace embed_cli_test {

using namespace hearth;
using namespace hearth::test;
using Json = nlohmann::json;

namespace {

/// Made-up models: an encoder of context 64 that pools by the mean, the same without pooling, and a causal model whose file names
/// none.
class Models {
 public:
  Models() {
    RandomModel m;
    m.arch = "bert", m.n_kv_head = m.n_head, m.n_ctx = 64;
    ModelEditor editor(m);
    REQUIRE(editor.set("bert.pooling_type", std::uint32_t{1}).write(encoder()) > 0);
    REQUIRE(editor.set("bert.pooling_type", std::uint32_t{0}).write(unpooled()) > 0);
    write_random_model({}, causal());
  }
  std::string encoder() const { return (folder_ / "encoder.gguf").string(); }
  std::string unpooled() const { return (folder_ / "unpooled.gguf").string(); }
  std::string causal() const { return (folder_ / "causal.gguf").string(); }
  std::string file(const std::string& text) const {
    std::ofstream(folder_ / "texts.txt", std::ios::binary) << text;
    return (folder_ / "texts.txt").string();
  }

 private:
  TempFolder folder_;
};

}  // namespace

TEST_CASE("embed: one JSON object, or a vector a line, of the texts in order") {
  const Models models;
  const auto json =
      Json::parse(check_done(hearth_call({"embed", models.encoder(), "-p", "a b", "", "c", "--json"})).out);
  CHECK(json.at("dim") == 64);
  REQUIRE(json.at("embeddings").size() == 3);
  for (const auto& embedding : json.at("embeddings")) CHECK(embedding.size() == 64);

  const auto again = check_done(hearth_call({"embed", models.encoder(), "-p", "a b", "-p", "", "-p", "c"}));
  std::istringstream lines(again.out);
  std::size_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    std::istringstream numbers(line);
    std::vector<float> row;
    for (float x = 0; numbers >> x;) row.push_back(x);
    CHECK(row == json.at("embeddings")[n].get<std::vector<float>>());
  }
  CHECK(n == 3);

  for (const char* text : {"a b\n\nc\n", "a b\r\n\r\nc", "a b\n\nc"}) {
    const auto of_file = check_done(hearth_call({"embed", models.encoder(), "-f", models.file(text), "--json"}));
    CHECK(Json::parse(of_file.out) == json);
  }
  CHECK(check_done(hearth_call({"embed", models.encoder(), "-f", models.file(""), "--json"})).out ==
        "{\"dim\":64,\"embeddings\":[]}\n");
}

TEST_CASE("embed: without pooling each text is an array of its tokens' vectors") {
  const Models models;
  const auto call = hearth_call({"embed", models.encoder(), "-p", "a", "b c", "--pooling", "none", "--json"});
  const auto embeddings = Json::parse(check_done(call).out).at("embeddings");
  REQUIRE(embeddings.size() == 2);
  CHECK(embeddings[1].size() > embeddings[0].size());
  CHECK(embeddings[0][0].size() == 64);
  for (const char* text : {"", "a"}) {  // of one token, and of more: the shape is the same, whoever said so
    const auto as_file_says = hearth_call({"embed", models.unpooled(), "-p", text, "--json"});
    const auto as_asked = hearth_call({"embed", models.unpooled(), "-p", text, "--pooling", "none", "--json"});
    CHECK(check_done(as_file_says).out == check_done(as_asked).out);
    CHECK(Json::parse(as_file_says.out).at("embeddings")[0][0].size() == 64);
  }
}

TEST_CASE("embed: a text in brackets is one text") {
  const Models models;
  const auto embeddings = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"embed", models.encoder()});
    words.push_back("--json");
    return Json::parse(check_done(hearth_call(words)).out).at("embeddings");
  };
  CHECK(embeddings({"-p", "[a, b]", "[]", "-p", "[x]"}).size() == 3);
  CHECK(embeddings({"-p", "[]"}).size() == 1);
  const auto with_and_without = embeddings({"-p", "[x]", "x"});
  CHECK(with_and_without[0] != with_and_without[1]);
  const std::string deep = std::string(60000, '[') + std::string(60000, ']');
  const Outcome too_long = hearth_call({"embed", models.encoder(), "-p", deep});
  check_error(too_long, 1);
  CHECK(too_long.err.find("text 1 of 1") != std::string::npos);
}

TEST_CASE("embed: a causal model is told how to pool") {
  const Models models;
  check_error(hearth_call({"embed", models.causal(), "-p", "a"}), 1);
  for (const char* pooling : {"mean", "cls", "last", "none"})
    check_done(hearth_call({"embed", models.causal(), "-p", "a", "--pooling", pooling}));
}

TEST_CASE("embed: what cannot be done is exit 1 in one line, what is called wrongly exit 2") {
  const Models models;
  const std::string m = models.encoder();
  const Outcome too_long = hearth_call({"embed", m, "-p", "a", std::string(500, 'x')});
  check_error(too_long, 1);
  CHECK(too_long.err.find("holds 64; text 2 of 2") != std::string::npos);
  check_error(hearth_call({"embed", m, "-f", "/nowhere"}), 1);
  check_error(hearth_call({"embed", "/nowhere.gguf", "-p", "a"}), 1);
  const std::vector<std::vector<std::string>> wrong = {{"embed"},
                                                       {"embed", m},
                                                       {"embed", m, "-p"},
                                                       {"embed", m, "-p", "a", "-f", "b"},
                                                       {"embed", m, "-p", "a", "--pooling", "max"},
                                                       {"embed", m, "-p", "a", "--frobnicate"}};
  for (const auto& call : wrong) check_error(hearth_call(call), 2);
}

TEST_CASE("examples/embed compares sentences, and says so where a model has no vector for one") {
  const Models models;
  const auto compare = [](const std::string& model) {
    Call call;
    call.arguments = {model, "a b c", "a"};
    return run_program(HEARTH_EMBED_EXAMPLE, std::move(call));
  };
  CHECK(check_done(compare(models.encoder())).out.ends_with("  a\n"));
  check_error(compare(models.unpooled()), 1);
}

TEST_CASE("an encoder writes no text: run, eval and bench say what to use") {
  const Models models;
  const std::string m = models.encoder();
  const std::vector<std::vector<std::string>> calls = {{"run", m, "-p", "a"},
                                                       {"eval", m, "--tokens", "1,2", "--logits", m + ".npy"},
                                                       {"eval", m, "-f", models.file("a b c")},
                                                       {"bench", m, "-p", "8", "-n", "1"}};
  for (const auto& call : calls) {
    const Outcome outcome = hearth_call(call);
    check_error(outcome, 1);
    CHECK(outcome.err.find("is an encoder") != std::string::npos);
    CHECK(outcome.err.find("hearth embed") != std::string::npos);
  }
}

}  // namespace embed_cli_test
