// Enters: logits, settings, the position and the tokens before it. Leaves: the next token, the same one every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <optional>
#include <span>
#include <vector>

#include "candidate.h"
#include "cuts.h"
#include "dispatch.h"
#include "draw.h"
#include "dry.h"
#include "logit_peaks.h"
#include "logit_steps.h"
#include "settings.h"

namespace hearth::sample {

/// What a choice leaves to the next one: nothing but mirostat's surprise due. A copy taken before drafted tokens undoes them.
struct SamplerState {
  double mu = 0.0;
};

/// pick() depends on its arguments, the settings and the state alone: the members below these are room to work in, kept to
/// save allocations. The steps and their order stand at SamplingOptions. One thread at a time.
class Sampler {
 public:
  /// `dry_breaks`: the tokens with a breaker, one bit a token.
  static Result<Sampler> from(const Settings& settings, std::vector<std::uint64_t> dry_breaks = {},
                              const kernels::KernelTable& table = kernels::best());

  /// The token for `position`, the index it will take in the text. -inf forbids a token, and so does a bit that is missing in
  /// `allowed`, unless that is empty. Errors: a NaN, a +inf, or nothing but -inf among the logits; nothing left by `allowed`;
  /// a number that leaves the floats under a bias, a penalty or the temperature. An error leaves the state as it was.
  Result<std::int32_t> pick(std::span<const float> logits,  // [n_vocab]
                            std::uint64_t position,
                            std::span<const std::int32_t> history,  // [tokens before position], newest last
                            TokenBits allowed = {});                // [ceil(n_vocab / 64)]

  /// The same choice for a device that makes it itself, where its steps are among those that devices know.
  std::optional<kernels::Draw> draw_at(std::uint64_t position) const;

  /// The log-probabilities of token `id` and of the `n` likeliest under these logits, as the model gave them.
  Result<TokenLogprobs> logprobs(std::span<const float> logits, std::int32_t id, std::size_t n);

  const Settings& settings() const { return settings_; }
  SamplerState state() const { return state_; }
  void restore(SamplerState state) { state_ = state; }

 private:
  Sampler(const Settings& settings, std::vector<std::uint64_t> dry_breaks, const kernels::KernelTable& table);

  Result<std::span<const float>> changed(std::span<const float> logits, std::uint64_t position,
                                         std::span<const std::int32_t> history, TokenBits allowed);
  void rank(std::span<const float> logits);
  float least_needed(std::span<const float> logits);
  void cut(std::uint64_t position);
  Result<std::int32_t> draw(std::uint64_t position, std::size_t n_vocab);
  void keep(Run run);
  Ranked ranked(float temp);

  Settings settings_;
  std::vector<std::uint64_t> dry_breaks_;  // [ceil(n_vocab / 64)] or fewer
  const kernels::KernelTable* table_;
  SamplerState state_;

  Peaks peaks_;
  Penalties penalties_;
  Dry dry_;
  std::vector<float> changed_;         // [n_vocab]
  std::vector<Candidate> candidates_;  // best first, once ranked
  std::vector<Candidate> sort_space_;
  std::span<const Candidate> left_;  // the run of them that the cuts have left
  std::vector<float> scaled_;        // [left] their logits, divided by weighed_at_
  std::vector<float> weights_;       // [left] of these
  float weighed_at_ = 0.0f;          // a temperature; 0: not yet
};

}  // namespace hearth::sample
