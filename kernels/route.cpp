// Enters: a router's scores of one row. Leaves: the experts that the row visits; a definition, as scalar.cpp is, for every
// instruction set.
#include "route.h"

#include <algorithm>

#include "route_steps.h"

namespace hearth::kernels {
namespace {

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

bool sigmoids(float* x, std::int64_t n) {
  bool finite = true;
  for (std::int64_t i = 0; i < n; ++i) {
    finite = finite && fabsf(x[i]) < INFINITY;
    x[i] = sigmoid(x[i]);
  }
  return finite;
}

// Takes all experts of the groups that are not used: again and again the worst group, of equal ones the higher id.
void take_unused_groups(float* weights, const float* bias, std::int64_t n_expert, const RouteRule& rule) {
  const std::int64_t size = n_expert / rule.n_group;
  for (std::int64_t n = rule.n_group; n > rule.n_group_used; --n) {
    std::int64_t worst = -1;
    float least = 0.0f;
    for (std::int64_t e = 0; e < n_expert; e += size) {
      if (weights[e] == kTaken) continue;
      const float score = group_score(weights + e, bias ? bias + e : nullptr, size, two_best(rule.routing));
      if (worst >= 0 && score > least) continue;
      worst = e;
      least = score;
    }
    for (std::int64_t e = worst; e < worst + size; ++e) weights[e] = kTaken;
  }
}

// The expert of the largest choice that is not taken yet; comparing with > keeps the lower id and survives a NaN.
std::int64_t largest(const float* weights, const float* bias, std::int64_t n) {
  std::int64_t best = -1;
  for (std::int64_t e = 0; e < n; ++e)
    if (weights[e] != kTaken && (best < 0 || choice(weights, bias, e) > choice(weights, bias, best))) best = e;
  return best;
}

}  // namespace

bool route(std::int32_t* experts, float* weights, float* scores, const float* bias, std::int64_t n_expert,
           std::int64_t n_used, const RouteRule& rule) {
  const bool softmaxed = rule.routing == Routing::softmax || rule.routing == Routing::softmax_renormalised;
  const bool finite = softmaxed ? softmax(scores, n_expert) : sigmoids(scores, n_expert);
  const bool sound_bias = !bias || std::all_of(bias, bias + n_expert, [](float b) { return fabsf(b) < INFINITY; });
  take_unused_groups(scores, bias, n_expert, rule);
  for (std::int64_t i = 0; i < n_used; ++i) {
    const std::int64_t e = largest(scores, bias, n_expert);
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
  if (rule.routing == Routing::softmax_renormalised || rule.routing == Routing::sigmoid_renormalised)
    renormalise(weights, n_used);
  for (std::int64_t i = 0; i < n_used; ++i) weights[i] = weights[i] * rule.scale;
  return finite && sound_bias;
}

}  // namespace hearth::kernels
