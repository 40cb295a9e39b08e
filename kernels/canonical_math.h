// Enters: one float, or the 16 bits of a half. Leaves: exp, sigmoid, silu, gelu, tanh and the half-width conversions,
// each with the one definition ARITHMETIC.md gives it: plain f32 operations in a written order, every fma spelled out.
#pragma once

#include <math.h>

#include <cfloat>
#include <cstdint>
#include <cstring>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "Hearth's arithmetic is defined to the last bit; compile it without -ffast-math and -ffinite-math-only"
#endif

// Everything here has internal linkage and calls only C functions: files compiled for different instruction sets
// include it, and a weak symbol holding AVX code could become the copy that the linker keeps for the whole program.
#ifdef __CUDACC__  // the same lines for a GPU's threads
#define HEARTH_ANYWHERE __device__
#define HEARTH_CONSTANTS static __constant__ constexpr
#else
static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,  // 16: halves are rounded to halves besides
              "each step is to round floats to floats: x87 keeps more bits");
#define HEARTH_ANYWHERE
#define HEARTH_CONSTANTS static constexpr
#endif

namespace hearth::kernels {

/// The bits of a float, and the float of some bits.
HEARTH_ANYWHERE static inline std::uint32_t bits_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
HEARTH_ANYWHERE static inline float float_of(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// exp(x) for x <= 0, -inf included; +0 for x <= -87. Relative error below 1e-7. A NaN comes back as it is.
/// 2^n * P(r) with x = n*ln2 + r; ln2 stands in two parts (Cody and Waite), the first short enough for n*ln2_hi to be
/// exact.
HEARTH_ANYWHERE static inline float exp_nonpositive(float x) {
  if (!(x > -87.0f)) return x <= -87.0f ? 0.0f : x;
  const float n = nearbyintf(x * 1.44269504f);
  float r = fmaf(-n, 0.693145752f, x);
  r = fmaf(-n, 1.42860677e-6f, r);
  float p = 0.00137805939f;
  p = fmaf(p, r, 0.00837312452f);
  p = fmaf(p, r, 0.0416695364f);
  p = fmaf(p, r, 0.166664720f);
  p = fmaf(p, r, 0.499999851f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  const std::uint32_t exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n)) << 23;  // modulo 2^32: n < 0
  return float_of(bits_of(p) + exponent);
}

HEARTH_ANYWHERE static inline float sigmoid(float x) {
  const float e = exp_nonpositive(-fabsf(x));
  return x >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

HEARTH_ANYWHERE static inline float silu(float x) { return x * sigmoid(x); }

/// x/2 * (1 + tanh(u)) written as x * sigmoid(2u), which needs no tanh.
HEARTH_ANYWHERE static inline float gelu_tanh(float x) {
  const float cubic = 0.044715f * x * x;
  const float u = 0.79788456f * fmaf(cubic, x, x);
  return x * sigmoid(2.0f * u);
}

/// x * Phi(x), Phi the normal distribution: GELU as first defined, by erf. The tail Phi(-a) of a = |x| is exp(-a^2/2) times a
/// function of t = 1/(1 + 3a/8) that a polynomial without constant term meets to 4.1e-8 relatively (fitted to the least maximum
/// on a < 13.3, where exp ends); so a small probability keeps the digits that 1 + erf would lose.
HEARTH_CONSTANTS float kNormalTail[] = {0.021768803f, -0.1385692f, 0.3551786f,   -0.4372158f, 0.2260126f,
                                        -0.06145379f, 0.10982312f, 0.124942765f, 0.14992158f, 0.14959131f};
HEARTH_ANYWHERE static inline float gelu_erf(float x) {
  const float a = fabsf(x);
  const float t = 1.0f / fmaf(0.375f, a, 1.0f);
  float p = kNormalTail[0];
  for (int i = 1; i < 10; ++i) p = fmaf(p, t, kNormalTail[i]);
  const float tail = exp_nonpositive(a * a * -0.5f) * (p * t);
  return x * (x >= 0.0f ? 1.0f - tail : tail);
}

/// gpt-oss's activation: bounds of its inputs, and what its sigmoid's is multiplied by.
static constexpr float kSwigluLimit = 7.0f, kSwigluSlope = 1.702f;
HEARTH_ANYWHERE static inline float silu_clamped(float x) {
  const float g = x >= kSwigluLimit ? kSwigluLimit : x;
  return g * sigmoid(kSwigluSlope * g);
}

/// The sign is that of x, of a zero too.
HEARTH_ANYWHERE static inline float tanh(float x) {
  const float t = exp_nonpositive(-2.0f * fabsf(x));
  return copysignf((1.0f - t) / (1.0f + t), x);
}

/// binary16 -> binary32: exact. A signalling NaN becomes quiet, as the CPU's conversion does it.
HEARTH_ANYWHERE static inline float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 31) return float_of(sign | 0x7f800000u | (fraction ? 0x400000u | fraction << 13 : 0u));
  if (exponent != 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // zero and subnormals: exact
  return float_of(sign | bits_of(magnitude));
}

/// binary32 -> binary16, nearest even; too large becomes infinity, a NaN stays one and is quiet.
HEARTH_ANYWHERE static inline std::uint16_t f32_to_f16(float x) {
  const std::uint32_t bits = bits_of(x);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | (magnitude >> 13 & 0x1ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520, half way from the largest half to the next
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14, the smallest normal half
    half = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  } else if (magnitude > 0x33000000u) {  // above 2^-25, half of the smallest subnormal; that itself ties to zero
    const std::uint32_t shift = 126 - (magnitude >> 23);
    const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t kept = fraction >> shift;
    const std::uint32_t rest = fraction & ((1u << shift) - 1);
    const std::uint32_t middle = 1u << (shift - 1);
    half = kept + (rest > middle || (rest == middle && (kept & 1u)) ? 1u : 0u);
  } else {
    half = 0;
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// 2^(e-128), the E8M0 scale of MXFP4 with its code book's factor of two taken out: exact, subnormals kept. 255 stands for NaN.
HEARTH_ANYWHERE static inline float mxfp4_scale(std::uint8_t e) {
  if (e == 255) return float_of(0x7fc00000u);
  return float_of(e < 2 ? 0x00200000u << e : static_cast<std::uint32_t>(e - 1) << 23);
}

/// bfloat16 is the upper half of a binary32: exact.
HEARTH_ANYWHERE static inline float bf16_to_f32(std::uint16_t half) {
  return float_of(static_cast<std::uint32_t>(half) << 16);
}

/// binary32 -> bfloat16, nearest even; a NaN stays one and is quiet.
HEARTH_ANYWHERE static inline std::uint16_t f32_to_bf16(float x) {
  const std::uint32_t bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace hearth::kernels
