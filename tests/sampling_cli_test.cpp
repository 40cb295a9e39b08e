// Enters: a small random model. Leaves: every sampling option held to what it promises, through the program and the C++ API.
#include <cmath>
#include <hearth/hearth.hpp>

#include "support/hearth_program.h"

namespace sampling_cli_test {

using namespace hearth;
using namespace hearth::test;

namespace {

/// A model whose file recommends something.
std::string recommending(const ModelOnDisk& beside, const std::function<void(ModelEditor&)>& edit) {
  ModelEditor editor;
  edit(editor);
  const std::string path = beside.beside("recommending.gguf");
  REQUIRE(editor.write(path) > 0);
  return path;
}

Outcome run_with(const std::string& model, std::vector<std::string> options) {
  options.insert(options.begin(), {"run", model, "-p", "abab", "-n", "24"});
  return check_done(hearth_call(std::move(options)));
}

}  // namespace

TEST_CASE("each sampling option is taken, named among the steps, and makes the same text twice") {
  const ModelOnDisk model;
  struct Use {
    std::vector<std::string> options;
    const char* steps;
  };
  const std::vector<Use> uses = {
      {{}, "greedy"},
      {{"--temp", "0"}, "greedy"},
      {{"--temp", "2"}, "temp > draw"},
      {{"--temp", "2", "--top-k", "5"}, "top_k > temp > draw"},
      {{"--temp", "2", "--top-p", "0.5"}, "top_p > temp > draw"},
      {{"--temp", "2", "--min-p", "0.2"}, "min_p > temp > draw"},
      {{"--temp", "2", "--typical", "0.5"}, "typical > temp > draw"},
      {{"--temp", "2", "--top-n-sigma", "1"}, "top_n_sigma > temp > draw"},
      {{"--temp", "2", "--xtc-probability", "1", "--xtc-threshold", "0.001"}, "xtc > temp > draw"},
      {{"--temp", "2", "--dynatemp-range", "1", "--dynatemp-exp", "2"}, "dynatemp > draw"},
      {{"--repeat-penalty", "2", "--repeat-last", "-1"}, "penalties > greedy"},
      {{"--presence", "3"}, "penalties > greedy"},
      {{"--frequency", "-1.5"}, "penalties > greedy"},
      {{"--dry-multiplier", "4", "--dry-base", "2", "--dry-allowed", "1", "--dry-last", "50", "--dry-breaker", "b"},
       "dry > greedy"},
      {{"--temp", "2", "--mirostat", "1", "--mirostat-tau", "3", "--mirostat-eta", "0.2"}, "temp > mirostat_1 > draw"},
      {{"--temp", "2", "--mirostat", "2"}, "temp > mirostat_2 > draw"},
      {{"--logit-bias", "70=100", "--logit-bias", "71=-inf"}, "logit_bias > greedy"},
      {{"--ban", "70", "--ban", "71"}, "logit_bias > greedy"},
  };
  for (const Use& use : uses) {
    const Outcome once = run_with(model.path(), use.options), again = run_with(model.path(), use.options);
    INFO(use.steps << '\n' << once.err);
    CHECK(once.out == again.out);
    CHECK(once.err.find("; sampling " + std::string(use.steps) + ";") != std::string::npos);
  }
}

TEST_CASE("biases, bans and penalties change what greedy says, as they should") {
  const ModelOnDisk on_disk;
  const auto model = Model::open(on_disk.path());
  REQUIRE(model);
  const auto generated = [&](const SamplingOptions& sampling) {
    auto session = model->session({.n_ctx = 200});
    REQUIRE(session);
    auto reply = session->generate("abab", {.max_tokens = 20, .sampling = sampling, .logprobs = 3});
    REQUIRE(reply);
    CHECK(reply->logprobs.size() == reply->tokens.size());
    for (std::size_t i = 0; i < reply->tokens.size(); ++i) {
      REQUIRE(reply->logprobs[i].top.size() == 3);
      CHECK(reply->logprobs[i].logprob <= reply->logprobs[i].top[0].logprob);
      CHECK(reply->logprobs[i].top[2].logprob <= reply->logprobs[i].top[1].logprob);
    }
    return *reply;
  };
  const Reply plain = generated({});
  for (std::size_t i = 0; i < plain.tokens.size(); ++i) {
    CHECK(plain.logprobs[i].top[0].id == plain.tokens[i]);  // greedy takes the likeliest
    CHECK(plain.logprobs[i].top[0].logprob == plain.logprobs[i].logprob);
  }
  const std::int32_t first = plain.tokens[0];
  CHECK(generated({.banned = {first}}).tokens[0] == plain.logprobs[0].top[1].id);
  CHECK(generated({.logit_bias = {{first, -INFINITY}}}).tokens[0] == plain.logprobs[0].top[1].id);
  CHECK(generated({.logit_bias = {{80, 1e6f}}}).tokens == std::vector<std::int32_t>(20, 80));
  const Reply fresh = generated({.repeat_last = -1, .presence_penalty = 1e6f});  // never a token twice
  for (std::size_t i = 0; i < fresh.tokens.size(); ++i)
    CHECK(std::count(fresh.tokens.begin(), fresh.tokens.end(), fresh.tokens[i]) == 1);
  CHECK(generated({.temp = 2, .choice = 1}).tokens != generated({.temp = 2}).tokens);

  auto session = model->session();
  REQUIRE(session);
  const auto refused = [&](const GenerateOptions& options) {
    const auto reply = session->generate("a", options);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().status() == Status::invalid_argument);
  };
  refused({.max_tokens = 1, .sampling = {.banned = {288}}});
  refused({.max_tokens = 1, .sampling = {.logit_bias = {{-1, 1.0f}}}});
  refused({.max_tokens = 1, .sampling = {.dry_multiplier = 1, .dry_breakers = {"no token is so long"}}});
  refused({.max_tokens = 1, .sampling = {.mirostat = 3}});
  refused({.max_tokens = 1, .logprobs = -2});
}

