// Enters: a file's keys and its frequency factors. Leaves: how fast each pair of a head turns with the position.
#include "rope_scaling.h"

#include <algorithm>
#include <cmath>

#include "config.h"
#include "config_keys.h"
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

// Old files call it otherwise.
std::string factor_key(const Keys& keys) { return keys.either("rope.scaling.factor", "rope.scale_linear"); }

Result<void> read_yarn(const Keys& keys, Config& c) {
  RopeScaling& s = c.rope_scaling;
  HEARTH_TRY(s.factor, keys.number_or(factor_key(keys), 1.0, 1.0, 1e6));
  HEARTH_TRY(s.ext_factor, keys.number_or("rope.scaling.yarn_ext_factor", 1.0, 0.0, 1.0));
  HEARTH_TRY(s.beta_fast, keys.number_or("rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6));
  HEARTH_TRY(s.beta_slow, keys.number_or("rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6));
  HEARTH_TRY(const double given, keys.positive_or_none("rope.scaling.yarn_attn_factor"));
  HEARTH_TRY(double multiplier, keys.number_or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 1e3));
  // What scores are multiplied by is no longer in the magnitude. Files with latents hold a tenth of the multiplier, and their
  // models have one multiplier for both.
  const bool latent = c.arch->attention == Attention::latent;
  if (latent) multiplier *= 10;
  const double in_scores = yarn_magnitude(s.factor, multiplier);
  const double usual = latent && multiplier != 0 ? 1.0 : yarn_magnitude(s.factor, 1.0) / in_scores;
  if (s.ext_factor != 0) s.magnitude = given != 0 ? given : usual;
  if (latent) s.score_scale = in_scores * in_scores;
  return {};
}

// The key is checked even where no layer has a window.
Result<void> read_window_base(const Keys& keys, Config& c) {
  if (!c.arch->plain_windows) return {};
  const double usual = c.arch->window_rope_base != 0 ? c.arch->window_rope_base : c.rope_base;
  HEARTH_TRY(const double base,
             keys.number_or(keys.either("rope.freq_base_swa", "rope.local.freq_base"), usual, 1.0, 1e30));
  c.window_rope_base = c.window != 0 ? base : 0;
  return {};
}

}  // namespace

double yarn_magnitude(double factor, double multiplier) {
  return factor > 1.0 ? 1.0 + 0.1 * multiplier * kernels::log(factor) : 1.0;
}

Result<void> read_rope(const Keys& keys, Config& c) {
  if (c.arch->positions != Positions::rotated) return {};
  using Kind = RopeScaling::Kind;
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"none", Kind::none}, {"linear", Kind::linear}, {"yarn", Kind::yarn}, {"longrope", Kind::longrope}};
  RopeScaling& s = c.rope_scaling;
  // A factor alone is linear: files had factors before there were types.
  HEARTH_TRY(const std::optional<std::string_view> type, keys.text("rope.scaling.type"));
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const auto& row) { return row.first == type.value_or("linear"); });
  if (kind == std::end(kKinds))
    return keys.bad("rope.scaling.type", "'" + escape(*type) + "'", "none, linear, yarn or longrope");
  s.kind = kind->second;
  // From 1 up no frequency is above 1, so angles stay below 2^31, where their sines are good; YaRN divides by its logarithm.
  HEARTH_TRY(c.rope_base, keys.number_or(keys.either("rope.freq_base", "rope.global.freq_base"), c.arch->rope_base,
                                         s.kind == Kind::yarn ? 2.0 : 1.0, 1e30));
  HEARTH_TRY(s.original_context,
             keys.count_or("rope.scaling.original_context_length", c.n_ctx_train, 1, std::int64_t{1} << 31));
  if (s.kind == Kind::yarn) {
    HEARTH_CHECK(read_yarn(keys, c));
  } else {
    HEARTH_TRY(s.factor, keys.number_or(factor_key(keys), 1.0, 1e-3, 1e6));
  }
  HEARTH_TRY(const double attention_factor, keys.number_or("rope.scaling.attn_factor", 1.0, 1e-3, 1e3));
  s.magnitude *= attention_factor;
  HEARTH_CHECK(read_window_base(keys, c));
  if (static_cast<double>(c.n_ctx_train) / s.divisor() > 0x1p31)
    return keys.bad(factor_key(keys), "too small for context_length, " + std::to_string(c.n_ctx_train),
                    "large enough to keep angles below 2^31");
  return {};
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
