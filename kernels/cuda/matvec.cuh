// Few tokens times a quantized matrix, bound by reading it: a block of threads has one group of 16 rows. Sixteen lanes, one a row,
// stage 256 consecutive k of the group two rounds ahead and multiply them; what they find goes through shared memory to the threads
// that own the outputs' chains.
#pragma once

#include "products.cuh"
#include "weights.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kVecThreads = 128;
inline constexpr int kVecSpans = kVecThreads / kGroupRows;          // of 256 k, in one round
inline constexpr int kRoundBlocks = kVecSpans * kSpanBlocks;        // of 32 k
inline constexpr int kTermFloats = kRoundBlocks * kGroupRows + 16;  // odd halves of the banks for odd terms

/// T tokens, at most kVecThreads / 16. Shared memory: [stages][span][blocks] of weights, then the terms of a round:
/// [buffers][row terms, then sums of each token][sub-block][span][16 rows].
template <Format F, int T> struct MatvecShape {
  static constexpr int kTerms = Facts<F>::kRowTerms + T * Facts<F>::kSums;
  static constexpr int kBuffers = T <= 2 ? 2 : 1;  // two: the next round is multiplied while chains grow
  static constexpr int kStages = 2;
  static constexpr int kBlocks = kSpanBlocks / Facts<F>::kSubs;  // of the format, in a span
  static constexpr int kBlockBytes = kGroupRows * format_info(F).block_bytes;
  static constexpr int kSpanBytes = kBlocks * kBlockBytes;
  static constexpr int kSpanStride =
      (kSpanBytes + 63) / 64 * 64 + ((kSpanBytes + 63) / 64 % 2 == 0 ? 64 : 0);  // other banks
  static constexpr int kStageBytes = kVecSpans * kSpanStride;
  static constexpr std::size_t kSharedBytes =
      std::size_t{kStages} * kStageBytes + sizeof(float) * kBuffers * kTerms * kTermFloats;
};

/// Sixteen lanes copy a span of their group, as far as the matrix goes.
template <Format F, int T>
__device__ __forceinline__ void stage_span(std::byte* to, const std::byte* group, std::int64_t k, int span, int lane) {
  using Shape = MatvecShape<F, T>;
  const auto copy = [&](std::byte* into, const std::byte* from, int bytes) {
#pragma unroll 4
    for (int i = lane * 16; i < bytes; i += kGroupRows * 16) copy_16(into + i, from + i);
  };
  const LaneRow row = lane_row<F>(group, k, 0);
  const int first = span * Shape::kBlocks, left = row.n_blocks - first;  // maybe none
  if constexpr (Shape::kBlocks % Facts<F>::kRun == 0) {
    copy(to, group + std::int64_t{first} * Shape::kBlockBytes,
         (left < Shape::kBlocks ? left : Shape::kBlocks) * Shape::kBlockBytes);
  } else if (left > 0) {
    static_assert(Shape::kBlocks == 1);
    constexpr int kHeads = kGroupRows * Facts<F>::kHeadBytes;
    const BlockPlace place = place_of<F>(row, first);
    copy(to, place.head, kHeads);
    copy(to + kHeads, place.body, Shape::kBlockBytes - kHeads);
  }
}

/// One round's terms of this thread's span, of which n_blocks of 32 are left, for T tokens.
template <Format F, int T>
__device__ __forceinline__ void put_terms(float* terms, const LaneRow& row, int n_blocks, const QBlock* const* q) {
  constexpr int kRowTerms = Facts<F>::kRowTerms, kSums = Facts<F>::kSums;
  each_sub<F>(row, 0, n_blocks, [&](const auto& sub, int j) {
    float* at = terms + j * kVecSpans * kGroupRows + threadIdx.x;
    float term[kRowTerms];
    sub.row_terms(term);
    for (int i = 0; i < kRowTerms; ++i) at[i * kTermFloats] = term[i];
#pragma unroll
    for (int t = 0; t < T; ++t) {
      float sum[kSums];
      sums(sub, load_token(q[t] + j), sum);
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
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kGroupRows, other = thread / kGroupRows;
  const int n_blocks = static_cast<int>(a.k / kBlock);
  const std::byte* group = part.groups + part.block * a.group_bytes;
  std::byte* stages = dynamic_shared() + other * Shape::kSpanStride;
  auto* terms = reinterpret_cast<float*>(dynamic_shared() + Shape::kStages * Shape::kStageBytes);
  const QBlock* q[T];
  for (int t = 0; t < T; ++t)  // rows that are not there repeat the last one
    q[t] = a.q + (part.first + (t < part.n ? t : part.n - 1) * part.step) * a.q_stride + other * kSpanBlocks;
  const bool owner = other < part.n;
  const QBlock* own = a.q + (part.first + (owner ? other : 0) * part.step) * a.q_stride;
  const auto stage = [&](int round) {
    stage_span<F, T>(stages + round % Shape::kStages * Shape::kStageBytes, group, a.k, round * kVecSpans + other, lane);
    end_of_copies();
  };
  for (int round = 0; round < Shape::kStages; ++round) stage(round);
  float acc = 0.0f;
  for (int begin = 0, round = 0; begin < n_blocks; begin += kRoundBlocks, ++round) {
    float* buffer = terms + round % Shape::kBuffers * Shape::kTerms * kTermFloats;
    wait_for_copies<Shape::kStages - 1>();
    __syncwarp();
    const std::byte* staged = stages + round % Shape::kStages * Shape::kStageBytes;
    const int left = n_blocks - begin - other * kSpanBlocks;
    const LaneRow row{staged, lane, left < kSpanBlocks ? left / Facts<F>::kSubs : Shape::kBlocks};
    if (T > 2 && part.n == 1) put_terms<F, 1>(buffer, row, left, q);  // most experts have one token of a few rows
    else put_terms<F, T>(buffer, row, left, q);
    for (int t = 0; t < T; ++t) q[t] += kRoundBlocks;
    __syncthreads();
    stage(round + Shape::kStages);
    const int n = n_blocks - begin < kRoundBlocks ? n_blocks - begin : kRoundBlocks;
    if (owner) acc = follow<F>(acc, buffer, lane, other, own + begin, n);
    if (Shape::kBuffers == 1) __syncthreads();
  }
  const int r = part.block * kGroupRows + lane;
  if (owner && r < part.product->n_rows) put(part, part.first + other * part.step, r, acc);
}

}  // namespace hearth::kernels::cuda
