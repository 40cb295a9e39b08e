// Quantized matmul for 16 rows at a time (lane = row). Few tokens: fused, weights go from memory to registers once. Many
// tokens: rows are expanded to int8 panels in the cache, then multiplied tile by tile. The file's layout goes through the
// same code, 16 rows transposed a few blocks at a time.
#pragma once

#include "kernel_table.h"
#include "packing.h"
#include "unpack.inl"

namespace hearth::kernels::HEARTH_ISA {

inline constexpr int kFusedTokens = 8;          // more tokens than this go through panels
inline constexpr std::int64_t kAhead = 6144;    // bytes of repacked weights asked for ahead of their use

template <std::size_t Bytes>
HEARTH_INLINE void prefetch(const std::byte* p) {
  unroll<static_cast<int>((Bytes + 63) / 64)>([&](auto n) HEARTH_LAMBDA { __builtin_prefetch(p + n * 64, 0, 3); });
}

// ---- Integer dot products of 16 rows with M activation blocks, over dwords First … First+Count-1 of a sub-block.

// S is always Isa: naming it as a parameter lets the branch that an instruction set lacks go uncompiled.

template <class U, int First, int Count, int M, class Code, class Activation, class S = Isa>
HEARTH_INLINE void int_dots(I (&sum)[M], Code code, Activation activation) {
  if constexpr (S::kVnni) {
    unroll<Count>([&](auto n) HEARTH_LAMBDA {
      const I w = code(std::integral_constant<int, First + n>{});
      unroll<M>([&](auto m) HEARTH_LAMBDA { sum[m] = activation.dot(sum[m], w, m, 4 * (First + n)); });
    });
  } else {
    constexpr int kRun = U::kMaxCode <= 15 ? 8 : U::kMaxCode <= 31 ? 4 : U::kMaxCode <= 63 ? 2 : 1;
    constexpr int kSteps = kRun < Count ? kRun : Count;
    unroll<Count / kSteps>([&](auto run) HEARTH_LAMBDA {
      I part[M];
      unroll<M>([&](auto m) HEARTH_LAMBDA { part[m] = Isa::zero_i(); });
      unroll<kSteps>([&](auto step) HEARTH_LAMBDA {
        constexpr int d = First + run * kSteps + step;
        const I w = code(std::integral_constant<int, d>{});
        unroll<M>([&](auto m) HEARTH_LAMBDA {
          const I a = Isa::broadcast(activation.q(m) + 4 * d);
          if constexpr (U::kMaxCode == 255) part[m] = S::dot16_signed(part[m], w, a);
          else part[m] = S::dot16(part[m], w, a);
        });
      });
      unroll<M>([&](auto m) HEARTH_LAMBDA { sum[m] = S::widen(sum[m], part[m]); });
    });
  }
}

/// -(zero point) * sum of activations, where a dot product starts.
template <class U>
HEARTH_INLINE I correction(std::int32_t minus_sum) {
  if constexpr (U::kZeroShift < 0) return Isa::zero_i();
  else return Isa::shl<U::kZeroShift>(Isa::set1_i(minus_sum));
}

/// M activation rows at one block of 32. The dot takes the activation from memory (fused) …
template <int M>
struct Activations {
  const QBlock* row[M];
  HEARTH_INLINE const QBlock& at(int m) const { return *row[m]; }
  HEARTH_INLINE const std::int8_t* q(int m) const { return row[m]->q; }
  template <class S = Isa>
  HEARTH_INLINE I dot(const I& acc, const I& w, int m, int k) const { return S::dot_at(acc, w, row[m]->q + k); }
  HEARTH_INLINE void next() { unroll<M>([&](auto m) HEARTH_LAMBDA { ++row[m]; }); }
};

/// One block of 32, one chain per output, as the format's kind defines it.
template <class U, Kind K, int M, class Code>
HEARTH_INLINE void accumulate(F (&acc)[M], const Activations<M>& a, const F& s, const F& second, Code code) {
  I sum[M];
  if constexpr (K == Kind::two_scales) {
    F v[M];
    unroll<M>([&](auto m) HEARTH_LAMBDA { sum[m] = correction<U>(a.at(m).minus_sum0); });
    int_dots<U, 0, 4>(sum, code, a);
    unroll<M>([&](auto m) HEARTH_LAMBDA {
      v[m] = Isa::mul(s, Isa::to_float(sum[m]));
      sum[m] = correction<U>(a.at(m).minus_sum - a.at(m).minus_sum0);
    });
    int_dots<U, 4, 4>(sum, code, a);
    unroll<M>([&](auto m) HEARTH_LAMBDA {
      acc[m] = Isa::fma(Isa::fma(second, Isa::to_float(sum[m]), v[m]), Isa::set1(a.at(m).d), acc[m]);
    });
  } else {
    unroll<M>([&](auto m) HEARTH_LAMBDA { sum[m] = correction<U>(a.at(m).minus_sum); });
    int_dots<U, 0, 8>(sum, code, a);
    unroll<M>([&](auto m) HEARTH_LAMBDA {
      acc[m] = Isa::fma(Isa::mul(s, Isa::set1(a.at(m).d)), Isa::to_float(sum[m]), acc[m]);
      if constexpr (K == Kind::scale_min) acc[m] = Isa::fnma(second, Isa::set1(a.at(m).d_sum), acc[m]);
    });
  }
}

template <Format Fmt>
struct Quantized {
  using U = Unpack<Fmt>;
  static constexpr FormatInfo kInfo = format_info(Fmt);
  static constexpr Kind kKind = kInfo.kind;
  static constexpr int kSubs = kInfo.block_elements / kBlock;
  static constexpr std::size_t kHeadBytes = kGroupRows * kInfo.head_bytes;        // of one repacked block
  static constexpr std::size_t kBodyBytes = kGroupRows * 4 * kInfo.body_dwords;
  static constexpr std::int64_t kSpan = kSubs == 1 ? 8 : 1;                       // blocks transposed at a time
  static constexpr std::size_t kCodeBytes = Isa::kPanelGroups * kVector;          // one dword of a panel
  static constexpr bool kHasSecond = kKind != Kind::scale;
  static constexpr std::size_t kPanelBlock = (8 + 1 + (kHasSecond ? 1 : 0)) * kCodeBytes;

