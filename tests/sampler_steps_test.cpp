// Enters: cases that tools/makers/make_sampler_goldens.py worked out in exact arithmetic, and made-up logits. Leaves: each step
// held to its definition, alone and in company.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>

#include "double_math.h"
#include "mirostat.h"
#include "sampler.h"
#include "support/catch.hpp"
#include "support/sanitized.h"
#include "surprise.h"
#include "temperature.h"

using namespace hearth;
using namespace hearth::sample;
using Logits = std::vector<float>;
using Ids = std::vector<std::int32_t>;
using Bits = std::vector<std::uint64_t>;
using nlohmann::json;

// Counts what this program asks of the heap; sanitizers bring an operator new of their own and are left theirs.
#ifndef HEARTH_TEST_SANITIZED
static std::size_t n_allocations = 0;
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++n_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan_value = std::numeric_limits<float>::quiet_NaN();

Sampler sampler_of(const Settings& settings, Bits breaks = {}) {
  auto sampler = Sampler::from(settings, std::move(breaks));
  REQUIRE(sampler);
  return std::move(*sampler);
}

Bits bits_of(const Ids& ids, std::size_t n_vocab) {
  Bits bits((n_vocab + 63) / 64);
  for (const std::int32_t id : ids) bits[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << id % 64;
  return bits;
}

Logits random_logits(std::size_t n, float spread, unsigned seed) {
  std::mt19937 random(seed);
  Logits logits(n);
  for (float& l : logits) l = (static_cast<float>(random() % 20001) / 10000.0f - 1.0f) * spread;
  return logits;
}

Settings settings_of(const json& given) {
  Settings s;
  const auto set = [&](const char* name, auto& value) {
    if (given.contains(name)) value = given[name].get<std::remove_reference_t<decltype(value)>>();
  };
  set("temp", s.temp), set("dynatemp_range", s.dynatemp_range), set("dynatemp_exponent", s.dynatemp_exponent);
  set("top_k", s.top_k), set("top_p", s.top_p), set("min_p", s.min_p), set("typical_p", s.typical_p);
  set("top_n_sigma", s.top_n_sigma), set("xtc_probability", s.xtc_probability), set("xtc_threshold", s.xtc_threshold);
  set("repeat_penalty", s.repeat_penalty), set("repeat_last", s.repeat_last);
  set("presence_penalty", s.presence_penalty), set("frequency_penalty", s.frequency_penalty);
  set("dry_multiplier", s.dry_multiplier), set("dry_base", s.dry_base), set("dry_allowed", s.dry_allowed);
  set("dry_last", s.dry_last), set("mirostat", s.mirostat), set("mirostat_tau", s.mirostat_tau);
  set("mirostat_eta", s.mirostat_eta), set("banned", s.banned), set("seed", s.seed), set("choice", s.choice);
  for (const json& pair : given.value("logit_bias", json::array()))
    s.logit_bias.push_back({pair[0].get<std::int32_t>(), pair[1].get<float>()});
  return s;
}

/// Probabilities in double, straight from the definition.
std::vector<double> probabilities(const Logits& logits) {
  const double best = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  std::vector<double> p;
  for (const float l : logits) p.push_back(std::exp(static_cast<double>(l) - best));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}

/// What a cut sees: logits in order with their weights.
struct Order {
  Logits logits, weights;
  explicit Order(Logits all) : logits(std::move(all)), weights(logits.size()) {
    std::sort(logits.begin(), logits.end(), std::greater<>());
    kernels::best().exp_from(weights.data(), logits.data(), logits[0], static_cast<std::int64_t>(logits.size()));
  }
  Ranked ranked() const { return {logits, weights}; }
};

std::size_t kept(Run run) { return run.end - run.begin; }

}  // namespace

