// What xsimd lacks on AVX2 (with FMA and F16C), and the 256-bit VNNI dot where the CPU has it: "avx2" and "avxvnni".
#pragma once

#include <immintrin.h>

#include "lanes.h"

namespace hearth::kernels::HEARTH_ISA {

struct Isa : Lanes<xsimd::fma3<xsimd::avx2>> {
#ifdef __AVXVNNI__
  static constexpr const char* kNeeds = "AVX2, FMA, F16C and AVX-VNNI";
  static constexpr bool kVnni = true;
  static constexpr int kPanelTokens = 3, kPanelTokensTwoSums = 2, kPanelTokensBytes = 3;
  static bool runs_here() { return has_avx2() && has_avxvnni(); }
#else
  static constexpr const char* kNeeds = "AVX2, FMA and F16C";
  static constexpr bool kVnni = false;
  static constexpr int kPanelTokens = 4, kPanelTokensTwoSums = 4, kPanelTokensBytes = 3;
  static bool runs_here() { return has_avx2(); }
#endif
  // f16c and avxvnni have no name that both gcc 12 and clang 14 know in __builtin_cpu_supports; avx2's covers the system's part.
  static bool has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (cpuid(1, 0).c >> 29 & 1u) != 0;
  }
  static bool has_avxvnni() { return (cpuid(7, 1).a >> 4 & 1u) != 0; }
  struct Registers {
    unsigned a, b, c, d;
  };
  static Registers cpuid(unsigned leaf, unsigned subleaf) {
    Registers r{leaf, 0, subleaf, 0};
    asm volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    return r;
  }
  static constexpr bool kSignedDot = false;
  static constexpr std::int64_t kAhead = 4096, kFarAhead = 0;  // bytes asked for ahead; of the second cache, nothing
  static constexpr bool kTiles = false;
  static constexpr int kPanelGroups = 1;  // these and the panels' tokens are explained in isa_avx512.h
  static constexpr int kSmallTile = 4;
  static constexpr bool few(std::int64_t n_tokens, bool bytes) {  // a tile of eight pays where it is nearly full
    return n_tokens <= 4 || (bytes && n_tokens >= 7 && n_tokens <= 8);
  }
  static constexpr int kFloatRows = 3, kFloatTokens = 4, kFloatRowsOfFew = 2;
  static constexpr int kQueryTile = 4;
  // Widening V takes a multiplier's place: each vector of it is for many queries.
  static constexpr int kValueQueries = 4, kValueVectors = 1;

  static HEARTH_INLINE F f(__m256 a, __m256 b) { return F{{FloatBatch(a), FloatBatch(b)}}; }
  static HEARTH_INLINE __m256 ps(const FloatBatch& a) { return a; }

