// Enters: a router's scores of one row. Leaves: the experts that the row visits, and the weight of each.
#pragma once

#include <cstdint>

namespace hearth::kernels {

enum class Routing : std::uint8_t {
  none,
  softmax,               // weights are the softmax over all experts
  softmax_renormalised,  // divided by the sum of the chosen ones
  sigmoid,               // weights are each score's sigmoid
  sigmoid_renormalised,
};

/// What a router does with its scores. Experts stand in n_group groups of one size; a row chooses among those of the best
/// n_group_used, a group being as good as its best expert (softmax) or the sum of its two best (sigmoid).
struct RouteRule {
  Routing routing = Routing::none;
  std::int64_t n_group = 1, n_group_used = 1;
  float scale = 1;  // multiplies the weights
};

/// scores [n_expert], which are overwritten -> experts [n_used], ascending, and weights [n_used]. The largest weights are chosen, with
/// `bias` [n_expert] the largest sums of weight and bias; of equal ones (groups too) the lower id. Sums add in ascending id. False:
/// a score is not finite; some experts are chosen all the same. The groups used hold at least n_used experts.
bool route(std::int32_t* experts, float* weights, float* scores, const float* bias, std::int64_t n_expert,
           std::int64_t n_used, const RouteRule& rule);

}  // namespace hearth::kernels
