// Enters: candidates with their weights. Leaves: how surprising each is, and their entropy.
#pragma once

#include <cstddef>

#include "cuts.h"
#include "double_math.h"

namespace hearth::sample {

/// -ln p, p = weight / total: in f64 from the logits, so that weights too small for an f32 have one too.
class Surprise {
 public:
  explicit Surprise(const Ranked& ranked)
      : ranked_(ranked), total_(sample::total(ranked.weights)), log_total_(kernels::log(static_cast<double>(total_))) {}

  float total() const { return total_; }

  double of(std::size_t i) const {
    return log_total_ + (static_cast<double>(ranked_.logits[0]) - static_cast<double>(ranked_.logits[i]));
  }

  /// Summed in order.
  double entropy() const {
    double sum = 0.0;
    for (std::size_t i = 0; i < ranked_.weights.size(); ++i)
      if (ranked_.weights[i] > 0.0f) sum += static_cast<double>(ranked_.weights[i]) * of(i);
    return sum / static_cast<double>(total_);
  }

 private:
  Ranked ranked_;
  float total_;
  double log_total_;
};

}  // namespace hearth::sample
