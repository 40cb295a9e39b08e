// Enters: one double. Leaves: its logarithm or its exponential, from series in plain f64 operations: libm's last bits differ
// between machines, these do not.
#pragma once

#include <cstdint>
#include <cstring>

namespace hearth::kernels {

inline constexpr double kLn2 = 0x1.62e42fefa39efp-1;

/// ln(x) for normal x > 0: x = 2^e * m, m in [sqrt(1/2), sqrt(2)), ln(m) = 2 atanh(t) with t = (m-1)/(m+1), |t| < 0.1716.
static inline double log(double x) {
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

/// e^x for x below 709: x = n ln2 + r, |r| < 0.3466, Taylor to r^16. 0 where e^x is no normal number.
static inline double exp(double x) {
  const double scaled = x / kLn2;
  if (scaled <= -1022.5) return 0.0;
  const auto n = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  const double r = x - static_cast<double>(n) * kLn2;
  double series = 1.0;
  for (int k = 16; k >= 1; --k) series = series * r / k + 1.0;
  const std::uint64_t bits = static_cast<std::uint64_t>(n + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return series * power;
}

}  // namespace hearth::kernels
