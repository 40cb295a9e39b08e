// Enters: a router's scores of one row. Leaves: the experts that the row visits, and the weight of each.
#pragma once

#include <cstdint>

namespace hearth::kernels {

enum class Routing : std::uint8_t {
  none,
  softmax,               // weights are the softmax over all experts
  softmax_renormalised,  // divided by the sum of the chosen ones
};

/// scores [n_expert], which are overwritten -> experts [n_used], ascending, and weights [n_used]. The largest weights are chosen, of
/// equal ones the lower id; sums add in ascending id. False: a score is not finite; some experts are chosen all the same.
bool route(std::int32_t* experts, float* weights, float* scores, std::int64_t n_expert, std::int64_t n_used,
           Routing routing);

}  // namespace hearth::kernels
