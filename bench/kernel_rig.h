// Enters: a team. Leaves: weights, activations and caches to run kernels on, larger than this machine's own caches.
#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aligned_buffer.h"
#include "cpu_backend.h"
#include "elapsed.h"
#include "peaks.h"

namespace hearth::bench {

using backend::Matrix;
using kernels::FormatInfo;
using kernels::KernelTable;

enum class Layout { packed, file };

/// One large block of memory is laid out anew as each row of the bench asks; rows that ask for the same stand together.
class KernelRig {
 public:
  static Result<std::unique_ptr<KernelRig>> make(Effort effort);

  Team& team() { return *team_; }
  const Peaks& peaks() const { return peaks_; }

  /// As many copies of a random matrix [n_rows, k] as the block holds.
  std::vector<Matrix> matrices(const FormatInfo& info, Layout layout, std::int64_t n_rows, std::int64_t k);

  /// The block cut into pieces of `bytes` (a multiple of 64), filled with a byte that makes ordinary numbers of any float type.
  std::vector<std::byte*> pieces(std::size_t bytes);

 private:
  KernelRig() = default;
  template <class Make> void lay_out(const std::string& what, Make make_unit);

  std::unique_ptr<Team> team_;
  Peaks peaks_;
  AlignedBuffer<std::byte> block_;
  std::string laid_out_;  // what the block holds now
};

/// What one iteration of a row reads and computes. `peak`: operations a second, 0 where none was measured.
struct Work {
  double bytes_read, operations, peak;
};

/// Runs `body` as often as the bench asks and counts its rates, beside the machine's peaks.
template <class Body> void measure(benchmark::State& state, const Peaks& peaks, const Work& work, Body body) {
  const auto start = Clock::now();
  for (auto _ : state) body();
  const double rate = static_cast<double>(state.iterations()) / seconds_since(start);
  state.counters["GB/s"] = rate * work.bytes_read / 1e9;
  if (peaks.read_bytes > 0) state.counters["%read"] = 100 * rate * work.bytes_read / peaks.read_bytes;
  state.counters["GOPS"] = rate * work.operations / 1e9;
  if (work.peak > 0) state.counters["%peak"] = 100 * rate * work.operations / work.peak;
}

}  // namespace hearth::bench
