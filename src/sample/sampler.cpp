// Enters: logits and settings. Leaves: one token, by the rules of ARITHMETIC.md, "Sampling".
#include "sampler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "canonical_math.h"
#include "philox.h"
#include "try.h"

namespace hearth::sample {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::string shown(float value) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

Error out_of_range(std::string_view name, std::string value, std::string_view range) {
  return Error(Status::invalid_argument,
               std::string(name) + " is " + value + "; sampling settings; use a value in " + std::string(range));
}

Error non_finite(std::string what, std::uint64_t position, std::string_view todo) {
  return Error(Status::non_finite, what + "; position " + std::to_string(position) + "; " + std::string(todo));
}

/// The highest logit, or the error of logits from which none can be picked.
Result<float> best_logit(std::span<const float> logits, std::uint64_t position, std::string_view todo) {
  float best = -infinity;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] < infinity)) {
      return non_finite("logit " + std::to_string(i) + (std::isnan(logits[i]) ? " is NaN" : " is +inf"), position,
                        todo);
    }
    best = std::max(best, logits[i]);
  }
  if (best == -infinity) return non_finite("all " + std::to_string(logits.size()) + " logits are -inf", position, todo);
  return best;
}

/// The lowest id with the highest logit.
std::int32_t first_with(std::span<const float> logits, float best) {
  return static_cast<std::int32_t>(std::find(logits.begin(), logits.end(), best) - logits.begin());
}

/// A logit below this is surely less than `min_p` times as probable as `best`, by more than exp can be off: found from
/// the exponent of min_p alone, it saves computing most of a vocabulary.
float hopeless_below(float best, float min_p) {
  if (min_p <= 0.0f) return -infinity;
  const float log2_at_most = static_cast<float>(std::ilogb(min_p));
  return best + (log2_at_most * 0.6931472f - 0.01f) - std::fabs(best) * 1e-6f;
}

}  // namespace

Result<void> validate(const Settings& s) {
  // Written so that a NaN fails.
  if (!(s.temp >= 0.0f && s.temp < infinity)) return out_of_range("temp", shown(s.temp), "[0, inf)");
  if (s.top_k < 0) return out_of_range("top_k", std::to_string(s.top_k), "[0, 2147483647]");
  if (!(s.top_p >= 0.0f && s.top_p <= 1.0f)) return out_of_range("top_p", shown(s.top_p), "[0, 1]");
  if (!(s.min_p >= 0.0f && s.min_p <= 1.0f)) return out_of_range("min_p", shown(s.min_p), "[0, 1]");
  if (!(s.repeat_penalty > 0.0f && s.repeat_penalty < infinity)) {
    return out_of_range("repeat_penalty", shown(s.repeat_penalty), "(0, inf)");
  }
  if (s.repeat_last < 0) return out_of_range("repeat_last", std::to_string(s.repeat_last), "[0, 2147483647]");
  return {};
}

Result<Sampler> Sampler::from(const Settings& settings) {
  HEARTH_CHECK(validate(settings));
  return Sampler(settings);
}

Result<std::int32_t> Sampler::pick(std::span<const float> logits, std::uint64_t position,
                                   std::span<const std::int32_t> history) {
  if (logits.empty() || logits.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return Error(Status::invalid_argument, std::to_string(logits.size()) + " logits; position " +
                                               std::to_string(position) + "; give one for each token");
  }
  HEARTH_TRY(float best, best_logit(logits, position, "check the model file's values (hearth check --tensors)"));
  if (settings_.repeat_penalty != 1.0f && settings_.repeat_last > 0 && !history.empty()) {
    HEARTH_TRY(logits, penalise(logits, position, history));
    HEARTH_TRY(best, best_logit(logits, position, "use a repeat_penalty nearer to 1"));
  }
  if (settings_.temp == 0.0f) return first_with(logits, best);
  truncate(logits, best);
  return draw(position);
}

/// Each distinct token counts once, however often it came.
Result<std::span<const float>> Sampler::penalise(std::span<const float> logits, std::uint64_t position,
                                                 std::span<const std::int32_t> history) {
  const std::size_t n = std::min(history.size(), static_cast<std::size_t>(settings_.repeat_last));
  const auto newest = history.last(n);
  recent_.assign(newest.begin(), newest.end());
  std::sort(recent_.begin(), recent_.end());
  recent_.erase(std::unique(recent_.begin(), recent_.end()), recent_.end());

  penalised_.assign(logits.begin(), logits.end());
  for (const std::int32_t id : recent_) {
    if (id < 0 || static_cast<std::size_t>(id) >= penalised_.size()) {
      return Error(Status::invalid_argument, "token " + std::to_string(id) + " in the history; position " +
                                                 std::to_string(position) + "; use ids from 0 to " +
                                                 std::to_string(penalised_.size() - 1));
    }
    float& logit = penalised_[static_cast<std::size_t>(id)];
    logit = logit > 0.0f ? logit / settings_.repeat_penalty : logit * settings_.repeat_penalty;
  }
  return std::span<const float>(penalised_);
}

/// Leaves in candidates_ those that top-k, top-p and min-p keep, in order. The whole vocabulary is sorted only where
/// the running sum of top-p needs it or nothing cuts; what min-p alone drops is dropped before sorting.
void Sampler::truncate(std::span<const float> logits, float best) {
  const bool has_top_k = settings_.top_k > 0 && static_cast<std::size_t>(settings_.top_k) < logits.size();
  const bool has_top_p = settings_.top_p < 1.0f;
  collect(logits, has_top_k || has_top_p ? -infinity : hopeless_below(best, settings_.min_p), candidates_);
  if (has_top_k) {
    select_first(candidates_, static_cast<std::size_t>(settings_.top_k));
  } else {
    sort_all(candidates_, sort_space_);
  }
  if (has_top_p) keep_top_p();
  if (settings_.min_p > 0.0f) keep_min_p();
}

void Sampler::keep_top_p() {
  const float best = candidates_.front().logit();
  weights_.clear();
  float total = 0.0f;
  for (const Candidate c : candidates_) {
    weights_.push_back(kernels::exp_nonpositive(c.logit() - best));
    total += weights_.back();
  }
  const float wanted = settings_.top_p * total;
  float sum = weights_[0];
  std::size_t n = 1;
  while (n < candidates_.size() && !(sum >= wanted)) sum += weights_[n++];
  candidates_.resize(n);
}

/// The first candidate's weight is exp(0), exactly 1. Weights are compared, not logits: that is the definition.
void Sampler::keep_min_p() {
  const float best = candidates_.front().logit();
  std::size_t n = 1;
  while (n < candidates_.size() && kernels::exp_nonpositive(candidates_[n].logit() - best) >= settings_.min_p) ++n;
  candidates_.resize(n);
}

Result<std::int32_t> Sampler::draw(std::uint64_t position) {
  const float best = candidates_.front().logit() / settings_.temp;
  if (!std::isfinite(best)) {
    return non_finite("logit " + shown(candidates_.front().logit()) + " divided by temp " + shown(settings_.temp) +
                          " leaves the floats",
                      position, "use a higher temp, or 0 for the most probable token");
  }
  weights_.clear();
  float total = 0.0f;
  for (const Candidate c : candidates_) {
    weights_.push_back(kernels::exp_nonpositive(c.logit() / settings_.temp - best));
    total += weights_.back();
  }
  const float threshold = uniform(settings_.seed, position, settings_.choice, Draw::token) * total;
  float sum = 0.0f;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    sum += weights_[i];
    if (sum > threshold) return candidates_[i].id();
  }
  return candidates_.back().id();
}

}  // namespace hearth::sample
