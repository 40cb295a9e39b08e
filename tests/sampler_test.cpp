// Enters: logits and settings. Leaves: tokens held against known answers, a plain reference and the distribution's
// counts.
#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "candidate.h"
#include "canonical_math.h"
#include "philox.h"
#include "support/catch.hpp"

namespace sampler_test {

using namespace hearth;
using namespace hearth::sample;
using Logits = std::vector<float>;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan_value = std::numeric_limits<float>::quiet_NaN();

Sampler sampler_of(const Settings& settings) {
  auto sampler = Sampler::from(settings);
  REQUIRE(sampler);
  return std::move(*sampler);
}

std::int32_t picked(const Settings& settings, const Logits& logits, std::uint64_t position = 0,
                    const Ids& history = {}) {
  const auto id = sampler_of(settings).pick(logits, position, history);
  REQUIRE(id);
  return *id;
}

/// ARITHMETIC.md's "Sampling" and the order of steps in sampler.h, written down once more without any shortcut.
std::int32_t reference_pick(const Settings& s, Logits logits, std::uint64_t position, const Ids& history) {
  const std::size_t last = std::min(history.size(), static_cast<std::size_t>(s.repeat_last));
  Ids recent(history.end() - static_cast<std::ptrdiff_t>(last), history.end());
  std::sort(recent.begin(), recent.end());
  recent.erase(std::unique(recent.begin(), recent.end()), recent.end());
  for (auto id : recent) {
    float& l = logits[static_cast<std::size_t>(id)];
    l = l > 0 ? l / s.repeat_penalty : l * s.repeat_penalty;
  }
  Ids order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](std::size_t i) { return logits[static_cast<std::size_t>(order[i])]; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  if (s.temp == 0) return order[0];
  if (s.top_k > 0) order.resize(std::min(order.size(), static_cast<std::size_t>(s.top_k)));
  if (s.top_p < 1) {
    float total = 0, sum = 0;
    for (std::size_t i = 0; i < order.size(); ++i) total += kernels::exp_nonpositive(at(i) - at(0));
    std::size_t n = 0;
    do sum += kernels::exp_nonpositive(at(n) - at(0)), ++n;
    while (n < order.size() && sum < s.top_p * total);
    order.resize(n);
  }
  if (s.min_p > 0) {
    std::size_t n = 0;
    while (n < order.size() && kernels::exp_nonpositive(at(n) - at(0)) >= s.min_p) ++n;
    order.resize(n);
  }
  const auto weight = [&](std::size_t i) { return kernels::exp_nonpositive(at(i) / s.temp - at(0) / s.temp); };
  float total = 0, sum = 0;
  for (std::size_t i = 0; i < order.size(); ++i) total += weight(i);
  const std::array<std::uint32_t, 4> random =
      philox4x32({static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32), s.choice, 0},
                 {static_cast<std::uint32_t>(s.seed), static_cast<std::uint32_t>(s.seed >> 32)});
  const float u = static_cast<float>(random[0] >> 8) * 0x1p-24f;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sum += weight(i);
    if (sum > u * total) return order[i];
  }
  return order.back();
}

}  // namespace

TEST_CASE("philox: the published known answers (Random123 kat_vectors, philox4x32 10)") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: each word of the counter and the key matters, numbers lie in [0, 1)") {
  const float base = uniform(1, 2, 3, Draw::token);
  CHECK(base == static_cast<float>(philox4x32({2, 0, 3, 0}, {1, 0})[0] >> 8) * 0x1p-24f);
  CHECK(base != uniform(2, 2, 3, Draw::token));
  CHECK(base != uniform(1 | std::uint64_t{1} << 32, 2, 3, Draw::token));
  CHECK(base != uniform(1, 3, 3, Draw::token));
  CHECK(base != uniform(1, 2 | std::uint64_t{1} << 32, 3, Draw::token));
  CHECK(base != uniform(1, 2, 4, Draw::token));
  CHECK(base != uniform(1, 2, 3, Draw::xtc));
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const float u = uniform(9, i, 0, Draw::token);
    CHECK((u >= 0.0f && u < 1.0f));
  }
}

