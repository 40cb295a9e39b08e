// One thread's row of a repacked group: its blocks as codes, integer sums and scales, and the link that each block adds to an
// output's chain. One body a kind; the formats are kernels/unpack.inl's.
#pragma once

#define HEARTH_ONE_LANE
#define HEARTH_ISA cuda
#include "device.cuh"
#include "unpack.inl"

namespace hearth::kernels::cuda {

/// Threads take 256 consecutive k of a row at a time: one block of the large formats, eight of the small ones.
inline constexpr int kSpanBlocks = 8;  // of 32

template <Format F> struct Facts {
  static constexpr Kind kKind = format_info(F).kind;
  static constexpr int kSubs = format_info(F).block_elements / kBlock;  // sub-blocks of 32 in a block
  static constexpr int kHeadBytes = format_info(F).head_bytes, kBodyBytes = format_info(F).body_dwords * 4;
  static constexpr int kRun = run_blocks(format_info(F));
  static constexpr int kRowTerms = kKind == Kind::scale ? 1 : 2;  // f32 that a sub-block of a row has for the chain
  static constexpr int kSums =
      kKind == Kind::two_scales || kKind == Kind::two_scales_min ? 2 : 1;  // and with each token
};

/// A row of a group of which n_blocks of the format are here; the other rows lie beside it.
struct LaneRow {
  const std::byte* group;
  int row, n_blocks;
};
template <Format F> __device__ __forceinline__ LaneRow lane_row(const std::byte* group, std::int64_t k, int row) {
  return {group, row, static_cast<int>(k / (Facts<F>::kSubs * kBlock))};
}

/// Where block `block` of a row has its head and its dwords.
struct BlockPlace {
  const std::byte *head, *body;
};
template <Format F> __device__ __forceinline__ BlockPlace place_of(const LaneRow& row, int block) {
  constexpr std::int64_t kHead = kGroupRows * Facts<F>::kHeadBytes, kBody = kGroupRows * Facts<F>::kBodyBytes;
  constexpr int kRun = Facts<F>::kRun;
  const int first = block / kRun * kRun, nth = block - first;
  const int n = row.n_blocks - first < kRun ? row.n_blocks - first : kRun;
  const std::byte* run = row.group + first * (kHead + kBody);
  return {run + nth * kHead + row.row * Facts<F>::kHeadBytes, run + n * kHead + nth * kBody + row.row * 4};
}

/// Sub-block J of a block: what unpack.inl says of it, the zero point taken off.
template <Format F, int J> struct Sub {
  static constexpr int kIndex = J;
  using U = Unpack<F>;
  const typename U::Head& head;
  const std::byte* body;

  static constexpr int zero_point() {
    if constexpr (Facts<F>::kKind == Kind::scale || Facts<F>::kKind == Kind::two_scales)
      return U::kZeroShift < 0 ? 0 : 1 << U::kZeroShift;
    else return 0;
  }

  template <int D> __device__ __forceinline__ int code() const { return U::template code<J, D>(head, body); }

  /// Four codes as signed bytes. Codes with a zero point stay below 64: bit 7 keeps each byte's borrow to itself.
  template <int D> __device__ __forceinline__ int signed_code() const {
    if constexpr (zero_point() == 0) return code<D>();
    constexpr unsigned kSigns = 0x80808080u, kZeros = zero_point() * 0x01010101u;
    return static_cast<int>(((static_cast<unsigned>(code<D>()) | kSigns) - kZeros) ^ kSigns);
  }

  __device__ __forceinline__ void row_terms(float (&term)[Facts<F>::kRowTerms]) const {
    term[0] = U::template scale<J>(head);
    if constexpr (Facts<F>::kRowTerms == 2) term[1] = U::template second<J>(head);
  }
};

/// visit(sub, index) for sub-blocks First … First + Count - 1 of a row's span `span`, as far as the row's n_blocks of 32 go. The row
/// may be in device memory or staged in shared memory.
template <Format F, int First = 0, int Count = kSpanBlocks, class Visit>
__device__ __forceinline__ void each_sub(const LaneRow& row, int span, int n_blocks, Visit&& visit) {
  constexpr int kSubs = Facts<F>::kSubs, kVisits = Count < kSubs ? Count : kSubs;
  unroll<(Count + kSubs - 1) / kSubs>([&](auto n) {
    constexpr int b = First / kSubs + decltype(n)::value;
    if (span * kSpanBlocks + b * kSubs >= n_blocks) return;
    const BlockPlace place = place_of<F>(row, span * (kSpanBlocks / kSubs) + b);
    const auto head = Unpack<F>::head(place.head, place.body);
    unroll<kVisits>([&](auto j) {
      constexpr int J = First % kSubs + decltype(j)::value;
      visit(Sub<F, J>{head, place.body}, b * kSubs + J);
    });
  });
}

/// A block of activations in registers.
struct TokenBlock {
  int q[8];
  float d, d_sum;
  int minus_sum, minus_sum0;
  __device__ __forceinline__ int sum0() const { return -minus_sum0; }
  __device__ __forceinline__ int sum1() const { return minus_sum0 - minus_sum; }
};
__device__ __forceinline__ TokenBlock load_token(const QBlock* block) {
  const auto* words = reinterpret_cast<const int4*>(block);
  const int4 a = __ldg(words), b = __ldg(words + 1), c = __ldg(words + 2);
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}, __int_as_float(c.x), __int_as_float(c.y), c.z, c.w};
}
static_assert(offsetof(QBlock, d) == 32 && offsetof(QBlock, d_sum) == 36 && offsetof(QBlock, minus_sum) == 40 &&
              offsetof(QBlock, minus_sum0) == 44);

