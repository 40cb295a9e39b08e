// Enters: weights as the file has them. Leaves: the same weights in a device's memory, matrices in groups of 16 rows.
#include "device_weights.h"

#include <algorithm>
#include <map>
#include <vector>

#include "packing.h"
#include "try.h"

namespace hearth::model {
namespace {

constexpr std::size_t kPiece = 16 << 20;  // that is packed and brought at a time

const kernels::FormatInfo& info(const Matrix& m) { return kernels::format_info(m.format); }

/// Where everything goes: what the file has once is there once, a tied head too.
struct Places {
  std::map<const void*, std::uint64_t> of;
  std::vector<const Matrix*> matrices;
  std::vector<std::span<const float>> vectors;
  std::uint64_t bytes = 0;

  Places(const Weights& weights, const Share& share) {
    const auto add_matrix = [this](const Matrix& m) {
      if (m.n_rows != 0 && add(m.file, static_cast<std::uint64_t>(n_groups(m)) * group_bytes(m)))
        matrices.push_back(&m);
    };
    weights.visit_tables(add_matrix, share);
    weights.visit_matrices(add_matrix, share);
    weights.visit_vectors(
        [&](const float* v) {
          if (!v) return;
          const std::span<const float> whole = weights.vector_around(v);
          if (add(whole.data(), whole.size_bytes())) vectors.push_back(whole);
        },
        share);
  }

 private:
  bool add(const void* from, std::uint64_t size) {
    const bool is_new = !from || of.try_emplace(from, bytes).second;  // a copy that is yet to be made is nobody else's
    if (is_new) bytes += whole_lines(size);
    return is_new;
  }
};

/// Packs a matrix piece by piece and brings each where it belongs.
class Mover {
 public:
  static Result<Mover> make(const Heap& heap, const kernels::KernelTable& table, Team& team, std::size_t bytes) {
    HEARTH_TRY(auto piece, AlignedBuffer<std::byte>::make_unwritten(bytes, heap.host()));
    return Mover(heap, table, team, std::move(piece));
  }

  void bring(const Matrix& m, std::byte* to) {
    const std::size_t group = group_bytes(m);
    const auto most = static_cast<std::int64_t>(piece_.size() / group);
    for (std::int64_t begin = 0; begin < n_groups(m); begin += most) {
      const std::int64_t n = std::min(most, n_groups(m) - begin);
      pack(m, begin, n);
      heap_.bring(to + static_cast<std::size_t>(begin) * group, piece_.data(), static_cast<std::size_t>(n) * group);
    }
  }

 private:
  Mover(const Heap& heap, const kernels::KernelTable& table, Team& team, AlignedBuffer<std::byte> piece)
      : heap_(heap), table_(table), team_(team), piece_(std::move(piece)) {}

  void pack(const Matrix& m, std::int64_t begin, std::int64_t n) {
    const std::size_t row = kernels::row_bytes(info(m), m.k), group = group_bytes(m);
    const bool blocks = info(m).kind != kernels::Kind::float_row;
    team_.run([&](Worker& w) {
      w.loop(n, 4, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t g = from; g < to; ++g) {
          const std::int64_t first = (begin + g) * kernels::kGroupRows,
                             rows = std::min<std::int64_t>(kernels::kGroupRows, m.n_rows - first);
          std::byte* const packed = piece_.data() + static_cast<std::size_t>(g) * group;
          const std::byte* const file = m.file + static_cast<std::size_t>(first) * row;
          if (blocks) table_.formats[kernels::format_index(m.format)].pack(packed, file, rows, m.k);
          else kernels::pack_group(info(m), packed, file, rows, m.k);
        }
      });
    });
  }

  const Heap& heap_;
  const kernels::KernelTable& table_;
  Team& team_;
  AlignedBuffer<std::byte> piece_;
};

std::size_t largest_group(const Places& places) {
  std::size_t bytes = 0;
  for (const Matrix* m : places.matrices) bytes = std::max(bytes, group_bytes(*m));
  return bytes;
}

}  // namespace

std::uint64_t device_weights_bytes(const Weights& weights, const Share& share) {
  return share.placement.heaps[share.device]->taken(Places(weights, share).bytes);
}

std::uint64_t file_bytes(const Weights& weights, const Share& share) {
  const Places places(weights, share);
  std::uint64_t bytes = 0;
  for (const Matrix* m : places.matrices)
    if (m->file) bytes += file_bytes(*m);
  for (const std::span<const float> v : places.vectors) bytes += v.size_bytes();
  return bytes;
}

Result<AlignedBuffer<std::byte>> bring_weights(Weights& weights, const Share& share, const kernels::KernelTable& table,
                                               Team& team, const std::function<Result<void>(double)>& goes_on) {
  const Heap& heap = *share.placement.heaps[share.device];
  const Places places(weights, share);
  HEARTH_TRY(auto storage, AlignedBuffer<std::byte>::make_unwritten(places.bytes, heap));
  HEARTH_TRY(auto mover, Mover::make(heap, table, team, std::max(kPiece, largest_group(places))));
  std::size_t n_done = 0;
  for (const Matrix* m : places.matrices) {
    mover.bring(*m, storage.data() + places.of.at(m->file));
    HEARTH_CHECK(goes_on(static_cast<double>(++n_done) / static_cast<double>(places.matrices.size())));
  }
  for (const std::span<const float> v : places.vectors)
    heap.bring(storage.data() + places.of.at(v.data()), std::as_bytes(v).data(), v.size_bytes());
  const auto there = [&](Matrix& m) {
    if (m.file) m.packed = storage.data() + places.of.at(m.file);
  };
  weights.visit_tables(there, share);
  weights.visit_matrices(there, share);
  weights.visit_vectors(
      [&](const float*& v) {
        if (!v) return;
        const std::span<const float> whole = weights.vector_around(v);
        v = reinterpret_cast<const float*>(storage.data() + places.of.at(whole.data())) + (v - whole.data());
      },
      share);
  HEARTH_CHECK(heap.check());
  return storage;
}

}  // namespace hearth::model
