// The router of a mixture of experts: which experts, in which order, with which weights, for ties and for what is not finite.
#include "route.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "support/catch.hpp"
#include "support/random_weights.h"

namespace route_test {

using namespace hearth;
using kernels::RouteRule;
using kernels::Routing;

namespace {

struct Choice {
  std::vector<std::int32_t> experts;
  std::vector<float> weights;
};

Choice choose(std::vector<float> scores, std::int64_t n_used, const RouteRule& rule, bool finite = true,
              const std::vector<float>& bias = {}) {
  Choice c{std::vector<std::int32_t>(static_cast<std::size_t>(n_used)),
           std::vector<float>(static_cast<std::size_t>(n_used))};
  CHECK(kernels::route(c.experts.data(), c.weights.data(), scores.data(), bias.empty() ? nullptr : bias.data(),
                       static_cast<std::int64_t>(scores.size()), n_used, rule) == finite);
  return c;
}

Choice choose(const std::vector<float>& scores, std::int64_t n_used, Routing routing, bool finite = true) {
  return choose(scores, n_used, RouteRule{.routing = routing}, finite);
}

}  // namespace

TEST_CASE("the highest scores are chosen, ties go to the lower id, and the choice is in ascending id") {
  CHECK(choose({0, 3, 1, 2}, 2, Routing::softmax).experts == std::vector<std::int32_t>{1, 3});
  CHECK(choose({5, 1, 2, 9}, 3, Routing::softmax).experts == std::vector<std::int32_t>{0, 2, 3});
  CHECK(choose({1, 1, 1, 1}, 2, Routing::softmax).experts == std::vector<std::int32_t>{0, 1});
  CHECK(choose({0, 7, 2, 7, 7}, 2, Routing::softmax).experts == std::vector<std::int32_t>{1, 3});
  CHECK(choose({-500, -400, 0, -300}, 3, Routing::softmax).experts ==
        std::vector<std::int32_t>{0, 1, 2});  // weights of 0 tie
  CHECK(choose({4}, 1, Routing::softmax_renormalised).weights == std::vector<float>{1.0f});
}

TEST_CASE("weights are the softmax over all experts, renormalised over the chosen where the family says so") {
  test::Rng rng(3);
  for (int round = 0; round < 50; ++round) {
    const std::vector<float> scores = test::random_floats(rng, 60, 4.0f);
    const Choice all = choose(scores, 8, Routing::softmax), some = choose(scores, 8, Routing::softmax_renormalised);
    REQUIRE(all.experts == some.experts);
    REQUIRE(std::is_sorted(all.experts.begin(), all.experts.end()));
    double sum = 0, chosen = 0;
    const double most = *std::max_element(scores.begin(), scores.end());
    const auto e = [&](std::int32_t id) {
      return std::exp(static_cast<double>(scores[static_cast<std::size_t>(id)]) - most);
    };
    for (std::int32_t id = 0; id < 60; ++id) sum += e(id);
    for (const std::int32_t id : all.experts) chosen += e(id);
    // exp is good to 1e-7 and its argument is rounded once (|x| <= 8, half an ulp 2.4e-7); the sum of 60 rounds 60 times to 2^-24
    // each, the division once; renormalising adds 8 roundings and one more.
    const double bound = 2 * (1e-7 + 2.4e-7) + 70 * 0x1p-24;
    for (std::size_t i = 0; i < 8; ++i) {
      const double exact = e(all.experts[i]);
      CHECK(std::fabs(static_cast<double>(all.weights[i]) - exact / sum) <= bound * exact / sum);
      CHECK(std::fabs(static_cast<double>(some.weights[i]) - exact / chosen) <= 2 * bound * exact / chosen);
    }
  }
}

TEST_CASE("scores that are not finite are reported, and choose distinct experts all the same") {
  const float bad[] = {std::nanf(""), INFINITY, -INFINITY};
  for (const float first : bad)
    for (const float second : bad) {
      std::vector<float> scores = {first, 1, second, 2, 3};
      for (const Routing routing : {Routing::softmax, Routing::softmax_renormalised, Routing::sigmoid_renormalised})
        for (const std::int64_t n_group : {1, 5}) {
          const RouteRule rule{.routing = routing, .n_group = n_group, .n_group_used = n_group == 1 ? 1 : 4};
          const Choice c = choose(scores, 4, rule, false);
          for (std::size_t i = 0; i < 4; ++i) {
            CHECK((c.experts[i] >= 0 && c.experts[i] < 5));
            CHECK((i == 0 || c.experts[i] > c.experts[i - 1]));
          }
        }
    }
}

TEST_CASE("a bias chooses, and is no part of the weight; a scale multiplies every weight") {
  const std::vector<float> scores = {0.5f, 2.0f, -1.0f, 0.25f}, bias = {0.0f, -0.6f, 0.9f, 0.0f};
  const auto sigmoid = [](float x) { return 1.0 / (1.0 + std::exp(-static_cast<double>(x))); };
  const Choice plain = choose(scores, 2, Routing::sigmoid);
  CHECK(plain.experts == std::vector<std::int32_t>{0, 1});
  const Choice biased = choose(scores, 2, RouteRule{.routing = Routing::sigmoid, .scale = 2.5f}, true, bias);
  REQUIRE(biased.experts == std::vector<std::int32_t>{0, 2});
  // exp to 1e-7, then a sum, a division and a product: three roundings of 2^-24.
  CHECK(std::fabs(static_cast<double>(biased.weights[0]) / (2.5 * sigmoid(0.5f)) - 1) < 1e-7 + 3 * 0x1p-24);
  CHECK(std::fabs(static_cast<double>(biased.weights[1]) / (2.5 * sigmoid(-1.0f)) - 1) < 1e-7 + 3 * 0x1p-24);
  const Choice shares = choose(scores, 2, RouteRule{.routing = Routing::sigmoid_renormalised}, true, bias);
  CHECK(std::fabs(static_cast<double>(shares.weights[0]) + static_cast<double>(shares.weights[1]) - 1) < 3 * 0x1p-24);
}

TEST_CASE("a bias that is not finite is reported") {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY})
    choose({1, 2, 3}, 2, RouteRule{.routing = Routing::sigmoid}, false, {0, bad, 0});
}

