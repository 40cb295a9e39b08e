// Enters: weights as the file has them. Leaves: the same weights in groups of 16 rows, matrix by matrix, and the file's bytes let go.
#include "repack.h"

#include <algorithm>

#include "try.h"

namespace hearth::model {
namespace {

bool worth_packing(const Matrix& m) {
  return m.file && kernels::format_info(m.format).kind != kernels::Kind::float_row;
}

std::size_t packed_bytes(const Matrix& m) {
  return whole_lines(static_cast<std::size_t>(n_groups(m)) * group_bytes(m));
}

}  // namespace

std::uint64_t repacked_bytes(const Weights& weights, const Share& share) {
  std::uint64_t bytes = 0;
  weights.visit_matrices([&](const Matrix& m) { bytes += worth_packing(m) ? packed_bytes(m) : 0; }, share);
  return AlignedBuffer<std::byte>::taken(bytes);
}

std::uint64_t replaced_bytes(const Weights& weights, const Share& share) {
  std::uint64_t bytes = 0;
  weights.visit_matrices(
      [&](const Matrix& m) {
        if (worth_packing(m) && m.file != weights.token_embd.file) bytes += file_bytes(m);
      },
      share);
  return bytes;
}

Result<Repacking> Repacking::of(Weights& weights, const kernels::KernelTable& table, LetGo let_go, const Share& share) {
  Repacking repacking;
  HEARTH_TRY(repacking.storage_, AlignedBuffer<std::byte>::make_unwritten(repacked_bytes(weights, share)));
  weights.visit_matrices(
      [&](Matrix& m) {
        if (worth_packing(m)) repacking.matrices_.push_back(&m);
      },
      share);
  repacking.embedding_ = weights.token_embd.file;
  repacking.table_ = &table;
  repacking.let_go_ = std::move(let_go);
  repacking.packed_ = repacking.storage_.data();
  return repacking;
}

std::uint64_t Repacking::bytes_to_come() const {
  if (done()) return 0;
  const std::byte* const written = packed_ + static_cast<std::size_t>(next_group_) * group_bytes(*matrices_[next_]);
  return static_cast<std::uint64_t>(storage_.data() + storage_.size() - written);
}

void Repacking::advance(Team& team, std::size_t bytes) {
  for (std::size_t packed = 0; !done() && packed < bytes;) {
    Matrix& m = *matrices_[next_];
    const auto wanted = static_cast<std::int64_t>((bytes - packed) / group_bytes(m)) + 1;
    const std::int64_t end = std::min(n_groups(m), next_group_ + wanted);
    pack_groups(team, m, next_group_, end);
    packed += static_cast<std::size_t>(end - next_group_) * group_bytes(m);
    next_group_ = end;
    if (end < n_groups(m)) continue;
    m.packed = packed_;
    if (m.file != embedding_) let_go_({m.file, file_bytes(m)});
    packed_ += packed_bytes(m);
    next_group_ = 0;
    ++next_;
  }
}

void Repacking::pack_groups(Team& team, const Matrix& m, std::int64_t begin, std::int64_t end) {
  const std::size_t row = kernels::row_bytes(kernels::format_info(m.format), m.k), group = group_bytes(m);
  const auto pack = table_->formats[kernels::format_index(m.format)].pack;
  team.run([&](Worker& w) {
    w.loop(end - begin, 4, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t g = begin + from; g < begin + to; ++g)
        pack(packed_ + static_cast<std::size_t>(g) * group,
             m.file + static_cast<std::size_t>(g) * kernels::kGroupRows * row,
             std::min<std::int64_t>(kernels::kGroupRows, m.n_rows - g * kernels::kGroupRows), m.k);
    });
  });
}

}  // namespace hearth::model