  template <int J>
  static HEARTH_INLINE F second(const typename U::Head& h) {
    if constexpr (kHasSecond) return U::template second<J>(h);
    else return Isa::zero();
  }

  // ---- File layout -> repacked layout: n blocks of 16 rows from `rows`.
  static HEARTH_INLINE void transpose_blocks(std::byte* heads, std::byte* body, const std::byte* rows, std::size_t stride, std::int64_t n) {
    for (std::int64_t b = 0; b < n; ++b, rows += kInfo.block_bytes, heads += kHeadBytes, body += kBodyBytes) {
      if constexpr (kInfo.head_bytes != 0)
        unroll<kGroupRows>([&](auto r) HEARTH_LAMBDA {
          __builtin_memcpy(heads + r * kInfo.head_bytes, rows + r * stride + kInfo.head_offset, kInfo.head_bytes);
        });
      constexpr int kColumns = (kInfo.body_dwords + 3) / 4;
      for (int c = 0; c < kColumns; ++c) {
        const int dword = 4 * c + 4 <= kInfo.body_dwords ? 4 * c : kInfo.body_dwords - 4;  // the last column may overlap
        I t[4];
        Isa::transpose(rows + kInfo.body_offset + 4 * dword, stride, t);
        unroll<4>([&](auto n4) HEARTH_LAMBDA { Isa::store_i(body + (dword + n4) * kVector, t[n4]); });
      }
    }
  }

  static void pack(std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
    if (n_rows < kGroupRows) return pack_group(kInfo, dst, src, n_rows, k);
    const std::int64_t n = k / kInfo.block_elements;
    transpose_blocks(dst, dst + n * static_cast<std::int64_t>(kHeadBytes), src, row_bytes(kInfo, k), n);
  }

