// Enters: floats on dense grids, all halves. Leaves: canonical math held against double and against the CPU's
// conversions.
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define HEARTH_TEST_X86 1
#endif

#include "canonical_math.h"
#include "support/catch.hpp"

namespace canonical_math_test {

using namespace hearth;
using kernels::bits_of;
using kernels::float_of;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan_value = std::numeric_limits<float>::quiet_NaN();

/// The worst relative error of `f` against `exact` over every `step`th float from `first` to `last` (bits).
template <class F, class Exact>
double worst_error(std::uint32_t first, std::uint32_t last, std::uint32_t step, F f, Exact exact) {
  double worst = 0;
  for (std::uint64_t bits = first; bits <= last; bits += step) {
    const float x = float_of(static_cast<std::uint32_t>(bits));
    const double wanted = exact(static_cast<double>(x));
    worst = std::max(worst, std::fabs(static_cast<double>(f(x)) - wanted) / std::fabs(wanted));
  }
  return worst;
}

#ifdef HEARTH_TEST_X86
// The intrinsics take a constant rounding mode and this file is compiled for any x86, so each stands in a function.
__attribute__((target("f16c"))) std::uint16_t cpu_f32_to_f16(float x) {
  return static_cast<std::uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set1_ps(x), _MM_FROUND_TO_NEAREST_INT), 0));
}
__attribute__((target("f16c"))) float cpu_f16_to_f32(std::uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_set1_epi16(static_cast<short>(half))));
}
// clang 14 has no name for F16C here; every CPU with AVX2 has it.
bool cpu_has_f16c() { return __builtin_cpu_supports("avx2"); }
#endif

/// bfloat16 from its definition: the nearer neighbour, the even one of a tie.
std::uint16_t nearest_bf16(float x) {
  const auto below = static_cast<std::uint16_t>(bits_of(x) >> 16);
  const auto above = static_cast<std::uint16_t>(below + 1);
  // One step beyond the largest finite counts as 2^128 for rounding, as IEEE 754 has it.
  const auto value = [](std::uint16_t half) {
    const double sign = half & 0x8000 ? -1.0 : 1.0;
    return (half & 0x7fff) == 0x7f80 ? sign * std::ldexp(1.0, 128) : static_cast<double>(kernels::bf16_to_f32(half));
  };
  const double to_below = std::fabs(x - value(below)), to_above = std::fabs(value(above) - x);
  if (to_below != to_above) return to_below < to_above ? below : above;
  return below & 1 ? above : below;
}

}  // namespace

TEST_CASE("exp: relative error below 1e-7 on (-87, 0]") {
  // Every 61st float from -0 to the last one above -87.
  const double worst =
      worst_error(0x80000000u, bits_of(-87.0f) - 1, 61, kernels::exp_nonpositive, [](double x) { return std::exp(x); });
  CAPTURE(worst);
  CHECK(worst < 1e-7);
}

TEST_CASE("exp: ends and special values") {
  CHECK(kernels::exp_nonpositive(0.0f) == 1.0f);
  CHECK(kernels::exp_nonpositive(-0.0f) == 1.0f);
  CHECK(bits_of(kernels::exp_nonpositive(-87.0f)) == 0);
  CHECK(bits_of(kernels::exp_nonpositive(-1e30f)) == 0);
  CHECK(bits_of(kernels::exp_nonpositive(-inf)) == 0);
  const float last = kernels::exp_nonpositive(float_of(bits_of(-87.0f) - 1));
  CHECK(last >= std::numeric_limits<float>::min());  // normal: the exponent was not shifted out
  CHECK(std::isnan(kernels::exp_nonpositive(nan_value)));
}

TEST_CASE("exp: known bits, so that a change of the definition is seen") {
  CHECK(bits_of(kernels::exp_nonpositive(-1.0f)) == 0x3ebc5ab2u);
  CHECK(bits_of(kernels::exp_nonpositive(-0.5f)) == 0x3f1b4598u);
  CHECK(bits_of(kernels::exp_nonpositive(-10.0f)) == 0x383e6bceu);
}

TEST_CASE("sigmoid, silu, gelu, tanh: against double") {
  // A bound for each: exp's 1e-7 and a handful of roundings of 2^-24 = 6e-8.
  const double bound = 1e-7 + 6 * 0x1p-24;
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (std::uint32_t sign : {0u, 0x80000000u}) {
    CHECK(worst_error(sign, sign | bits_of(80.0f), 4099, kernels::sigmoid, sigmoid) < bound);
    CHECK(worst_error(sign | 1 << 23, sign | bits_of(80.0f), 4099, kernels::silu,
                      [&](double x) { return x * sigmoid(x); }) < bound);
  }
  // Absolute for these two: 1-t and the cubic cancel near zero and in the far left tail.
  double tanh_error = 0, gelu_error = 0;
  for (float x = -12.0f; x <= 12.0f; x += 0.000731f) {
    const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * std::pow(static_cast<double>(x), 3));
    tanh_error =
        std::max(tanh_error, std::fabs(static_cast<double>(kernels::tanh(x)) - std::tanh(static_cast<double>(x))));
    gelu_error = std::max(gelu_error, std::fabs(kernels::gelu_tanh(x) - 0.5 * x * (1 + std::tanh(u))));
  }
  CHECK(tanh_error < bound);
  CHECK(gelu_error < 12 * bound);
}