TEST_CASE("candidates: one order, however it is made") {
  std::mt19937 random(5);
  Logits logits(3000);
  const float some[] = {0.0f, -0.0f, 1.0f, -1.0f, 1e-45f, -1e-45f, 3e38f, -3e38f, -inf};
  for (float& l : logits) {
    l = random() % 3 ? some[random() % std::size(some)] : static_cast<float>(random()) * 0x1p-30f - 2.0f;
  }
  Ids order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  Peaks peaks;
  REQUIRE(peaks.find(logits));
  std::vector<Candidate> all, space;
  peaks.collect(logits, -inf, all);
  sort_all(all, space);
  REQUIRE(all.size() == logits.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].id() == order[i]);
    CHECK(all[i].logit() == logits[static_cast<std::size_t>(order[i])]);
  }
  for (std::size_t k : {1u, 2u, 7u, 511u, 2999u, 3000u, 5000u}) {
    std::vector<Candidate> first;
    peaks.collect(logits, -inf, first);
    select_first(first, k);
    REQUIRE(first.size() == std::min<std::size_t>(k, logits.size()));
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].id() == order[i]);
  }
}

TEST_CASE("sampler: greedy takes the highest logit, ties the lower id") {
  CHECK(picked({}, {1, 3, 2}) == 1);
  CHECK(picked({}, {3, 1, 3}) == 0);
  CHECK(picked({}, {-0.0f, 0.0f}) == 0);
  CHECK(picked({}, {-inf, -5, -inf}) == 1);
  CHECK(picked({}, {7}) == 0);
}

TEST_CASE("sampler: the repeat penalty looks back repeat_last tokens, each distinct one once") {
  Settings s{.repeat_penalty = 2.0f, .repeat_last = 2};
  CHECK(picked(s, {4, 3, 1}, 0, {0}) == 1);
  CHECK(picked(s, {4, 1.5f, 1}, 0, {0, 0}) == 0);  // 2, not 1
  CHECK(picked(s, {4, 3, 1}, 0, {0, 2, 2}) == 0);  // too far back
  CHECK(picked(s, {-1, -1.5f}, 0, {0}) == 1);      // negative logits are multiplied
  CHECK(picked(s, {4, 2}, 0, {0}) == 0);           // tie after the penalty
  s.repeat_last = 0;
  CHECK(picked(s, {4, 3, 1}, 0, {0}) == 0);
  s.repeat_last = 64;
  const auto strange = sampler_of(s).pick(Logits{1, 2}, 0, Ids{2});
  REQUIRE_FALSE(strange);
  CHECK(strange.error().status() == Status::invalid_argument);
}

TEST_CASE("sampler: truncation leaves what it says") {
  // Weights 1, 1/2, 1/4, 1/8 to a rounding; total 1.875.
  const Logits logits{std::log(0.25f), 0.0f, std::log(0.125f), std::log(0.5f)};
  const auto seen = [&](Settings s) {
    s.temp = 1.0f;
    std::vector<bool> ids(4);
    Sampler sampler = sampler_of(s);
    for (std::uint64_t position = 0; position < 2000; ++position) {
      ids[static_cast<std::size_t>(*sampler.pick(logits, position, {}))] = true;
    }
    return ids;
  };
  using Seen = std::vector<bool>;
  CHECK(seen({}) == Seen{true, true, true, true});
  CHECK(seen({.top_k = 1}) == Seen{false, true, false, false});
  CHECK(seen({.top_k = 2}) == Seen{false, true, false, true});
  CHECK(seen({.top_k = 100}) == Seen{true, true, true, true});
  CHECK(seen({.top_p = 0.0f}) == Seen{false, true, false, false});
  CHECK(seen({.top_p = 0.53f}) == Seen{false, true, false, false});  // 1/1.875 = 0.5333
  CHECK(seen({.top_p = 0.54f}) == Seen{false, true, false, true});
  CHECK(seen({.top_p = 0.81f}) == Seen{true, true, false, true});  // 1.5/1.875 = 0.8
  CHECK(seen({.min_p = 1.0f}) == Seen{false, true, false, false});
  CHECK(seen({.min_p = 0.4f}) == Seen{false, true, false, true});
  CHECK(seen({.min_p = 0.2f}) == Seen{true, true, false, true});
  CHECK(seen({.top_k = 3, .top_p = 0.5f}) == Seen{false, true, false, false});  // of the three that top_k left
}

