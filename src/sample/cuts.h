// Enters: the candidates left, in order, with their weights. Leaves: which of them a step keeps: always one run of the order,
// and always at least one candidate.
#pragma once

#include <cstddef>
#include <span>

namespace hearth::sample {

/// Candidates, best first.
struct Ranked {
  std::span<const float> logits;   // divided by the temperature, once that has its turn
  std::span<const float> weights;  // exp(logit - the first's); the first is 1
};

struct Run {
  std::size_t begin, end;
};

/// Weights below this are nothing to a running f32 sum that began with the first weight, 1: it keeps its bits.
inline constexpr float kVanishing = 0x1p-24f;

/// The running f32 sum in order: what probabilities are parts of.
float total(std::span<const float> weights);

/// The shortest beginning whose running sum is at least p of the total.
Run top_p(const Ranked& ranked, float p);

/// Those whose weight is at least p. Weights are compared, not logits: that is the definition.
Run min_p(const Ranked& ranked, float p);

/// Locally typical sampling (Meister, Pimentel, Wiher and Cotterell, 2022): by distance of the surprise from the entropy, ties
/// to the likelier, until the running sum is at least p of the total. Vanishing weights are left out.
Run typical(const Ranked& ranked, float p);

/// XTC, "exclude top choices" (P. E. Weidmann, text-generation-webui pull request 6335), when its turn has been drawn: of those
/// at least `threshold` probable, only the last stays, with all that follow.
Run xtc(const Ranked& ranked, float threshold);

/// Top-n-sigma (Tang et al., 2024): the highest logit less n standard deviations of all logits above -inf; in f64, rounded once.
float sigma_threshold(std::span<const float> logits, float best, float n);

/// A logit below this surely weighs less than `least` beside `best`, by more than exp can be off.
float hopeless_below(float best, float least);

/// The same of logits that will be divided by `temp`, for weights that vanish.
float vanishes_below(float best, float temp);

/// The index that a number u in [0, 1) draws: the first whose running sum is above u of the total.
std::size_t drawn(std::span<const float> weights, float u);

}  // namespace hearth::sample
