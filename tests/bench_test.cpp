// Enters: calls to the benches on small shapes. Leaves: every row runs and says what it should, so that they cannot rot.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "dispatch.h"
#include "support/hearth_program.h"

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
  for (const kernels::KernelTable* table : kernels::built()) {
    if (!table->runs_here()) continue;
    const std::string isa = table->name;
    for (const kernels::FormatInfo& info : kernels::kFormats) {
      const std::string matmul = std::string("matmul/") + info.name + "/" + isa;
      INFO(matmul);
      CHECK(rows[matmul + "/file"] >= 3);
      if (info.kind != kernels::Kind::float_row) CHECK(rows[matmul + "/packed"] >= 3);
    }
    INFO(isa);
    CHECK(report["context"].contains("peak of " + isa) == (isa != "scalar"));
    CHECK(rows["attend/f16/" + isa + "/tiny"] == 2);
    for (const char* operation : {"quantize_row/", "rms_norm/", "silu_mul/"})
      CHECK(rows[operation + isa + "/96/real_time"] == 1);
  }
}
