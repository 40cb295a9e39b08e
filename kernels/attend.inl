// KV pages and attention. Lane = position for the scores, lane = d for the values, so no horizontal sum is needed; chunks of
// 64 positions are merged in order, as the definition has it.
#pragma once

#include "rowops.inl"

namespace hearth::kernels::HEARTH_ISA {

template <KvType T> struct Attend {
  using F = Isa::F;
  static constexpr std::int64_t kBytes = kv_info(T).bytes;
  static constexpr bool kScaled = kv_info(T).scaled;

  /// 16 elements as they lie; codes are numbers only once they are `scaled`.
  static HEARTH_INLINE F load(const std::byte* p) {
    if constexpr (T == KvType::f16) return Isa::load_f16(p);
    else if constexpr (kScaled) return Isa::to_float(Isa::load_i8(p));
    else return Isa::load(reinterpret_cast<const float*>(p));
  }
  static HEARTH_INLINE F load_tail(const std::byte* p, std::int64_t n) {
    alignas(64) std::byte buffer[64] = {};
    __builtin_memcpy(buffer, p, static_cast<std::size_t>(n * kBytes));
    return load(buffer);
  }

  static HEARTH_INLINE F scaled(const F& x, const F& scale) {
    if constexpr (kScaled) return Isa::mul(x, scale);
    else return x;
  }

  struct Chunk {  // one page of 64 positions and what the queries make of it
    std::int64_t page;
    alignas(64) float p[kMaxLatentQueries][kPage];         // scores, then weights
    int begin[kMaxLatentQueries], end[kMaxLatentQueries];  // visible slots of each query; begin >= end: none
    const std::byte* soon[2];  // this page's V and the next one's K, each as long as this page's K
  };

  /// While the scores walk over K, two d at a time, memory is asked for what comes after them; of f16 that is a line of each.
  static HEARTH_INLINE void ask_ahead(const std::byte* v, const std::byte* next_k) {
    HEARTH_UNROLL
    for (std::int64_t line = 0; line < 2 * 16 * kBytes; line += 64) {
      __builtin_prefetch(v + line, 0, 2);
      __builtin_prefetch(next_k + line, 0, 2);
    }
  }

  /// Scores of N queries from `first` with 16 positions a vector: fma chain over d from +0, then the scale.
  template <int N> static HEARTH_INLINE void scores(const AttendArgs& a, Chunk& c, int first) {
    const std::byte* const k_page = a.pages[c.page] + a.k_offset;
    const std::byte* k = k_page;
    const std::byte *const v = c.soon[0], *const next_k = c.soon[1];
    const std::byte* k_scale = k + kv_scales_offset(T, a.head_dim);
    const std::int64_t run = kScaled ? kBlock : a.head_dim;  // d that share a scale
    const float* q[N];
    HEARTH_UNROLL
    for (int i = 0; i < N; ++i) {
      q[i] = a.query[first + i];
    }
    for (int group = 0; group < kPage / 16; ++group) {
      F s[N];
      HEARTH_UNROLL
      for (int i = 0; i < N; ++i) {
        s[i] = Isa::zero();
      }
      for (std::int64_t first_d = 0; first_d < a.head_dim; first_d += run) {
        F scale = Isa::zero();
        if constexpr (kScaled) {
          scale = Isa::load_f16(k_scale);
          k_scale += 32;
        }
        const auto add = [&](std::int64_t d) HEARTH_LAMBDA {
          const F kd = scaled(load(k), scale);
          HEARTH_UNROLL
          for (int i = 0; i < N; ++i) {
            s[i] = Isa::fma(Isa::set1(q[i][d]), kd, s[i]);
          }
          k += 16 * kBytes;
        };
        std::int64_t d = first_d;
        for (; d + 2 <= first_d + run; d += 2) {
          ask_ahead(v + (k - k_page), next_k + (k - k_page));
          add(d);
          add(d + 1);
        }
        if (d < first_d + run) add(d);
      }
      HEARTH_UNROLL
      for (int i = 0; i < N; ++i) {
        Isa::store(&c.p[first + i][group * 16], Isa::mul(s[i], Isa::set1(a.scale)));
      }
    }
  }

  static void all_scores(const AttendArgs& a, Chunk& c) {
    int i = 0;
    for (; i + Isa::kQueryTile <= a.n_queries; i += Isa::kQueryTile) scores<Isa::kQueryTile>(a, c, i);
    for (; i + 2 <= a.n_queries; i += 2) scores<2>(a, c, i);
    if (i < a.n_queries) scores<1>(a, c, i);
  }

  /// A query's scores of the 16 positions from `first`, less by what ALiBi takes for their distance: whole numbers below 2^24.
  static HEARTH_INLINE F less_distant(const AttendArgs& a, int query, std::int64_t first, const F& score) {
    alignas(64) static constexpr float kLane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const F from = Isa::set1(static_cast<float>(first - a.position[query]));
    return Isa::fnma(Isa::set1(a.slope[query]), Isa::abs(Isa::add(Isa::load(kLane), from)), score);
  }

  /// Scores of one query -> weights exp(s - max) with hidden slots 0; their maximum and their sum.
  static HEARTH_INLINE void weights(const AttendArgs& a, Chunk& c, int query, float& mc, float& lc) {
    const F hidden = Isa::set1(-__builtin_inff());
    F s[kPage / 16];
    F m = hidden;
    HEARTH_UNROLL
    for (int g = 0; g < kPage / 16; ++g) {
      F score = Isa::load(&c.p[query][g * 16]);
      if (a.soft_cap != 0.0f) score = RowOps::capped(score, a.soft_cap);
      if (a.slope[query] != 0.0f) score = less_distant(a, query, c.page * kPage + g * 16, score);
      s[g] = Isa::select_range(c.begin[query] - g * 16, c.end[query] - g * 16, score, hidden);
      m = Isa::max(m, s[g]);
    }
    mc = Isa::reduce_max(m);
    F l = Isa::zero();
    HEARTH_UNROLL
    for (int g = 0; g < kPage / 16; ++g) {
      const F e =
          RowOps::exp(Isa::sub(s[g], Isa::set1(mc)));  // hidden: exp(-inf) = +0, which leaves a sum from +0 as it is
      Isa::store(&c.p[query][g * 16], e);
      l = Isa::add(l, e);
    }
    lc = Isa::fold(l);
  }

  /// The scales of a page's 64 values in each of V vectors of d from d0.
  template <int V>
  static HEARTH_INLINE void value_scales(const AttendArgs& a, const Chunk& c, std::int64_t d0,
                                         float (&scale)[V][kPage]) {
    const std::byte* scales = a.pages[c.page] + a.v_offset + kv_scales_offset(T, a.head_dim);
    HEARTH_UNROLL
    for (int n = 0; n < V; ++n) {
      HEARTH_UNROLL
      for (int j = 0; j < kPage; j += 16)
        Isa::store(&scale[n][j], Isa::load_f16(scales + 2 * value_scale_index(j, d0 + 16 * n)));
    }
  }

  /// o = fma(p_j, v_j, o) over slots begin … end-1, for N queries and V vectors of d from d0.
  template <int N, int V>
  static HEARTH_INLINE void values(const AttendArgs& a, const Chunk& c, int first, std::int64_t d0, int begin, int end,
                                   F (&o)[N][V]) {
    const std::byte* v = a.pages[c.page] + a.v_offset + value_index(begin, d0, a.head_dim) * kBytes;
    alignas(64) float scale[kScaled ? V : 1][kPage];
    if constexpr (kScaled) value_scales<V>(a, c, d0, scale);
    for (int j = begin; j < end; ++j, v += a.head_dim * kBytes) {
      HEARTH_UNROLL
      for (int n = 0; n < V; ++n) {
        const F vj = scaled(load(v + n * 16 * kBytes), Isa::set1(scale[kScaled ? n : 0][j]));
        HEARTH_UNROLL
        for (int i = 0; i < N; ++i) {
          o[i][n] = Isa::fma(Isa::set1(c.p[first + i][j]), vj, o[i][n]);
        }
      }
    }
  }

  struct Merge {
    float old_weight, new_weight;
  };

  /// N queries that see the same slots: their values, merged into out.
  template <int N, int V>
  static HEARTH_INLINE void merge_values(const AttendArgs& a, const Chunk& c, int first, std::int64_t d0,
                                         const Merge* merge) {
    F o[N][V];
    HEARTH_UNROLL
    for (int i = 0; i < N; ++i) {
      HEARTH_UNROLL
      for (int n = 0; n < V; ++n) {
        o[i][n] = Isa::zero();
      }
    }
    values<N, V>(a, c, first, d0, c.begin[first], c.end[first], o);
    HEARTH_UNROLL
    for (int i = 0; i < N; ++i) {
      HEARTH_UNROLL
      for (int n = 0; n < V; ++n) {
        float* out = a.out[first + i] + d0 + n * 16;
        Isa::store(out, merged(o[i][n], Isa::load(out), merge[first + i]));
      }
    }
  }

  static HEARTH_INLINE F merged(const F& chunk, const F& old, const Merge& m) {
    return Isa::fma(chunk, Isa::set1(m.new_weight), Isa::mul(old, Isa::set1(m.old_weight)));
  }

  static HEARTH_INLINE void merge_tail(const AttendArgs& a, const Chunk& c, int query, std::int64_t d0,
                                       const Merge& merge) {
    const std::int64_t n = a.head_dim - d0;
    F o = Isa::zero();
    for (int j = c.begin[query]; j < c.end[query]; ++j)
      o = Isa::fma(Isa::set1(c.p[query][j]),
                   load_tail(a.pages[c.page] + a.v_offset + value_index(j, d0, a.head_dim) * kBytes, n), o);
    float* out = a.out[query] + d0;
    RowOps::store_tail(out, merged(o, RowOps::load_tail(out, n), merge), n);
  }

  template <int N, int V>
  static HEARTH_INLINE void merge_rows(const AttendArgs& a, const Chunk& c, int first, const Merge* merge) {
    std::int64_t d = 0;
    for (; d + 16 * V <= a.head_dim; d += 16 * V) merge_values<N, V>(a, c, first, d, merge);
    for (; d + 16 <= a.head_dim; d += 16) merge_values<N, 1>(a, c, first, d, merge);
    if (d == a.head_dim) return;
    for (int i = 0; i < N; ++i) merge_tail(a, c, first + i, d, merge[first + i]);
  }

  static void attend(const AttendArgs& a) {
    attend_pages(a, [&](const Chunk& c, const Merge* merge) HEARTH_LAMBDA { merge_chunk(a, c, merge); });
  }

  /// merge_chunk(chunk, merge) merges the values that a chunk's weights are for into the queries' sums.
  template <class MergeChunk> static HEARTH_INLINE void attend_pages(const AttendArgs& a, MergeChunk merge_chunk) {
    Chunk c;
    float m[kMaxLatentQueries], l[kMaxLatentQueries];
    Merge merge[kMaxLatentQueries];
    std::int64_t first = a.begin[0], last = a.end[0];
    for (int i = 0; i < a.n_queries; ++i) {
      m[i] = -__builtin_inff();
      l[i] = 0.0f;
      for (std::int64_t d = 0; d < a.value_dim(); ++d) a.out[i][d] = 0.0f;
      first = a.begin[i] < first ? a.begin[i] : first;
      last = a.end[i] > last ? a.end[i] : last;
    }
    for (c.page = first / kPage; c.page * kPage < last; ++c.page) {
      const std::int64_t next = (c.page + 1) * kPage < last ? c.page + 1 : c.page;
      c.soon[0] = a.pages[c.page] + a.v_offset;
      c.soon[1] = a.pages[next] + a.k_offset;
      all_scores(a, c);
      for (int i = 0; i < a.n_queries; ++i) {
        c.begin[i] = clamp(a.begin[i] - c.page * kPage);
        c.end[i] = clamp(a.end[i] - c.page * kPage);
        if (c.begin[i] >= c.end[i]) continue;
        float mc, lc;
        weights(a, c, i, mc, lc);
        const float mn = m[i] > mc ? m[i] : mc;
        merge[i] = {exp_nonpositive(m[i] - mn), exp_nonpositive(mc - mn)};
        l[i] = __builtin_fmaf(lc, merge[i].new_weight, l[i] * merge[i].old_weight);
        m[i] = mn;
      }
      merge_chunk(c, merge);
    }
    for (int i = 0; i < a.n_queries; ++i) {
      if (a.sink[i]) see_sink(*a.sink[i], m[i], l[i], a.out[i], a.value_dim());
      const float inverse = 1.0f / l[i];
      for (std::int64_t d = 0; d < a.value_dim(); ++d) a.out[i][d] = a.out[i][d] * inverse;
    }
  }

  static HEARTH_INLINE void see_sink(float sink, float m, float& l, float* out, std::int64_t value_dim) {
    const float mn = m > sink ? m : sink;
    const float old_weight = exp_nonpositive(m - mn);
    l = __builtin_fmaf(l, old_weight, exp_nonpositive(sink - mn));
    for (std::int64_t d = 0; d < value_dim; ++d) out[d] = out[d] * old_weight;
  }

  static HEARTH_INLINE int clamp(std::int64_t slot) {
    return static_cast<int>(slot < 0 ? 0 : slot > kPage ? kPage : slot);
  }

  /// Several queries at a time where they see the same slots.
  static void merge_chunk(const AttendArgs& a, const Chunk& c, const Merge* merge) {
    constexpr int N = Isa::kValueQueries, V = Isa::kValueVectors;
    for (int i = 0; i < a.n_queries;) {
      if (c.begin[i] >= c.end[i]) {
        ++i;
        continue;
      }
      int same = 1;
      while (same < N && i + same < a.n_queries && c.begin[i + same] == c.begin[i] && c.end[i + same] == c.end[i])
        ++same;
      if (same == N) {
        merge_rows<N, V>(a, c, i, merge);
        i += N;
      } else {
        merge_rows<1, 4>(a, c, i, merge);
        i += 1;
      }
    }
  }

  /// One position's K, scattered to its lane, and its V where it has one of its own.
  static bool kv_store(std::byte* k_page, std::byte* v_page, const float* k, const float* v, std::int64_t slot,
                       std::int64_t head_dim) {
    if constexpr (kScaled) {
      const bool finite = store_key_blocks(k_page, k, slot, head_dim);
      return v ? store_value_blocks(v_page, v, slot, head_dim) & finite : finite;
    } else {
      const bool finite = store_key(k_page, k, slot, head_dim);
      return v ? store_value(v_page, v, slot, head_dim) & finite : finite;
    }
  }

  static HEARTH_INLINE bool store_key(std::byte* page, const float* k, std::int64_t slot, std::int64_t head_dim) {
    std::byte* lane = page + key_index(slot, 0, head_dim) * kBytes;
    return converted(k, head_dim, [&](const std::byte* row, std::int64_t d, std::int64_t n) HEARTH_LAMBDA {
      for (std::int64_t i = 0; i < n; ++i) __builtin_memcpy(lane + (d + i) * 16 * kBytes, row + i * kBytes, kBytes);
    });
  }

  static HEARTH_INLINE bool store_value(std::byte* page, const float* v, std::int64_t slot, std::int64_t head_dim) {
    std::byte* to = page + value_index(slot, 0, head_dim) * kBytes;
    return converted(v, head_dim, [&](const std::byte* row, std::int64_t d, std::int64_t n) HEARTH_LAMBDA {
      __builtin_memcpy(to + d * kBytes, row, static_cast<std::size_t>(n * kBytes));
    });
  }

  /// store(bytes, d, n) for every 16 elements, or the fewer last ones, as the cache holds them; whether all are finite.
  template <class Store> static HEARTH_INLINE bool converted(const float* x, std::int64_t head_dim, Store store) {
    bool finite = true;
    for (std::int64_t d = 0; d < head_dim; d += 16) {
      const std::int64_t n = head_dim - d < 16 ? head_dim - d : 16;
      alignas(64) std::byte row[64];
      convert(row, x + d, n);
      store(row, d, n);
      for (std::int64_t i = 0; i < n; ++i) finite = is_finite(row + i * kBytes) & finite;
    }
    return finite;
  }

  /// The same where 32 codes share a scale.
  static HEARTH_INLINE bool store_key_blocks(std::byte* page, const float* k, std::int64_t slot,
                                             std::int64_t head_dim) {
    std::byte* scales = page + kv_scales_offset(T, head_dim);
    bool finite = true;
    for (std::int64_t d = 0; d < head_dim; d += kBlock) {
      QBlock key;
      finite = RowOps::quantize_block(key, Isa::load(k + d), Isa::load(k + d + 16)) & finite;
      finite = store_scale(scales + 2 * key_scale_index(slot, d, head_dim), key.d) & finite;
      for (std::int64_t i = 0; i < kBlock; ++i)
        page[key_index(slot, d + i, head_dim)] = static_cast<std::byte>(key.q[i]);
    }
    return finite;
  }

  static HEARTH_INLINE bool store_value_blocks(std::byte* page, const float* v, std::int64_t slot,
                                               std::int64_t head_dim) {
    std::byte* scales = page + kv_scales_offset(T, head_dim);
    bool finite = true;
    for (std::int64_t d = 0; d < head_dim; d += kBlock) {
      QBlock value;
      finite = RowOps::quantize_block(value, Isa::load(v + d), Isa::load(v + d + 16)) & finite;
      finite = store_scale(scales + 2 * value_scale_index(slot, d), value.d) & finite;
      __builtin_memcpy(page + value_index(slot, d, head_dim), value.q, kBlock);
    }
    return finite;
  }

  static HEARTH_INLINE bool store_scale(std::byte* at, float d) {
    const std::uint16_t half = f32_to_f16(d);
    __builtin_memcpy(at, &half, 2);
    return (half & 0x7c00u) != 0x7c00u;
  }

  static HEARTH_INLINE void convert(std::byte* row, const float* x, std::int64_t n) {
    const F lanes = n == 16 ? Isa::load(x) : RowOps::load_tail(x, n);
    if constexpr (T == KvType::f16) Isa::store_f16(row, lanes);
    else Isa::store(reinterpret_cast<float*>(row), lanes);
  }

  static HEARTH_INLINE bool is_finite(const std::byte* x) {
    if constexpr (T == KvType::f16) {
      std::uint16_t bits;
      __builtin_memcpy(&bits, x, 2);
      return (bits & 0x7c00u) != 0x7c00u;
    } else {
      std::uint32_t bits;
      __builtin_memcpy(&bits, x, 4);
      return (bits & 0x7f800000u) != 0x7f800000u;
    }
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
