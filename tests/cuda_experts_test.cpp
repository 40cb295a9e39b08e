// The GPU's verbs of a mixture of experts do what the CPU's do: experts chosen, visits ordered, products of visits, sums.
#include <cmath>

#include "packing.h"
#include "route.h"
#include "support/cuda_test.h"

using namespace hearth;
using namespace hearth::kernels;
using namespace hearth::test;

namespace {

/// Routes in device memory.
struct DeviceRoutes {
  std::int64_t n_visits;
  OnDevice<std::int32_t> experts, counts, visits, n_tiles;
  OnDevice<float> weights;
  OnDevice<cuda::RouteTile> tiles;
  cuda::Routes routes;
  DeviceRoutes(std::int64_t n, std::int64_t n_used, std::int64_t n_expert)
      : n_visits(n * n_used),
        experts(size(n_visits)),
        counts(size(n_expert)),
        visits(size(n_visits), -1),
        n_tiles(1),
        weights(size(n_visits)),
        tiles(size(cuda::most_route_tiles(n_visits, n_expert))),
        routes{n_used,         n_expert,      experts.data(), counts.data(),
               weights.data(), visits.data(), tiles.data(),   n_tiles.data()} {}
};

/// What the CPU makes of the same scores.
struct Expected {
  std::vector<std::int32_t> experts, visits;
  std::vector<float> weights;
  bool finite = true;
  Expected(std::vector<float> scores, const float* bias, std::int64_t n, std::int64_t n_used, std::int64_t n_expert,
           const RouteRule& rule)
      : experts(size(n * n_used)), visits(experts.size()), weights(experts.size()) {
    for (std::int64_t i = 0; i < n; ++i)
      finite = route(&experts[size(i * n_used)], &weights[size(i * n_used)], &scores[size(i * n_expert)], bias,
                     n_expert, n_used, rule) &&
               finite;
    std::int32_t at = 0;
    for (std::int32_t e = 0; e < n_expert; ++e)
      for (std::size_t v = 0; v < experts.size(); ++v)
        if (experts[v] == e) visits[v] = at++;
  }
};

std::vector<float> random_scores(Rng& rng, std::int64_t n, std::int64_t n_expert) {
  std::vector<float> scores = random_floats(rng, size(n * n_expert), 4.0f);
  for (float& s : scores) s = std::round(s * 4) / 4;  // some are equal
  return scores;
}

}  // namespace

TEST_CASE("CUDA: routes are the CPU's under every rule") {
  if (no_device()) return;
  const RouteRule rules[] = {{Routing::softmax, 1, 1, 1.0f},
                             {Routing::softmax_renormalised, 1, 1, 2.5f},
                             {Routing::softmax, 4, 2, 1.0f},
                             {Routing::sigmoid, 1, 1, 1.0f},
                             {Routing::sigmoid_renormalised, 8, 3, 1.5f},
                             {Routing::sigmoid, 48, 7, 1.0f}};  // more groups than lanes
  for (const RouteRule& rule : rules)
    for (const std::int64_t n : {1, 3, 40})
      for (const bool biased : {false, true}) {
        constexpr std::int64_t n_expert = 48, n_used = 6;
        Rng rng(static_cast<std::uint64_t>(n));
        const std::vector<float> scores = random_scores(rng, n, n_expert), bias = random_floats(rng, n_expert, 0.2f);
        const Expected expected(scores, biased ? bias.data() : nullptr, n, n_used, n_expert, rule);
        const OnDevice<float> on_device_scores(scores), on_device_bias(bias);
        const DeviceRoutes made(n, n_used, n_expert);
        const DeviceWatch watch;
        cuda::route(nullptr, watch.at(2), rows(on_device_scores, n, n_expert), rule,
                    biased ? on_device_bias.data() : nullptr, made.routes);
        INFO("rule " << &rule - rules << " rows " << n << " bias " << biased);
        CHECK(made.experts.values() == expected.experts);
        CHECK(same_bits(made.weights.values(), expected.weights));
        CHECK(made.visits.values() == expected.visits);
        CHECK(watch.noted() == ~0ull);
        // Tiles cover all visits of each expert, in order.
        const std::vector<cuda::RouteTile> tiles = made.tiles.values();
        const std::int32_t n_tiles = made.n_tiles.values()[0];
        std::int32_t next = 0;
        for (std::int32_t t = 0; t < n_tiles; ++t) {
          CHECK(tiles[size(t)].first == next);
          CHECK((tiles[size(t)].n >= 1 && tiles[size(t)].n <= cuda::route_tile_visits(n * n_used, n_expert)));
          next += tiles[size(t)].n;
        }
        CHECK(next == n * n_used);
      }
}

