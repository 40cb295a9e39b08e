// Enters: logits. Leaves: the highest of each run of 64, which tells the best, and where the high ones are without looking at
// the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "candidate.h"

namespace hearth::sample {

class Peaks {
 public:
  /// One pass over the logits. False: one is NaN or +inf, or all are -inf.
  bool find(std::span<const float> logits);

  float best() const { return best_; }

  // `logits`: those that find() saw.

  /// The lowest id with the best logit.
  std::int32_t first_best(std::span<const float> logits) const;

  /// A number that at least k logits reach, or the lowest of all where the runs are too few to tell.
  float reached_by(std::size_t k);

  /// All tokens whose logit is at least `least`, in order of id. `least` is above -inf.
  void collect(std::span<const float> logits, float least, std::vector<Candidate>& candidates) const;

 private:
  std::vector<float> peaks_;  // [ceil(n_vocab / 64)]
  std::vector<float> space_;  // the same, to be put in order
  float best_ = 0.0f;
};

}  // namespace hearth::sample
