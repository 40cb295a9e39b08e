// Enters: RoPE's settings in a config. Leaves: the factors by which each frequency is divided, as GGUF keeps them.
#include <numbers>

#include "double_math.h"
#include "tensor_plan.h"
#include "try.h"

namespace hearth::convert {
namespace {

PlannedTensor made_of(std::string name, std::vector<float> values) {
  PlannedTensor planned;
  planned.name = std::move(name);
  planned.shape = {values.size()};
  planned.values = std::move(values);
  return planned;
}

/// Llama 3.1's rule: long waves are slowed by the factor, short ones left, those between mixed. In f32, as in the files;
/// only the power comes from the kernels' own series in f64 and is rounded: libm's last bits differ between machines.
Result<std::vector<float>> llama3_factors(const HfConfig& rope, std::uint64_t head_dim) {
  HEARTH_TRY(const auto base, rope.number("rope_theta"));
  HEARTH_TRY(const auto factor, rope.number("factor"));
  HEARTH_TRY(const auto low, rope.number("low_freq_factor"));
  HEARTH_TRY(const auto high, rope.number("high_freq_factor"));
  HEARTH_TRY(const auto context, rope.number("original_max_position_embeddings"));
  const double old_context = context.value_or(8192), by = factor.value_or(8);
  const double low_factor = low.value_or(1), high_factor = high.value_or(4);
  const auto theta = static_cast<float>(base.value_or(10000));
  if (!(theta > 0)) return rope.wrong("rope_theta", "is " + std::to_string(theta) + ", a number above 0 is needed");
  std::vector<float> factors;
  for (std::uint64_t i = 0; i < head_dim; i += 2) {
    const auto exponent = static_cast<float>(i) / static_cast<float>(head_dim);
    const float frequency = 1.0f / static_cast<float>(kernels::exp(exponent * kernels::log(theta)));
    const float wave = static_cast<float>(2 * std::numbers::pi) / frequency;
    const float smooth = (static_cast<float>(old_context) / wave - static_cast<float>(low_factor)) /
                         static_cast<float>(high_factor - low_factor);
    if (wave < static_cast<float>(old_context / high_factor)) factors.push_back(1);
    else if (wave > static_cast<float>(old_context / low_factor)) factors.push_back(static_cast<float>(by));
    else factors.push_back(1 / ((1 - smooth) / static_cast<float>(by) + smooth));
  }
  return factors;
}

}  // namespace

Result<std::vector<PlannedTensor>> rope_tensors(const Family& family, const HfConfig& config) {
  std::vector<PlannedTensor> made;
  const HfConfig rope = config.rope();
  HEARTH_TRY(const auto type, rope.text("rope_type"));
  if (type == "llama3") {
    HEARTH_TRY(const std::uint64_t head_dim, config.head_dim());
    if (head_dim > 65536) return config.wrong("head_dim", "is " + std::to_string(head_dim));
    HEARTH_TRY(std::vector<float> factors, llama3_factors(rope, head_dim));
    made.push_back(made_of("rope_freqs.weight", std::move(factors)));
  }
  if (type != "longrope" && type != "su") return made;
  for (const auto& [field, name] :
       {std::pair("long_factor", "rope_factors_long.weight"), std::pair("short_factor", "rope_factors_short.weight")}) {
    HEARTH_TRY(const std::vector<double> factors, rope.numbers(field));
    HEARTH_TRY(const std::uint64_t n_rot, config.n_rot(1));
    if (factors.size() != n_rot / 2)
      return config.wrong(field, "of '" + std::string(family.arch) + "' has " + std::to_string(factors.size()) +
                                     " factors, " + std::to_string(n_rot / 2) + " are needed");
    made.push_back(made_of(name, std::vector<float>(factors.begin(), factors.end())));
  }
  return made;
}

}  // namespace hearth::convert
