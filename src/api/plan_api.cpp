// The C++ border for plans: what a file's header says it takes, and how fast this machine will be.
#include <algorithm>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>

#include "guarded.h"
#include "kernel_speed.h"
#include "plan.h"
#include "try.h"

namespace hearth {
namespace {

/// On the CPU alone, a pass takes as long as its weights take to be read, or its multiplications to be done, whichever is longer.
Result<void> forecast_speeds(Plan& plan, const engine::Work& work) {
  HEARTH_TRY(const tools::MachineInfo machine, tools::machine_info());
  HEARTH_TRY(const double macs, inspect::macs_a_second(*work.table, work.format, plan.weights == Weights::repacked,
                                                       plan.threads, std::min<std::int64_t>(plan.chunk, 64)));
  const auto tokens_a_second = [&](std::int64_t n_tokens, std::uint64_t bytes) {
    const auto n = static_cast<double>(n_tokens);
    return n / std::max(static_cast<double>(bytes) / (machine.read_gbps * 1e9), n * work.token_macs / macs);
  };
  plan.read_gbps = machine.read_gbps;
  plan.decode_tps = tokens_a_second(plan.batch, work.step_bytes);
  plan.prefill_tps = tokens_a_second(plan.chunk, work.chunk_bytes);
  return {};
}

}  // namespace

Result<Plan> plan(const std::string& path, const ModelOptions& model, const SessionOptions& session, std::int64_t batch,
                  bool forecast) {
  return guarded([&]() -> Result<Plan> {
    HEARTH_TRY(engine::PlanAndWork made, engine::make_plan(path, model, session, batch));
    if (forecast && made.plan.device == "cpu") HEARTH_CHECK(forecast_speeds(made.plan, made.work));
    return std::move(made.plan);
  });
}

}  // namespace hearth