TEST_CASE("gelu_erf: x Phi(x), its error relative wherever exp has not ended") {
  // In units of 2^-24: t has two, and the tail moves by at most 2.13 times as much (at t = 1; by as much at t = 0): 4.3; the nine
  // steps of Horner's scheme round partial sums that are 3.5 times the result in all at t = 1, less below: 3.5; two products, 1 -
  // tail and the last product: 4. exp brings its 1e-7, the fit its 4.1e-8; a*a rounds, which exp multiplies by a^2/2.
  double worst = 0;
  float at = 0;
  for (const std::uint32_t sign : {0u, 0x80000000u})
    for (std::uint64_t bits = sign | 1u << 23; bits <= (sign | bits_of(13.1f)); bits += 4099) {
      const float x = float_of(static_cast<std::uint32_t>(bits));
      const auto a = static_cast<double>(x);
      const double exact = a * 0.5 * std::erfc(-a / std::sqrt(2.0));
      const double bound = 1e-7 + 4.1e-8 + (12 + a * a / 2) * 0x1p-24;
      const double ratio = std::fabs(static_cast<double>(kernels::gelu_erf(x)) / exact - 1) / bound;
      if (ratio > worst) worst = ratio, at = x;
    }
  CAPTURE(worst, at);
  CHECK(worst < 1);
}

TEST_CASE("sigmoid, silu, gelu, tanh: infinities, zeros and NaN") {
  CHECK(kernels::sigmoid(inf) == 1.0f);
  CHECK(bits_of(kernels::sigmoid(-inf)) == 0);
  CHECK(kernels::sigmoid(0.0f) == 0.5f);
  CHECK(kernels::silu(inf) == inf);
  CHECK(kernels::gelu_tanh(1e30f) == 1e30f);
  CHECK(kernels::gelu_tanh(-1e30f) == 0.0f);
  CHECK(kernels::gelu_erf(inf) == inf);
  CHECK(kernels::gelu_erf(1e30f) == 1e30f);
  CHECK(kernels::gelu_erf(-1e30f) == 0.0f);
  CHECK(bits_of(kernels::gelu_erf(0.0f)) == 0);
  CHECK(bits_of(kernels::gelu_erf(-0.0f)) == 0x80000000u);
  CHECK(kernels::tanh(inf) == 1.0f);
  CHECK(kernels::tanh(-inf) == -1.0f);
  CHECK(bits_of(kernels::tanh(-0.0f)) == 0x80000000u);
  for (auto* f : {kernels::sigmoid, kernels::silu, kernels::gelu_tanh, kernels::gelu_erf, kernels::tanh})
    CHECK(std::isnan(f(nan_value)));
}

TEST_CASE("f16: all 65,536 there and back") {
  std::size_t wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float x = kernels::f16_to_f32(half);
    const bool is_nan = (h & 0x7fff) > 0x7c00;
    wrong += is_nan ? !std::isnan(x) : kernels::f32_to_f16(x) != half;
    wrong += is_nan && kernels::f32_to_f16(x) != (half | 0x200);
  }
  CHECK(wrong == 0);
  CHECK(kernels::f16_to_f32(0x0001) == 0x1p-24f);
  CHECK(kernels::f16_to_f32(0x7bff) == 65504.0f);
  CHECK(kernels::f32_to_f16(65519.996f) == 0x7bff);
  CHECK(kernels::f32_to_f16(65520.0f) == 0x7c00);
  CHECK(kernels::f32_to_f16(0x1p-25f) == 0);
  CHECK(kernels::f32_to_f16(0x1.8p-24f) == 2);
  CHECK(kernels::f32_to_f16(-inf) == 0xfc00);
}

TEST_CASE("f16: equal to the CPU's conversion") {
#ifdef HEARTH_TEST_X86
  if (!cpu_has_f16c()) {
    WARN("SKIPPED: this CPU has no F16C");
    return;
  }
  std::size_t wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    wrong += bits_of(kernels::f16_to_f32(half)) != bits_of(cpu_f16_to_f32(half));
  }
  // Every 97th float, and all around each half, where rounding decides.
  for (std::uint64_t bits = 0; bits < 0x100000000u; bits += 97) {
    const float x = float_of(static_cast<std::uint32_t>(bits));
    wrong += kernels::f32_to_f16(x) != cpu_f32_to_f16(x);
  }
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const std::uint32_t base = bits_of(kernels::f16_to_f32(static_cast<std::uint16_t>(h)));
    for (std::uint32_t offset : {0xfffu, 0x1000u, 0x1001u, 0x7fffffu}) {
      const float x = float_of(base + offset);
      wrong += kernels::f32_to_f16(x) != cpu_f32_to_f16(x);
    }
  }
  CHECK(wrong == 0);
#else
  WARN("SKIPPED: no F16C on this kind of CPU");
#endif
}

TEST_CASE("bf16: all 65,536 there and back, and nearest even") {
  std::size_t wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const bool is_nan = (h & 0x7fff) > 0x7f80;
    wrong += kernels::f32_to_bf16(kernels::bf16_to_f32(half)) != (is_nan ? half | 0x40 : half);
    if ((h & 0x7fff) >= 0x7f80) continue;
    for (std::uint32_t low : {0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const float x = float_of(h << 16 | low);
      wrong += kernels::f32_to_bf16(x) != nearest_bf16(x);
    }
  }
  CHECK(wrong == 0);
  CHECK(kernels::f32_to_bf16(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(kernels::f32_to_bf16(float_of(0x7f800001u)) == 0x7fc0);  // a NaN never rounds to infinity
  CHECK(kernels::f32_to_bf16(float_of(0xffffffffu)) == 0xffff);
}

}  // namespace canonical_math_test
