// Enters: rows of blocks. Leaves: a repacked group of 16 rows, and a row of it back; the definition of the repacked layout.
#pragma once

#include "blocks.h"

namespace hearth::kernels {

/// Bytes of a group; a group of fewer than 16 rows is padded with zero rows.
constexpr std::size_t group_bytes(const FormatInfo& info, std::int64_t k) { return kGroupRows * row_bytes(info, k); }

/// dst [group_bytes] from src [n_rows, row_bytes], n_rows <= 16. A format without a body is copied as it is.
void pack_group(const FormatInfo& info, std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k);

/// dst [row_bytes] = row `row` of a group.
void unpack_row(const FormatInfo& info, std::byte* dst, const std::byte* group, std::int64_t row, std::int64_t k);

}  // namespace hearth::kernels
