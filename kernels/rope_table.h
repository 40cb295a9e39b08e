// Enters: positions and a base frequency, or a number of heads. Leaves: cosines and sines for rotary embedding, or the slopes of
// ALiBi, the same bits on every machine.
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// inv_freq[i] = base^(-2i / n_rot) for i < n_rot/2, in f64 by plain operations (no libm).
void rope_frequencies(double* inv_freq, std::int64_t n_rot, double base);

/// cos[i], sin[i] of theta = position * inv_freq[i], i < n_pairs, times the magnitude, rounded to f32 once. Good to position 2^31.
void rope_angles(float* cos, float* sin, std::int64_t position, const double* inv_freq, std::int64_t n_pairs,
                 double magnitude = 1.0);

/// slopes[h] for h < n_head, as ALiBi has them (Press et al. 2022): 2^(-max_bias * (h+1) / n) of the first n heads, n the largest
/// power of two in n_head; the others stand between those that twice as many heads would have. Rounded to f32 once.
void alibi_slopes(float* slopes, std::int64_t n_head, double max_bias);

}  // namespace hearth::kernels
