// Enters: the candidates left after the cuts. Leaves: the temperature to draw at.
#include "temperature.h"

#include <algorithm>
#include <limits>

#include "double_math.h"
#include "surprise.h"

namespace hearth::sample {

float dynamic_temperature(const Ranked& ranked, const Settings& settings) {
  if (ranked.weights.size() == 1) return settings.temp;
  const double highest = kernels::log(static_cast<double>(ranked.weights.size()));
  const double part = std::min(Surprise(ranked).entropy() / highest, 1.0);
  const double raised =
      part > 0.0 ? kernels::exp(static_cast<double>(settings.dynatemp_exponent) * kernels::log(part)) : 0.0;
  const double low = std::max(static_cast<double>(settings.temp) - static_cast<double>(settings.dynatemp_range), 0.0);
  const double high = std::min(static_cast<double>(settings.temp) + static_cast<double>(settings.dynatemp_range),
                               static_cast<double>(std::numeric_limits<float>::max()));
  constexpr double least = 0x1p-64;  // takes the first, and logits divided by it are still floats
  return static_cast<float>(std::max(low + (high - low) * raised, least));
}

}  // namespace hearth::sample
