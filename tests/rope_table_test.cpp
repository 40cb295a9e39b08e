// The rotary tables against long double libm: positions up to 2^31, the bases that models use, angles close to quadrant borders.
#include "rope_table.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/random_weights.h"

namespace rope_table_test {

using namespace hearth::kernels;

namespace {

static_assert(std::numeric_limits<long double>::digits >= 64, "the reference must be wider than double");

const std::vector<std::int64_t>& positions() {
  static const std::vector<std::int64_t> all = [] {
    std::vector<std::int64_t> list = {
        0, 1, 2, 3, 5, 63, 64, 1000, 4095, 65535, 131072, 1000003, (std::int64_t{1} << 31) - 1, std::int64_t{1} << 31};
    // Numerators of pi's continued fraction: as positions of frequency 1 they come closest to multiples of pi.
    for (const std::int64_t close : {22, 333, 355, 103993, 104348, 208341, 312689, 833719, 1146408, 4272943, 5419351,
                                     80143857, 165707065, 245850922, 411557987, 1068966896})
      list.push_back(close);
    hearth::test::Rng rng(1);
    for (int i = 0; i < 300; ++i) list.push_back(static_cast<std::int64_t>(rng() >> (33 + i % 20)));
    return list;
  }();
  return all;
}

/// Half the distance from |x| to the next f32: the most by which rounding to f32 moves a number.
double half_ulp(double x) {
  const auto near = static_cast<float>(std::fabs(x));
  return 0.5 * (static_cast<double>(std::nextafter(near, HUGE_VALF)) - static_cast<double>(near));
}

// What f64 adds before the one rounding to f32. Reduction: with n < 2^31 the products with the first two parts of pi/2 are exact
// and so are their subtractions (operands on one grid, results of at most 53 bits); the third subtraction, of a value below 1, and
// its product round by 2^-54 in all. Series: every step's error is damped by r^2/6 or less but for the last two, 2^-53 each. In
// sum below 2^-51, and it matters only where the value is tiny.
constexpr double kSlack = 0x1p-51;

}  // namespace

TEST_CASE("rope_frequencies: base^(-2i/n) to better than 1e-14") {
  for (const double base : {1e4, 5e5, 1e6, 1.0, 2.0, 1e10})
    for (const std::int64_t n_rot : {2, 16, 64, 80, 128, 256}) {
      std::vector<double> inv_freq(static_cast<std::size_t>(n_rot / 2));
      rope_frequencies(inv_freq.data(), n_rot, base);
      for (std::int64_t i = 0; i < n_rot / 2; ++i) {
        const long double exact = std::pow(static_cast<long double>(base),
                                           -2.0L * static_cast<long double>(i) / static_cast<long double>(n_rot));
        const long double error =
            std::fabs(static_cast<long double>(inv_freq[static_cast<std::size_t>(i)]) / exact - 1.0L);
        INFO("base " << base << " n_rot " << n_rot << " i " << i);
        // The exponent reaches 24 in size and carries a few relative 2^-53 of the logarithm: 24 * 3 * 1.1e-16 = 8e-15.
        CHECK(error < 1e-14L);
      }
    }
}

TEST_CASE("rope_angles: within half an f32 ulp of the exact sine and cosine, up to position 2^31") {
  for (const double base : {1e4, 5e5, 1e6}) {
    constexpr std::int64_t n_rot = 128;
    std::vector<double> inv_freq(n_rot / 2);
    rope_frequencies(inv_freq.data(), n_rot, base);
    std::vector<float> cos(n_rot / 2), sin(n_rot / 2);
    for (const std::int64_t position : positions()) {
      rope_angles(cos.data(), sin.data(), position, inv_freq.data(), n_rot / 2);
      for (std::size_t i = 0; i < inv_freq.size(); ++i) {
        const double theta = static_cast<double>(position) * inv_freq[i];  // rounded once: part of the definition
        const long double c = std::cos(static_cast<long double>(theta)), s = std::sin(static_cast<long double>(theta));
        const auto c_error = static_cast<double>(std::fabs(static_cast<long double>(cos[i]) - c)),
                   s_error = static_cast<double>(std::fabs(static_cast<long double>(sin[i]) - s));
        if (c_error <= half_ulp(static_cast<double>(c)) + kSlack &&
            s_error <= half_ulp(static_cast<double>(s)) + kSlack)
          continue;
        FAIL("base " << base << " position " << position << " pair " << i << ": cos off by " << c_error << ", sin by "
                     << s_error);
      }
    }
  }
}

TEST_CASE("rope_angles: position 0 turns nothing, and sin^2 + cos^2 stays 1") {
  std::vector<double> inv_freq(64);
  rope_frequencies(inv_freq.data(), 128, 1e4);
  std::vector<float> cos(64), sin(64);
  rope_angles(cos.data(), sin.data(), 0, inv_freq.data(), 64);
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(cos[i] == 1.0f);
    CHECK(sin[i] == 0.0f);
  }
  for (const std::int64_t position : positions()) {
    rope_angles(cos.data(), sin.data(), position, inv_freq.data(), 64);
    for (std::size_t i = 0; i < 64; ++i) {
      const double c = static_cast<double>(cos[i]), s = static_cast<double>(sin[i]);
      // Each is off by half an ulp, 2^-25 at most below 1; twice itself times that, for both, is 2 * 2^-25 * (|c| + |s|).
      if (std::fabs(c * c + s * s - 1) > 0x1p-24 * (std::fabs(c) + std::fabs(s)) + 0x1p-48)
        FAIL("position " << position << " pair " << i);
    }
  }
}

TEST_CASE("alibi_slopes: powers of two between which further heads stand, rounded once") {
  for (const std::int64_t n_head : {1, 2, 4, 8, 12, 16, 20, 32, 71, 128}) {
    std::vector<float> slopes(static_cast<std::size_t>(n_head));
    alibi_slopes(slopes.data(), n_head, 8.0);
    const auto whole = static_cast<std::int64_t>(std::exp2(std::floor(std::log2(static_cast<double>(n_head)))));
    for (std::int64_t h = 0; h < n_head; ++h) {
      const long double step = h < whole ? static_cast<long double>(h + 1) : static_cast<long double>(h - whole) + 0.5L;
      const long double exact = std::exp2(-8.0L * step / static_cast<long double>(whole));
      INFO("head " << h << " of " << n_head);
      // f64's part: an exponent of at most 5.6 (8 ln 2) carries two roundings, exp a few more: below 2^-48.
      const double bound = half_ulp(static_cast<double>(exact)) + 0x1p-48 * static_cast<double>(exact);
      CHECK(static_cast<double>(std::fabs(static_cast<long double>(slopes[static_cast<std::size_t>(h)]) - exact)) <=
            bound);
    }
  }
  float eight[8];
  alibi_slopes(eight, 8, 8.0);
  for (int h = 0; h < 8; ++h) CHECK(eight[h] == std::exp2(-static_cast<float>(h + 1)));
}

}  // namespace rope_table_test
