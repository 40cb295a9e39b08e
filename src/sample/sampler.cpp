// Enters: logits and settings. Leaves: one token, by the rules of ARITHMETIC.md, "Sampling".
#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "infinity.h"
#include "log_total.h"
#include "mirostat.h"
#include "number_text.h"
#include "philox.h"
#include "temperature.h"
#include "try.h"

namespace hearth::sample {
namespace {

Error non_finite(std::string what, std::uint64_t position, std::string_view todo) {
  return Error(Status::non_finite, what + "; position " + std::to_string(position) + "; " + std::string(todo));
}

/// Why there is nothing to pick among these logits.
Error no_answer(std::span<const float> logits, std::uint64_t position, std::string_view todo) {
  const auto wrong = std::find_if(logits.begin(), logits.end(), [](float x) { return !(x < kInfinity); });
  if (wrong == logits.end())
    return non_finite("all " + std::to_string(logits.size()) + " logits are -inf", position, todo);
  return non_finite("logit " + std::to_string(wrong - logits.begin()) + (std::isnan(*wrong) ? " is NaN" : " is +inf"),
                    position, todo);
}

Result<void> check_sizes(std::size_t n_vocab, std::size_t n_allowed, std::uint64_t position) {
  const auto where = [&] { return "; position " + std::to_string(position) + "; "; };
  if (n_vocab == 0 || n_vocab > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    return Error(Status::invalid_argument, std::to_string(n_vocab) + " logits" + where() + "give one for each token");
  if (n_allowed != 0 && n_allowed * 64 < n_vocab)
    return Error(Status::invalid_argument, std::to_string(n_allowed) + " words of allowed tokens for " +
                                               std::to_string(n_vocab) + " logits" + where() +
                                               "give one bit for each token");
  return {};
}

/// The cuts that go by weight, in order.
struct Cut {
  bool (*is_on)(const Settings&);
  Run (*keeps)(const Ranked&, const Settings&, std::uint64_t position);
};
constexpr Cut kCuts[] = {
    {has_typical, [](const Ranked& r, const Settings& s, std::uint64_t) { return typical(r, s.typical_p); }},
    {has_top_p, [](const Ranked& r, const Settings& s, std::uint64_t) { return top_p(r, s.top_p); }},
    {has_min_p, [](const Ranked& r, const Settings& s, std::uint64_t) { return min_p(r, s.min_p); }},
    {has_xtc,
     [](const Ranked& r, const Settings& s, std::uint64_t position) {
       const bool its_turn = uniform(s.seed, position, s.choice, Draw::xtc) < s.xtc_probability;
       return its_turn ? xtc(r, s.xtc_threshold) : Run{0, r.weights.size()};
     }},
};

}  // namespace

Sampler::Sampler(const Settings& settings, std::vector<std::uint64_t> dry_breaks, const kernels::KernelTable& table)
    : settings_(settings),
      dry_breaks_(std::move(dry_breaks)),
      table_(&table),
      state_{2.0 * static_cast<double>(settings.mirostat_tau)} {}

Result<Sampler> Sampler::from(const Settings& settings, std::vector<std::uint64_t> dry_breaks,
                              const kernels::KernelTable& table) {
  HEARTH_CHECK(validate(settings));
  return Sampler(settings, std::move(dry_breaks), table);
}

Result<std::int32_t> Sampler::pick(std::span<const float> logits, std::uint64_t position,
                                   std::span<const std::int32_t> history, TokenBits allowed) {
  HEARTH_CHECK(check_sizes(logits.size(), allowed.size(), position));
  if (!peaks_.find(logits))
    return no_answer(logits, position, "check the model file's values (hearth check --tensors)");
  HEARTH_TRY(logits, changed(logits, position, history, allowed));
  if (is_greedy(settings_)) return peaks_.first_best(logits);
  rank(logits);
  cut(position);
  return draw(position, logits.size());
}

/// The logits after the steps that look at single tokens, and the peaks of these.
Result<std::span<const float>> Sampler::changed(std::span<const float> logits, std::uint64_t position,
                                                std::span<const std::int32_t> history, TokenBits allowed) {
  const bool penalises = has_penalties(settings_) && !history.empty(), dries = has_dry(settings_) && !history.empty();
  if (allowed.empty() && !has_bias(settings_) && !penalises && !dries) return logits;
  changed_.assign(logits.begin(), logits.end());
  if (!allowed.empty()) {
    forbid_all_but(changed_, allowed);
    if (!peaks_.find(changed_)) return no_answer(changed_, position, "allow a token that the model gives a chance");
  }
  HEARTH_CHECK(add_bias(changed_, settings_));
  if (penalises) {
    HEARTH_TRY(const auto recent, looked_back_on(history, settings_.repeat_last, logits.size()));
    penalties_.apply(changed_, recent, settings_);
  }
  if (dries) {
    HEARTH_TRY(const auto recent, looked_back_on(history, settings_.dry_last, logits.size()));
    dry_.apply(changed_, recent, settings_, dry_breaks_);
  }
  if (!peaks_.find(changed_))
    return no_answer(changed_, position, "use a repeat_penalty nearer to 1, milder penalties and biases, fewer bans");
  return std::span<const float>(changed_);
}

/// Leaves candidates in order: all that top-n-sigma and top-k keep and the later steps can see.
void Sampler::rank(std::span<const float> logits) {
  for (auto* room : {&candidates_, &sort_space_}) room->reserve(logits.size());  // no token allocates after the first
  for (auto* room : {&scaled_, &weights_}) room->reserve(logits.size());
  peaks_.collect(logits, least_needed(logits), candidates_);
  if (has_top_k(settings_)) select_first(candidates_, static_cast<std::size_t>(settings_.top_k));
  else sort_all(candidates_, sort_space_);
  left_ = candidates_;
  weighed_at_ = 0.0f;
}

/// A logit below which no candidate makes a difference. Sorting those above is sorting enough: a few, as a rule.
float Sampler::least_needed(std::span<const float> logits) {
  const Settings& s = settings_;
  const float best = peaks_.best(), lowest = std::numeric_limits<float>::lowest();
  float least = lowest;
  if (has_top_k(s)) least = peaks_.reached_by(static_cast<std::size_t>(s.top_k));
  else if (has_typical(s) || has_top_p(s)) least = vanishes_below(best, 1.0f);
  else if (has_min_p(s)) least = hopeless_below(best, s.min_p);
  else if (has_dynatemp(s)) least = lowest;  // it counts them all
  else if (has_xtc(s)) least = vanishes_below(hopeless_below(best, s.xtc_threshold), std::max(s.temp, 1.0f));
  else least = vanishes_below(best, s.temp);
  return has_top_n_sigma(s) ? std::max(least, sigma_threshold(logits, best, s.top_n_sigma)) : least;
}

void Sampler::cut(std::uint64_t position) {
  for (const Cut& cut : kCuts)
    if (cut.is_on(settings_)) keep(cut.keeps(ranked(1.0f), settings_, position));
}

void Sampler::keep(Run run) {
  left_ = left_.subspan(run.begin, run.end - run.begin);
  scaled_.resize(left_.size());
  weights_.resize(left_.size());
  if (run.begin > 0) weighed_at_ = 0.0f;  // weights are relative to the first
}

/// The candidates left with their weights at a temperature, under which the first logit is a float.
Ranked Sampler::ranked(float temp) {
  if (weighed_at_ != temp) {
    scaled_.resize(left_.size());
    weights_.resize(left_.size());
    std::transform(left_.begin(), left_.end(), scaled_.begin(), [&](Candidate c) { return c.logit() / temp; });
    table_->exp_from(weights_.data(), scaled_.data(), scaled_[0], static_cast<std::int64_t>(left_.size()));
    weighed_at_ = temp;
  }
  return {scaled_, weights_};
}

Result<std::int32_t> Sampler::draw(std::uint64_t position, std::size_t n_vocab) {
  const float temp = has_dynatemp(settings_) ? dynamic_temperature(ranked(1.0f), settings_) : settings_.temp;
  const float best = left_.front().logit();
  if (!std::isfinite(best / temp))
    return non_finite("logit " + number_text(best) + " divided by temp " + number_text(temp) + " leaves the floats",
                      position, "use a higher temp, or 0 for the most probable token");
  const Ranked all = ranked(temp);
  const float u = uniform(settings_.seed, position, settings_.choice, Draw::token);
  if (!has_mirostat(settings_)) return left_[drawn(all.weights, u)].id();
  const std::size_t n = mirostat_keeps(all, n_vocab, state_.mu, settings_);
  const std::size_t i = drawn(all.weights.first(n), u);
  state_.mu = mirostat_next(all, i, state_.mu, settings_);
  return left_[i].id();
}

std::optional<kernels::Draw> Sampler::draw_at(std::uint64_t position) const {
  const Settings& s = settings_;
  if (has_bias(s) || has_penalties(s) || has_dry(s)) return std::nullopt;
  if (is_greedy(s)) return kernels::Draw{};
  if (has_top_n_sigma(s) || has_typical(s) || has_xtc(s) || has_dynatemp(s) || has_mirostat(s)) return std::nullopt;
  const float far = has_top_p(s)   ? -vanishes_below(0.0f, 1.0f)
                    : has_min_p(s) ? -hopeless_below(0.0f, s.min_p)
                                   : -vanishes_below(0.0f, s.temp);
  return kernels::Draw{s.temp, s.top_k, s.top_p, s.min_p, far, uniform(s.seed, position, s.choice, Draw::token)};
}

Result<TokenLogprobs> Sampler::logprobs(std::span<const float> logits, std::int32_t id, std::size_t n) {
  if (id < 0 || static_cast<std::size_t>(id) >= logits.size())
    return Error(Status::invalid_argument, "token " + std::to_string(id) +
                                               " has no logit; log-probabilities; use an id "
                                               "below " +
                                               std::to_string(logits.size()));
  if (!peaks_.find(logits)) return no_answer(logits, 0, "check the model file's values (hearth check --tensors)");
  weighed_at_ = 0.0f;
  weights_.resize(logits.size());
  const double total = log_total(*table_, logits, peaks_.best(), weights_);
  const auto logprob = [&](float logit) { return static_cast<float>(static_cast<double>(logit) - total); };
  TokenLogprobs found{logprob(logits[static_cast<std::size_t>(id)]), {}};
  if (n == 0) return found;
  peaks_.collect(logits, peaks_.reached_by(n), candidates_);
  select_first(candidates_, n);
  for (const Candidate c : candidates_) found.top.push_back({c.id(), logprob(c.logit())});
  return found;
}

}  // namespace hearth::sample
