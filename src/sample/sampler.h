// Enters: logits, settings, the position and the tokens before it. Leaves: the next token, the same one every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "candidate.h"

namespace hearth::sample {

/// How to choose a token. The defaults are greedy and change nothing. Steps always run in this order:
///   1. penalties    on the logits
///   2. top_k        the k first candidates
///   3. top_p        the shortest beginning whose probabilities sum to top_p
///   4. min_p        those at least min_p times as probable as the first
///   5. temperature  logits divided by temp
///   6. draw         one token of those left
/// Temperature comes last, so steps 3 and 4 see the probabilities of temperature 1: what they cut does not depend on
/// temp. With temp 0 the first candidate after step 1 is taken: 2 to 6 could not change it.
struct Settings {
  float temp = 0.0f;              // [0, inf): 0 is greedy
  std::int32_t top_k = 0;         // [0, 2^31): 0 is off
  float top_p = 1.0f;             // [0, 1]: 1 is off
  float min_p = 0.0f;             // [0, 1]: 0 is off
  float repeat_penalty = 1.0f;    // (0, inf): 1 is off
  std::int32_t repeat_last = 64;  // [0, 2^31): how many tokens back the penalty looks
  std::uint64_t seed = 0;
  std::uint32_t choice = 0;  // which of several texts for one prompt this is
};

/// An error names the setting, its value and the range.
Result<void> validate(const Settings& settings);

/// pick() depends on its arguments and the settings alone: the members below it are room to work in, kept to save
/// allocations. One thread at a time.
class Sampler {
 public:
  static Result<Sampler> from(const Settings& settings);

  /// The token for `position`, the index it will take in the text. -inf forbids a token. Errors: a NaN, a +inf, or
  /// nothing but -inf among the logits; a number that leaves the floats under penalty or temperature.
  Result<std::int32_t> pick(std::span<const float> logits,  // [n_vocab]
                            std::uint64_t position,
                            std::span<const std::int32_t> history);  // [tokens before position], newest last

  const Settings& settings() const { return settings_; }

 private:
  explicit Sampler(const Settings& settings) : settings_(settings) {}

  Result<std::span<const float>> penalise(std::span<const float> logits, std::uint64_t position,
                                          std::span<const std::int32_t> history);
  void truncate(std::span<const float> logits, float best);
  void keep_top_p();
  void keep_min_p();
  Result<std::int32_t> draw(std::uint64_t position);

  Settings settings_;
  std::vector<float> penalised_;       // [n_vocab]
  std::vector<std::int32_t> recent_;   // distinct tokens under the penalty
  std::vector<Candidate> candidates_;  // best first, once truncated
  std::vector<Candidate> sort_space_;
  std::vector<float> weights_;  // [candidates]
};

}  // namespace hearth::sample
