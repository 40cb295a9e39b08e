// What xsimd lacks on AVX-512 (F, BW, CD, DQ, VL, VNNI): fused fma, int8 dot products, halves, the 16x16-byte transpose.
#pragma once

#include <immintrin.h>

#include "lanes.h"
#if defined(__AMX_INT8__)
#include "tiles_amx.h"
#endif

namespace hearth::kernels::HEARTH_ISA {

struct Isa : Lanes<xsimd::avx512bw> {
#if defined(__AMX_INT8__)
  using Tiles = TileUnit;
  static constexpr bool kTiles = true;
  static constexpr const char* kNeeds = "AVX-512 F, BW, CD, DQ, VL and VNNI, AMX-INT8";
#else
  static constexpr bool kTiles = false;
  static constexpr const char* kNeeds = "AVX-512 F, BW, CD, DQ, VL and VNNI";
#endif
  // Bytes of repacked weights asked for ahead of their use: into the first cache, and before that into the second, as the first
  // one waits for too few lines at a time to hear of memory this early (Zen 4: it drops what it is asked for beyond those).
  static constexpr std::int64_t kAhead = 4096, kFarAhead = 16384;
  static bool runs_here() {
#if defined(__AMX_INT8__)
    if (!Tiles::allowed()) return false;
#endif
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
  }
  static constexpr int kPanelGroups = 2;  // groups of 16 rows that a prefill tile multiplies
  static constexpr int kPanelTokens = 7;  // tokens of that tile, where a block has one sum,
  static constexpr int kPanelTokensTwoSums = 5, kPanelTokensBytes = 7;  // where it has two, where codes are bytes
  static constexpr int kSmallTile = 8;                                  // tokens of a tile of one group
  /// Whether so many tokens meet the weights as these come from memory; others' weights are expanded to a panel.
  static constexpr bool few(std::int64_t n_tokens, bool) { return n_tokens <= 16; }
  static constexpr int kFloatRows = 4, kFloatTokens = 6;  // of a tile of float weights
  static constexpr int kFloatRowsOfFew = 4;               // where there are fewer tokens
  static constexpr int kQueryTile = 8;                    // queries whose scores stay in registers
  static constexpr int kValueQueries = 4;  // queries, and vectors of 16 d, that one pass over V accumulates
  static constexpr int kValueVectors = 4;
  static constexpr bool kVnni = true;        // the dot product takes unsigned weights,
  static constexpr bool kSignedDot = false;  // or signed ones at no cost

  struct I {
    __m512i r;
  };  // 16 int32, or 16 lanes of 4 bytes
  static HEARTH_INLINE __m512 raw(const F& a) { return a.r[0]; }
  static HEARTH_INLINE __m512i raw(const I& a) { return a.r; }
  static HEARTH_INLINE F f(__m512 a) { return F{{FloatBatch(a)}}; }
  static HEARTH_INLINE I i(__m512i a) { return {a}; }

  static HEARTH_INLINE I load_i(const void* p) { return i(_mm512_loadu_si512(p)); }
  static HEARTH_INLINE void store_i(void* p, const I& a) { _mm512_storeu_si512(p, a.r); }
  static HEARTH_INLINE I set1_i(std::int32_t x) { return i(_mm512_set1_epi32(x)); }
  static HEARTH_INLINE I zero_i() { return i(_mm512_setzero_si512()); }
  static HEARTH_INLINE I add_i(const I& a, const I& b) { return i(_mm512_add_epi32(a.r, b.r)); }
  static HEARTH_INLINE I sub_i(const I& a, const I& b) { return i(_mm512_sub_epi32(a.r, b.r)); }
  static HEARTH_INLINE I sub_i8(const I& a, const I& b) { return i(_mm512_sub_epi8(a.r, b.r)); }
  static HEARTH_INLINE I mul16(const I& a, const I& b) { return i(_mm512_mullo_epi16(a.r, b.r)); }
  static HEARTH_INLINE I and_i(const I& a, const I& b) { return i(_mm512_and_si512(a.r, b.r)); }
  static HEARTH_INLINE I or_i(const I& a, const I& b) { return i(_mm512_or_si512(a.r, b.r)); }
  static HEARTH_INLINE I xor_i(const I& a, const I& b) { return i(_mm512_xor_si512(a.r, b.r)); }

  // xsimd 8.1's fma on AVX-512 multiplies and adds with two roundings; the definition has one.
  static HEARTH_INLINE F fma(const F& a, const F& b, const F& c) { return f(_mm512_fmadd_ps(raw(a), raw(b), raw(c))); }
  static HEARTH_INLINE F fnma(const F& a, const F& b, const F& c) {
    return f(_mm512_fnmadd_ps(raw(a), raw(b), raw(c)));
  }
  static HEARTH_INLINE F round(const F& a) { return f(_mm512_roundscale_ps(raw(a), _MM_FROUND_TO_NEAREST_INT)); }
  static HEARTH_INLINE F abs(const F& a) { return f(_mm512_abs_ps(raw(a))); }
  static HEARTH_INLINE F to_float(const I& a) { return f(_mm512_cvtepi32_ps(raw(a))); }
  static HEARTH_INLINE I to_int(const F& a) { return i(_mm512_cvtps_epi32(raw(a))); }
  static HEARTH_INLINE F as_float(const I& a) { return f(_mm512_castsi512_ps(raw(a))); }
  static HEARTH_INLINE I as_int(const F& a) { return i(_mm512_castps_si512(raw(a))); }
  /// x > bound ? yes : no, lane by lane (also >= for select_ge).
  static HEARTH_INLINE F select_gt(const F& x, const F& bound, const F& yes, const F& no) {
    return f(_mm512_mask_blend_ps(_mm512_cmp_ps_mask(raw(x), raw(bound), _CMP_GT_OQ), raw(no), raw(yes)));
  }
  static HEARTH_INLINE F select_ge(const F& x, const F& bound, const F& yes, const F& no) {
    return f(_mm512_mask_blend_ps(_mm512_cmp_ps_mask(raw(x), raw(bound), _CMP_GE_OQ), raw(no), raw(yes)));
  }
  /// Lanes first <= lane < last from `yes`, the others from `no`.
  static HEARTH_INLINE F select_range(int first, int last, const F& yes, const F& no) {
    const unsigned below = last >= 16 ? 0xffffu : (1u << (last > 0 ? last : 0)) - 1u;
    const unsigned skip = first <= 0 ? 0u : first >= 16 ? 0xffffu : (1u << first) - 1u;
    return f(_mm512_mask_blend_ps(static_cast<__mmask16>(below & ~skip), raw(no), raw(yes)));
  }

