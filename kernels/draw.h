// What a device is told that chooses a token from a row of logits by itself: the common part of the sampling settings.
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// Top-k, top-p, min-p, temperature, draw, in this order, as ARITHMETIC.md has them ("Sampling").
struct Draw {
  float temp = 0;          // 0: the best logit's token, nothing else counts
  std::int32_t top_k = 0;  // 0: off
  float top_p = 1;         // 1: off
  float min_p = 0;         // 0: off
  float far = 0;  // without top-k: what lies so much below the best, and a millionth of that more, makes no difference
  float u = 0;    // in [0, 1), drawn for the position that the token takes
};

/// In place of a token: the host is to choose it. A logit is not finite, or candidates are too many for the device.
inline constexpr std::int32_t kNotDrawn = -1;

}  // namespace hearth::kernels
