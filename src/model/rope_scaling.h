// Enters: a file's keys and its frequency factors. Leaves: how fast each pair of a head turns with the position.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <vector>

namespace hearth::model {

struct Config;
class Keys;
class Weights;

struct Rotation {
  std::vector<double> inv_freq;  // [n_rot/2]
  double magnitude = 1;          // of every cosine and sine
};

/// All rotations of a model. Where a file has factors for short and for long contexts (longrope), a session's context decides, for
/// all of its positions and from its first token on: a choice that changed as the text grows would leave keys in the cache that
/// were turned otherwise than those that follow, and an answer would depend on how it was reached.
struct Rotations {
  Rotation all;
  Rotation beyond;    // of contexts longer than the original; empty: as all
  Rotation windowed;  // of layers with a window; empty: as all
  std::int64_t original_context = 0;

  const Rotation& of(std::int64_t n_ctx) const {
    return beyond.inv_freq.empty() || n_ctx <= original_context ? all : beyond;
  }
};

/// Fills in the base frequency and the scaling. YaRN's magnitude is rope.scaling.yarn_attn_factor where a file has it, else what
/// the factor and the log multiplier make; rope.scaling.attn_factor multiplies it, and longrope's.
Result<void> read_rope(const Keys& keys, Config& config);

Rotations make_rotations(const Config& config, const Weights& weights);

/// What YaRN multiplies by where it stretches contexts by `factor`: 1 + 0.1 * multiplier * ln(factor), or 1 where it does not.
double yarn_magnitude(double factor, double multiplier);

}  // namespace hearth::model
