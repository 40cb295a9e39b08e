// Enters: a router's scores of one row. Leaves: the experts that the row visits; a definition, as scalar.cpp is, for every
// instruction set.
#include "route.h"

#include "canonical_math.h"

namespace hearth::kernels {
namespace {

constexpr float kTaken = -1.0f;  // softmax weights are not negative

// False: some x is not finite.
bool softmax(float* x, std::int64_t n) {
  float most = x[0], sum = 0.0f;
  bool finite = true;
  for (std::int64_t i = 0; i < n; ++i) {
    most = x[i] > most ? x[i] : most;
    finite = finite && fabsf(x[i]) < INFINITY;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = exp_nonpositive(x[i] - most);
    sum = sum + x[i];
  }
  for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] / sum;
  return finite;
}

// The expert of the largest weight that is not taken yet; comparing with > keeps the lower id and survives a NaN.
std::int64_t largest(const float* weights, std::int64_t n) {
  std::int64_t best = -1;
  for (std::int64_t e = 0; e < n; ++e)
    if (weights[e] != kTaken && (best < 0 || weights[e] > weights[best])) best = e;
  return best;
}

}  // namespace

bool route(std::int32_t* experts, float* weights, float* scores, std::int64_t n_expert, std::int64_t n_used,
           Routing routing) {
  const bool finite = softmax(scores, n_expert);
  for (std::int64_t i = 0; i < n_used; ++i) {
    const std::int64_t e = largest(scores, n_expert);
    const float weight = scores[e];
    scores[e] = kTaken;
    std::int64_t at = i;  // kept in ascending id
    for (; at > 0 && experts[at - 1] > e; --at) {
      experts[at] = experts[at - 1];
      weights[at] = weights[at - 1];
    }
    experts[at] = static_cast<std::int32_t>(e);
    weights[at] = weight;
  }
  if (routing != Routing::softmax_renormalised) return finite;
  float sum = 0.0f;
  for (std::int64_t i = 0; i < n_used; ++i) sum = sum + weights[i];
  for (std::int64_t i = 0; i < n_used; ++i) weights[i] = weights[i] / sum;
  return finite;
}

}  // namespace hearth::kernels
