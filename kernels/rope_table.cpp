// Enters: positions and a base frequency, or a number of heads. Leaves: cosines and sines, or slopes, from series in plain f64
// operations: libm's last bits differ between machines, these do not.
#include "rope_table.h"

#include "double_math.h"

namespace hearth::kernels {
namespace {

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

void rope_frequencies(double* inv_freq, std::int64_t n_rot, double base) {
  const double step = log(base) * -2.0 / static_cast<double>(n_rot);
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

void alibi_slopes(float* slopes, std::int64_t n_head, double max_bias) {
  std::int64_t whole = 1;
  while (2 * whole <= n_head) whole *= 2;
  for (std::int64_t h = 0; h < n_head; ++h) {
    const auto step = static_cast<double>(h < whole ? 2 * (h + 1) : 2 * (h - whole) + 1);
    slopes[h] = static_cast<float>(exp(-max_bias * step / static_cast<double>(2 * whole) * kLn2));
  }
}

}  // namespace hearth::kernels
