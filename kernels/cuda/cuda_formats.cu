// The kernels of the formats of group HEARTH_CUDA_GROUP; compiled once a group.
#include <utility>

#include "cuda_formats.h"
#include "embed.cuh"
#include "float_rows.cuh"
#include "matmul.cuh"
#include "matvec.cuh"

namespace hearth::kernels::cuda {
namespace {

template <Format F, int T> MatmulKernel vec_kernel() {
  return {matvec<F, T>, kGroupRows, T, kVecThreads, MatvecShape<F, T>::kSharedBytes};
}

template <Format F, class Size> MatmulKernel tile_kernel() {
  return {matmul_tiles<F, Size>, Size::kRows, Size::kTokens, Size::kThreads, TileShape<F, Size>::kSharedBytes};
}

template <Format F, int T> MatmulKernel float_kernel() { return {float_matmul<F, T>, kFloatRows, T, kFloatThreads, 0}; }

template <std::size_t N> void take(Format format, FormatLaunches& kernels) {
  constexpr Format F = kFormats[N].format;
  if constexpr (N % kFormatGroups == HEARTH_CUDA_GROUP) {
    if (format != F) return;
    if constexpr (format_info(F).kind == Kind::float_row) {
      const MatmulKernel more = float_kernel<F, 4>();
      kernels = {float_kernel<F, 1>(), float_kernel<F, 2>(), more, more, more, embed_rows<F>};
    } else {
      kernels = {vec_kernel<F, 1>(),          vec_kernel<F, 2>(),          vec_kernel<F, 8>(),
                 tile_kernel<F, SmallTile>(), tile_kernel<F, LargeTile>(), embed_rows<F>};
    }
  }
}

template <std::size_t... N> FormatLaunches any(Format format, std::index_sequence<N...>) {
  FormatLaunches kernels{};
  (take<N>(format, kernels), ...);
  return kernels;
}

}  // namespace

template <> FormatLaunches launches_of_group<HEARTH_CUDA_GROUP>(Format format) {
  return any(format, std::make_index_sequence<kFormatCount>{});
}

}  // namespace hearth::kernels::cuda