TEST_CASE("sampler: what top-p and min-p cut does not depend on temp") {
  const Logits logits{0.0f, -1.0f, -2.0f};
  for (float temp : {0.1f, 1.0f, 50.0f}) {
    Settings s{.temp = temp, .min_p = 0.3f};  // exp(-1) = 0.37 stays, exp(-2) = 0.14 goes
    Sampler sampler = sampler_of(s);
    for (std::uint64_t position = 0; position < 3000; ++position) CHECK(*sampler.pick(logits, position, {}) != 2);
  }
}

TEST_CASE("sampler: equal to the definition written down without shortcuts") {
  std::mt19937 random(17);
  const auto number = [&](float low, float high) {
    return low + (high - low) * static_cast<float>(random() % 10001) / 10000.0f;
  };
  for (int round = 0; round < 3000; ++round) {
    Logits logits(1 + random() % (round % 10 ? 40 : 3000));
    const float spread = random() % 2 ? 5.0f : 60.0f;
    for (float& l : logits) l = random() % 20 ? std::floor(number(-spread, spread) * 8) / 8 : -inf;
    logits[random() % logits.size()] = number(-1, 1);
    Settings s;
    s.temp = random() % 8 ? number(0.05f, 3) : 0;
    s.top_k = random() % 2 ? static_cast<std::int32_t>(random() % 50) : 0;
    s.top_p = random() % 2 ? number(0, 1) : 1;
    s.min_p = random() % 2 ? number(0, 1) * number(0, 1) : 0;
    s.repeat_penalty = random() % 2 ? number(0.5f, 2) : 1;
    s.repeat_last = static_cast<std::int32_t>(random() % 10);
    s.seed = random();
    s.choice = random() % 3;
    Ids history(random() % 20);
    for (auto& id : history) id = static_cast<std::int32_t>(random() % logits.size());
    const std::uint64_t position = std::uint64_t{random()} << (random() % 2 ? 16 : 0);
    CAPTURE(round, logits.size(), s.temp, s.top_k, s.top_p, s.min_p, s.repeat_penalty);
    CHECK(picked(s, logits, position, history) == reference_pick(s, logits, position, history));
  }
}

TEST_CASE("sampler: no hidden state: any order of calls gives the same tokens") {
  std::mt19937 random(2);
  Logits logits(1000);
  for (float& l : logits) l = static_cast<float>(random() % 1000) / 100.0f;
  const Settings s{.temp = 0.9f, .top_p = 0.95f, .repeat_penalty = 1.1f, .seed = 42};
  const Ids history{3, 1, 4, 1, 5};
  Sampler forward = sampler_of(s), backward = sampler_of(s);
  Ids a(200), b(200);
  for (std::size_t i = 0; i < 200; ++i) a[i] = *forward.pick(logits, i, history);
  for (std::size_t i = 200; i-- > 0;) b[i] = *backward.pick(logits, i, history);
  CHECK(a == b);
  Settings other = s;
  other.seed = 43;
  Sampler changed = sampler_of(other);
  for (std::size_t i = 0; i < 200; ++i) b[i] = *changed.pick(logits, i, history);
  CHECK(a != b);
  other.seed = 42;
  other.choice = 1;
  Sampler second = sampler_of(other);
  for (std::size_t i = 0; i < 200; ++i) b[i] = *second.pick(logits, i, history);
  CHECK(a != b);
}

