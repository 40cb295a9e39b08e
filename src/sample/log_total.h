// Enters: a row of logits. Leaves: what their probabilities are divided by, as a logarithm.
#pragma once

#include <cstdint>
#include <span>

#include "double_math.h"
#include "kernel_table.h"
#include "lane_sum.h"

namespace hearth::sample {

/// ln of the sum of e^x over the row, of which `best` is the highest: exponentials in f32, their sum and its logarithm in f64.
/// `weights` [n] becomes e^(x - best).
inline double log_total(const kernels::KernelTable& table, std::span<const float> logits, float best,
                        std::span<float> weights) {
  table.exp_from(weights.data(), logits.data(), best, static_cast<std::int64_t>(logits.size()));
  const double sum = lane_sum(weights, [](float w) { return static_cast<double>(w); });
  return kernels::log(sum) + static_cast<double>(best);
}

}  // namespace hearth::sample
