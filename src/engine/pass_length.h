// Enters: how long passes took. Leaves: how many rows of a prompt the next may have so that it ends soon.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::engine {

/// Whoever cancels, or decodes beside somebody's prompt, waits for a pass at most. Rows are measured where a pass has enough of
/// them to tell; how a prompt is divided changes no bit.
class PassLength {
 public:
  std::int64_t n_rows(std::int64_t most) const {
    const double fitting = kSeconds / seconds_per_row_;
    if (fitting >= static_cast<double>(most)) return most;
    return std::min(most, std::max(kFewest, static_cast<std::int64_t>(fitting)));
  }
  void saw(std::int64_t n_rows, double seconds) {
    if (n_rows >= kFewest) seconds_per_row_ = seconds / static_cast<double>(n_rows);
  }

 private:
  static constexpr double kSeconds = 0.08;  // under the tenth of a second in which a cancel is to be heard
  static constexpr std::int64_t kFewest = 8;
  double seconds_per_row_ = kSeconds / 32;  // the first pass is a short one
};

}  // namespace hearth::engine
