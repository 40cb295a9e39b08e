// Enters: weights of a router's experts. Leaves: which groups of experts are out of the question, and weights that add up to one: the
// steps of routing that a CPU and a GPU's thread take alike.
#pragma once

#include <math.h>

#include <cstdint>

#include "canonical_math.h"
#include "route.h"

namespace hearth::kernels {

static constexpr float kTaken = -1.0f;  // weights are not negative

// What an expert is chosen by.
HEARTH_ANYWHERE static inline float choice(const float* weights, const float* bias, std::int64_t e) {
  return bias ? weights[e] + bias[e] : weights[e];
}

HEARTH_ANYWHERE static inline float group_score(const float* weights, const float* bias, std::int64_t n,
                                                bool two_best) {
  float first = choice(weights, bias, 0), second = -INFINITY;
  for (std::int64_t e = 1; e < n; ++e) {
    const float x = choice(weights, bias, e);
    second = x > first ? first : x > second ? x : second;
    first = x > first ? x : first;
  }
  return two_best && n > 1 ? first + second : first;
}

// Takes all experts of the groups that are not used: again and again the worst group, of equal ones the higher id.
HEARTH_ANYWHERE static inline void take_unused_groups(float* weights, const float* bias, std::int64_t n_expert,
                                                      const RouteRule& rule) {
  const std::int64_t size = n_expert / rule.n_group;
  const bool two_best = rule.routing == Routing::sigmoid || rule.routing == Routing::sigmoid_renormalised;
  for (std::int64_t n = rule.n_group; n > rule.n_group_used; --n) {
    std::int64_t worst = -1;
    float least = 0.0f;
    for (std::int64_t e = 0; e < n_expert; e += size) {
      if (weights[e] == kTaken) continue;
      const float score = group_score(weights + e, bias ? bias + e : nullptr, size, two_best);
      if (worst >= 0 && score > least) continue;
      worst = e;
      least = score;
    }
    for (std::int64_t e = worst; e < worst + size; ++e) weights[e] = kTaken;
  }
}

HEARTH_ANYWHERE static inline void renormalise(float* weights, std::int64_t n) {
  float sum = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) sum = sum + weights[i];
  for (std::int64_t i = 0; i < n; ++i) weights[i] = weights[i] / (sum + 1e-20f);  // sigmoids may all be 0
}

}  // namespace hearth::kernels
