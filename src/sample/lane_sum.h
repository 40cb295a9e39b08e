// Enters: a row of floats. Leaves: a sum over it in f64, in sixteen lanes and a tree: the order of ARITHMETIC.md's reductions.
#pragma once

#include <cstddef>
#include <span>

namespace hearth::sample {

/// The sum of f(x), a double, over the row.
template <class F> double lane_sum(std::span<const float> row, F f) {
  constexpr std::size_t lanes = 16;
  double lane[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= row.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) lane[j] += f(row[i + j]);
  for (std::size_t j = 0; i + j < row.size(); ++j) lane[j] += f(row[i + j]);
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  return lane[0];
}

}  // namespace hearth::sample
