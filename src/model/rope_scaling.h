// Enters: a Config and a file's frequency factors. Leaves: how fast each pair of a head turns with the position.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth::model {

struct Config;
class Weights;

struct Rotation {
  std::vector<double> inv_freq;  // [n_rot/2]
  double magnitude = 1;          // of every cosine and sine
};

/// All rotations of a model. Where a file has factors for short and for long contexts (longrope), a session's context decides, for
/// all of its positions and from its first token on: a choice that changed as the text grows would leave keys in the cache that
/// were turned otherwise than those that follow, and an answer would depend on how it was reached.
struct Rotations {
  Rotation all, beyond,
      windowed;  // beyond: contexts longer than the original; windowed: layers with a window; or empty
  std::int64_t original_context = 0;  // positions

  const Rotation& of(std::int64_t n_ctx) const {
    return beyond.inv_freq.empty() || n_ctx <= original_context ? all : beyond;
  }
};

Rotations make_rotations(const Config& config, const Weights& weights);

/// What YaRN multiplies by where it stretches contexts by `factor`: 1 + 0.1 * multiplier * ln(factor), or 1 where it does not.
double yarn_magnitude(double factor, double multiplier);

}  // namespace hearth::model