  struct I {
    __m256i a, b;
  };  // 16 int32, or 16 lanes of 4 bytes: lanes 0-7, lanes 8-15
  static HEARTH_INLINE I load_i(const void* p) {
    const auto* q = static_cast<const __m256i*>(p);
    return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
  }
  static HEARTH_INLINE void store_i(void* p, const I& x) {
    auto* q = static_cast<__m256i*>(p);
    _mm256_storeu_si256(q, x.a);
    _mm256_storeu_si256(q + 1, x.b);
  }
  static HEARTH_INLINE I both(__m256i x) { return {x, x}; }
  static HEARTH_INLINE I set1_i(std::int32_t x) { return both(_mm256_set1_epi32(x)); }
  static HEARTH_INLINE I zero_i() { return both(_mm256_setzero_si256()); }
  static HEARTH_INLINE I add_i(const I& x, const I& y) {
    return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
  }
  static HEARTH_INLINE I sub_i(const I& x, const I& y) {
    return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)};
  }
  static HEARTH_INLINE I mul16(const I& x, const I& y) {
    return {_mm256_mullo_epi16(x.a, y.a), _mm256_mullo_epi16(x.b, y.b)};
  }
  static HEARTH_INLINE I and_i(const I& x, const I& y) {
    return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)};
  }
  static HEARTH_INLINE I or_i(const I& x, const I& y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
  static HEARTH_INLINE I xor_i(const I& x, const I& y) {
    return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)};
  }
  template <int N> static HEARTH_INLINE I shl(const I& x) {
    return {_mm256_slli_epi32(x.a, N), _mm256_slli_epi32(x.b, N)};
  }
  template <int N> static HEARTH_INLINE I shr(const I& x) {
    return {_mm256_srli_epi32(x.a, N), _mm256_srli_epi32(x.b, N)};
  }
  template <int N> static HEARTH_INLINE I sra(const I& x) {
    return {_mm256_srai_epi32(x.a, N), _mm256_srai_epi32(x.b, N)};
  }

  static HEARTH_INLINE F fma(const F& a, const F& b, const F& c) {
    return map<F>([&](int n) HEARTH_LAMBDA { return FloatBatch(_mm256_fmadd_ps(ps(a.r[n]), ps(b.r[n]), ps(c.r[n]))); });
  }
  static HEARTH_INLINE F fnma(const F& a, const F& b, const F& c) {
    return map<F>([&](int n)
                      HEARTH_LAMBDA { return FloatBatch(_mm256_fnmadd_ps(ps(a.r[n]), ps(b.r[n]), ps(c.r[n]))); });
  }
  static HEARTH_INLINE F round(const F& a) {
    return map<F>([&](int n)
                      HEARTH_LAMBDA { return FloatBatch(_mm256_round_ps(ps(a.r[n]), _MM_FROUND_TO_NEAREST_INT)); });
  }
  static HEARTH_INLINE F abs(const F& a) {
    return map<F>([&](int n) HEARTH_LAMBDA { return FloatBatch(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), ps(a.r[n]))); });
  }
  static HEARTH_INLINE F to_float(const I& a) { return f(_mm256_cvtepi32_ps(a.a), _mm256_cvtepi32_ps(a.b)); }
  static HEARTH_INLINE I to_int(const F& a) { return {_mm256_cvtps_epi32(ps(a.r[0])), _mm256_cvtps_epi32(ps(a.r[1]))}; }
  static HEARTH_INLINE F as_float(const I& a) { return f(_mm256_castsi256_ps(a.a), _mm256_castsi256_ps(a.b)); }
  static HEARTH_INLINE I as_int(const F& a) {
    return {_mm256_castps_si256(ps(a.r[0])), _mm256_castps_si256(ps(a.r[1]))};
  }
  static HEARTH_INLINE F select_gt(const F& x, const F& bound, const F& yes, const F& no) {
    return map<F>([&](int n) HEARTH_LAMBDA {
      return FloatBatch(
          _mm256_blendv_ps(ps(no.r[n]), ps(yes.r[n]), _mm256_cmp_ps(ps(x.r[n]), ps(bound.r[n]), _CMP_GT_OQ)));
    });
  }
  static HEARTH_INLINE F select_ge(const F& x, const F& bound, const F& yes, const F& no) {
    return map<F>([&](int n) HEARTH_LAMBDA {
      return FloatBatch(
          _mm256_blendv_ps(ps(no.r[n]), ps(yes.r[n]), _mm256_cmp_ps(ps(x.r[n]), ps(bound.r[n]), _CMP_GE_OQ)));
    });
  }
  static HEARTH_INLINE F select_range(int first, int last, const F& yes, const F& no) {
    return map<F>([&](int n) HEARTH_LAMBDA {
      const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(8 * n));
      const __m256i inside = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane),
                                                 _mm256_cmpgt_epi32(_mm256_set1_epi32(last), lane));
      return FloatBatch(_mm256_blendv_ps(ps(no.r[n]), ps(yes.r[n]), _mm256_castsi256_ps(inside)));
    });
  }

  static HEARTH_INLINE F f16_low(const I& a) {
    const __m256i low = _mm256_set1_epi32(0xffff);
    const __m256i halves =
        _mm256_permute4x64_epi64(_mm256_packus_epi32(_mm256_and_si256(a.a, low), _mm256_and_si256(a.b, low)), 0xd8);
    return f(_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1)));
  }
  static HEARTH_INLINE F f16_high(const I& a) { return f16_low(shr<16>(a)); }
  static HEARTH_INLINE I load_u8(const void* p) {
    const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
    return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
  }
  static HEARTH_INLINE I load_i8(const void* p) {
    const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
    return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
  }
  static HEARTH_INLINE I lookup(const std::int8_t* table, const I& index) {
    const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
    return {_mm256_shuffle_epi8(entries, index.a), _mm256_shuffle_epi8(entries, index.b)};
  }
  static HEARTH_INLINE I madd16(const I& a, const I& b) {
    return {_mm256_madd_epi16(a.a, b.a), _mm256_madd_epi16(a.b, b.b)};
  }

  static HEARTH_INLINE F load_f16(const void* p) {
    const auto* q = static_cast<const __m128i*>(p);
    return f(_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1)));
  }
  static HEARTH_INLINE F load_bf16(const void* p) {
    const auto* q = static_cast<const __m128i*>(p);
    return as_float(
        shl<16>(I{_mm256_cvtepu16_epi32(_mm_loadu_si128(q)), _mm256_cvtepu16_epi32(_mm_loadu_si128(q + 1))}));
  }
  static HEARTH_INLINE void store_f16(void* p, const F& a) {
    auto* q = static_cast<__m128i*>(p);
    HEARTH_UNROLL
    for (int n = 0; n < 2; ++n) _mm_storeu_si128(q + n, _mm256_cvtps_ph(ps(a.r[n]), _MM_FROUND_TO_NEAREST_INT));
  }
  static HEARTH_INLINE void store_i8(std::int8_t* p, const I& a) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.a, a.b), 0xd8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  static HEARTH_INLINE float reduce_max(const F& a) {
    const __m256 m = _mm256_max_ps(ps(a.r[0]), ps(a.r[1]));
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
  }
  static HEARTH_INLINE std::int32_t reduce_add_i(const I& a) {
    const __m256i s = _mm256_add_epi32(a.a, a.b);
    __m128i q = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
  }
  static HEARTH_INLINE float fold(const F& a) {
    const __m256 h = _mm256_add_ps(ps(a.r[0]), ps(a.r[1]));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
  }

  static HEARTH_INLINE I broadcast(const void* p) {
    std::int32_t x;
    __builtin_memcpy(&x, p, 4);
    return set1_i(x);
  }
  static HEARTH_INLINE void pin(I& x) { asm("" : "+x"(x.a), "+x"(x.b)); }
