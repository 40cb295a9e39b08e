// Enters: nothing. Leaves: the float above all others, the open end of the ranges that logits and settings lie in.
#pragma once

#include <limits>

namespace hearth::sample {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace hearth::sample
