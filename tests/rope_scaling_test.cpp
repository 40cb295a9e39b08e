// RoPE scalings against their formulas in long double: YaRN's ramp and magnitude, linear, factors for short and long contexts.
#include "rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "config.h"
#include "rope_table.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "weights.h"

namespace rope_scaling_test {

using namespace hearth::model;
using hearth::test::ModelEditor;
using Kind = RopeScaling::Kind;

namespace {

Config config_of(const char* arch, std::int64_t n_rot, double base, const RopeScaling& scaling) {
  Config c;
  c.arch = find_arch(arch);
  c.n_rot = n_rot, c.rope_base = base, c.rope_scaling = scaling;
  return c;
}

long double base_frequency(const Config& c, std::int64_t i) {
  return std::pow(static_cast<long double>(c.rope_base),
                  -2.0L * static_cast<long double>(i) / static_cast<long double>(c.n_rot));
}

// The paper's: a pair that turns more than beta_fast times in the original context keeps its frequency, one that turns less than
// beta_slow times has it divided; between them the share falls linearly in the pair's number.
long double yarn_frequency(const Config& c, std::int64_t i, bool whole) {
  const auto pair_of = [&](double turns) {
    const long double wave = static_cast<long double>(c.rope_scaling.original_context) / (turns * 2 * acosl(-1.0L));
    return static_cast<long double>(c.n_rot) / 2 * std::log(wave) / std::log(static_cast<long double>(c.rope_base));
  };
  long double low = pair_of(c.rope_scaling.beta_fast), high = pair_of(c.rope_scaling.beta_slow);
  if (whole) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0L), high = std::min(high, static_cast<long double>(c.n_rot - 1));
  const long double kept = 1 - std::clamp((static_cast<long double>(i) - low) / (high - low), 0.0L, 1.0L);
  return base_frequency(c, i) * (kept + (1 - kept) / static_cast<long double>(c.rope_scaling.factor));
}

/// The rotations of a small model of the family whose keys are edited.
template <class Edit> Rotations rotations_after(const char* arch, Edit edit, std::int64_t window = 0) {
  hearth::test::RandomModel m;
  m.arch = arch, m.window = window;
  ModelEditor editor(m);
  edit(editor);
  return make_rotations(hearth::test::config_from(editor.bytes()), {});
}

std::vector<double> plain_frequencies(double base) {
  std::vector<double> inv_freq(8);
  hearth::kernels::rope_frequencies(inv_freq.data(), 16, base);
  return inv_freq;
}

// rope_table_test bounds the frequencies by 1e-14; the ramp adds a logarithm of that quality, divided by a span of 5 or more.
constexpr double kBound = 5e-14;

void check_frequencies(const Rotation& rotation, const Config& c,
                       long double (*expected)(const Config&, std::int64_t)) {
  REQUIRE(static_cast<std::int64_t>(rotation.inv_freq.size()) == c.n_rot / 2);
  for (std::int64_t i = 0; i < c.n_rot / 2; ++i) {
    INFO("pair " << i);
    const long double error = rotation.inv_freq[static_cast<std::size_t>(i)] / expected(c, i) - 1;
    CHECK(std::fabs(static_cast<double>(error)) < kBound);
  }
}

}  // namespace

TEST_CASE("YaRN: fast pairs keep their frequency, slow ones are divided, the ramp between is linear") {
  RopeScaling yarn;
  yarn.kind = Kind::yarn, yarn.factor = 40, yarn.original_context = 4096;
  const Config c = config_of("deepseek2", 64, 10000, yarn);
  const Rotations made = make_rotations(c, {});
  check_frequencies(made.all, c, [](const Config& k, std::int64_t i) { return yarn_frequency(k, i, true); });
  CHECK(made.all.inv_freq[0] == 1.0);
  CHECK(made.all.inv_freq[5] == Approx(static_cast<double>(base_frequency(c, 5))).epsilon(1e-12));
  CHECK(made.all.inv_freq[31] == Approx(static_cast<double>(base_frequency(c, 31)) / 40).epsilon(1e-12));
  CHECK(made.beyond.inv_freq.empty());
  CHECK(made.windowed.inv_freq.empty());
}

TEST_CASE("YaRN: gpt-oss keeps the ramp's bounds as they are, others round them outwards") {
  RopeScaling yarn;
  yarn.kind = Kind::yarn, yarn.factor = 32, yarn.original_context = 4096;
  const Config exact = config_of("gpt-oss", 64, 150000, yarn), whole = config_of("llama", 64, 150000, yarn);
  check_frequencies(make_rotations(exact, {}).all, exact,
                    [](const Config& k, std::int64_t i) { return yarn_frequency(k, i, false); });
  check_frequencies(make_rotations(whole, {}).all, whole,
                    [](const Config& k, std::int64_t i) { return yarn_frequency(k, i, true); });
}

TEST_CASE("YaRN: the magnitude is 1 + 0.1 m ln(factor), and 1 where nothing is stretched") {
  CHECK(yarn_magnitude(32, 1) == Approx(1 + 0.1 * std::log(32.0)).epsilon(1e-15));
  CHECK(yarn_magnitude(40, 0.707) == Approx(1 + 0.0707 * std::log(40.0)).epsilon(1e-15));
  CHECK(yarn_magnitude(1, 1) == 1.0);
  CHECK(yarn_magnitude(0.5, 1) == 1.0);
}