TEST_CASE("sampler: every step and company of steps as exact arithmetic has it") {
  std::ifstream file(HEARTH_SOURCE_DIR "/tests/golden/sampler.jsonl");
  std::size_t n = 0;
  for (std::string line; std::getline(file, line); ++n) {
    const json c = json::parse(line);
    CAPTURE(n, c["settings"].dump());
    Logits logits;
    for (const json& l : c["logits"]) logits.push_back(l.is_null() ? -inf : l.get<float>());
    Sampler sampler = sampler_of(settings_of(c["settings"]), bits_of(c["breaks"].get<Ids>(), logits.size()));
    sampler.restore({c["mu"].get<double>()});
    const Bits allowed = c["allowed"].is_null() ? Bits{} : bits_of(c["allowed"].get<Ids>(), logits.size());
    const auto id = sampler.pick(logits, c["position"].get<std::uint64_t>(), c["history"].get<Ids>(), allowed);
    REQUIRE(id);
    CHECK(*id == c["id"].get<std::int32_t>());
    CHECK(sampler.state().mu == c["mu_after"].get<double>());
  }
  CHECK(n == 400);
}

TEST_CASE("sampler: what is not sorted makes no difference in large vocabularies") {
  // The same settings with a cut that cuts nothing in front: it makes the sampler rank every candidate.
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const Logits logits = random_logits(20000, round % 2 ? 8.0f : 40.0f, random());
    Settings s{.temp = 0.3f + static_cast<float>(round % 7), .seed = random()};
    if (round % 3 == 1) s.top_p = 0.97f;
    if (round % 3 == 2) s.xtc_probability = 1.0f, s.xtc_threshold = 0.001f;
    if (round % 5 == 1) s.typical_p = 0.9f;
    if (round % 5 == 2) s.mirostat = 1 + round % 2, s.mirostat_tau = 8.0f;
    if (round % 5 == 3) s.top_n_sigma = 2.0f;
    Settings all = s;
    if (s.mirostat == 0) all.top_k = 20000;  // more than the runs of 64: no bound is known
    else all.dynatemp_range = 1e-30f;        // temp plus and minus nothing, but every candidate counts
    CAPTURE(round);
    for (std::uint64_t position = 0; position < 5; ++position)
      CHECK(*sampler_of(s).pick(logits, position, {}) == *sampler_of(all).pick(logits, position, {}));
  }
}

TEST_CASE("top-k by bounds keeps what sorting everything keeps") {
  for (const std::size_t n : {1u, 63u, 64u, 65u, 1000u, 9999u}) {
    Logits logits = random_logits(n, 3.0f, static_cast<unsigned>(n));
    for (std::size_t i = 0; i < n; i += 3) logits[i] = i % 2 ? -inf : std::floor(logits[i]);  // ties, forbidden ones
    logits[n / 2] = 0.5f;
    Peaks peaks;
    REQUIRE(peaks.find(logits));
    CHECK(peaks.best() == *std::max_element(logits.begin(), logits.end()));
    CHECK(peaks.first_best(logits) == std::max_element(logits.begin(), logits.end()) - logits.begin());
    for (std::size_t k = 1; k <= n; k = 2 * k + 1) {
      const auto reach =
          std::count_if(logits.begin(), logits.end(), [&, least = peaks.reached_by(k)](float l) { return l >= least; });
      CHECK(reach >=
            std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(k),
                                     std::count_if(logits.begin(), logits.end(), [](float l) { return l > -inf; })));
    }
  }
}

TEST_CASE("cuts keep at least one, and more as their number grows") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const Order order(random_logits(1 + seed * 7, seed % 2 ? 1.0f : 20.0f, seed));
    const Ranked r = order.ranked();
    std::size_t last_top_p = 0, last_typical = 0, last_min_p = r.weights.size(), last_xtc = 0;
    for (const float x : {0.0f, 1e-30f, 0.1f, 0.3f, 0.5f, 0.9f, 0.999f}) {
      CAPTURE(seed, x);
      CHECK((kept(top_p(r, x)) >= std::max<std::size_t>(last_top_p, 1) && top_p(r, x).begin == 0));
      CHECK((kept(typical(r, x)) >= std::max<std::size_t>(last_typical, 1) && typical(r, x).end <= r.weights.size()));
      CHECK((kept(min_p(r, x)) >= 1 && kept(min_p(r, x)) <= last_min_p));
      CHECK((kept(xtc(r, x)) >= std::max<std::size_t>(last_xtc, 1) && xtc(r, x).end == r.weights.size()));
      last_top_p = kept(top_p(r, x)), last_typical = kept(typical(r, x));
      last_min_p = kept(min_p(r, x)), last_xtc = kept(xtc(r, x));
    }
    CHECK(kept(xtc(r, 0.6f)) == r.weights.size());  // no two are that likely
    float last_threshold = inf;
    for (const float n : {0.0f, 0.5f, 1.0f, 3.0f, 1e30f}) {
      const float threshold = sigma_threshold(order.logits, order.logits[0], n);
      CHECK((threshold <= order.logits[0] && threshold <= last_threshold));
      last_threshold = threshold;
    }
  }
}

