// Enters: positions and a base frequency. Leaves: cosines and sines for rotary embedding, the same bits on every machine.
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// ln(x) of a normal x > 0, by plain operations.
double natural_log(double x);

/// inv_freq[i] = base^(-2i / n_rot) for i < n_rot/2, in f64 by plain operations (no libm).
void rope_frequencies(double* inv_freq, std::int64_t n_rot, double base);

/// cos[i], sin[i] of theta = position * inv_freq[i], i < n_pairs, times the magnitude, rounded to f32 once. Good to position 2^31.
void rope_angles(float* cos, float* sin, std::int64_t position, const double* inv_freq, std::int64_t n_pairs,
                 double magnitude = 1.0);

}  // namespace hearth::kernels
