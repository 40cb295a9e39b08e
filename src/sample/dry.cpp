// Enters: logits and the text so far. Leaves: lower logits for tokens that would go on with a repetition.
#include "dry.h"

#include <algorithm>
#include <limits>

namespace hearth::sample {
namespace {

/// By repeated multiplication: one order, no library's pow. Beyond the floats it makes no difference how far.
double penalty(const Settings& settings, std::size_t repeated) {
  constexpr double enough = 1e39;
  double penalty = static_cast<double>(settings.dry_multiplier);
  for (auto n = static_cast<std::size_t>(settings.dry_allowed); n < repeated && penalty < enough; ++n)
    penalty *= static_cast<double>(settings.dry_base);
  return penalty;
}

/// However large the penalty, what was possible stays possible: a grammar may allow nothing else.
float lowered(float logit, double by) {
  constexpr float lowest = std::numeric_limits<float>::lowest();
  if (logit < lowest) return logit;
  return static_cast<float>(std::max(static_cast<double>(logit) - by, static_cast<double>(lowest)));
}

std::size_t since_break(std::span<const std::int32_t> recent, TokenBits breaks) {
  const auto newest_break =
      std::find_if(recent.rbegin(), recent.rend(), [&](std::int32_t id) { return has(breaks, id); });
  return static_cast<std::size_t>(newest_break - recent.rbegin());
}

}  // namespace

/// The Z algorithm over the text read backwards, its pattern cut to `longest` tokens: linear, whatever repeats.
void Dry::measure(std::span<const std::int32_t> recent, std::size_t longest) {
  const std::size_t n = recent.size();
  const auto back = [&](std::size_t i) { return recent[n - 1 - i]; };
  constexpr std::size_t kMany = 4096;  // a text grows by a token a call, and a call should find room
  if (repeated_.capacity() < n) repeated_.reserve(std::max(2 * n, kMany));
  repeated_.assign(n, 0);
  std::size_t left = 0, right = 0;  // the match that reaches furthest
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t& length = repeated_[i];
    if (i < right) length = std::min(right - i, repeated_[i - left]);
    while (length < longest && i + length < n && back(length) == back(i + length)) ++length;
    if (i + length > right) left = i, right = i + length;
  }
}

void Dry::apply(std::span<float> logits, std::span<const std::int32_t> recent, const Settings& settings,
                TokenBits breaks) {
  const std::size_t longest = since_break(recent, breaks);
  const auto allowed = static_cast<std::size_t>(settings.dry_allowed);
  if (longest < allowed) return;
  measure(recent, longest);
  longest_.resize(logits.size());
  const std::size_t n = recent.size();
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t& most = longest_[static_cast<std::size_t>(recent[n - i])];  // the token after the repetition's end
    if (repeated_[i] >= allowed) most = std::max(most, repeated_[i]);
  }
  for (const std::int32_t id : recent) {
    std::size_t& most = longest_[static_cast<std::size_t>(id)];
    float& logit = logits[static_cast<std::size_t>(id)];
    if (most != 0 && !has(breaks, id)) logit = lowered(logit, penalty(settings, most));
    most = 0;
  }
}

}  // namespace hearth::sample
