// Enters: logits. Leaves: the highest of each run of 64.
#include "logit_peaks.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "infinity.h"

namespace hearth::sample {
namespace {

constexpr std::size_t kRun = 64, kLanes = 16;

/// The highest of a whole run; `wrong` becomes nonzero when one is NaN or +inf. In lanes, because compilers may not reorder a
/// maximum by themselves.
float peak(const float* run, std::int32_t& wrong) {
  float high[kLanes];
  std::int32_t bad[kLanes] = {};
  std::fill_n(high, kLanes, -kInfinity);
  for (std::size_t i = 0; i < kRun; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float x = run[i + lane];
      high[lane] = x > high[lane] ? x : high[lane];
      bad[lane] |= x < kInfinity ? 0 : 1;
    }
  for (std::size_t lane = 0; lane < kLanes; ++lane) wrong |= bad[lane];
  return *std::max_element(high, high + kLanes);
}

std::span<const float> run_of(std::span<const float> logits, std::size_t r) {
  return logits.subspan(r * kRun, std::min(kRun, logits.size() - r * kRun));
}

}  // namespace

bool Peaks::find(std::span<const float> logits) {
  peaks_.resize((logits.size() + kRun - 1) / kRun);
  std::int32_t wrong = 0;
  best_ = -kInfinity;
  for (std::size_t r = 0; r < peaks_.size(); ++r) {
    const std::span<const float> run = run_of(logits, r);
    if (run.size() == kRun) {
      peaks_[r] = peak(run.data(), wrong);
    } else {
      float last[kRun];
      std::fill(std::copy(run.begin(), run.end(), last), last + kRun, -kInfinity);
      peaks_[r] = peak(last, wrong);
    }
    best_ = std::max(best_, peaks_[r]);
  }
  return wrong == 0 && best_ > -kInfinity;
}

std::int32_t Peaks::first_best(std::span<const float> logits) const {
  const auto r = static_cast<std::size_t>(std::find(peaks_.begin(), peaks_.end(), best_) - peaks_.begin());
  const std::span<const float> run = run_of(logits, r);
  return static_cast<std::int32_t>(r * kRun) +
         static_cast<std::int32_t>(std::find(run.begin(), run.end(), best_) - run.begin());
}

float Peaks::reached_by(std::size_t k) {
  constexpr float lowest = std::numeric_limits<float>::lowest();
  if (k == 0 || k > peaks_.size()) return lowest;
  space_ = peaks_;
  const auto kth = space_.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(space_.begin(), kth, space_.end(), std::greater<>());
  return std::max(*kth, lowest);
}

/// Every token of a run with a high one is written, and stays only if it is high itself: a branch on it would be a coin toss.
void Peaks::collect(std::span<const float> logits, float least, std::vector<Candidate>& candidates) const {
  candidates.clear();
  std::size_t n = 0;
  for (std::size_t r = 0; r < peaks_.size(); ++r) {
    if (peaks_[r] < least) continue;
    const std::span<const float> run = run_of(logits, r);
    candidates.resize(n + run.size());
    for (std::size_t i = 0; i < run.size(); ++i) {
      candidates[n] = Candidate(run[i], static_cast<std::int32_t>(r * kRun + i));
      n += run[i] >= least ? 1 : 0;
    }
    candidates.resize(n);
  }
}

}  // namespace hearth::sample