TEST_CASE(
    "groups: with softmax the best expert speaks for its group, with sigmoid the two best; ties go to the lower id") {
  const std::vector<float> scores = {3.0f, -4.0f, 2.0f, 2.5f, 2.9f, -9.0f, 1.0f, 1.5f};  // four groups of two
  const auto used = [&](Routing routing, std::int64_t n_group_used) {
    return choose(scores, 2, RouteRule{.routing = routing, .n_group = 4, .n_group_used = n_group_used}).experts;
  };
  CHECK(used(Routing::softmax, 1) == std::vector<std::int32_t>{0, 1});
  CHECK(used(Routing::softmax, 2) == std::vector<std::int32_t>{0, 4});
  CHECK(used(Routing::sigmoid, 1) == std::vector<std::int32_t>{2, 3});
  CHECK(used(Routing::sigmoid, 2) == std::vector<std::int32_t>{2, 3});
  CHECK(used(Routing::sigmoid, 4) == std::vector<std::int32_t>{0, 4});
  const RouteRule two_of_four{.routing = Routing::sigmoid, .n_group = 4, .n_group_used = 2};
  CHECK(choose(std::vector<float>(8, 1.0f), 3, two_of_four).experts == std::vector<std::int32_t>{0, 1, 2});
  CHECK(choose({1, 1, 5, 1, 1, 5, 1, 1}, 4, two_of_four).experts == std::vector<std::int32_t>{2, 3, 4, 5});
  // A bias moves groups too.
  CHECK(choose(std::vector<float>(8, 1.0f), 2, two_of_four, true, {0, 0, 0, 0, 0, 0, 1, 1}).experts ==
        std::vector<std::int32_t>{6, 7});
}

TEST_CASE("sigmoids that all vanish give weights of zero, not NaN") {
  const Choice c = choose(std::vector<float>(4, -200.0f), 2, Routing::sigmoid_renormalised);
  CHECK(c.experts == std::vector<std::int32_t>{0, 1});
  CHECK(c.weights == std::vector<float>{0.0f, 0.0f});
}

}  // namespace route_test