/// What a sub-block of a row and one of a token have for the chain: integer sums, exact as f32 (below 2^22 all).
template <Format F, int J>
__device__ __forceinline__ void sums(const Sub<F, J>& sub, const TokenBlock& x, float (&sum)[Facts<F>::kSums]) {
  constexpr Kind kind = Facts<F>::kKind;
  constexpr int zero = Sub<F, J>::zero_point();
  if constexpr (Facts<F>::kSums == 1) {
    int i = kMagicBits + x.minus_sum * zero;
    unroll<8>([&](auto d) { i = __dp4a(sub.template code<decltype(d)::value>(), x.q[d], i); });
    sum[0] = from_magic(i);
  } else {
    int i0 = kind == Kind::two_scales ? kMagicBits - x.sum0() * zero : 0;
    int i1 = kind == Kind::two_scales ? kMagicBits - x.sum1() * zero : 0;
    unroll<4>([&](auto d) { i0 = __dp4a(sub.template code<decltype(d)::value>(), x.q[d], i0); });
    unroll<4>([&](auto d) { i1 = __dp4a(sub.template code<decltype(d)::value + 4>(), x.q[d + 4], i1); });
    if constexpr (kind == Kind::two_scales) {
      sum[0] = from_magic(i0);
      sum[1] = from_magic(i1);
    } else {
      const int sc = Sub<F, J>::U::template scales<J>(sub.head), mn = Sub<F, J>::U::template minima<J>(sub.head);
      sum[0] = small_to_float((sc & 0xffff) * i0 + (sc >> 16) * i1);
      sum[1] = small_to_float((mn & 0xffff) * x.sum0() + (mn >> 16) * x.sum1());
    }
  }
}

/// One link of an output's chain (ARITHMETIC.md, "Quantized matmul").
template <Kind K>
__device__ __forceinline__ float link(float acc, const float* row, const float* sum, float d, float d_sum) {
  if constexpr (K == Kind::scale) {
    return fmaf(row[0] * d, sum[0], acc);
  } else if constexpr (K == Kind::scale_min) {
    acc = fmaf(row[0] * d, sum[0], acc);
    return fmaf(-row[1], d_sum, acc);
  } else if constexpr (K == Kind::two_scales) {
    return fmaf(fmaf(row[1], sum[1], row[0] * sum[0]), d, acc);
  } else {
    acc = fmaf(row[0] * d, sum[0], acc);
    return fmaf(-(row[1] * d), sum[1], acc);
  }
}

}  // namespace hearth::kernels::cuda
