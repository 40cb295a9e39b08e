// What warps do with a row in shared memory: its norm, its rotation, its blocks of int8.
#pragma once

#include "device.cuh"

namespace hearth::kernels::cuda {

__device__ __forceinline__ int lane_of_warp() { return static_cast<int>(threadIdx.x) % kWarp; }

/// The 16-lane reduction of term(i, sum) over i < n by one warp, whose halves do the same. A lane's sums wait for each other; what they
/// add is read `Ahead` elements at a time, so that long rows wait for memory less often.
template <int Ahead, class Term> __device__ __forceinline__ float sixteen_lanes(int n, Term&& term) {
  float lane = 0.0f;
#pragma unroll Ahead
  for (int i = lane_of_warp() % 16; i < n; i += 16) lane = term(i, lane);
  return fold(lane);
}

/// What every element of a normed row needs.
struct Scaling {
  float mean, r;
};
template <int Ahead = 8> __device__ __forceinline__ Scaling scaling_of(const float* x, int n, const NormRule& rule) {
  const auto width = static_cast<float>(n);
  if (rule.kind == NormKind::rms) {
    const float ss = sixteen_lanes<Ahead>(n, [&](int i, float sum) { return fmaf(x[i], x[i], sum); });
    return {0.0f, 1.0f / sqrtf(ss / width + rule.eps)};
  }
  const float mean = sixteen_lanes<Ahead>(n, [&](int i, float sum) { return sum + x[i]; }) / width;
  const float squares = sixteen_lanes<Ahead>(n, [&](int i, float sum) { return sum + (x[i] - mean) * (x[i] - mean); });
  return {mean, 1.0f / sqrtf(squares / width + rule.eps)};
}
__device__ __forceinline__ float normed(float x, int i, const Scaling& s, const Norm& norm, NormKind kind) {
  if (kind == NormKind::rms) return (x * s.r) * norm.weight[i];
  return norm.bias ? fmaf((x - s.mean) * s.r, norm.weight[i], norm.bias[i]) : (x - s.mean) * s.r * norm.weight[i];
}

/// x [n_rot, or more] turned in place by one warp.
__device__ __forceinline__ void rotate(float* x, const float* cos, const float* sin, int n_pairs, RopeLayout layout) {
  for (int i = lane_of_warp(); i < n_pairs; i += kWarp) {
    const int at0 = layout == RopeLayout::adjacent ? 2 * i : i,
              at1 = layout == RopeLayout::adjacent ? 2 * i + 1 : i + n_pairs;
    const float x0 = x[at0], x1 = x[at1];
    x[at0] = fmaf(x0, cos[i], -(x1 * sin[i]));
    x[at1] = fmaf(x0, sin[i], x1 * cos[i]);
  }
}

/// A warp's 32 elements as int8, lane = element; all lanes know the scale and the sums.
struct Quantized {
  int q;
  float d;
  int sum0, sum1;
  bool finite;
};
__device__ __forceinline__ Quantized quantize_block(float x) {
  const bool finite = __all_sync(kAllLanes, fabsf(x) < INFINITY) != 0;
  float am = fabsf(x);
  for (int half = 16; half >= 1; half /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, am, half);
    am = other > am ? other : am;
  }
  if (!finite || am < 0x1p-100f) return {0, 0.0f, 0, 0, finite};  // of the whole warp
  const int q = static_cast<int>(nearbyintf(x * (127.0f / am)));
  int sum = q;
  for (int half = 8; half >= 1; half /= 2) sum += __shfl_xor_sync(kAllLanes, sum, half);
  return {q, am / 127.0f, __shfl_sync(kAllLanes, sum, 0), __shfl_sync(kAllLanes, sum, 16), true};
}

__device__ __forceinline__ void write_block(QBlock* to, const Quantized& b) {
  const int lane = lane_of_warp(), sum = b.sum0 + b.sum1;
  to->q[lane] = static_cast<std::int8_t>(b.q);
  const int words[] = {__float_as_int(b.d), __float_as_int(b.d * static_cast<float>(sum)), -sum, -b.sum0,
                       half_sums(b.sum0, b.sum1)};
  int word = 0;
  for (int i = 0; i < 5; ++i) word = lane == i ? words[i] : word;
  if (lane < 8) reinterpret_cast<int*>(reinterpret_cast<std::byte*>(to) + kBlock)[lane] = word;
}

/// A warp quantizes the 32 elements from `first` of a row of n; false: some are not finite.
__device__ __forceinline__ bool quantize_at(QBlock* row, const float* x, int first, int n) {
  const int i = first + lane_of_warp();
  const Quantized block = quantize_block(i < n ? x[i] : 0.0f);
  write_block(row + first / kBlock, block);
  return block.finite;
}

}  // namespace hearth::kernels::cuda
