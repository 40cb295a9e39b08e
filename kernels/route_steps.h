// Enters: weights of a router's experts. Leaves: how good a group of them is, and weights that add up to one: the steps of routing that
// a CPU and a GPU's thread take alike.
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

// Whether a group is as good as the sum of its two best experts, or as its best.
HEARTH_ANYWHERE static inline bool two_best(Routing routing) {
  return routing == Routing::sigmoid || routing == Routing::sigmoid_renormalised;
}

HEARTH_ANYWHERE static inline float group_score(const float* weights, const float* bias, std::int64_t n, bool of_two) {
  float first = choice(weights, bias, 0), second = -INFINITY;
  for (std::int64_t e = 1; e < n; ++e) {
    const float x = choice(weights, bias, e);
    second = x > first ? first : x > second ? x : second;
    first = x > first ? x : first;
  }
  return of_two && n > 1 ? first + second : first;
}

HEARTH_ANYWHERE static inline void renormalise(float* weights, std::int64_t n) {
  float sum = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) sum = sum + weights[i];
  for (std::int64_t i = 0; i < n; ++i) weights[i] = weights[i] / (sum + 1e-20f);  // sigmoids may all be 0
}

}  // namespace hearth::kernels
