// Matmul with F32, F16 and BF16 weights: 16 lanes along k, folded once per output; R rows x T tokens share their loads.
#pragma once

#include "isa.h"
#include "kernel_table.h"

namespace hearth::kernels::HEARTH_ISA {

template <Format Fmt> struct FloatRows {
  static constexpr std::int64_t kBytes = format_info(Fmt).block_bytes;

  static HEARTH_INLINE Isa::F load(const std::byte* w) {
    if constexpr (Fmt == Format::f32) return Isa::load(reinterpret_cast<const float*>(w));
    else if constexpr (Fmt == Format::f16) return Isa::load_f16(w);
    else return Isa::load_bf16(w);
  }

  /// Bytes from a row's beginning to what the second cache is asked for at element k: what the row has 2 KB further on or, where
  /// it ends before that, what the row of the next R has there.
  static HEARTH_INLINE std::int64_t soon_after(std::int64_t k, std::int64_t n, int n_rows) {
    const std::int64_t at = k * kBytes + 2048, row = n * kBytes;
    return at < row ? at : at + (n_rows - 1) * row;
  }

  static constexpr std::int64_t kRows = 16;    // a block of rows stays in the second cache while the tokens pass
  static constexpr std::int64_t kChunk = 512;  // elements of few tokens stay in the first while a block's rows pass

  /// Walks over a chunk of k: one a register of lanes where the sums of all would not fit the registers.
  template <int T> static constexpr int kPasses = T == Isa::kFloatTokens ? Isa::kRegisters : 1;

  /// acc += w x over elements first … last-1 for R rows and T tokens.
  template <int R, int T>
  static __attribute__((noinline)) void add_chunk(Isa::F (*acc)[T], const MatmulArgs& a, std::int64_t row,
                                                  std::int64_t token, std::int64_t first, std::int64_t last) {
    const std::byte* w[R];
    const float* x[T];
    HEARTH_UNROLL
    for (int r = 0; r < R; ++r) {
      w[r] = a.weights + (row + r) * a.k * kBytes;
    }
    HEARTH_UNROLL
    for (int t = 0; t < T; ++t) {
      x[t] = a.x + (token + t) * a.x_stride;
    }
    unroll<kPasses<T>>([&](auto pass) HEARTH_LAMBDA {
      Isa::F sum[R][T];
      HEARTH_UNROLL
      for (int r = 0; r < R; ++r) {
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          sum[r][t] = acc[r][t];
        }
      }
      for (std::int64_t k = first; k < last; k += 16) {
        Isa::F wk[R];
        const std::int64_t soon = soon_after(k, a.k, R);
        HEARTH_UNROLL
        for (int r = 0; r < R; ++r) {
          wk[r] = load(w[r] + k * kBytes);
          if constexpr (T == 1) __builtin_prefetch(w[r] + soon, 0, 2);
        }
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          const Isa::F xk = Isa::load(x[t] + k);
          HEARTH_UNROLL
          for (int r = 0; r < R; ++r) {
            sum[r][t] = Isa::fma(wk[r], xk, sum[r][t]);
          }
        }
      }
      constexpr int kOfPass = Isa::kRegisters / kPasses<T>;  // registers of lanes; the others' sums are not kept
      HEARTH_UNROLL
      for (int r = 0; r < R; ++r) {
        HEARTH_UNROLL
        for (int t = 0; t < T; ++t) {
          unroll<kOfPass>([&](auto i)
                              HEARTH_LAMBDA { acc[r][t].r[pass * kOfPass + i] = sum[r][t].r[pass * kOfPass + i]; });
        }
      }
    });
  }

  /// A row of halves and one token, n elements: memory is read from the first byte to the last, and asked for ahead in that order.
  /// (Rows of F32 do better four at a time: there the activations, as long as a row, take as much of the first cache.)
  static constexpr bool kRowByRow = kBytes == 2;
  static constexpr std::int64_t kAhead = 4096, kFarAhead = 16384;  // bytes, into the first cache and the second
  static HEARTH_INLINE Isa::F row_of_halves(const std::byte* w, const float* x, std::int64_t n) {
    Isa::F sum = Isa::zero();
    const auto add = [&](std::int64_t k) HEARTH_LAMBDA { sum = Isa::fma(load(w + k * kBytes), Isa::load(x + k), sum); };
    std::int64_t k = 0;
    for (; k + 32 <= n; k += 32) {
      Isa::prefetch_far_here(w + k * kBytes + kFarAhead);
      Isa::prefetch_here(w + k * kBytes + kAhead);
      add(k);
      add(k + 16);
    }
    if (k < n) add(k);
    return sum;
  }

  /// The last n < 16 elements: the lanes past them keep their value.
  static HEARTH_INLINE Isa::F tail(const Isa::F& acc, const std::byte* w, const float* x, int n) {
    alignas(64) std::byte weights[64] = {};
    alignas(64) float activations[16] = {};
    __builtin_memcpy(weights, w, static_cast<std::size_t>(n * kBytes));
    __builtin_memcpy(activations, x, static_cast<std::size_t>(n) * 4);
    return Isa::select_range(0, n, Isa::fma(load(weights), Isa::load(activations), acc), acc);
  }

  /// The rows of one block, at most kRows, and T tokens.
  template <int T> static void rows(const MatmulArgs& a, std::int64_t token) {
    constexpr int R = T == Isa::kFloatTokens ? Isa::kFloatRows : Isa::kFloatRowsOfFew;
    const std::int64_t n = a.row_end - a.row_begin, whole = a.k / 16 * 16;
    const std::int64_t chunk = kPasses<T> == 1 ? whole : kChunk;
    Isa::F acc[kRows][T];
    if constexpr (T == 1 && kRowByRow) {
      for (std::int64_t r = 0; r < n; ++r)
        acc[r][0] = row_of_halves(a.weights + (a.row_begin + r) * a.k * kBytes, a.x + token * a.x_stride, whole);
    } else {
      for (std::int64_t r = 0; r < n; ++r)
        for (Isa::F& sum : acc[r]) sum = Isa::zero();
      for (std::int64_t k = 0; k < whole; k += chunk) {
        const std::int64_t last = k + chunk < whole ? k + chunk : whole;
        std::int64_t r = 0;
        for (; r + R <= n; r += R) add_chunk<R, T>(acc + r, a, a.row_begin + r, token, k, last);
        for (; r < n; ++r) add_chunk<1, T>(acc + r, a, a.row_begin + r, token, k, last);
      }
    }
    for (std::int64_t r = 0; r < n; ++r) {
      const std::byte* w = a.weights + ((a.row_begin + r) * a.k + whole) * kBytes;
      for (int t = 0; t < T; ++t) {
        Isa::F& sum = acc[r][t];
        if (whole < a.k) sum = tail(sum, w, a.x + (token + t) * a.x_stride + whole, static_cast<int>(a.k - whole));
        a.y[(token + t) * a.y_stride + a.row_begin + r] = Isa::fold(sum);
      }
    }
  }

  static void matmul(const MatmulArgs& whole) {
    constexpr int T = Isa::kFloatTokens;
    for (std::int64_t r = whole.row_begin; r < whole.row_end; r += kRows) {
      MatmulArgs a = whole;
      a.row_begin = r;
      a.row_end = r + kRows < whole.row_end ? r + kRows : whole.row_end;
      std::int64_t t = 0;
      for (; t + T <= a.n_tokens; t += T) rows<T>(a, t);
      for (; t + 2 <= a.n_tokens; t += 2) rows<2>(a, t);
      for (; t < a.n_tokens; ++t) rows<1>(a, t);
    }
  }

  static void pack(std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
    __builtin_memcpy(dst, src, static_cast<std::size_t>(n_rows * k * kBytes));
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
