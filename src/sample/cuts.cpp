// Enters: the candidates left, in order, with their weights. Leaves: which of them a step keeps.
#include "cuts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lane_sum.h"
#include "surprise.h"

namespace hearth::sample {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

/// The weights are in order, those that vanish at the end.
std::size_t not_vanishing(std::span<const float> weights) {
  return static_cast<std::size_t>(
      std::partition_point(weights.begin(), weights.end(), [](float w) { return w >= kVanishing; }) - weights.begin());
}

}  // namespace

float total(std::span<const float> weights) {
  float sum = 0.0f;
  for (const float w : weights) sum += w;
  return sum;
}

Run top_p(const Ranked& ranked, float p) {
  const float wanted = p * total(ranked.weights);
  float sum = ranked.weights[0];
  std::size_t n = 1;
  while (n < ranked.weights.size() && !(sum >= wanted)) sum += ranked.weights[n++];
  return {0, n};
}

Run min_p(const Ranked& ranked, float p) {
  std::size_t n = 1;
  while (n < ranked.weights.size() && ranked.weights[n] >= p) ++n;
  return {0, n};
}

Run typical(const Ranked& ranked, float p) {
  const std::size_t n = not_vanishing(ranked.weights);
  const Surprise surprise({ranked.logits.first(n), ranked.weights.first(n)});
  const float wanted = p * surprise.total();
  const double entropy = surprise.entropy();
  const auto distance = [&](std::size_t i) { return std::fabs(surprise.of(i) - entropy); };
  // Surprise grows along the order, so what is nearest to the entropy is a run that grows to both sides.
  std::size_t begin = 0;
  while (begin < n && surprise.of(begin) < entropy) ++begin;
  std::size_t end = begin;
  float sum = 0.0f;
  do {
    const bool before = begin > 0 && (end == n || distance(begin - 1) <= distance(end));
    sum += before ? ranked.weights[--begin] : ranked.weights[end++];
  } while (!(sum >= wanted) && (begin > 0 || end < n));
  return {begin, end};
}

Run xtc(const Ranked& ranked, float threshold) {
  const float least = threshold * total(ranked.weights);
  std::size_t n = 0;
  while (n < ranked.weights.size() && ranked.weights[n] >= least) ++n;
  return {n < 2 ? 0 : n - 1, ranked.weights.size()};
}

float sigma_threshold(std::span<const float> logits, float best, float n) {
  const auto sum = [&](auto of_possible) {  // +0 leaves every lane as it is: none is ever -0
    return lane_sum(logits, [&](float x) { return x >= kLowest ? of_possible(static_cast<double>(x)) : 0.0; });
  };
  const double count = sum([](double) { return 1.0; });
  const double mean = sum([](double x) { return x; }) / count;
  const double squares = sum([&](double x) { return (x - mean) * (x - mean); });
  const double threshold = static_cast<double>(best) - static_cast<double>(n) * std::sqrt(squares / count);
  return static_cast<float>(std::max(threshold, static_cast<double>(kLowest)));
}

/// Found from the exponent of `least` alone: it saves computing most of a vocabulary's weights.
float hopeless_below(float best, float least) {
  if (least <= 0.0f) return kLowest;
  const float log2_at_most = static_cast<float>(std::ilogb(least));
  return std::max(best + (log2_at_most * 0.6931472f - 0.01f) - std::fabs(best) * 1e-6f, kLowest);
}

float vanishes_below(float best, float temp) {
  constexpr float far = 17.0f;  // exp(-17) is 0.7 * 2^-24; dividing moves a difference by less than 1e-6 of the logit
  return std::max(best - (far * temp + std::fabs(best) * 1e-6f), kLowest);
}

std::size_t drawn(std::span<const float> weights, float u) {
  const float threshold = u * total(weights);
  float sum = 0.0f;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (sum > threshold) return i;
  }
  return weights.size() - 1;
}

}  // namespace hearth::sample
