// Enters: calls to the benches on small shapes. Leaves: every row runs and says what it should, so that they cannot rot.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "dispatch.h"
#include "support/hearth_program.h"

namespace bench_test {

using namespace hearth;
using namespace hearth::test;
using nlohmann::json;

namespace {

std::string first_words(const std::string& name, int n) {
  std::size_t end = name.find('/');
  while (--n > 0 && end != std::string::npos) end = name.find('/', end + 1);
  return name.substr(0, end);
}

}  // namespace

TEST_CASE("kernels_bench: a row for every format, layout, instruction set and operation, and each runs") {
  Call call;
  call.arguments = {"--tiny", "--benchmark_filter=.", "--benchmark_format=json"};
  const Outcome outcome = check_done(run_program(HEARTH_KERNELS_BENCH, std::move(call)));
  const json report = json::parse(outcome.out);
  std::map<std::string, int> rows;  // "matmul/q4_0/avx2/packed": how many shapes and batches
  for (const json& row : report["benchmarks"]) {
    const std::string name = row["name"];
    INFO(name);
    CHECK_FALSE(row.value("error_occurred", false));
    CHECK(row["real_time"].get<double>() > 0);
    CHECK(row.value(name.rfind("matmul", 0) == 0 || name.rfind("attend", 0) == 0 ? "GOPS" : "elements/s", 0.0) > 0);
    ++rows[first_words(name, 4)];
  }
  for (const kernels::KernelTable* table : kernels::runnable()) {
    const std::string isa = table->name;
    for (const kernels::FormatInfo& info : kernels::kFormats) {
      const std::string matmul = std::string("matmul/") + info.name + "/" + isa;
      INFO(matmul);
      CHECK(rows[matmul + "/file"] >= 3);
      if (info.kind != kernels::Kind::float_row) CHECK(rows[matmul + "/packed"] >= 3);
    }
    INFO(isa);
    CHECK(report["context"].contains("peak of " + isa) == (isa != "scalar"));
    for (const kernels::KvInfo& kv : kernels::kKvTypes)
      CHECK(rows["attend/" + std::string(kv.name) + "/" + isa + "/tiny"] == 2);
    for (const char* operation : {"quantize_row/", "rms_norm/", "silu_mul/"})
      CHECK(rows[operation + isa + "/96/real_time"] == 1);
  }
}

TEST_CASE("hearth bench --json has the contract's fields, and a run for every batch at every depth") {
  const ModelOnDisk model;
  const json one = json::parse(
      check_done(hearth_call({"bench", model.path(), "-p", "5", "-n", "3", "--reps", "1", "--ctx", "5", "--json"}))
          .out);
  for (const char* field : {"prefill_tps", "decode_tps", "load_ms", "first_token_ms", "peak_rss_bytes", "read_gbps",
                            "pct_of_read_peak", "weights_bytes"}) {
    INFO(field);
    CHECK(one.at(field).get<double>() > 0);
  }
  CHECK(one["first_token_ms"].get<double>() > one["load_ms"].get<double>());
  CHECK(one["runs"].size() == 1);
  CHECK(one["batch"] == 1);
  CHECK(one["depth"] == 0);

  const json many = json::parse(check_done(hearth_call({"bench", model.path(), "-p", "0", "-n", "3", "--reps", "2",
                                                        "--batch", "1,3,8", "--depth", "0,70", "--json"}))
                                    .out);
  CHECK(many["prefill_tps"] == 0);
  std::set<std::string> at_zero, at_depth;
  std::vector<std::pair<int, int>> runs;
  for (const json& run : many["runs"]) {
    runs.emplace_back(run["batch"].get<int>(), run["depth"].get<int>());
    CHECK(run["decode_tps"].get<double>() > 0);
    CHECK(run["pct_of_read_peak"].get<double>() > 0);
    (run["depth"] == 0 ? at_zero : at_depth).insert(run["logits"].get<std::string>());
  }
  CHECK(runs == std::vector<std::pair<int, int>>{{1, 0}, {1, 70}, {3, 0}, {3, 70}, {8, 0}, {8, 70}});
  CHECK(at_zero == std::set<std::string>{one["logits"].get<std::string>()});  // alone or beside others: the same bits
  CHECK(at_depth.size() == 1);
  CHECK(at_depth != at_zero);
}

TEST_CASE("hearth bench refuses numbers out of range") {
  const ModelOnDisk model;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--batch", "0"},
                                                                                     {"--batch", "257"},
                                                                                     {"--batch", "1,,2"},
                                                                                     {"--batch", "1,"},
                                                                                     {"--batch", ""},
                                                                                     {"--batch", "1", "--batch", "2"},
                                                                                     {"--depth", "-1"},
                                                                                     {"--depth", "0, 1"},
                                                                                     {"--reps", "0"},
                                                                                     {"-p", "-1"}}) {
    std::vector<std::string> call = {"bench", model.path()};
    call.insert(call.end(), words.begin(), words.end());
    INFO(words[0] << " " << words[1]);
    check_error(hearth_call(call), 2);
  }
}

TEST_CASE("hearth bench refuses runs that its context does not hold, and a context that the model has not") {
  const ModelOnDisk model;
  const auto refused = [&](std::vector<std::string> words, const std::string& part) {
    words.insert(words.begin(), {"bench", model.path()});
    const Outcome outcome = hearth_call(words);
    check_error(outcome, 1);
    CHECK(outcome.err.find(part) != std::string::npos);
  };
  refused({"-p", "6", "-n", "3", "--ctx", "5"}, "a run takes 6 positions, the context holds 5");
  refused({"-p", "0", "-n", "3", "--depth", "4,0", "--ctx", "6"}, "a run takes 7 positions, the context holds 6");
  refused({"-p", "1", "-n", "1", "--ctx", "100001"}, "trained for 100000 positions");
}

TEST_CASE("hearth bench refuses caches that the memory cannot hold before it takes any") {
  const ModelOnDisk model;
  const Outcome outcome =
      hearth_call({"bench", model.path(), "-p", "0", "-n", "1", "--batch", "256", "--depth", "1000000000"});
  check_error(outcome, 1);
  CHECK(outcome.err.find("256 sequences of 1000000001 positions") != std::string::npos);
  const Outcome prompt = hearth_call({"bench", model.path(), "-p", "2147483647", "-n", "0"});
  check_error(prompt, 1);
  CHECK(prompt.err.find("1 sequences of 2147483647 positions") != std::string::npos);
}

}  // namespace bench_test
