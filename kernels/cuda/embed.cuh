// Rows of a table as f32: a thread takes 256 elements of a quantized row, or strides over a float one.
#pragma once

#include "float_rows.cuh"
#include "weights.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kEmbedThreads = 64;

struct EmbedLaunch {
  const std::byte* groups;
  const std::int32_t* ids;
  float* x;
  std::int64_t k, group_bytes, x_stride;
  float scale;
  bool more;
};

__device__ __forceinline__ void put_element(const EmbedLaunch& a, float* x, float value) {
  if (a.scale != 1.0f) value = value * a.scale;
  *x = a.more ? *x + value : value;
}

/// Weight `w` (its zero point taken off) in half `half` of a sub-block.
template <Format F, int J> __device__ __forceinline__ float dequantized(const Sub<F, J>& sub, int half, float w) {
  constexpr Kind kind = Facts<F>::kKind;
  float term[Facts<F>::kRowTerms];
  sub.row_terms(term);
  if constexpr (kind == Kind::scale) {
    return term[0] * w;
  } else if constexpr (kind == Kind::scale_min) {
    return term[0] * w - term[1];
  } else if constexpr (kind == Kind::two_scales) {
    return (half == 0 ? term[0] : term[1]) * w;
  } else {
    const int sc = Sub<F, J>::U::template scales<J>(sub.head), mn = Sub<F, J>::U::template minima<J>(sub.head);
    const int shift = 16 * half;
    return term[0] * small_to_float(sc >> shift & 0xffff) * w - term[1] * small_to_float(mn >> shift & 0xffff);
  }
}

/// blockIdx.y is the token.
template <Format F> __global__ void __launch_bounds__(kEmbedThreads) embed_rows(const EmbedLaunch a) {
  const std::int64_t id = a.ids[blockIdx.y];
  float* x = a.x + blockIdx.y * a.x_stride;
  const int thread = static_cast<int>(blockIdx.x) * kEmbedThreads + static_cast<int>(threadIdx.x);
  if constexpr (format_info(F).kind == Kind::float_row) {
    const std::byte* row = a.groups + id * a.k * format_info(F).block_bytes;
    for (std::int64_t i = thread; i < a.k; i += gridDim.x * kEmbedThreads)
      put_element(a, x + i, float_weight<F>(row, i));
  } else {
    const auto n_blocks = static_cast<int>(a.k / kBlock);
    if (thread * kSpanBlocks >= n_blocks) return;
    const LaneRow row = lane_row<F>(a.groups + id / kGroupRows * a.group_bytes, a.k, static_cast<int>(id % kGroupRows));
    each_sub<F>(row, thread, n_blocks, [&](const auto& sub, int j) {
      unroll<8>([&](auto d) {
        const int codes = sub.template signed_code<decltype(d)::value>();
        for (int i = 0; i < 4; ++i) {
          const auto code = static_cast<std::int8_t>(codes >> 8 * i);
          put_element(a, x + (thread * kSpanBlocks + j) * kBlock + 4 * d + i,
                      dequantized(sub, d / 4, small_to_float(code)));
        }
      });
    });
  }
}

}  // namespace hearth::kernels::cuda