  // ---- Calls visit(heads, body, n_blocks) over a whole group: at once where it is repacked, in spans where it is not.
  template <bool Packed, class Visit>
  static HEARTH_INLINE void visit_group(const MatmulArgs& a, std::int64_t group, std::byte* tail, Visit visit) {
    const std::int64_t n = a.k / kInfo.block_elements;
    const std::int64_t rows = a.n_rows - group * kGroupRows;
    const std::byte* base = a.weights + static_cast<std::size_t>(group) * group_bytes(kInfo, a.k);
    if (!Packed && rows < kGroupRows) pack_group(kInfo, tail, base, rows, a.k);
    if (Packed || rows < kGroupRows) {
      const std::byte* p = Packed ? base : tail;
      return visit(p, p + n * static_cast<std::int64_t>(kHeadBytes), n);
    }
    alignas(64) std::byte heads[kSpan * kHeadBytes + 64], body[kSpan * kBodyBytes];
    for (std::int64_t b = 0; b < n; b += kSpan) {
      const std::int64_t span = n - b < kSpan ? n - b : kSpan;
      transpose_blocks(heads, body, base + b * kInfo.block_bytes, row_bytes(kInfo, a.k), span);
      visit(heads, body, span);
    }
  }

  template <int M>
  static HEARTH_INLINE Activations<M> activations(const MatmulArgs& a, std::int64_t token) {
    Activations<M> act;
    unroll<M>([&](auto m) HEARTH_LAMBDA {  // past the last token: the last one again, its result is not stored
      const std::int64_t t = token + m < a.n_tokens ? token + m : a.n_tokens - 1;
      act.row[m] = a.q + t * a.q_stride;
    });
    return act;
  }

  static HEARTH_INLINE void store_rows(const MatmulArgs& a, std::int64_t group, std::int64_t token, const F& acc) {
    float* y = a.y + token * a.y_stride + group * kGroupRows;
    const std::int64_t rows = a.n_rows - group * kGroupRows;
    if (rows >= kGroupRows) return Isa::store(y, acc);
    alignas(64) float lane[16];
    Isa::store(lane, acc);
    for (std::int64_t r = 0; r < rows; ++r) y[r] = lane[r];
  }

  // ---- Fused: 16 rows x M tokens, accumulators in registers along the whole row.
  template <bool Packed, int M>
  static __attribute__((noinline)) void fused(const MatmulArgs& a, std::int64_t group, std::int64_t token) {
    F acc[M];
    unroll<M>([&](auto m) HEARTH_LAMBDA { acc[m] = Isa::zero(); });
    Activations<M> act = activations<M>(a, token);
    const std::int64_t group_size = static_cast<std::int64_t>(group_bytes(kInfo, a.k));
    const std::byte* ahead = a.weights + group * group_size + (Packed ? kAhead : group_size);
    visit_group<Packed>(a, group, a.scratch, [&](const std::byte* heads, const std::byte* body, std::int64_t n) HEARTH_LAMBDA {
      for (std::int64_t b = 0; b < n; ++b, heads += kHeadBytes, body += kBodyBytes) {
        prefetch<kGroupRows * kInfo.block_bytes>(ahead);
        ahead += kGroupRows * kInfo.block_bytes;
        const typename U::Head head = U::head(heads, body);
        unroll<kSubs>([&](auto j) HEARTH_LAMBDA {
          accumulate<U, kKind, M>(acc, act, U::template scale<j>(head), second<j>(head),
                                  [&](auto d) HEARTH_LAMBDA { return U::template code<j, d>(head, body); });
          act.next();
        });
      }
    });
    unroll<M>([&](auto m) HEARTH_LAMBDA {
      if (token + m < a.n_tokens) store_rows(a, group, token + m, acc[m]);
    });
  }