TEST_CASE("typical: those of usual surprise, whether they are the likeliest or not") {
  // p = 0.6, 0.2, 0.2: surprises 0.74 and 2.32 bits, entropy 1.37: the first is nearer.
  const Order order({std::log(0.6f), std::log(0.2f), std::log(0.2f)});
  CHECK(typical(order.ranked(), 0.5f).end == 1);
  CHECK(typical(order.ranked(), 0.7f).end == 2);
  // p = 0.9 and ten of 0.01: the entropy, 0.81 bits, is nearer to the first's 0.15 than to 6.6.
  Logits skewed(11, std::log(0.01f));
  skewed[0] = std::log(0.9f);
  CHECK(typical(Order(skewed).ranked(), 0.5f).end == 1);
  // p = 0.04 and 96 of 0.01: now the many are the usual ones, and the likeliest is the last to be taken.
  Logits flat(97, std::log(0.01f));
  flat[0] = std::log(0.04f);
  const Run many = typical(Order(flat).ranked(), 0.895f);
  CHECK(many.begin == 1);
  CHECK(kept(many) == 90);  // 89.5 hundredths
}

TEST_CASE("DRY: the worked example of its definition") {
  // … 1 2 3 4 … 1 2 3: after "1 2 3" came 4, so 4 would repeat a run of three.
  const Ids history{1, 2, 3, 4, 9, 1, 2, 3};
  Settings s{.dry_multiplier = 1.0f, .dry_base = 2.0f, .dry_allowed = 2};
  const auto lost = [&](const Settings& settings, const Ids& text, std::size_t token, const Ids& breaks = {}) {
    Logits logits(10, 0.0f);
    Dry().apply(logits, text, settings, bits_of(breaks, logits.size()));
    return -logits[token];
  };
  CHECK(lost(s, history, 4) == 2.0f);  // 1 * 2^(3 - 2)
  CHECK(lost(s, history, 9) == 0.0f);
  s.dry_allowed = 3;
  CHECK(lost(s, history, 4) == 1.0f);
  s.dry_allowed = 4;
  CHECK(lost(s, history, 4) == 0.0f);
  s.dry_allowed = 1;
  CHECK(lost(s, history, 4) == 4.0f);
  CHECK(lost(s, history, 4, {2}) == 1.0f);  // only "3" since the breaker
  CHECK(lost(s, history, 4, {3}) == 0.0f);  // nothing since it
  CHECK(lost(s, history, 4, {4}) == 0.0f);  // breakers have no penalty themselves
  CHECK(lost(s, {5, 5, 5, 5}, 5) == 4.0f);  // a run that overlaps itself: three, then the fourth
  CHECK(lost(s, {}, 5) == 0.0f);
  CHECK(lost(s, {5}, 5) == 0.0f);
  const Ids long_text(100000, 5);  // linear, and the largest penalty leaves a number
  Logits logits(10, 0.0f);
  Dry().apply(logits, long_text, s, {});
  CHECK(logits[5] == std::numeric_limits<float>::lowest());
}