TEST_CASE("CUDA: a score that is not finite is noted, and experts are chosen all the same") {
  if (no_device()) return;
  for (const float bad : {std::nanf(""), INFINITY})
    for (const RouteRule& rule :
         {RouteRule{Routing::softmax}, RouteRule{Routing::softmax, 4, 1}, RouteRule{Routing::sigmoid, 4, 1}}) {
      std::vector<float> scores(16, 0.5f);
      scores[3] = bad;
      const OnDevice<float> on_device(scores);
      const DeviceRoutes made(1, 4, 16);
      const DeviceWatch watch;
      cuda::route(nullptr, watch.at(2), rows(on_device, 1, 16), rule, nullptr, made.routes);
      CHECK(watch.noted() == 2);
      for (const std::int32_t e : made.experts.values()) CHECK((e >= 0 && e < 16));
    }
}

TEST_CASE("CUDA: visits are multiplied by their experts and added up with the CPU's bits") {
  if (no_device()) return;
  constexpr std::int64_t n_expert = 6, n_used = 2, k = 256, n_rows = 20;
  for (const Format format : {Format::q4_k, Format::q6_k, Format::q8_0, Format::mxfp4, Format::f16})
    for (const std::int64_t n : {1, 5, 70, 100}) {  // visits by eight, by 64 and by 128
      const FormatInfo& info = format_info(format);
      Rng rng(13);
      const Tokens tokens(rng, n, k);
      const std::vector<std::byte> file = random_rows(rng, info, n_expert * n_rows, k);
      const std::size_t stride = cuda::matrix_bytes(format, n_rows, k);
      std::vector<std::byte> groups(size(n_expert) * stride);
      for (std::int64_t e = 0; e < n_expert; ++e)
        for (std::int64_t r = 0; r < n_rows; r += kGroupRows)
          pack_group(info, groups.data() + size(e) * stride + size(r) * row_bytes(info, k),
                     file.data() + size(e * n_rows + r) * row_bytes(info, k),
                     std::min<std::int64_t>(kGroupRows, n_rows - r), k);
      const std::vector<float> scores = random_scores(rng, n, n_expert);
      const RouteRule rule{Routing::softmax_renormalised};
      const Expected routes(scores, nullptr, n, n_used, n_expert, rule);

      const OnDevice<std::byte> w(groups);
      const OnDevice<float> on_device_scores(scores);
      const DeviceRoutes made(n, n_used, n_expert);
      const DeviceTokens in(tokens), visits(n * n_used, k);
      const OnDevice<float> y(size(n * n_used * n_rows)), sum(size(n * n_rows));
      cuda::route(nullptr, {}, rows(on_device_scores, n, n_expert), rule, nullptr, made.routes);
      cuda::spread(nullptr, in.input, made.routes, info.kind == Kind::float_row, info.kind != Kind::float_row,
                   visits.input);
      const cuda::Product product{{format, n_rows, k, w.data(), stride}, rows(y, n * n_used, n_rows)};
      cuda::matmul_experts(nullptr, visits.input, made.routes, {&product, 1});
      cuda::combine(nullptr, rows(y, n * n_used, n_rows), made.routes, rows(sum, n, n_rows));

      std::vector<float> expected(size(n * n_rows), 0.0f), one(size(n_rows));
      std::vector<std::byte> scratch(table_scalar.scratch_bytes(k));
      for (std::int64_t v = 0; v < n * n_used; ++v) {
        const std::byte* matrix = file.data() + size(routes.experts[size(v)] * n_rows) * row_bytes(info, k);
        table_scalar.formats[format_index(format)].matmul_file({matrix, n_rows, k, tokens.q_row(v / n_used),
                                                                tokens.x_row(v / n_used), q_stride(k), k, 1, one.data(),
                                                                n_rows, 0, n_rows, scratch.data()});
        table_scalar.add_scaled(&expected[size(v / n_used * n_rows)], one.data(), routes.weights[size(v)], n_rows);
      }
      INFO(info.name << " rows " << n);
      CHECK(same_bits(sum.values(), expected));
    }
}
