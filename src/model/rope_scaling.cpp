// Enters: a Config and a file's frequency factors. Leaves: how fast each pair of a head turns with the position.
#include "rope_scaling.h"

#include <algorithm>
#include <cmath>

#include "config.h"
#include "double_math.h"
#include "rope_table.h"
#include "weights.h"

namespace hearth::model {
namespace {

// The pair that turns `turns` times in the original context, as a fraction of n_rot elements.
double pair_of_turns(const Config& c, double turns) {
  constexpr double kTwoPi = 6.283185307179586;
  const double ratio = static_cast<double>(c.rope_scaling.original_context) / (turns * kTwoPi);
  return static_cast<double>(c.n_rot) * kernels::log(ratio) / (2.0 * kernels::log(c.rope_base));
}

// YaRN: pairs that turn often keep their speed, slow ones are slowed by the factor, those between are mixed.
void apply_yarn(std::vector<double>& inv_freq, const Config& c) {
  const RopeScaling& s = c.rope_scaling;
  double low = pair_of_turns(c, s.beta_fast), high = pair_of_turns(c, s.beta_slow);
  if (c.arch->yarn_bounds == YarnBounds::whole) low = std::floor(low), high = std::ceil(high);
  const auto last = static_cast<double>(c.n_rot - 1);
  low = std::clamp(low, 0.0, last);
  high = std::clamp(high, 0.0, last);
  const double span = std::max(high - low, 0.001);
  for (std::size_t i = 0; i < inv_freq.size(); ++i) {
    const double slow = std::clamp((static_cast<double>(i) - low) / span, 0.0, 1.0);
    const double kept = (1.0 - slow) * s.ext_factor;
    inv_freq[i] = inv_freq[i] / s.factor * (1.0 - kept) + inv_freq[i] * kept;
  }
}

std::vector<double> scaled_frequencies(const Config& c, const float* factors) {
  std::vector<double> inv_freq(static_cast<std::size_t>(c.n_rot / 2));
  kernels::rope_frequencies(inv_freq.data(), c.n_rot, c.rope_base);
  for (std::size_t i = 0; factors && i < inv_freq.size(); ++i)
    inv_freq[i] = inv_freq[i] / static_cast<double>(factors[i]);
  if (c.rope_scaling.kind == RopeScaling::Kind::yarn) apply_yarn(inv_freq, c);
  if (c.rope_scaling.kind == RopeScaling::Kind::linear)
    for (double& f : inv_freq) f = f / c.rope_scaling.factor;
  return inv_freq;
}

}  // namespace

double yarn_magnitude(double factor, double multiplier) {
  return factor > 1.0 ? 1.0 + 0.1 * multiplier * kernels::log(factor) : 1.0;
}

Rotations make_rotations(const Config& c, const Weights& weights) {
  Rotations made;
  made.original_context = c.rope_scaling.original_context;
  const float *any = weights.rope_factors, *beyond = weights.rope_factors_long;
  made.all = {scaled_frequencies(c, any ? any : weights.rope_factors_short), c.rope_scaling.magnitude};
  if (!any && beyond) made.beyond = {scaled_frequencies(c, beyond), c.rope_scaling.magnitude};
  if (c.window_rope_base == 0) return made;
  made.windowed.inv_freq.resize(made.all.inv_freq.size());
  kernels::rope_frequencies(made.windowed.inv_freq.data(), c.n_rot, c.window_rope_base);
  return made;
}

}  // namespace hearth::model
