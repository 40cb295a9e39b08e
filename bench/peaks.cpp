// Enters: a team. Leaves: what this machine can do at most with it.
#include "peaks.h"

#include <algorithm>
#include <atomic>
#include <hearth/tools.hpp>

#include "dispatch.h"
#include "elapsed.h"
#include "peak_loops.h"
#include "try.h"

namespace hearth::bench {
namespace {

#define HEARTH_ADDRESS(isa) &peak_loops_##isa,
constexpr const PeakLoops* kLoops[] = {HEARTH_PEAK_ISAS(HEARTH_ADDRESS) nullptr};
#undef HEARTH_ADDRESS

/// Operations a second of the best of a few rounds, every member in the loop at once.
template <class Loop> double best_rate(Team& team, Loop loop, std::int64_t per_step, Effort effort) {
  const std::int64_t steps = effort == Effort::full ? std::int64_t{1} << 21 : 64;
  const int rounds = effort == Effort::full ? 15 : 1;
  std::atomic<double> kept{0};
  double seconds = 0;
  for (int r = 0; r < rounds; ++r) {
    const auto start = Clock::now();
    team.run([&](Worker&) { kept.store(static_cast<double>(loop(steps)), std::memory_order_relaxed); });
    const double took = seconds_since(start);
    seconds = r == 0 ? took : std::min(seconds, took);
  }
  return static_cast<double>(team.size() * steps * per_step) / seconds;
}

}  // namespace

const IsaPeak* Peaks::of(const std::string& isa) const {
  const auto found = std::find_if(isas.begin(), isas.end(), [&](const IsaPeak& peak) { return peak.isa == isa; });
  return found == isas.end() ? nullptr : &*found;
}

Result<Peaks> measure_peaks(Team& team, Effort effort) {
  Peaks peaks;
  if (effort == Effort::full) {
    HEARTH_TRY(const tools::MachineInfo machine, tools::machine_info());
    peaks.read_bytes = machine.read_gbps * 1e9;
  }
  for (const PeakLoops* loops : kLoops) {
    if (!loops) break;
    const kernels::KernelTable* table = kernels::find(loops->name);
    if (!table || !table->runs_here()) continue;
    peaks.isas.push_back({loops->name, best_rate(team, loops->dot, loops->dot_per_step, effort),
                          best_rate(team, loops->fma, loops->fma_per_step, effort)});
  }
  return peaks;
}

}  // namespace hearth::bench
