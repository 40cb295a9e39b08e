// `hearth plan` and what it promises of `hearth run`: figures that add up, and a refusal where they do not fit.
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/hearth_program.h"

namespace plan_cli_test {

using namespace hearth;

TEST_CASE("plan --json has the figures, which add up, and follows its options") {
  const test::ModelOnDisk model;
  const auto figures = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"plan", model.path(), "--json"});
    return nlohmann::json::parse(test::check_done(test::hearth_call(more)).out);
  };
  const auto plan = figures({"--threads", "2"});
  for (const char* key : {"weights_bytes", "kv_bytes", "scratch_bytes", "total_bytes", "decode_tps", "prefill_tps"}) {
    INFO(key);
    CHECK(plan.at(key).get<double>() > 0);
  }
  CHECK(plan.at("total_bytes").get<std::uint64_t>() == plan.at("weights_bytes").get<std::uint64_t>() +
                                                           plan.at("kv_bytes").get<std::uint64_t>() +
                                                           plan.at("scratch_bytes").get<std::uint64_t>());
  CHECK(plan.at("fits").get<bool>());
  CHECK(plan.at("threads") == 2);
  CHECK(plan.at("architecture") == "llama");
  CHECK(plan.at("samplers").front() == "logit_bias");
  CHECK(plan.at("samplers").back() == "draw");
  const auto half = figures({"--ctx", "512"}), all = figures({"--ctx", "1024"}),
             many = figures({"--ctx", "512", "--batch", "4"}), wide = figures({"--ctx", "512", "--kv", "f32"});
  CHECK(all.at("kv_bytes").get<std::uint64_t>() == 2 * half.at("kv_bytes").get<std::uint64_t>());
  CHECK(many.at("kv_bytes").get<std::uint64_t>() == 4 * half.at("kv_bytes").get<std::uint64_t>());
  CHECK(wide.at("kv_bytes").get<std::uint64_t>() == 2 * half.at("kv_bytes").get<std::uint64_t>());
  CHECK(test::check_done(test::hearth_call({"plan", model.path()})).out.find("fits into") != std::string::npos);
  const auto run = test::check_done(test::hearth_call({"run", model.path(), "-p", "ab", "-n", "1"}));
  CHECK(run.err.find("context " + std::to_string(plan.at("ctx").get<std::int64_t>()) + ";") != std::string::npos);
}

TEST_CASE("what a process holds of a large model is the plan's figure", "[.long]") {
  const test::TempFolder folder;
  const std::string path = folder / "1.1b-q8_0.gguf";  // 1.2 GB
  REQUIRE(std::system((std::string(HEARTH_MAKE_MODEL) + " 1.1b q8_0 " + path + " >/dev/null 2>&1").c_str()) == 0);
  const auto figures = [&](std::vector<std::string> call, const std::string& weights) {
    call.insert(call.end(), {path, "--ctx", "640", "--weights", weights, "--json"});
    return nlohmann::json::parse(test::check_done(test::hearth_call(call)).out);
  };
  for (const char* weights : {"file", "repacked", "auto"}) {
    INFO(weights);
    const auto planned = figures({"plan"}, weights).at("total_bytes").get<double>();
    const auto held =
        figures({"bench", "-p", "512", "-n", "128", "--reps", "1"}, weights).at("peak_rss_bytes").get<double>();
    CHECK(std::abs(held - planned) <= 0.02 * planned + 32 * 1048576.0);
  }
}

TEST_CASE("plan refuses what run would refuse") {
  const test::ModelOnDisk model;
  test::check_error(test::hearth_call({"plan", model.path(), "--ctx", "1000000"}), 1);
  test::check_error(test::hearth_call({"plan", model.path(), "--batch", "0"}), 2);
  test::check_error(test::hearth_call({"plan"}), 2);
  test::check_error(test::hearth_call({"plan", model.beside("none.gguf"), "--json"}), 1);
}

TEST_CASE("chat leaves out the oldest turns where it is told to, and says so") {
  const test::ModelOnDisk model;
  const std::string source = model.beside("template.jinja");
  std::ofstream(source) << "{% for m in messages %}{{ m.content }}\n{% endfor %}";
  test::Call call;
  call.arguments = {"chat", model.path(), "--template", source, "--ctx", "64", "-n", "4"};
  call.input = "abababababababababababababab\nabababababababababababababab\nababababababababababab\n";
  const auto refused = test::hearth_call(call);
  CHECK(refused.exit_code == 1);
  CHECK(refused.err.find("the context holds 64") != std::string::npos);
  call.arguments.insert(call.arguments.end(), {"--overflow", "drop-oldest"});
  const auto kept = test::check_done(test::hearth_call(call));
  CHECK(kept.err.find("messages left out") != std::string::npos);
}

}  // namespace plan_cli_test
