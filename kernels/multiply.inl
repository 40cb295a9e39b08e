// One block of 32 weights of 16 rows times activations, as each kind defines it: integer dot products, then one link of every
// output's chain. It asks a source for codes and scales, whether they come from a repacked block or from a panel.
#pragma once

#include "kernel_table.h"
#include "unpack.inl"

namespace hearth::kernels::HEARTH_ISA {

/// What is asked of memory, into the second cache, while a panel is multiplied: so many bytes a block.
struct Ahead {
  const std::byte* at;
  std::int64_t bytes_a_block;

  HEARTH_INLINE void ask() {
    for (const std::byte* const end = at + bytes_a_block; at < end; at += 64) __builtin_prefetch(at, 0, 2);
  }
};

/// What multiplying needs to know of a format: how its rows are multiplied, its largest code, its zero point 2^ZeroShift.
template <Kind K, int MaxCode, int ZeroShift> struct Multiply {
  static constexpr Kind kKind = K;
  static constexpr bool kOneSum = K == Kind::scale || K == Kind::scale_min;
  /// Codes of two_scales_min in a panel are already times their scale, at most 45: a block has one sum there. (Without VNNI that
  /// would cost more: 16 bits hold the sum of fewer products.)
  static constexpr bool kScaledPanel = K == Kind::two_scales_min && Isa::kVnni;
  static constexpr int kScaleRows = K == Kind::scale            ? 1
                                    : K != Kind::two_scales_min ? 2
                                    : kScaledPanel              ? 3
                                                                : 5;  // vectors of 16, after the codes

  /// A panel of G row groups: for each block of 32, [8 dwords][G][16 rows] of codes, then [kScaleRows][G][16 rows].
  template <int G> static constexpr std::size_t block_bytes() {
    return static_cast<std::size_t>((8 + kScaleRows) * G * kVector);
  }

  template <int G> struct Panel {
    static constexpr bool kOneSum = Multiply::kOneSum || kScaledPanel;
    const std::byte* at;
    template <int D> HEARTH_INLINE I code(int g) const { return Isa::load_i(at + (D * G + g) * kVector); }
    HEARTH_INLINE F scale(int g) const { return Isa::load(reinterpret_cast<const float*>(at + (8 * G + g) * kVector)); }
    HEARTH_INLINE F second(int g) const {
      return Isa::load(reinterpret_cast<const float*>(at + (9 * G + g) * kVector));
    }
    HEARTH_INLINE I minima(int g) const { return Isa::load_i(at + (10 * G + g) * kVector); }
    template <int Half> HEARTH_INLINE I twice_scale(int g) const {
      return Isa::load_i(at + ((11 + Half) * G + g) * kVector);
    }
  };

  /// Where the integer dot product over dwords First … First+Count-1 starts: -(zero point) * sum of those activations.
  template <int First, int Count> static HEARTH_INLINE I start(const QBlock& q) {
    if constexpr (ZeroShift < 0) {
      return Isa::zero_i();
    } else if constexpr (Isa::kVnni) {
      const std::int32_t minus_sum = Count == 8 ? q.minus_sum : First == 0 ? q.minus_sum0 : q.minus_sum - q.minus_sum0;
      return Isa::shl<ZeroShift>(Isa::set1_i(minus_sum));
    } else {  // what it multiplies the halves' sums by, as 16-bit pairs: one product in the place of a sum and a shift
      constexpr std::uint32_t minus = 0x10000u - (1u << ZeroShift), low = First == 0 ? minus : 0,
                              high = First + Count == 8 ? minus : 0;
      return Isa::madd16(Isa::set1_i(q.half_sums), Isa::set1_i(static_cast<std::int32_t>(low | high << 16)));
    }
  }

  /// sum = codes times activations over dwords First … First+Count-1, less the zero point's part; of two_scales_min without VNNI
  /// already times that half's scale. S is always Isa: naming it as a parameter lets the branch that an instruction set lacks go
  /// uncompiled.
  template <int First, int Count, int G, int T, class Source, class S = Isa>
  static HEARTH_INLINE void dots(I (&sum)[G][T], const QBlock* const (&q)[T], const Source& source) {
    if constexpr (S::kVnni) {
      HEARTH_UNROLL
      for (int t = 0; t < T; ++t) {
        HEARTH_UNROLL
        for (int g = 0; g < G; ++g) sum[g][t] = start<First, Count>(*q[t]);
      }
      unroll<Count>([&](auto n) HEARTH_LAMBDA {
        constexpr int d = First + n;
        I w[G];
        HEARTH_UNROLL
        for (int g = 0; g < G; ++g) w[g] = source.template code<d>(g);
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          if constexpr (G == 1) {
            sum[0][t] = S::dot_at(sum[0][t], w[0], q[t]->q + 4 * d);
          } else {
            I x = Isa::broadcast(q[t]->q + 4 * d);
            Isa::pin(x);
            HEARTH_UNROLL
            for (int g = 0; g < G; ++g) sum[g][t] = S::dot(sum[g][t], w[g], x);
          }
        }
      });
    } else {
      static_assert(G == 1);
      constexpr int kRun = MaxCode <= 15 ? 8 : MaxCode <= 31 ? 4 : MaxCode <= 63 ? 2 : 1;  // sums that 16 bits hold
      constexpr int kSteps = kRun < Count ? kRun : Count;
      unroll<Count / kSteps>([&](auto run) HEARTH_LAMBDA {
        I part[T];
        unroll<kSteps>([&](auto step) HEARTH_LAMBDA {
          constexpr int d = First + run * kSteps + step;
          I w = source.template code<d>(0);
          Isa::pin(w);
          HEARTH_UNROLL
          for (int t = 0; t < T; ++t) {
            const I x = Isa::broadcast(q[t]->q + 4 * d), products = S::template products16<MaxCode == 255>(w, x);
            if constexpr (step == 0) part[t] = products;
            else part[t] = S::add16(part[t], products);
            Isa::pin(part[t]);  // gcc would regroup the sums, and spill
          }
        });
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          const I whole = widened<First / 4>(part[t], source);
          if constexpr (run != 0) sum[0][t] = Isa::add_i(sum[0][t], whole);
          else if constexpr (ZeroShift < 0) sum[0][t] = whole;
          else sum[0][t] = Isa::add_i(start<First, Count>(*q[t]), whole);
          Isa::pin(sum[0][t]);
        }
      });
    }
  }

  /// 16-bit sums of pairs -> 32-bit ones of fours.
  template <int Half, class Source, class S = Isa>
  static HEARTH_INLINE I widened(const I& sums16, const Source& source) {
    if constexpr (K == Kind::two_scales_min) return Isa::madd16(sums16, source.template twice_scale<Half>(0));
    else return S::widened(sums16);
  }

  /// One block of 32 for G row groups and T tokens: one chain an output, as the kind defines it.
  template <int G, int T, class Source>
  static HEARTH_INLINE void block(F (&acc)[G][T], const QBlock* const (&q)[T], const Source& source) {
    I sum[G][T];
    if constexpr (Source::kOneSum) {
      dots<0, 8>(sum, q, source);
      HEARTH_UNROLL
      for (int t = 0; t < T; ++t) {
        const F d = Isa::set1(q[t]->d);
        HEARTH_UNROLL
        for (int g = 0; g < G; ++g) {
          if constexpr (K == Kind::two_scales_min) acc[g][t] = with_minimum(acc[g][t], sum[g][t], q[t], d, source, g);
          else acc[g][t] = Isa::fma(Isa::mul(source.scale(g), d), Isa::to_float(sum[g][t]), acc[g][t]);
        }
      }
      if constexpr (K == Kind::scale_min) {
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          const F d_sum = Isa::set1(q[t]->d_sum);
          HEARTH_UNROLL
          for (int g = 0; g < G; ++g) acc[g][t] = Isa::fnma(source.second(g), d_sum, acc[g][t]);
        }
      }
    } else {
      I sum0[G][T];
      F v[G][T];
      dots<0, 4>(sum0, q, source);
      if constexpr (K == Kind::two_scales) {
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          HEARTH_UNROLL
          for (int g = 0; g < G; ++g) v[g][t] = Isa::mul(source.scale(g), Isa::to_float(sum0[g][t]));
        }
      }
      dots<4, 4>(sum, q, source);
      HEARTH_UNROLL
      for (int t = 0; t < T; ++t) {
        const F d = Isa::set1(q[t]->d);
        HEARTH_UNROLL
        for (int g = 0; g < G; ++g) {
          if constexpr (K == Kind::two_scales)
            acc[g][t] = Isa::fma(Isa::fma(source.second(g), Isa::to_float(sum[g][t]), v[g][t]), d, acc[g][t]);
          else acc[g][t] = with_minimum(acc[g][t], scaled(sum0[g][t], sum[g][t], source, g), q[t], d, source, g);
        }
      }
    }
  }

  /// Both halves' sums times their scales. Half sums fit 16 bits: 16 products of at most 3 * 127.
  template <class Source> static HEARTH_INLINE I scaled(const I& sum0, const I& sum1, const Source& source, int g) {
    if constexpr (!Isa::kVnni) return Isa::add_i(sum0, sum1);
    else return Isa::madd16(Isa::or_i(mask(sum0, 0xffff), Isa::shl<16>(sum1)), source.scales(g));
  }

  /// The chain of two_scales_min.
  template <class Source>
  static HEARTH_INLINE F with_minimum(const F& acc, const I& sum, const QBlock* q, const F& d, const Source& source,
                                      int g) {
    const F next = Isa::fma(Isa::mul(source.scale(g), d), Isa::to_float(sum), acc);
    const I minima = Isa::madd16(Isa::set1_i(q->half_sums), source.minima(g));
    return Isa::fnma(Isa::mul(source.second(g), d), Isa::to_float(minima), next);
  }

  /// acc [G][T] += n_blocks of a panel times T activation rows.
  template <int G, int T>
  static __attribute__((noinline)) void tile(F* out, const QBlock* const* rows, const std::byte* panel,
                                             std::int64_t n_blocks, Ahead& next) {
    F acc[G][T];
    const QBlock* q[T];
    HEARTH_UNROLL
    for (int t = 0; t < T; ++t) {
      q[t] = rows[t];
      HEARTH_UNROLL
      for (int g = 0; g < G; ++g) acc[g][t] = out[g * T + t];
    }
    for (std::int64_t b = 0; b < n_blocks; ++b, panel += block_bytes<G>()) {
      next.ask();
      block<G, T>(acc, q, Panel<G>{panel});
      HEARTH_UNROLL
      for (int t = 0; t < T; ++t) ++q[t];
    }
    HEARTH_UNROLL
    for (int t = 0; t < T; ++t) {
      HEARTH_UNROLL
      for (int g = 0; g < G; ++g) out[g * T + t] = acc[g][t];
    }
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