TEST_CASE("sampler: counts follow the distribution") {
  // Chi-square with 9 degrees of freedom: P(X > 40) < 1e-5 for true samples, and the seed is fixed.
  const Logits logits{2, 1.5f, 1, 0.5f, 0, -0.5f, -1, -1.5f, -2, 0.25f};
  constexpr std::size_t draws = 100000;
  for (float temp : {0.7f, 1.0f, 2.0f}) {
    std::vector<double> expected(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) expected[i] = std::exp(logits[i] / temp);
    const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
    std::vector<double> counts(logits.size());
    Sampler sampler = sampler_of({.temp = temp, .seed = 1});
    for (std::size_t position = 0; position < draws; ++position) {
      counts[static_cast<std::size_t>(*sampler.pick(logits, position, {}))] += 1;
    }
    double chi_square = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double wanted = expected[i] / total * draws;
      chi_square += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
    }
    CAPTURE(temp, chi_square);
    CHECK(chi_square < 40);
  }
}

TEST_CASE("sampler A7: logits that hold no answer are an error with the position") {
  for (float temp : {0.0f, 0.8f}) {
    for (const Logits& logits : {Logits{1, nan_value, 2}, Logits{1, inf}, Logits{-inf, -inf}, Logits{nan_value}}) {
      const auto id = sampler_of({.temp = temp, .top_k = 1}).pick(logits, 77, {});
      REQUIRE_FALSE(id);
      CHECK(id.error().status() == Status::non_finite);
      CHECK(id.error().message().find("position 77") != std::string::npos);
    }
    CHECK(picked({.temp = temp, .top_k = 5}, {-inf, 0, -inf}) == 1);
    CHECK(picked({.temp = temp}, {-1e30f}) == 0);
    CHECK(sampler_of({.temp = temp}).pick({}, 0, {}).error().status() == Status::invalid_argument);
  }
}

TEST_CASE("sampler A7: extreme settings give a token or an error") {
  const Logits logits{10, -3, 9.5f};
  CHECK(picked({.temp = 1e-30f}, logits) == 0);
  const auto tiny = sampler_of({.temp = 1e-38f}).pick(logits, 5, {});
  REQUIRE_FALSE(tiny);
  CHECK(tiny.error().status() == Status::non_finite);
  CHECK(tiny.error().message().find("position 5") != std::string::npos);
  const auto penalty = sampler_of({.repeat_penalty = 1e-38f}).pick(logits, 5, Ids{0});
  REQUIRE_FALSE(penalty);
  CHECK(penalty.error().message().find("repeat_penalty") != std::string::npos);
  CHECK(picked({.temp = 3e38f, .top_k = 1}, logits) == 0);
  CHECK(picked({.temp = 1, .top_k = std::numeric_limits<std::int32_t>::max()}, {0}) == 0);
  CHECK(picked({.temp = 1, .min_p = 1e-45f}, {0}) == 0);
}

TEST_CASE("sampler: settings outside their range are refused by name") {
  const auto refused = [](const Settings& s, std::string_view name) {
    const auto ok = validate(s);
    REQUIRE_FALSE(ok);
    CHECK(ok.error().status() == Status::invalid_argument);
    CHECK(ok.error().message().substr(0, name.size()) == name);
    CHECK(ok.error().message().find('[') + 1 + ok.error().message().find('(') + 1 > 0);
    CHECK_FALSE(Sampler::from(s));
  };
  for (float bad : {nan_value, -1.0f, -1e-45f, inf, -inf}) {
    refused({.temp = bad}, "temp");
    refused({.top_p = bad}, "top_p");
    refused({.min_p = bad}, "min_p");
    refused({.repeat_penalty = bad}, "repeat_penalty");
  }
  refused({.repeat_penalty = 0}, "repeat_penalty");
  refused({.top_p = 1.0000001f}, "top_p");
  refused({.min_p = 1.5f}, "min_p");
  refused({.top_k = -1}, "top_k");
  refused({.repeat_last = -2}, "repeat_last");
  CHECK(validate({}));
  CHECK(validate({.temp = 2, .top_k = 40, .top_p = 0.9f, .min_p = 0.05f, .repeat_penalty = 1.1f, .repeat_last = 0}));
}

}  // namespace sampler_test
