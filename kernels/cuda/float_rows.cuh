// Products with f32, f16 or bf16 weights: the 16-lane reduction over k, a half warp a row.
#pragma once

#include "products.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kFloatThreads = 128;
inline constexpr int kFloatRows = kFloatThreads / 16;  // of a block of threads

template <Format F> __device__ __forceinline__ float float_weight(const std::byte* row, std::int64_t i) {
  if constexpr (F == Format::f32) return __ldg(reinterpret_cast<const float*>(row) + i);
  else if constexpr (F == Format::f16) return half_to_float(__ldg(reinterpret_cast<const unsigned short*>(row) + i));
  else return bf16_to_f32(__ldg(reinterpret_cast<const unsigned short*>(row) + i));
}

/// T tokens.
template <Format F, int T> __global__ void __launch_bounds__(kFloatThreads) float_matmul(const MatmulLaunch a) {
  constexpr int kBytes = format_info(F).block_bytes;
  const Part part = part_of(a, T);
  if (!part.any) return;
  const int lane = static_cast<int>(threadIdx.x) % 16;
  const int r = part.block * kFloatRows + static_cast<int>(threadIdx.x) / 16;
  const int n_rows = part.product->n_rows;
  const std::byte* row = part.groups + (r < n_rows ? r : n_rows - 1) * a.k * kBytes;
  const float* x[T];
  for (int t = 0; t < T; ++t) x[t] = a.x + (part.first + (t < part.n ? t : part.n - 1) * part.step) * a.x_stride;
  float sum[T] = {};
#pragma unroll 4
  for (std::int64_t i = lane; i < a.k; i += 16) {
    const float w = float_weight<F>(row, i);
#pragma unroll
    for (int t = 0; t < T; ++t) sum[t] = fmaf(w, x[t][i], sum[t]);
  }
#pragma unroll
  for (int t = 0; t < T; ++t) {
    const float y = fold(sum[t]);
    if (lane == 0 && t < part.n && r < n_rows) put(part, part.first + t * part.step, r, y);
  }
}

}  // namespace hearth::kernels::cuda