TEST_CASE("sampling options out of range are exit 2 with one line") {
  const ModelOnDisk model;
  const std::vector<std::vector<std::string>> calls = {{"--typical", "0"},
                                                       {"--typical", "1.5"},
                                                       {"--top-n-sigma", "-1"},
                                                       {"--top-n-sigma", "x"},
                                                       {"--presence", "nan"},
                                                       {"--frequency", "inf"},
                                                       {"--dry-multiplier", "-1"},
                                                       {"--dry-base", "0.5"},
                                                       {"--dry-allowed", "0"},
                                                       {"--dry-allowed", "1.5"},
                                                       {"--dry-last", "-2"},
                                                       {"--dry-breaker", ""},
                                                       {"--xtc-probability", "2"},
                                                       {"--xtc-threshold", "-0.1"},
                                                       {"--mirostat", "3"},
                                                       {"--mirostat", "-1"},
                                                       {"--mirostat-tau", "-1"},
                                                       {"--mirostat-eta", "nan"},
                                                       {"--dynatemp-range", "-1"},
                                                       {"--dynatemp-exp", "0"},
                                                       {"--logit-bias", "5"},
                                                       {"--logit-bias", "=1"},
                                                       {"--logit-bias", "-1=1"},
                                                       {"--logit-bias", "5=inf"},
                                                       {"--logit-bias", "5=1x"},
                                                       {"--logit-bias", "5,6=1"},
                                                       {"--ban", "-1"},
                                                       {"--ban", "x"},
                                                       {"--sampling", "mine"},
                                                       {"--sampling"},
                                                       {"--temp", "1", "--temp", "1"}};
  for (std::vector<std::string> words : calls) {
    INFO(words[0] << ' ' << words.back());
    words.insert(words.begin(), {"run", model.path(), "-p", "a"});
    check_error(hearth_call(words), 2);
  }
  check_error(hearth_call({"run", model.path(), "-p", "a", "--ban", "100000"}), 1);
  check_error(hearth_call({"run", model.path(), "-p", "a", "--sampling", "model"}), 1);
}

TEST_CASE("what a model recommends is shown, and used when asked for") {
  const ModelOnDisk beside;
  const std::string path = recommending(beside, [](ModelEditor& editor) {
    editor.set("general.sampling.temp", 0.75f).set("general.sampling.top_k", std::int32_t{20});
    editor.set("general.sampling.penalty_repeat", 1.25f).set("general.sampling.penalty_last_n", std::int32_t{32});
  });
  const auto model = Model::open(path);
  REQUIRE(model);
  const RecommendedSampling& recommended = model->info().recommended;
  CHECK(recommended.temp == 0.75f);
  CHECK(recommended.top_k == 20);
  CHECK_FALSE(recommended.top_p);
  CHECK(recommended.in_words() == "temp 0.75, top_k 20, repeat_penalty 1.25, repeat_last 32");
  const SamplingOptions over = recommended.over({.temp = 1, .min_p = 0.5f});
  CHECK((over.temp == 0.75f && over.min_p == 0.5f && over.repeat_last == 32));

  const Outcome plain = run_with(path, {});
  CHECK(plain.err.find("the model recommends temp 0.75, top_k 20") != std::string::npos);
  CHECK(plain.err.find("; sampling greedy;") != std::string::npos);
  const Outcome used = run_with(path, {"--sampling", "model"});
  CHECK(used.err.find("; sampling penalties > top_k > temp > draw;") != std::string::npos);
  const Outcome spelled =
      run_with(path, {"--temp", "0.75", "--top-k", "20", "--repeat-penalty", "1.25", "--repeat-last", "32"});
  CHECK(used.out == spelled.out);
  const Outcome partly = run_with(path, {"--sampling", "model", "--temp", "0"});  // the call comes first
  CHECK(partly.err.find("; sampling penalties > greedy;") != std::string::npos);
  const Outcome inspected = check_done(hearth_call({"inspect", path, "--json"}));
  CHECK(inspected.err.find("for sampling the model recommends temp 0.75, top_k 20") != std::string::npos);
}

TEST_CASE("a recommendation that cannot be used does no harm until it is asked for") {
  const ModelOnDisk beside;
  const std::string path = recommending(beside, [](ModelEditor& editor) {
    editor.set("general.sampling.temp", "hot").set("general.sampling.top_p", 7.0f);
    editor.set("general.sampling.top_k", std::int32_t{-3}).set("general.sampling.min_p", 0.25f);
  });
  const auto model = Model::open(path);
  REQUIRE(model);
  CHECK(model->info().recommended.in_words() == "min_p 0.25");
  CHECK(model->info().recommended.not_understood ==
        std::vector<std::string>{"general.sampling.temp", "general.sampling.top_p", "general.sampling.top_k"});
  run_with(path, {});
  check_error(hearth_call({"run", path, "-p", "a", "--sampling", "model"}), 1);
}

}  // namespace sampling_cli_test
