// Leaves: what this build and machine are: version, instruction sets, threads, read bandwidth.
#include "machine.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "aligned_buffer.h"
#include "dispatch.h"
#include "elapsed.h"
#include "host.h"
#include "parallel.h"
#include "try.h"

namespace hearth::inspect {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{512} << 20;  // larger than the caches of almost all machines
constexpr std::int64_t kPiece = 32768;                          // words a thread claims at once: 256 KiB
constexpr int kReads = 3;

/// How much is read, in whole pieces: where little memory is left a quarter of it, though caches may then hold some.
std::size_t words_to_read() {
  const std::uint64_t words = std::min(kMostBytes, available_memory() / 4) / sizeof(std::uint64_t);
  return std::max<std::uint64_t>(1, words / kPiece) * kPiece;
}

/// Independent accumulators keep several cache lines on their way at once.
std::uint64_t sum(const std::uint64_t* words, std::int64_t count) {
  constexpr std::int64_t lanes = 16;
  std::uint64_t sums[lanes] = {};
  for (std::int64_t i = 0; i < count; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += words[i + lane];
  std::uint64_t total = 0;
  for (const std::uint64_t part : sums) total += part;
  return total;
}
static_assert(kPiece % 16 == 0);

double seconds_to_read(Team& team, const AlignedBuffer<std::uint64_t>& buffer, std::atomic<std::uint64_t>& total) {
  const auto start = Clock::now();
  team.run([&](Worker& worker) {
    worker.loop(static_cast<std::int64_t>(buffer.size()), kPiece, [&](std::int64_t begin, std::int64_t end) {
      total.fetch_add(sum(buffer.data() + begin, end - begin), std::memory_order_relaxed);
    });
  });
  return seconds_since(start);
}

Result<double> read_gbps(int threads) {
  HEARTH_TRY(const auto team, Team::start(threads));
  HEARTH_TRY(auto buffer, AlignedBuffer<std::uint64_t>::make(words_to_read()));  // zeroed, so every page is there
  std::atomic<std::uint64_t> total{0};  // atomic, so that no compiler leaves the reading out
  double best = seconds_to_read(*team, buffer, total);
  for (int round = 1; round < kReads; ++round) best = std::min(best, seconds_to_read(*team, buffer, total));
  return static_cast<double>(buffer.bytes()) / best / 1e9;
}

}  // namespace

Result<tools::MachineInfo> machine(bool measure) {
  tools::MachineInfo info;
  info.version = HEARTH_VERSION;
  for (const kernels::KernelTable* table : kernels::runnable()) info.isas.emplace_back(table->name);
  info.isa = kernels::best().name;
  info.threads = usable_processors();
  if (measure) {
    HEARTH_TRY(info.read_gbps, read_gbps(info.threads));
  }
  return info;
}

}  // namespace hearth::inspect