  template <bool Packed>
  static void fused_group(const MatmulArgs& a, std::int64_t group) {
    for (std::int64_t t = 0; t < a.n_tokens; t += kFusedTokens) {
      const std::int64_t m = a.n_tokens - t;
      if (m == 1) fused<Packed, 1>(a, group, t);
      else if (m == 2) fused<Packed, 2>(a, group, t);
      else if (m <= 4) fused<Packed, 4>(a, group, t);
      else fused<Packed, 8>(a, group, t);
    }
  }

  // ---- Panels: [block of 32][dword][kPanelGroups * 16 rows] of codes, then the scales of the block.
  template <bool Packed>
  static __attribute__((noinline)) void expand(const MatmulArgs& a, std::int64_t group, std::byte* panel) {
    std::byte* tail = a.scratch + panel_bytes(a.k);
    visit_group<Packed>(a, group, tail, [&](const std::byte* heads, const std::byte* body, std::int64_t n) HEARTH_LAMBDA {
      for (std::int64_t b = 0; b < n; ++b, heads += kHeadBytes, body += kBodyBytes) {
        const typename U::Head head = U::head(heads, body);
        unroll<kSubs>([&](auto j) HEARTH_LAMBDA {
          unroll<8>([&](auto d) HEARTH_LAMBDA { Isa::store_i(panel + d * kCodeBytes, U::template code<j, d>(head, body)); });
          Isa::store(reinterpret_cast<float*>(panel + 8 * kCodeBytes), U::template scale<j>(head));
          if constexpr (kHasSecond) Isa::store(reinterpret_cast<float*>(panel + 9 * kCodeBytes), second<j>(head));
          panel += kPanelBlock;
        });
      }
    });
  }

  static std::size_t panel_bytes(std::int64_t k) { return static_cast<std::size_t>(k) / kBlock * kPanelBlock; }

  /// T tokens x all rows of a panel. One activation dword is broadcast once and meets every row group.
  template <int T>
  static __attribute__((noinline)) void panel_tile(const MatmulArgs& a, std::int64_t group, std::int64_t token, const std::byte* panel) {
    constexpr int G = Isa::kPanelGroups;
    F acc[G][T];
    unroll<G>([&](auto g) HEARTH_LAMBDA { unroll<T>([&](auto t) HEARTH_LAMBDA { acc[g][t] = Isa::zero(); }); });
    Activations<T> act = activations<T>(a, token);
    for (std::int64_t k = 0; k < a.k; k += kBlock, panel += kPanelBlock, act.next()) panel_block<T>(acc, act, panel);
    unroll<G>([&](auto g) HEARTH_LAMBDA {
      unroll<T>([&](auto t) HEARTH_LAMBDA {
        if (token + t < a.n_tokens && (group + g) * kGroupRows < a.n_rows) store_rows(a, group + g, token + t, acc[g][t]);
      });
    });
  }

  /// The dot products of T tokens with G row groups: like int_dots, the activation in a register.
  template <int First, int Count, int G, int T, class S = Isa>
  static HEARTH_INLINE void panel_dots(I (&sum)[G][T], const Activations<T>& act, const std::byte* panel) {
    if constexpr (S::kVnni) {
      unroll<Count>([&](auto n) HEARTH_LAMBDA {
        constexpr int d = First + n;
        I w[G];
        unroll<G>([&](auto g) HEARTH_LAMBDA { w[g] = Isa::load_i(panel + d * kCodeBytes + g * kVector); });
        unroll<T>([&](auto t) HEARTH_LAMBDA {
          I x = Isa::broadcast(act.q(t) + 4 * d);
          pin(x);
          unroll<G>([&](auto g) HEARTH_LAMBDA { sum[g][t] = S::dot(sum[g][t], w[g], x); });
        });
      });
    } else {
      unroll<G>([&](auto g) HEARTH_LAMBDA {
        int_dots<U, First, Count>(sum[g], [&](auto d) HEARTH_LAMBDA { return Isa::load_i(panel + d * kCodeBytes + g * kVector); }, act);
      });
    }
  }

