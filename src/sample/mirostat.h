// Enters: all candidates at their temperature, and how much surprise is due. Leaves: how many to draw from, and the next due.
// Basu, Ramachandran, Keskar and Varshney, "Mirostat: a neural text decoding algorithm that directly controls perplexity", 2021.
#pragma once

#include <cstddef>

#include "cuts.h"
#include "settings.h"

namespace hearth::sample {

/// How many of the first candidates `mu` bits of surprise leave: version 1 by way of the exponent of Zipf's law that fits the
/// hundred likeliest, version 2 those that are at most so surprising.
std::size_t mirostat_keeps(const Ranked& ranked, std::size_t n_vocab, double mu, const Settings& settings);

/// mu after candidate i has been drawn. Its surprise is that among all candidates, as the authors have it.
double mirostat_next(const Ranked& ranked, std::size_t i, double mu, const Settings& settings);

}  // namespace hearth::sample