TEST_CASE("penalties: frequency counts, presence does not") {
  Logits logits{5, 5, 5, 5};
  Penalties().apply(logits, Ids{0, 1, 1, 1}, {.presence_penalty = 0.5f, .frequency_penalty = 0.25f});
  CHECK(logits == Logits{4.25f, 3.75f, 5, 5});
  Penalties again;
  Logits twice{1, 1};
  again.apply(twice, Ids{0, 0}, {.frequency_penalty = 1});
  again.apply(twice, Ids{0}, {.frequency_penalty = 1});  // nothing is left of the first count
  CHECK(twice == Logits{-2, 1});
}

TEST_CASE("XTC draws its turn as often as it says") {
  // Four equally likely: with threshold 0.1 only the last stays when it is XTC's turn, else each comes as often.
  Settings s{.temp = 1.0f, .xtc_probability = 0.5f, .seed = 5};
  Sampler sampler = sampler_of(s);
  constexpr int n = 20000;
  int last = 0;
  for (int position = 0; position < n; ++position)
    last += *sampler.pick(Logits{0, 0, 0, 0}, static_cast<std::uint64_t>(position), {}) == 3;
  // Binomial with p = 0.5 + 0.5 / 4 = 0.625: five standard deviations are 5 * sqrt(n p (1 - p)) = 342.
  CHECK(std::abs(last - n * 0.625) < 342);
}

TEST_CASE("dynamic temperature: low where the model is sure, high where it is not") {
  const Settings s{.temp = 1.0f, .dynatemp_range = 0.5f};
  CHECK(dynamic_temperature(Order(Logits{0, -80, -80}).ranked(), s) == Approx(0.5f).margin(1e-6));
  CHECK(dynamic_temperature(Order(Logits(50, 1.0f)).ranked(), s) == Approx(1.5f).margin(1e-6));
  CHECK(dynamic_temperature(Order(Logits{3}).ranked(), s) == 1.0f);
  // p = 1/2, 1/4, 1/8, 1/8: entropy 1.75 of 2 bits.
  const Order four({std::log(0.5f), std::log(0.25f), std::log(0.125f), std::log(0.125f)});
  CHECK(dynamic_temperature(four.ranked(), s) == Approx(0.5 + 0.875).margin(1e-5));
  Settings squared = s;
  squared.dynatemp_exponent = 2.0f;
  CHECK(dynamic_temperature(four.ranked(), squared) == Approx(0.5 + 0.875 * 0.875).margin(1e-5));
}

