// Enters: the candidates left after the cuts. Leaves: the temperature to draw at.
#pragma once

#include "cuts.h"
#include "settings.h"

namespace hearth::sample {

/// Dynamic temperature (KoboldCpp pull request 515): from temp - range, or 0, to temp + range by the entropy of those left as a
/// part of the highest that so many could have.
float dynamic_temperature(const Ranked& ranked, const Settings& settings);

}  // namespace hearth::sample
