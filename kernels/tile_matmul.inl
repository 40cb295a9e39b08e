// A prompt through a tile unit: its integer sums are exact, so the chains that finish them in f32 give the same bits. Sixteen
// tokens by sixteen rows at a time; a piece of the panel and the activations under it stay in the first cache.
#pragma once

#include "kernel_table.h"
#include "unpack.inl"

namespace hearth::kernels::HEARTH_ISA {

/// The chains of one kind. A panel holds one row group: for each block of 32, [8 dwords][16 rows] of signed codes (those of
/// two_scales_min already times their scale, at most 45), then [kScaleRows][16 rows].
template <class Mul, class Tiles> struct TileChains {
  static constexpr int kHalves = Mul::kKind == Kind::two_scales ? 2 : 1;  // sums a block
  static constexpr int kBytes = kBlock / kHalves;
  static constexpr int kTokens = Tiles::kTokens, kSumSize = kTokens * kGroupRows;
  static constexpr std::size_t kBlockBytes = Mul::template block_bytes<1>();
  using Panel = typename Mul::template Panel<1>;

  /// Sixteen rows of quantized activations: four bases and three steps keep the addresses in registers.
  struct Tokens {
    const std::byte* base[4];
    std::size_t stride;
    Tokens(const QBlock* q, std::size_t stride_) : stride(stride_) {
      for (std::size_t n = 0; n < 4; ++n) base[n] = reinterpret_cast<const std::byte*>(q) + 4 * n * stride;
    }
    HEARTH_INLINE const QBlock& at(int t) const {
      return *reinterpret_cast<const QBlock*>(base[t / 4] + static_cast<std::size_t>(t % 4) * stride);
    }
    HEARTH_INLINE void next() {
      HEARTH_UNROLL
      for (int n = 0; n < 4; ++n) {
        base[n] += sizeof(QBlock);
        asm("" : "+r"(base[n]));  // gcc 12 would keep the four in one vector register
      }
    }
  };

  static HEARTH_INLINE F link(const F& chain, const std::int32_t* sums, const QBlock& q, const Panel& panel) {
    const F d = Isa::set1(q.d), sum = Isa::to_float(Isa::load_i(sums));
    if constexpr (Mul::kKind == Kind::two_scales) {
      const F v = Isa::mul(panel.scale(0), sum);
      return Isa::fma(Isa::fma(panel.second(0), Isa::to_float(Isa::load_i(sums + kSumSize)), v), d, chain);
    } else {
      const F next = Isa::fma(Isa::mul(panel.scale(0), d), sum, chain);
      if constexpr (Mul::kKind == Kind::scale) return next;
      else if constexpr (Mul::kKind == Kind::scale_min) return Isa::fnma(panel.second(0), Isa::set1(q.d_sum), next);
      else
        return Isa::fnma(Isa::mul(panel.second(0), d),
                         Isa::to_float(Isa::madd16(Isa::set1_i(q.half_sums), panel.minima(0))), next);
    }
  }

  /// The sums of N blocks are begun together, then stored, then each continues the chains.
  template <int N>
  static HEARTH_INLINE void blocks(F (&chain)[kTokens], const QBlock* q, Tokens& tokens, const std::byte* panel) {
    alignas(64) std::int32_t sums[N * kHalves][kSumSize];
    unroll<N * kHalves>([&](auto n) HEARTH_LAMBDA {
      constexpr int block = n / kHalves, half = n % kHalves;
      Tiles::template dot<n>(q[block].q + half * kBytes, tokens.stride,
                             panel + block * kBlockBytes + half * kBytes * kGroupRows);
    });
    unroll<N * kHalves>([&](auto n) HEARTH_LAMBDA { Tiles::template store<n>(sums[n]); });
    HEARTH_UNROLL
    for (int n = 0; n < N; ++n) {
      HEARTH_UNROLL
      for (int t = 0; t < kTokens; ++t)
        chain[t] = link(chain[t], sums[n * kHalves] + 16 * t, tokens.at(t), Panel{panel + n * kBlockBytes});
      tokens.next();
    }
  }

  /// chains [16 tokens][16 rows] += n_blocks of the panel times 16 activation rows, `stride` bytes apart.
  static __attribute__((noinline)) void run(float* chains, const QBlock* q, std::size_t stride, const std::byte* panel,
                                            std::int64_t n_blocks) {
    constexpr int kTogether = Tiles::kSums / kHalves;
    F chain[kTokens];
    HEARTH_UNROLL
    for (int t = 0; t < kTokens; ++t) chain[t] = Isa::load(chains + 16 * t);
    Tokens tokens(q, stride);
    std::int64_t b = 0;
    for (; b + kTogether <= n_blocks; b += kTogether)
      blocks<kTogether>(chain, q + b, tokens, panel + static_cast<std::size_t>(b) * kBlockBytes);
    for (; b < n_blocks; ++b) blocks<1>(chain, q + b, tokens, panel + static_cast<std::size_t>(b) * kBlockBytes);
    HEARTH_UNROLL
    for (int t = 0; t < kTokens; ++t) Isa::store(chains + 16 * t, chain[t]);
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
