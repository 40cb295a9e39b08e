// Enters: rows of blocks. Leaves: a repacked group of 16 rows, and a row of it back, in plain loops.
#include "packing.h"

#include <algorithm>
#include <cstring>

namespace hearth::kernels {
namespace {

// Calls copy(offset in the group, offset in the row, bytes) for every piece of row `row`.
template <class Copy> void for_each_piece(const FormatInfo& info, std::int64_t row, std::int64_t k, Copy copy) {
  const std::size_t n_blocks = static_cast<std::size_t>(k) / info.block_elements, run = run_blocks(info);
  const std::size_t r = static_cast<std::size_t>(row);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t block = b * info.block_bytes, first = b / run * run, n = std::min(run, n_blocks - first);
    const std::size_t heads = first * kGroupRows * info.block_bytes, bodies = heads + n * kGroupRows * info.head_bytes;
    if (info.head_bytes != 0)
      copy(heads + ((b - first) * kGroupRows + r) * info.head_bytes, block + info.head_offset,
           std::size_t{info.head_bytes});
    for (std::size_t w = 0; w < info.body_dwords; ++w) {
      const auto place = static_cast<std::size_t>(body_place(info.format, static_cast<int>(w)));
      copy(bodies + (((b - first) * info.body_dwords + place) * kGroupRows + r) * 4, block + info.body_offset + w * 4,
           std::size_t{4});
    }
  }
}

}  // namespace

void pack_group(const FormatInfo& info, std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
  const std::size_t bytes = row_bytes(info, k);
  if (n_rows < kGroupRows) std::memset(dst, 0, kGroupRows * bytes);
  if (info.body_dwords == 0) {
    std::memcpy(dst, src, static_cast<std::size_t>(n_rows) * bytes);
    return;
  }
  for (std::int64_t r = 0; r < n_rows; ++r)
    for_each_piece(info, r, k, [&](std::size_t group, std::size_t row, std::size_t size) {
      std::memcpy(dst + group, src + static_cast<std::size_t>(r) * bytes + row, size);
    });
}

void unpack_row(const FormatInfo& info, std::byte* dst, const std::byte* group, std::int64_t row, std::int64_t k) {
  const std::size_t bytes = row_bytes(info, k);
  if (info.body_dwords == 0) {
    std::memcpy(dst, group + static_cast<std::size_t>(row) * bytes, bytes);
    return;
  }
  for_each_piece(info, row, k, [&](std::size_t packed, std::size_t plain, std::size_t size) {
    std::memcpy(dst + plain, group + packed, size);
  });
}

}  // namespace hearth::kernels
