// Enters: positions and a base frequency. Leaves: cosines and sines, from series in plain f64 operations: libm's last bits
// differ between machines, these do not.
#include "rope_table.h"

#include <cstring>

namespace hearth::kernels {
namespace {

constexpr double kLn2 = 0x1.62e42fefa39efp-1;

// e^x: x = n ln2 + r, |r| < 0.3466, Taylor to r^16.
double exp(double x) {
  const double scaled = x / kLn2;
  const auto n = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  const double r = x - static_cast<double>(n) * kLn2;
  double series = 1.0;
  for (int k = 16; k >= 1; --k) series = series * r / k + 1.0;
  if (n < -1022) return 0.0;
  const std::uint64_t bits = static_cast<std::uint64_t>(n + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return series * power;
}

// pi/2 in three parts. The first two have 22 bits, so that n times them is exact up to n = 2^31.
constexpr double kHalfPi1 = 0x1.921fbp+0;
constexpr double kHalfPi2 = 0x1.5110bp-22;
constexpr double kHalfPi3 = 0x1.18469898cc517p-44;

void sine_cosine(double theta, double& sine, double& cosine) {
  const auto n = static_cast<std::int64_t>(theta * 0.63661977236758134 + 0.5);
  const auto count = static_cast<double>(n);
  const double r = ((theta - count * kHalfPi1) - count * kHalfPi2) - count * kHalfPi3;
  const double r2 = r * r;
  double s = 1.0, c = 1.0;
  for (int k = 19; k >= 3; k -= 2) s = 1.0 - s * r2 / (k * (k - 1));
  for (int k = 18; k >= 2; k -= 2) c = 1.0 - c * r2 / (k * (k - 1));
  s = s * r;
  sine = (n & 1) != 0 ? c : s;
  cosine = (n & 1) != 0 ? s : c;
  if ((n & 2) != 0) sine = -sine;
  if (((n + 1) & 2) != 0) cosine = -cosine;
}

}  // namespace

// x = 2^e * m, m in [sqrt(1/2), sqrt(2)), ln(m) = 2 atanh(t) with t = (m-1)/(m+1), |t| < 0.1716.
double natural_log(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  auto exponent = static_cast<std::int64_t>(bits >> 52 & 0x7ff) - 1023;
  bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m = m / 2.0;
    exponent += 1;
  }
  const double t = (m - 1.0) / (m + 1.0), t2 = t * t;
  double series = 0.0;
  for (int n = 25; n >= 1; n -= 2) series = series * t2 + 1.0 / n;  // the next term is below 1e-21
  return static_cast<double>(exponent) * kLn2 + 2.0 * t * series;
}

void rope_frequencies(double* inv_freq, std::int64_t n_rot, double base) {
  const double step = natural_log(base) * -2.0 / static_cast<double>(n_rot);
  for (std::int64_t i = 0; i < n_rot / 2; ++i) inv_freq[i] = exp(step * static_cast<double>(i));
}

void rope_angles(float* cos, float* sin, std::int64_t position, const double* inv_freq, std::int64_t n_pairs,
                 double magnitude) {
  for (std::int64_t i = 0; i < n_pairs; ++i) {
    double s, c;
    sine_cosine(static_cast<double>(position) * inv_freq[i], s, c);
    cos[i] = static_cast<float>(c * magnitude);
    sin[i] = static_cast<float>(s * magnitude);
  }
}

}  // namespace hearth::kernels