  template <int N> static HEARTH_INLINE I shl(const I& a) { return i(_mm512_slli_epi32(raw(a), N)); }
  template <int N> static HEARTH_INLINE I shr(const I& a) { return i(_mm512_srli_epi32(raw(a), N)); }
  template <int N> static HEARTH_INLINE I sra(const I& a) { return i(_mm512_srai_epi32(raw(a), N)); }

  /// The low or the high 16 bits of each lane as a half.
  static HEARTH_INLINE F f16_low(const I& a) { return f(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(raw(a)))); }
  static HEARTH_INLINE F f16_high(const I& a) { return f16_low(shr<16>(a)); }
  /// 16 bytes -> 16 lanes, unsigned or signed.
  static HEARTH_INLINE I load_u8(const void* p) {
    return i(_mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
  }
  static HEARTH_INLINE I load_i8(const void* p) {
    return i(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
  }
  /// Each byte of `index` (0 … 15) replaced by that entry of the table.
  static HEARTH_INLINE I lookup(const std::int8_t* table, const I& index) {
    return i(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))),
                                 raw(index)));
  }
  /// low*low + high*high of each lane's signed 16-bit halves.
  static HEARTH_INLINE I madd16(const I& a, const I& b) { return i(_mm512_madd_epi16(raw(a), raw(b))); }

  static HEARTH_INLINE F load_f16(const void* p) {
    return f(_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
  }
  static HEARTH_INLINE F load_bf16(const void* p) {
    return as_float(
        i(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))), 16)));
  }
  static HEARTH_INLINE void store_f16(void* p, const F& a) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtps_ph(raw(a), _MM_FROUND_TO_NEAREST_INT));
  }
  static HEARTH_INLINE void store_i8(std::int8_t* p, const I& a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(raw(a)));
  }
  static HEARTH_INLINE float reduce_max(const F& a) { return _mm512_reduce_max_ps(raw(a)); }
  static HEARTH_INLINE std::int32_t reduce_add_i(const I& a) { return _mm512_reduce_add_epi32(raw(a)); }
  /// Lanes j+8 into j, then j+4, j+2, j+1.
  static HEARTH_INLINE float fold(const F& a) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(raw(a)), _mm512_extractf32x8_ps(raw(a), 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
  }

  static HEARTH_INLINE I broadcast(const void* p) {  // 4 bytes into every lane
    std::int32_t x;
    __builtin_memcpy(&x, p, 4);
    return set1_i(x);
  }
  /// Keeps a broadcast in its register instead of repeating the load.
  static HEARTH_INLINE void pin(I& a) { asm("" : "+v"(a.r)); }
  /// acc += unsigned weight bytes times signed activation bytes, four to a lane.
  static HEARTH_INLINE I dot(const I& acc, const I& w, const I& a) {
    return i(_mm512_dpbusd_epi32(raw(acc), raw(w), raw(a)));
  }
  /// The same with the activation broadcast from memory inside the instruction; gcc 12 does not fold it by itself.
  static HEARTH_INLINE I dot_at(const I& acc, const I& w, const std::int8_t* a) {
    __m512i sum = raw(acc);
    asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(raw(w)), "m"(*reinterpret_cast<const std::int32_t(*)[1]>(a)));
    return i(sum);
  }

  /// 16 rows of 16 bytes -> 4 vectors with lane = row.
  static HEARTH_INLINE void transpose(const std::byte* p, std::size_t stride, I (&out)[4]) {
    const auto quarter = [&](std::size_t row) HEARTH_LAMBDA {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + row * stride));
    };
    __m512i z[4];
    HEARTH_UNROLL
    for (int n = 0; n < 4; ++n) {
      const auto r = static_cast<std::size_t>(n);
      z[n] = _mm512_castsi128_si512(quarter(r));
      z[n] = _mm512_inserti32x4(z[n], quarter(4 + r), 1);
      z[n] = _mm512_inserti32x4(z[n], quarter(8 + r), 2);
      z[n] = _mm512_inserti32x4(z[n], quarter(12 + r), 3);
    }
    const __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    const __m512i c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    out[0] = i(_mm512_unpacklo_epi64(a, c));
    out[1] = i(_mm512_unpackhi_epi64(a, c));
    out[2] = i(_mm512_unpacklo_epi64(b, d));
    out[3] = i(_mm512_unpackhi_epi64(b, d));
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