TEST_CASE("mirostat steers the mean surprise to tau") {
  // A Zipf-like distribution of 5000 tokens: the likeliest has 2.7 bits of surprise, the entropy is above both targets.
  Logits logits(5000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = -1.1f * std::log(static_cast<float>(i + 1));
  const std::vector<double> p = probabilities(logits);
  for (const std::int32_t version : {1, 2})
    for (const float tau : {4.0f, 6.0f}) {
      Sampler sampler = sampler_of({.temp = 1.0f, .mirostat = version, .mirostat_tau = tau, .seed = 11});
      double surprise = 0;
      constexpr int n = 4000;
      for (int i = 0; i < n; ++i)
        surprise -= std::log2(p[static_cast<std::size_t>(*sampler.pick(logits, static_cast<std::uint64_t>(i), {}))]);
      CAPTURE(version, tau, surprise / n);
      // mu_n - mu_0 = -eta * (sum of surprises - n tau), so the mean is off by |mu_n - 2 tau| / (eta n) exactly, up to roundings.
      const double off = (2.0 * static_cast<double>(tau) - sampler.state().mu) / (static_cast<double>(0.1f) * n);
      CHECK(surprise / n - static_cast<double>(tau) == Approx(off).margin(1e-5));
      CHECK(std::fabs(off) < 0.1);
    }
}

TEST_CASE("mirostat: the state is a value, and bringing it back brings the tokens back") {
  const Logits logits = random_logits(3000, 6.0f, 4);
  for (const std::int32_t version : {1, 2}) {
    Sampler sampler = sampler_of({.temp = 1.0f, .mirostat = version, .mirostat_tau = 3.0f, .mirostat_eta = 0.7f});
    Ids first, second;
    for (std::uint64_t i = 0; i < 20; ++i) first.push_back(*sampler.pick(logits, i, {}));
    const SamplerState accepted = sampler.state();
    for (std::uint64_t i = 20; i < 30; ++i) first.push_back(*sampler.pick(logits, i, {}));  // drafted
    CHECK(sampler.state().mu != accepted.mu);
    CHECK_FALSE(sampler.pick(Logits{nan_value}, 30, {}));  // an error leaves it alone
    sampler.restore(accepted);
    for (std::uint64_t i = 20; i < 30; ++i) second.push_back(*sampler.pick(logits, i, {}));
    CHECK(std::equal(second.begin(), second.end(), first.begin() + 20));
  }
}

TEST_CASE("allowed tokens: nothing else is ever picked, and nothing allowed is an error") {
  const Logits logits = random_logits(200, 3.0f, 8);
  const Ids allowed{3, 64, 127, 128, 199};
  const Bits bits = bits_of(allowed, logits.size());
  for (const float temp : {0.0f, 5.0f}) {
    Sampler sampler = sampler_of({.temp = temp});
    std::vector<int> seen(200);
    for (std::uint64_t position = 0; position < 300; ++position)
      ++seen[static_cast<std::size_t>(*sampler.pick(logits, position, {}, bits))];
    for (std::int32_t id = 0; id < 200; ++id)
      if (std::find(allowed.begin(), allowed.end(), id) == allowed.end())
        CHECK(seen[static_cast<std::size_t>(id)] == 0);
      else if (temp > 0) CHECK(seen[static_cast<std::size_t>(id)] > 0);
    const auto nothing = sampler.pick(logits, 7, {}, Bits(4));
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().message().find("position 7") != std::string::npos);
    const auto too_few = sampler.pick(logits, 7, {}, Bits(3));
    REQUIRE_FALSE(too_few);
    CHECK(too_few.error().status() == Status::invalid_argument);
    Logits forbidden = logits;
    for (const std::int32_t id : allowed) forbidden[static_cast<std::size_t>(id)] = -inf;
    CHECK_FALSE(sampler.pick(forbidden, 7, {}, bits));
    CHECK_FALSE(sampler.pick(Logits(200, nan_value), 7, {}, bits));  // the model's defect is not hidden by the mask
  }
}

TEST_CASE("logit bias and bans") {
  const Logits logits{1, 2, 3};
  CHECK(*sampler_of({.logit_bias = {{0, 5.0f}}}).pick(logits, 0, {}) == 0);
  CHECK(*sampler_of({.logit_bias = {{2, -inf}}}).pick(logits, 0, {}) == 1);
  CHECK(*sampler_of({.banned = {2, 1}}).pick(logits, 0, {}) == 0);
  CHECK(sampler_of({.banned = {0, 1, 2}}).pick(logits, 0, {}).error().status() == Status::non_finite);
  for (const std::int32_t id : {-1, 3}) {
    CHECK(sampler_of({.logit_bias = {{id, 1.0f}}}).pick(logits, 0, {}).error().status() == Status::invalid_argument);
    CHECK(sampler_of({.banned = {id}}).pick(logits, 0, {}).error().status() == Status::invalid_argument);
  }
}

TEST_CASE("log-probabilities are those of the model") {
  const Logits logits = random_logits(5000, 9.0f, 6);
  const std::vector<double> p = probabilities(logits);
  Sampler sampler = sampler_of({.temp = 0.5f, .top_k = 3, .banned = {17}});
  for (const std::size_t n : {0u, 1u, 20u, 5000u, 6000u}) {
    const auto found = sampler.logprobs(logits, 17, n);
    REQUIRE(found);
    REQUIRE(found->top.size() == std::min<std::size_t>(n, logits.size()));
    // f32 exp is good to 1e-7, the sum is in f64, and the result, below 2^5, is rounded to f32 once: 2^-20 and a little.
    CHECK(static_cast<double>(found->logprob) == Approx(std::log(p[17])).margin(2e-6));
    for (std::size_t i = 0; i < found->top.size(); ++i) {
      const TokenLogprob& top = found->top[i];
      CHECK(static_cast<double>(top.logprob) == Approx(std::log(p[static_cast<std::size_t>(top.id)])).margin(2e-6));
      if (i > 0) CHECK(top.logprob <= found->top[i - 1].logprob);
    }
  }
  CHECK_FALSE(sampler.logprobs(logits, 5000, 1));
  CHECK_FALSE(sampler.logprobs(logits, -1, 1));
  CHECK_FALSE(sampler.logprobs(Logits{nan_value}, 0, 1));
  const auto sparse = sampler.logprobs(Logits{-inf, 0, -inf}, 0, 3);
  CHECK(sparse->logprob == -inf);
  CHECK(sparse->top.size() == 1);
}

