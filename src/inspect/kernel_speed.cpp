// Enters: a kernel table and a weight format. Leaves: how fast this machine multiplies with them.
#include "kernel_speed.h"

#include <algorithm>

#include "cpu_backend.h"
#include "elapsed.h"
#include "parallel.h"
#include "try.h"

namespace hearth::inspect {
namespace {

constexpr std::int64_t kWidth = 2048, kRows = 1024;  // of a small model's matrix
constexpr int kRounds = 3;

}  // namespace

Result<double> macs_a_second(const kernels::KernelTable& table, kernels::Format format, bool packed, int threads,
                             std::int64_t n_tokens) {
  const kernels::FormatInfo& info = kernels::format_info(format);
  const bool groups = packed && info.kind != kernels::Kind::float_row;
  HEARTH_TRY(const auto team, Team::start(threads));
  HEARTH_TRY(const auto device, backend::CpuBackend::make(table, threads, kWidth));
  HEARTH_TRY(const auto weights, AlignedBuffer<std::byte>::make(kRows * kernels::row_bytes(info, kWidth)));
  HEARTH_TRY(auto x, AlignedBuffer<float>::make(static_cast<std::size_t>(n_tokens * kWidth)));
  HEARTH_TRY(auto q,
             AlignedBuffer<kernels::QBlock>::make(static_cast<std::size_t>(n_tokens * kernels::q_stride(kWidth))));
  HEARTH_TRY(auto y, AlignedBuffer<float>::make(static_cast<std::size_t>(n_tokens * kRows)));
  const backend::Matrix matrix{format, kRows, kWidth, weights.data(), groups ? weights.data() : nullptr};
  const backend::Input input{{x.data(), n_tokens, kWidth, kWidth}, q.data(), kernels::q_stride(kWidth)};
  const backend::Product product[] = {{&matrix, {y.data(), n_tokens, kRows, kRows}}};
  double best = 0;  // zeros take as long as other numbers: no kernel looks at them
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    team->run([&](Worker& w) { device->matmul(w, input, product); });
    best = std::max(best, static_cast<double>(n_tokens * kRows * kWidth) / seconds_since(start));
  }
  return best;
}

}  // namespace hearth::inspect
