// Attention over latents: one stored vector is a position's key, and the head of it its value. It lies as keys do, sixteen
// positions a vector, so for the values lane = query: many heads share each element, and it is broadcast to them. A page is
// neither kept twice nor transposed.
#pragma once

#include "attend.inl"

namespace hearth::kernels::HEARTH_ISA {

template <KvType T> struct AttendLatent : Attend<T> {
  using Base = Attend<T>;
  using typename Base::Chunk;
  using typename Base::F;
  using typename Base::Merge;
  static constexpr int kLanes = kMaxLatentQueries;
  static constexpr int kSums = Isa::kValueQueries * Isa::kValueVectors;  // that stay in registers, as Attend's do
  static_assert(kLanes == 16 && kLanes % kSums == 0);

  /// One page's sixteen elements from d0, or the n last ones, as numbers.
  static HEARTH_INLINE void expand(const AttendArgs& a, const Chunk& c, std::int64_t d0, std::int64_t n,
                                   float (&v)[16][kPage]) {
    const std::byte* page = a.pages[c.page] + a.k_offset;
    const std::byte* scales = page + kv_scales_offset(T, a.head_dim);
    for (int j = 0; j < kPage; j += 16) {
      F scale = Isa::zero();
      if constexpr (Base::kScaled) scale = Isa::load_f16(scales + 2 * key_scale_index(j, d0, a.head_dim));
      const std::byte* at = page + key_index(j, d0, a.head_dim) * Base::kBytes;
      for (std::int64_t i = 0; i < n; ++i)
        Isa::store(&v[i][j], Base::scaled(Base::load(at + i * 16 * Base::kBytes), scale));
    }
  }

  /// The weights with lane = query.
  static HEARTH_INLINE void turn_weights(Chunk& c, int n_queries, float (&p)[kPage][kLanes]) {
    for (int i = n_queries; i < kLanes; ++i) __builtin_memset(c.p[i], 0, sizeof c.p[i]);
    for (int j = 0; j < kPage; j += 4) {
      typename Isa::I slots[4];
      Isa::transpose(reinterpret_cast<const std::byte*>(&c.p[0][j]), sizeof c.p[0], slots);
      HEARTH_UNROLL
      for (int i = 0; i < 4; ++i) Isa::store(p[j + i], Isa::as_float(slots[i]));
    }
  }

  /// o[d][query] = sum of p_j v_j over slots begin … end-1, in order.
  static HEARTH_INLINE void sums(const float (&p)[kPage][kLanes], const float (&v)[16][kPage], int begin, int end,
                                 float (&o)[16][kLanes]) {
    for (int d = 0; d < 16; d += kSums) {
      F sum[kSums];
      HEARTH_UNROLL
      for (int i = 0; i < kSums; ++i) {
        sum[i] = Isa::zero();
      }
      for (int j = begin; j < end; ++j) {
        const F pj = Isa::load(p[j]);
        HEARTH_UNROLL
        for (int i = 0; i < kSums; ++i) {
          sum[i] = Isa::fma(pj, Isa::set1(v[d + i][j]), sum[i]);
        }
      }
      HEARTH_UNROLL
      for (int i = 0; i < kSums; ++i) {
        Isa::store(o[d + i], sum[i]);
      }
    }
  }

  /// The n elements from d0 of queries first … last-1, merged into out.
  static HEARTH_INLINE void merge_sums(const AttendArgs& a, const float (&o)[16][kLanes], std::int64_t d0,
                                       std::int64_t n, int first, int last, const Merge* merge) {
    for (int four = first / 4 * 4; four < last; four += 4) {
      typename Isa::I rows[4];
      Isa::transpose(reinterpret_cast<const std::byte*>(&o[0][four]), sizeof o[0], rows);
      for (int query = first > four ? first : four; query < last && query < four + 4; ++query) {
        float* out = a.out[query] + d0;
        const F chunk = Isa::as_float(rows[query - four]);
        if (n == 16) Isa::store(out, Base::merged(chunk, Isa::load(out), merge[query]));
        else RowOps::store_tail(out, Base::merged(chunk, RowOps::load_tail(out, n), merge[query]), n);
      }
    }
  }

  /// Queries that see the same slots together; with a row of many heads these are all.
  static void merge_latents(const AttendArgs& a, Chunk& c, const Merge* merge) {
    alignas(64) float p[kPage][kLanes], v[16][kPage] = {}, o[16][kLanes];
    turn_weights(c, a.n_queries, p);
    for (std::int64_t d0 = 0; d0 < a.latent_dim; d0 += 16) {
      const std::int64_t n = a.latent_dim - d0 < 16 ? a.latent_dim - d0 : 16;
      expand(a, c, d0, n, v);
      for (int first = 0, last = 0; first < a.n_queries; first = last) {
        while (last < a.n_queries && c.begin[last] == c.begin[first] && c.end[last] == c.end[first]) ++last;
        if (c.begin[first] >= c.end[first]) continue;
        sums(p, v, c.begin[first], c.end[first], o);
        merge_sums(a, o, d0, n, first, last, merge);
      }
    }
  }

  static void attend(const AttendArgs& a) {
    Base::attend_pages(a, [&](Chunk& c, const Merge* merge) HEARTH_LAMBDA { merge_latents(a, c, merge); });
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