  static HEARTH_INLINE void pin(I& x) {  // keeps a broadcast in its register instead of repeating the load
    unroll<Isa::kRegisters>([&](auto n) HEARTH_LAMBDA {
      auto v = static_cast<typename Isa::IntBatch::register_type>(x.r[n]);
      asm("" : "+v"(v));
      x.r[n] = v;
    });
  }

  static HEARTH_INLINE F panel_scale(const std::byte* panel, int row, int g) {
    return Isa::load(reinterpret_cast<const float*>(panel + row * kCodeBytes + g * kVector));
  }

  template <int T, int G>
  static HEARTH_INLINE void panel_block(F (&acc)[G][T], const Activations<T>& act, const std::byte* panel) {
    I sum[G][T];
    if constexpr (kKind == Kind::two_scales) {
      F v[G][T];
      each<G, T>([&](auto g, auto t) HEARTH_LAMBDA { sum[g][t] = correction<U>(act.at(t).minus_sum0); });
      panel_dots<0, 4>(sum, act, panel);
      each<G, T>([&](auto g, auto t) HEARTH_LAMBDA {
        v[g][t] = Isa::mul(panel_scale(panel, 8, g), Isa::to_float(sum[g][t]));
        sum[g][t] = correction<U>(act.at(t).minus_sum - act.at(t).minus_sum0);
      });
      panel_dots<4, 4>(sum, act, panel);
      each<G, T>([&](auto g, auto t) HEARTH_LAMBDA {
        acc[g][t] = Isa::fma(Isa::fma(panel_scale(panel, 9, g), Isa::to_float(sum[g][t]), v[g][t]), Isa::set1(act.at(t).d), acc[g][t]);
      });
    } else {
      each<G, T>([&](auto g, auto t) HEARTH_LAMBDA { sum[g][t] = correction<U>(act.at(t).minus_sum); });
      panel_dots<0, 8>(sum, act, panel);
      each<G, T>([&](auto g, auto t) HEARTH_LAMBDA {
        acc[g][t] = Isa::fma(Isa::mul(panel_scale(panel, 8, g), Isa::set1(act.at(t).d)), Isa::to_float(sum[g][t]), acc[g][t]);
      });
      if constexpr (kKind == Kind::scale_min)
        each<G, T>([&](auto g, auto t) HEARTH_LAMBDA {
          acc[g][t] = Isa::fnma(panel_scale(panel, 9, g), Isa::set1(act.at(t).d_sum), acc[g][t]);
        });
    }
  }

  template <int G, int T, class Fn>
  static HEARTH_INLINE void each(Fn&& fn) {
    unroll<T>([&](auto t) HEARTH_LAMBDA { unroll<G>([&](auto g) HEARTH_LAMBDA { fn(g, t); }); });
  }

  template <bool Packed>
  static void panel_groups(const MatmulArgs& a, std::int64_t group, std::int64_t last) {
    for (int g = 0; g < Isa::kPanelGroups && group + g < last; ++g) expand<Packed>(a, group + g, a.scratch + g * kVector);
    constexpr int T = Isa::kPanelTokens;
    std::int64_t t = 0;
    for (; a.n_tokens - t > (T + 1) / 2; t += T) panel_tile<T>(a, group, t, a.scratch);
    if (t < a.n_tokens) panel_tile<(T + 1) / 2>(a, group, t, a.scratch);
  }

  template <bool Packed>
  static void matmul(const MatmulArgs& a) {
    const std::int64_t last = (a.row_end + kGroupRows - 1) / kGroupRows;
    if (a.n_tokens <= kFusedTokens)
      for (std::int64_t g = a.row_begin / kGroupRows; g < last; ++g) fused_group<Packed>(a, g);
    else
      for (std::int64_t g = a.row_begin / kGroupRows; g < last; g += Isa::kPanelGroups) panel_groups<Packed>(a, g, last);
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
