// Enters: a moment. Leaves: the seconds since then.
#pragma once

#include <chrono>

namespace hearth {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace hearth
