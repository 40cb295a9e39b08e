// Enters: logits, and what speaks for or against single tokens. Leaves: changed logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "settings.h"

namespace hearth::sample {

/// One bit a token: bit id % 64 of word id / 64.
using TokenBits = std::span<const std::uint64_t>;
inline bool has(TokenBits bits, std::int32_t id) {
  const auto at = static_cast<std::size_t>(id);
  return at / 64 < bits.size() && (bits[at / 64] >> at % 64 & 1) != 0;
}

/// -inf for every token that is not allowed.
void forbid_all_but(std::span<float> logits, TokenBits allowed);

/// An error where a biased or banned id is outside the vocabulary; to be asked before anything is computed.
Result<void> check_ids(const Settings& settings, std::size_t n_vocab);

/// Adds the biases and puts -inf in place of banned tokens. An id outside the vocabulary is an error.
Result<void> add_bias(std::span<float> logits, const Settings& settings);

/// The newest `last` tokens of a text, all for -1. Every id is one of the vocabulary, or it is an error.
Result<std::span<const std::int32_t>> looked_back_on(std::span<const std::int32_t> history, std::int32_t last,
                                                     std::size_t n_vocab);

/// Repeat, frequency and presence penalties of the tokens looked back on.
class Penalties {
 public:
  void apply(std::span<float> logits, std::span<const std::int32_t> recent, const Settings& settings);

 private:
  std::vector<std::int32_t> counts_;  // [n_vocab] zero between calls
};

}  // namespace hearth::sample
