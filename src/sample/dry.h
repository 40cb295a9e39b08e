// Enters: logits and the text so far. Leaves: lower logits for tokens that would go on with a repetition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "logit_steps.h"
#include "settings.h"

namespace hearth::sample {

/// DRY, "don't repeat yourself" (P. E. Weidmann, text-generation-webui pull request 5677): where the newest n tokens stood
/// before, the token that came after them there loses dry_multiplier * dry_base^(n - dry_allowed), for its longest n. A
/// repetition begins after the newest token with a breaker, and such tokens have no penalty.
class Dry {
 public:
  void apply(std::span<float> logits, std::span<const std::int32_t> recent, const Settings& settings, TokenBits breaks);

 private:
  void measure(std::span<const std::int32_t> recent, std::size_t longest);

  std::vector<std::size_t> repeated_;  // [recent] i: how many of the newest tokens also end i tokens earlier
  std::vector<std::size_t> longest_;   // [n_vocab] before each token, zero between calls
};

}  // namespace hearth::sample
