// Enters: a team. Leaves: weights, activations and caches to run kernels on.
#include "kernel_rig.h"

#include <algorithm>
#include <cstring>

#include "host.h"
#include "packing.h"
#include "support/random_weights.h"
#include "try.h"

namespace hearth::bench {
namespace {

// As large as what the read peak is measured on: beyond the last caches of almost all machines.
constexpr std::size_t kBlockBytes = std::size_t{512} << 20, kLeastBytes = std::size_t{4} << 20;

/// 16 random rows, as the file has them or as one repacked group: the same number of bytes.
std::vector<std::byte> random_group(const FormatInfo& info, Layout layout, std::int64_t k) {
  test::Rng rng(1);
  std::vector<std::byte> rows = test::random_rows(rng, info, kernels::kGroupRows, k);
  if (layout == Layout::file) return rows;
  std::vector<std::byte> group(kernels::group_bytes(info, k));
  kernels::pack_group(info, group.data(), rows.data(), kernels::kGroupRows, k);
  return group;
}

}  // namespace

Result<std::unique_ptr<KernelRig>> KernelRig::make(Effort effort) {
  std::unique_ptr<KernelRig> rig(new KernelRig);
  HEARTH_TRY(rig->team_, Team::start(usable_processors()));
  HEARTH_TRY(rig->peaks_, measure_peaks(*rig->team_, effort));
  HEARTH_TRY(rig->block_, AlignedBuffer<std::byte>::make(effort == Effort::full ? kBlockBytes : kLeastBytes));
  return rig;
}

template <class Make> void KernelRig::lay_out(const std::string& what, Make make_unit) {
  if (laid_out_ == what) return;
  laid_out_ = what;
  const std::vector<std::byte> unit = make_unit();
  const auto n = static_cast<std::int64_t>(block_.size() / unit.size());
  team_->run([&](Worker& w) {
    w.loop(n, 16, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        std::memcpy(block_.data() + i * unit.size(), unit.data(), unit.size());
    });
  });
}

std::vector<Matrix> KernelRig::matrices(const FormatInfo& info, Layout layout, std::int64_t n_rows, std::int64_t k) {
  const bool packed = layout == Layout::packed;
  lay_out(std::string(info.name) + (packed ? " packed " : " file ") + std::to_string(k),
          [&] { return random_group(info, layout, k); });
  const std::size_t bytes = static_cast<std::size_t>(n_rows / kernels::kGroupRows) * kernels::group_bytes(info, k);
  std::vector<Matrix> matrices;
  for (std::size_t at = 0; at + bytes <= block_.size(); at += bytes)
    matrices.push_back({info.format, n_rows, k, block_.data() + at, packed ? block_.data() + at : nullptr});
  return matrices;
}

std::vector<std::byte*> KernelRig::pieces(std::size_t bytes) {
  const std::byte ordinary{0x3c};  // f16 1.06, f32 0.0115
  lay_out("numbers", [&] { return std::vector<std::byte>(4096, ordinary); });
  std::vector<std::byte*> pieces;
  for (std::size_t at = 0; at + bytes <= block_.size(); at += bytes) pieces.push_back(block_.data() + at);
  return pieces;
}

}  // namespace hearth::bench
