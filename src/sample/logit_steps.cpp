// Enters: logits, and what speaks for or against single tokens. Leaves: changed logits.
#include "logit_steps.h"

#include <algorithm>
#include <string>

#include "infinity.h"
#include "try.h"

namespace hearth::sample {
namespace {

constexpr float kForbidden = -kInfinity;

Error unknown_token(std::int32_t id, std::string_view where, std::size_t n_vocab) {
  return Error(Status::invalid_argument, "token " + std::to_string(id) + " is not in the vocabulary; " +
                                             std::string(where) + "; use ids from 0 to " + std::to_string(n_vocab - 1));
}

bool is_known(std::int32_t id, std::size_t n_vocab) { return id >= 0 && static_cast<std::size_t>(id) < n_vocab; }

}  // namespace

void forbid_all_but(std::span<float> logits, TokenBits allowed) {
  for (std::size_t word = 0; word * 64 < logits.size(); ++word) {
    if (~allowed[word] == 0) continue;
    const std::span<float> run = logits.subspan(word * 64, std::min<std::size_t>(64, logits.size() - word * 64));
    for (std::size_t i = 0; i < run.size(); ++i)
      if ((allowed[word] >> i & 1) == 0) run[i] = kForbidden;
  }
}

Result<void> check_ids(const Settings& settings, std::size_t n_vocab) {
  for (const LogitBias& b : settings.logit_bias)
    if (!is_known(b.id, n_vocab)) return unknown_token(b.id, "logit_bias", n_vocab);
  for (const std::int32_t id : settings.banned)
    if (!is_known(id, n_vocab)) return unknown_token(id, "banned tokens", n_vocab);
  return {};
}

Result<void> add_bias(std::span<float> logits, const Settings& settings) {
  HEARTH_CHECK(check_ids(settings, logits.size()));
  for (const LogitBias& b : settings.logit_bias) logits[static_cast<std::size_t>(b.id)] += b.bias;
  for (const std::int32_t id : settings.banned) logits[static_cast<std::size_t>(id)] = kForbidden;
  return {};
}

Result<std::span<const std::int32_t>> looked_back_on(std::span<const std::int32_t> history, std::int32_t last,
                                                     std::size_t n_vocab) {
  const std::size_t n = last < 0 ? history.size() : std::min(history.size(), static_cast<std::size_t>(last));
  const std::span<const std::int32_t> recent = history.last(n);
  for (const std::int32_t id : recent)
    if (!is_known(id, n_vocab)) return unknown_token(id, "history", n_vocab);
  return recent;
}

/// Each distinct token counts once, but for the frequency. The last of its visits finds a zero.
void Penalties::apply(std::span<float> logits, std::span<const std::int32_t> recent, const Settings& settings) {
  counts_.resize(logits.size());
  for (const std::int32_t id : recent) ++counts_[static_cast<std::size_t>(id)];
  for (const std::int32_t id : recent) {
    std::int32_t& count = counts_[static_cast<std::size_t>(id)];
    if (count == 0) continue;
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0.0f ? logit / settings.repeat_penalty : logit * settings.repeat_penalty;
    logit -= static_cast<float>(count) * settings.frequency_penalty + settings.presence_penalty;
    count = 0;
  }
}

}  // namespace hearth::sample