TEST_CASE("YaRN: bounds that fall together or outside leave a step, and no frequency is lost") {
  for (const double fast : {1e-3, 1.0, 32.0, 1e6})
    for (const double slow : {1e-3, 1.0, 1e6})
      for (const std::int64_t context : {std::int64_t{1}, std::int64_t{4096}, std::int64_t{1} << 31}) {
        RopeScaling yarn;
        yarn.kind = Kind::yarn, yarn.factor = 8, yarn.original_context = context;
        yarn.beta_fast = fast, yarn.beta_slow = slow;
        const Config c = config_of("llama", 32, 10000, yarn);
        const Rotations made = make_rotations(c, {});
        for (std::int64_t i = 0; i < 16; ++i) {
          const double f = made.all.inv_freq[static_cast<std::size_t>(i)],
                       usual = static_cast<double>(base_frequency(c, i));
          CHECK((f >= usual / 8 * (1 - kBound) && f <= usual * (1 + kBound)));
        }
      }
}

TEST_CASE("longrope: a session's context chooses the factors, at the border the short ones; frequencies are divided") {
  RopeScaling longrope;
  longrope.kind = Kind::longrope, longrope.original_context = 4096, longrope.magnitude = 1.19;
  const Config c = config_of("phi3", 8, 10000, longrope);
  const float near[] = {1, 1.5f, 2, 4}, far[] = {1, 3, 8, 64}, usual[] = {2, 2, 2, 2};
  Weights weights;
  weights.rope_factors_short = near;
  weights.rope_factors_long = far;
  const Rotations made = make_rotations(c, weights);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto f = static_cast<double>(base_frequency(c, static_cast<std::int64_t>(i)));
    CHECK(made.of(1).inv_freq[i] == Approx(f / static_cast<double>(near[i])).epsilon(1e-13));
    CHECK(made.of(4096).inv_freq[i] == made.of(1).inv_freq[i]);
    CHECK(made.of(4097).inv_freq[i] == Approx(f / static_cast<double>(far[i])).epsilon(1e-13));
  }
  CHECK(made.of(1).magnitude == 1.19);
  CHECK(made.of(4097).magnitude == 1.19);
  weights.rope_factors = usual;  // one set for all contexts comes first
  CHECK(make_rotations(c, weights).of(4097).inv_freq[0] == Approx(0.5).epsilon(1e-13));
}

TEST_CASE("linear: positions are divided by the factor") {
  RopeScaling linear;
  linear.kind = Kind::linear, linear.factor = 4;
  const Config c = config_of("llama", 16, 500000, linear);
  check_frequencies(make_rotations(c, {}).all, c,
                    [](const Config& k, std::int64_t i) { return base_frequency(k, i) / 4; });
}

TEST_CASE(
    "linear: also where a file has a factor without a type, or under its older name; without any, nothing is scaled") {
  const std::string type = "llama.rope.scaling.type", factor = "llama.rope.scaling.factor",
                    older = "llama.rope.scale_linear";
  const auto frequencies = [](auto edit) { return rotations_after("llama", edit).all.inv_freq; };
  const auto linear = frequencies([&](ModelEditor& m) { m.set(type, "linear").set(factor, 4.0f); });
  CHECK(frequencies([](ModelEditor&) {}) == plain_frequencies(10000.0));
  CHECK(linear[0] == 0.25);
  CHECK(frequencies([&](ModelEditor& m) { m.set(factor, 4.0f); }) == linear);
  CHECK(frequencies([&](ModelEditor& m) { m.set(older, 4.0f); }) == linear);
  CHECK(frequencies([&](ModelEditor& m) { m.set(type, "linear").set(older, 4.0f); }) == linear);
  CHECK(frequencies([&](ModelEditor& m) { m.set(factor, 4.0f).set(older, 2.0f); }) == linear);
  CHECK(frequencies([&](ModelEditor& m) { m.set(type, "none").set(factor, 4.0f); }) == plain_frequencies(10000.0));
}

TEST_CASE("gemma3: bases under the names of other files, and where no key says them") {
  const auto bases = [](auto edit) {
    const Rotations made = rotations_after("gemma3", edit, 20);
    return std::pair(made.all.inv_freq, made.windowed.inv_freq);
  };
  const auto expected = [](double all, double windowed) {
    return std::pair(plain_frequencies(all), plain_frequencies(windowed));
  };
  const auto of_others = [](ModelEditor& m) {
    m.set("gemma3.rope.global.freq_base", 3e5f).set("gemma3.rope.local.freq_base", 5e3f);
  };
  CHECK(bases([](ModelEditor&) {}) == expected(1e6, 1e4));
  CHECK(bases(of_others) == expected(3e5, 5e3));
  CHECK(bases([&](ModelEditor& m) {
          of_others(m);
          m.set("gemma3.rope.freq_base", 7e5f).set("gemma3.rope.freq_base_swa", 2e4f);
        }) == expected(7e5, 2e4));
  CHECK(rotations_after("qwen3", [](ModelEditor&) {}).all.inv_freq == plain_frequencies(1e4));
}

}  // namespace rope_scaling_test
