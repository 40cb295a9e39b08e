// Few tokens times a quantized matrix, bound by reading it: a block of threads has one group of 16 rows. Sixteen lanes, one a row,
// take 256 consecutive k each; what they find goes through shared memory to the threads that own the outputs' chains.
#pragma once

#include "products.cuh"
#include "weights.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kVecThreads = 128;
inline constexpr int kVecSpans = kVecThreads / kGroupRows;          // of 256 k, in one round
inline constexpr int kRoundBlocks = kVecSpans * kSpanBlocks;        // of 32 k
inline constexpr int kTermFloats = kRoundBlocks * kGroupRows + 16;  // odd halves of the banks for odd terms

/// T tokens, at most kVecThreads / 16. Terms of a round: [row terms, then sums of each token][sub-block][span][16 rows].
template <Format F, int T> struct MatvecShape {
  static constexpr int kTerms = Facts<F>::kRowTerms + T * Facts<F>::kSums;
  static constexpr int kBuffers = T <= 2 ? 2 : 1;  // two: the next round is multiplied while chains grow
  static constexpr std::size_t kSharedBytes = sizeof(float) * kBuffers * kTerms * kTermFloats;
};

/// One round's terms of this thread's span.
template <Format F, int T>
__device__ __forceinline__ void put_terms(float* terms, const LaneRow& row, int span, int n_blocks,
                                          const QBlock* const (&q)[T]) {
  constexpr int kRowTerms = Facts<F>::kRowTerms, kSums = Facts<F>::kSums;
  each_sub<F>(row, span, n_blocks, [&](const auto& sub, int j) {
    float* at = terms + j * kVecSpans * kGroupRows + threadIdx.x;
    float term[kRowTerms];
    sub.row_terms(term);
    for (int i = 0; i < kRowTerms; ++i) at[i * kTermFloats] = term[i];
#pragma unroll
    for (int t = 0; t < T; ++t) {
      float sum[kSums];
      sums(sub, load_token(q[t] + span * kSpanBlocks + j), sum);
      for (int i = 0; i < kSums; ++i) at[(kRowTerms + t * kSums + i) * kTermFloats] = sum[i];
    }
  });
}

/// The chain of one output through the sub-blocks of a round.
template <Format F>
__device__ __forceinline__ float follow(float acc, const float* terms, int row, int token, const QBlock* q, int n) {
  constexpr int kRowTerms = Facts<F>::kRowTerms, kSums = Facts<F>::kSums;
#pragma unroll 8
  for (int b = 0; b < n; ++b) {
    const float* at = terms + (b % kSpanBlocks * kVecSpans + b / kSpanBlocks) * kGroupRows + row;
    float term[kRowTerms], sum[kSums];
    for (int i = 0; i < kRowTerms; ++i) term[i] = at[i * kTermFloats];
    for (int i = 0; i < kSums; ++i) sum[i] = at[(kRowTerms + token * kSums + i) * kTermFloats];
    const float2 d = __ldg(reinterpret_cast<const float2*>(&q[b].d));
    acc = link<Facts<F>::kKind>(acc, term, sum, d.x, d.y);
  }
  return acc;
}

template <Format F, int T> __global__ void __launch_bounds__(kVecThreads) matvec(const MatmulLaunch a) {
  using Shape = MatvecShape<F, T>;
  const Part part = part_of(a, T);
  if (!part.any) return;
  auto* terms = reinterpret_cast<float*>(dynamic_shared());
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kGroupRows, other = thread / kGroupRows;
  const int n_blocks = static_cast<int>(a.k / kBlock);
  const LaneRow row = lane_row<F>(part.groups + part.block * a.group_bytes, a.k, lane);
  const QBlock* q[T];
  for (int t = 0; t < T; ++t)  // rows that are not there repeat the last one
    q[t] = a.q + (part.first + (t < part.n ? t : part.n - 1) * part.step) * a.q_stride;
  const bool owner = other < part.n;
  const QBlock* own = a.q + (part.first + (owner ? other : 0) * part.step) * a.q_stride;
  float acc = 0.0f;
  for (int begin = 0, round = 0; begin < n_blocks; begin += kRoundBlocks, ++round) {
    float* buffer = terms + round % Shape::kBuffers * Shape::kTerms * kTermFloats;
    put_terms<F, T>(buffer, row, begin / kSpanBlocks + other, n_blocks, q);
    __syncthreads();
    const int n = n_blocks - begin < kRoundBlocks ? n_blocks - begin : kRoundBlocks;
    if (owner) acc = follow<F>(acc, buffer, lane, other, own + begin, n);
    if (Shape::kBuffers == 1) __syncthreads();
  }
  const int r = part.block * kGroupRows + lane;
  if (owner && r < part.product->n_rows) put(part, part.first + other * part.step, r, acc);
}

}  // namespace hearth::kernels::cuda