TEST_CASE("A7: odd settings and odd logits give a token or an error, the same each time") {
  const std::vector<Logits> all = {{0},      {-inf, 3e38f}, {3e38f, -3e38f, 0}, {1e-45f, 0, -0.0f}, Logits(300, 2.0f),
                                   {5, -inf}};
  std::vector<Settings> odd;
  for (const float temp : {1e-38f, 1e-30f, 1.0f, 1e6f, 3e38f}) {
    odd.push_back({.temp = temp, .dynatemp_range = temp});
    odd.push_back({.temp = temp, .dynatemp_range = 3e38f, .dynatemp_exponent = 3e38f});
    for (const std::int32_t version : {1, 2})
      for (const float tau : {0.0f, 1e30f})
        odd.push_back({.temp = temp, .mirostat = version, .mirostat_tau = tau, .mirostat_eta = 1e30f});
    odd.push_back({.temp = temp, .top_k = 1, .top_p = 0.0f, .min_p = 1.0f, .typical_p = 0.0f, .top_n_sigma = 1e-45f});
    odd.push_back({.temp = temp, .top_n_sigma = 3e38f, .xtc_probability = 1.0f, .xtc_threshold = 0.0f});
    odd.push_back({.temp = temp, .dry_multiplier = 3e38f, .dry_base = 3e38f, .dry_allowed = 1});
    odd.push_back({.temp = temp, .presence_penalty = 3e38f, .frequency_penalty = -3e38f});
  }
  for (const Settings& s : odd)
    for (const Logits& logits : all) {
      Sampler one = sampler_of(s), other = sampler_of(s);
      for (std::uint64_t position = 0; position < 4; ++position) {
        const Ids history(5, 0);
        const auto a = one.pick(logits, position, history), b = other.pick(logits, position, history);
        REQUIRE(static_cast<bool>(a) == static_cast<bool>(b));
        if (!a) continue;
        CHECK(*a == *b);
        CHECK((*a >= 0 && static_cast<std::size_t>(*a) < logits.size()));
        CHECK(logits[static_cast<std::size_t>(*a)] > -inf);
      }
      CHECK(one.state().mu == other.state().mu);
    }
}

TEST_CASE("new settings outside their range are refused by name") {
  const auto refused = [](const Settings& s, std::string_view name) {
    const auto ok = validate(s);
    REQUIRE_FALSE(ok);
    CHECK(ok.error().status() == Status::invalid_argument);
    CHECK(ok.error().message().substr(0, name.size()) == name);
  };
  for (const float bad : {nan_value, -1.0f, inf, -inf}) {
    refused({.dynatemp_range = bad}, "dynatemp_range");
    refused({.dynatemp_exponent = bad}, "dynatemp_exponent");
    refused({.typical_p = bad}, "typical_p");
    refused({.top_n_sigma = bad}, "top_n_sigma");
    refused({.xtc_probability = bad}, "xtc_probability");
    refused({.xtc_threshold = bad}, "xtc_threshold");
    refused({.dry_multiplier = bad}, "dry_multiplier");
    refused({.dry_base = bad}, "dry_base");
    refused({.mirostat_tau = bad}, "mirostat_tau");
    refused({.mirostat_eta = bad}, "mirostat_eta");
  }
  for (const float bad : {nan_value, inf, -inf}) {
    refused({.presence_penalty = bad}, "presence_penalty");
    refused({.frequency_penalty = bad}, "frequency_penalty");
  }
  for (const float bad : {nan_value, inf}) refused({.logit_bias = {{7, bad}}}, "logit_bias of token 7");
  refused({.dynatemp_exponent = 0}, "dynatemp_exponent");
  refused({.dry_base = 0.99f}, "dry_base");
  refused({.dry_allowed = 0}, "dry_allowed");
  refused({.dry_last = -2}, "dry_last");
  for (const std::int32_t bad : {-1, 3}) refused({.mirostat = bad}, "mirostat");
}