#ifdef __AVXVNNI__
  static HEARTH_INLINE I dot(const I& acc, const I& w, const I& a) {
    return {_mm256_dpbusd_avx_epi32(acc.a, w.a, a.a), _mm256_dpbusd_avx_epi32(acc.b, w.b, a.b)};
  }
  static HEARTH_INLINE I dot_at(const I& acc, const I& w, const std::int8_t* a) { return dot(acc, w, broadcast(a)); }
#else
  /// Pairs of products as 16-bit sums. Of codes of up to 15, eight such sums fit 16 bits, up to 31 four, up to 63 two; of signed
  /// bytes one, with the sign moved to the activation (|w| <= 128 and |a| <= 127: 32512).
  template <bool Signed> static HEARTH_INLINE I products16(const I& w, const I& a) {
    return {pairs<Signed>(w.a, a.a), pairs<Signed>(w.b, a.b)};
  }
  template <bool Signed> static HEARTH_INLINE __m256i pairs(__m256i w, __m256i a) {
    return Signed ? _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w)) : _mm256_maddubs_epi16(w, a);
  }
  static HEARTH_INLINE I add16(const I& x, const I& y) {
    return {_mm256_add_epi16(x.a, y.a), _mm256_add_epi16(x.b, y.b)};
  }
  static HEARTH_INLINE I widened(const I& sums16) { return madd16(sums16, both(_mm256_set1_epi16(1))); }
#endif

  static HEARTH_INLINE void transpose(const std::byte* p, std::size_t stride, I (&out)[4]) {
    const auto quarter = [&](std::size_t row) HEARTH_LAMBDA {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + row * stride));
    };
    __m256i t[4][2];
    HEARTH_UNROLL
    for (int half = 0; half < 2; ++half) {
      __m256i z[4];
      HEARTH_UNROLL
      for (int n = 0; n < 4; ++n) {
        const auto r = static_cast<std::size_t>(half * 8 + n);
        z[n] = _mm256_inserti128_si256(_mm256_castsi128_si256(quarter(r)), quarter(r + 4), 1);
      }
      const __m256i a = _mm256_unpacklo_epi32(z[0], z[1]), b = _mm256_unpackhi_epi32(z[0], z[1]);
      const __m256i c = _mm256_unpacklo_epi32(z[2], z[3]), d = _mm256_unpackhi_epi32(z[2], z[3]);
      t[0][half] = _mm256_unpacklo_epi64(a, c);
      t[1][half] = _mm256_unpackhi_epi64(a, c);
      t[2][half] = _mm256_unpacklo_epi64(b, d);
      t[3][half] = _mm256_unpackhi_epi64(b, d);
    }
    HEARTH_UNROLL
    for (int n = 0; n < 4; ++n) out[n] = {t[n][0], t[n][1]};
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