TEST_CASE("steps are listed in the order they run in") {
  using Names = std::vector<std::string_view>;
  CHECK(sampling_steps({}) == Names{"greedy"});
  CHECK(sampling_steps({.temp = 1}) == Names{"temp", "draw"});
  CHECK(sampling_steps({.top_k = 5, .repeat_penalty = 1.1f}) == Names{"penalties", "greedy"});
  CHECK(sampling_steps({.temp = 1, .dynatemp_range = 0.5f, .top_k = 5, .mirostat = 2}) ==
        Names{"dynatemp", "mirostat_2", "draw"});
  const Settings all{.temp = 1,
                     .top_k = 5,
                     .top_p = 0.9f,
                     .min_p = 0.1f,
                     .typical_p = 0.9f,
                     .top_n_sigma = 1,
                     .xtc_probability = 0.5f,
                     .presence_penalty = 1,
                     .dry_multiplier = 1,
                     .banned = {1}};
  CHECK(sampling_steps(all) == Names{"logit_bias", "penalties", "dry", "top_n_sigma", "top_k", "typical", "top_p",
                                     "min_p", "xtc", "temp", "draw"});
}

TEST_CASE("log and exp of doubles are close to libm's") {
  // Few roundings each: n ln2 and the series add up to some 2^-52 of the result and, near 1, of ln 2.
  for (double x = 1e-300; x < 1e300; x *= 1.37)
    CHECK(kernels::log(x) == Approx(std::log(x)).epsilon(1e-15).margin(1e-16));
  for (double x = -700; x < 700; x += 0.37) CHECK(kernels::exp(x) == Approx(std::exp(x)).epsilon(1e-13));
  CHECK(kernels::log(1.0) == 0.0);
  CHECK(kernels::exp(0.0) == 1.0);
  CHECK(kernels::exp(-1e308) == 0.0);
}

#ifndef HEARTH_TEST_SANITIZED
TEST_CASE("a token takes nothing from the heap once the sampler is warm") {
  const std::size_t n_vocab = 32000;
  const Ids history{1, 2, 3, 4, 1, 2, 3, 5, 1, 2};
  const Bits allowed(n_vocab / 64, ~std::uint64_t{1});
  std::vector<Logits> logits;
  for (unsigned i = 0; i < 6; ++i) logits.push_back(random_logits(n_vocab, 2.0f + static_cast<float>(i) * 3, i));
  const std::vector<Settings> all = {{},
                                     {.temp = 1},
                                     {.temp = 1, .top_k = 40},
                                     {.temp = 3,
                                      .top_p = 0.95f,
                                      .min_p = 0.01f,
                                      .typical_p = 0.9f,
                                      .xtc_probability = 0.5f,
                                      .repeat_penalty = 1.2f,
                                      .dry_multiplier = 1,
                                      .logit_bias = {{1, 1.0f}}},
                                     {.temp = 1, .dynatemp_range = 0.5f, .top_n_sigma = 1},
                                     {.temp = 1, .mirostat = 1},
                                     {.temp = 1, .mirostat = 2}};
  for (const Settings& s : all) {
    Sampler sampler = sampler_of(s);
    REQUIRE(sampler.pick(logits[0], 0, history, allowed));
    const std::size_t before = n_allocations;
    bool fine = true;
    for (std::size_t i = 1; i < 40; ++i) fine &= static_cast<bool>(sampler.pick(logits[i % 6], i, history, allowed));
    CHECK(n_allocations == before);
    CHECK(fine);
  }
}
#endif
