// The GPU's row verbs have the bits of scalar.cpp: residual and norm, quantizing, gates, caps, gathers; and tokens are drawn as src/sample draws them.
#include <cmath>
#include <limits>

#include "sampler.h"
#include "support/cuda_test.h"

using namespace hearth;
using namespace hearth::kernels;
using namespace hearth::test;

namespace {

void scalar_norm(float* y, const float* x, const cuda::Norm& norm, const cuda::NormRule& rule, std::int64_t n) {
  if (rule.kind == cuda::NormKind::layer) table_scalar.layer_norm(y, x, norm.weight, norm.bias, n, rule.eps);
  else table_scalar.rms_norm(y, x, norm.weight, n, rule.eps);
}

/// A norm's numbers here and there.
struct Norms {
  std::vector<float> weight, bias;
  OnDevice<float> on_device_weight, on_device_bias;
  Norms(Rng& rng, std::int64_t n)
      : weight(random_floats(rng, size(n))),
        bias(random_floats(rng, size(n))),
        on_device_weight(weight),
        on_device_bias(bias) {}
  cuda::Norm here(bool biased) const { return {weight.data(), biased ? bias.data() : nullptr}; }
  cuda::Norm there(bool biased) const { return {on_device_weight.data(), biased ? on_device_bias.data() : nullptr}; }
};

struct Case {
  cuda::NormKind kind;
  bool biased, normed_residual, after, of_stream;
  float scale;
};

void check_norm(std::int64_t n, const Case& c) {
  constexpr std::int64_t n_rows = 3;
  Rng rng(static_cast<std::uint64_t>(n));
  Tokens x(rng, n_rows, n), residual(rng, n_rows, n), out(rng, n_rows, n);
  const Norms norm(rng, n), residual_norm(rng, n);
  const cuda::NormRule rule{c.kind, 1e-5f};
  const OnDevice<float> on_device_x(x.x), on_device_residual(residual.x);
  const DeviceTokens on_device_out(n_rows, n);
  const DeviceWatch watch;
  cuda::Residual added{rows(on_device_residual, n_rows, n), {}, c.scale, c.after};
  if (c.normed_residual) added.norm = residual_norm.there(c.biased);
  cuda::norm(nullptr, watch.at(5), rows(on_device_x, n_rows, n), added, norm.there(c.biased), rule, c.of_stream,
             on_device_out.input);
  for (std::int64_t i = 0; i < n_rows; ++i) {
    float *stream = x.x_row(i), *delta = residual.x_row(i);
    if (c.normed_residual) scalar_norm(delta, delta, residual_norm.here(c.biased), rule, n);
    if (c.scale != 1.0f) table_scalar.scale(delta, c.scale, n);
    if (!c.after) table_scalar.add(stream, delta, n);
    scalar_norm(out.x_row(i), stream, norm.here(c.biased), rule, n);
    if (c.of_stream) std::memcpy(stream, out.x_row(i), size(n) * sizeof(float));
    if (c.after) table_scalar.add(stream, delta, n);
    table_scalar.quantize_row(out.q_row(i), out.x_row(i), n);
  }
  INFO("width " << n);
  CHECK(same_bits(on_device_x.values(), x.x));
  CHECK(same_bits(on_device_out.x.values(), out.x));
  const std::vector<QBlock> q = on_device_out.q.values();
  for (std::int64_t i = 0; i < n_rows; ++i)
    CHECK(std::memcmp(&q[size(i * q_stride(n))], out.q_row(i), size((n + 31) / 32) * sizeof(QBlock)) == 0);
  CHECK(watch.noted() == ~0ull);
}

}  // namespace

TEST_CASE("CUDA: residual, norm and blocks have scalar's bits") {
  if (no_device()) return;
  for (const std::int64_t n : {1, 16, 33, 100, 512, 1100}) {
    check_norm(n, {cuda::NormKind::rms, false, false, false, false, 1.0f});
    check_norm(n, {cuda::NormKind::rms, false, true, false, true, 0.3f});
    check_norm(n, {cuda::NormKind::layer, true, true, true, false, 1.0f});
    check_norm(n, {cuda::NormKind::layer, false, false, true, true, 0.5f});
  }
}

TEST_CASE("CUDA: a row is normed in place") {
  if (no_device()) return;
  Rng rng(2);
  Tokens x(rng, 2, 96);
  const Norms norm(rng, 96);
  const OnDevice<float> on_device(x.x);
  cuda::norm_in_place(nullptr, rows(on_device, 2, 96), norm.there(false), {cuda::NormKind::rms, 1e-6f});
  for (std::int64_t i = 0; i < 2; ++i) table_scalar.rms_norm(x.x_row(i), x.x_row(i), norm.weight.data(), 96, 1e-6f);
  CHECK(same_bits(on_device.values(), x.x));
}

TEST_CASE("CUDA: quantized rows have scalar's bits; the first place that is not finite is noted") {
  if (no_device()) return;
  Rng rng(5);
  for (const std::int64_t n : {1, 16, 31, 32, 100, 600})
    for (const float scale : {0.0f, 1e-38f, 0x1p-101f, 1.0f, 1e30f}) {
      std::vector<float> x = random_floats(rng, size(n), scale);
      std::vector<QBlock> expected(size(q_stride(n)));
      REQUIRE(table_scalar.quantize_row(expected.data(), x.data(), n));
      const OnDevice<float> on_device(x);
      const OnDevice<QBlock> q(expected.size());
      const DeviceWatch watch;
      cuda::quantize(nullptr, watch.at(9), {rows(on_device, 1, n), q.data(), q_stride(n)});
      INFO("n=" << n << " scale=" << scale);
      CHECK(std::memcmp(q.values().data(), expected.data(), size((n + 31) / 32) * sizeof(QBlock)) == 0);
      CHECK(watch.noted() == ~0ull);
      for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        x[size(n / 2)] = bad;
        const OnDevice<float> broken(x);
        cuda::quantize(nullptr, watch.at(9), {rows(broken, 1, n), q.data(), q_stride(n)});
        CHECK(watch.noted() == 9);
        cuda::quantize(nullptr, watch.at(4), {rows(broken, 1, n), q.data(), q_stride(n)});
        CHECK(watch.noted() == 4);
        cuda::quantize(nullptr, watch.at(7), {rows(broken, 1, n), q.data(), q_stride(n)});
        CHECK(watch.noted() == 4);
        cuda::fill(nullptr, watch.first.data(), 0xff, sizeof(unsigned long long));
      }
    }
}

TEST_CASE("CUDA: activations over their whole range have scalar's bits") {
  if (no_device()) return;
  std::vector<float> x;
  for (float v = -100.0f; v <= 100.0f; v += 0.37f) x.push_back(v);
  for (const float v : {0.0f, -0.0f, 87.0f, -87.0f, 87.00001f, -87.00001f, 1e-40f, -1e-40f, 7.0f, -7.0f})
    x.push_back(v);
  const auto n = static_cast<std::int64_t>(x.size());
  Rng rng(9);
  const std::vector<float> up = random_floats(rng, x.size(), 9.0f);
  const OnDevice<float> on_device_x(x), on_device_up(up);
  for (const Activation activation : kActivations)
    for (const bool has_up : {true, false}) {
      Tokens expected(rng, 1, n);
      table_scalar.gate(expected.x.data(), x.data(), has_up ? up.data() : nullptr, n, activation);
      table_scalar.quantize_row(expected.q.data(), expected.x.data(), n);
      const DeviceTokens out(1, n);
      cuda::gate(nullptr, {}, activation, rows(on_device_x, 1, n), has_up ? rows(on_device_up, 1, n) : cuda::Rows{},
                 out.input);
      CHECK(same_bits(out.x.values(), expected.x));
      CHECK(std::memcmp(out.q.values().data(), expected.q.data(), size((n + 31) / 32) * sizeof(QBlock)) == 0);
    }
}

TEST_CASE("CUDA: gathering, scaling, capping and adding have scalar's bits") {
  if (no_device()) return;
  constexpr std::int64_t n = 70;
  Rng rng(4);
  Tokens from(rng, 5, n), residual(rng, 5, n);
  const std::vector<std::int64_t> ids = {4, 1};
  const OnDevice<std::int64_t> on_device_ids(ids);
  const OnDevice<float> on_device_from(from.x), on_device_residual(residual.x), to(size(2 * n));
  cuda::gather(nullptr, rows(on_device_from, 5, n), {rows(on_device_residual, 5, n), {}, 0.5f, false}, {},
               on_device_ids.data(), rows(to, 2, n));
  std::vector<float> expected;
  for (const std::int64_t id : ids) {
    table_scalar.scale(residual.x_row(id), 0.5f, n);
    table_scalar.add(from.x_row(id), residual.x_row(id), n);
    expected.insert(expected.end(), from.x_row(id), from.x_row(id) + n);
  }
  CHECK(same_bits(to.values(), expected));

  cuda::scale(nullptr, rows(to, 2, n), 1.7f);
  table_scalar.scale(expected.data(), 1.7f, 2 * n);
  CHECK(same_bits(to.values(), expected));
  cuda::soft_cap(nullptr, rows(to, 2, n), 2.0f);
  table_scalar.soft_cap(expected.data(), 2.0f, 2 * n);
  CHECK(same_bits(to.values(), expected));
  std::vector<float> not_finite = {INFINITY, -INFINITY, 3e38f, 1.0f};
  const OnDevice<float> infinite(not_finite);
  cuda::soft_cap(nullptr, rows(infinite, 1, 4), 2.0f);
  table_scalar.soft_cap(not_finite.data(), 2.0f, 4);
  CHECK(same_bits(infinite.values(), not_finite));

  const Tokens x(rng, 2, n);
  const std::vector<float> scores = {-0.3f, 4.0f};
  const OnDevice<float> on_device_x(x.x), on_device_scores(scores);
  cuda::add_gated(nullptr, rows(to, 2, n), rows(on_device_x, 2, n), rows(on_device_scores, 2, 1));
  for (std::int64_t i = 0; i < 2; ++i)
    table_scalar.add_scaled(expected.data() + i * n, x.x_row(i), sigmoid(scores[size(i)]), n);
  CHECK(same_bits(to.values(), expected));
  cuda::add_gated(nullptr, rows(to, 2, n), rows(on_device_x, 2, n), {});
  table_scalar.add(expected.data(), x.x.data(), 2 * n);
  CHECK(same_bits(to.values(), expected));
}

TEST_CASE("CUDA: a token is drawn as the host draws it, or left to the host") {
  if (no_device()) return;
  constexpr std::int64_t n_vocab = 1900;  // candidates that there is room for
  Rng rng(7);
  std::vector<float> logits = random_floats(rng, n_vocab, 4.0f);
  for (std::size_t i = 0; i < n_vocab; i += 3) logits[i] = std::round(logits[i]);  // ties, of zeros with both signs too
  const auto settings = [](float temp, std::int32_t top_k, float top_p, float min_p) {
    SamplingOptions s{.temp = temp, .top_k = top_k, .top_p = top_p, .min_p = min_p, .seed = 5};
    return s;
  };
  for (const SamplingOptions& s :
       {settings(0, 0, 1, 0), settings(0.8f, 0, 1, 0.05f), settings(1, 40, 1, 0), settings(1.5f, 3, 0.9f, 0.1f),
        settings(0.7f, 0, 0.5f, 0), settings(0.3f, 0, 0.95f, 0.01f), settings(0.1f, 0, 1, 0), settings(1, 1, 0, 1),
        settings(2.0f, 1500, 0.99f, 0), settings(1e-30f, 0, 1, 0.5f)}) {
    INFO(s.temp << " " << s.top_k << " " << s.top_p << " " << s.min_p);
    auto sampler = sample::Sampler::from(s);
    REQUIRE(sampler);
    constexpr std::int64_t n = 5;
    std::vector<float> all;
    std::vector<Draw> draws;
    std::vector<std::int32_t> expected;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto position = static_cast<std::uint64_t>(i + 70);
      all.insert(all.end(), logits.begin(), logits.end());
      for (std::size_t e = 0; i == 1 && e < n_vocab; ++e) all[all.size() - n_vocab + e] *= 0.125f;  // nearly flat
      const auto picked = sampler->pick(std::span(all).last(n_vocab), position, {});
      expected.push_back(picked ? *picked : kNotDrawn);
      draws.push_back(sampler->draw_at(position).value());
    }
    const OnDevice<float> rows_there(all);
    const OnDevice<Draw> draws_there(draws);
    const OnDevice<std::int32_t> tokens(size(n));
    cuda::draw(nullptr, rows(rows_there, n, n_vocab), draws_there.data(), tokens.data());
    const std::vector<std::int32_t> got = tokens.values();
    CHECK(got == expected);
  }
  const OnDevice<float> flat(std::vector<float>(2500, 0.25f)), wrong(std::vector<float>{1, 2, NAN});
  const OnDevice<Draw> plain(std::vector<Draw>(1, Draw{.temp = 1, .far = 17}));
  const OnDevice<std::int32_t> token(1);
  const std::vector<float> many = random_floats(rng, 9000, 4.0f);  // of which few are candidates
  auto sampler = sample::Sampler::from({.temp = 0.9f, .min_p = 0.3f});
  const OnDevice<float> many_there(many);
  const OnDevice<Draw> draw_there(std::vector<Draw>{sampler->draw_at(11).value()});
  cuda::draw(nullptr, rows(many_there, 1, 9000), draw_there.data(), token.data());
  CHECK(token.values()[0] == *sampler->pick(many, 11, {}));
  cuda::draw(nullptr, rows(flat, 1, 2500), plain.data(), token.data());
  CHECK(token.values()[0] == kNotDrawn);  // too many
  cuda::draw(nullptr, rows(wrong, 1, 3), plain.data(), token.data());
  CHECK(token.values()[0] == kNotDrawn);  // no number
}

TEST_CASE("CUDA: of equal logits the lower id is the best") {
  if (no_device()) return;
  std::vector<float> logits(3 * 1000, -3.0f);
  logits[700] = logits[431] = logits[999] = 2.0f;
  logits[1000] = 5.0f;
  const OnDevice<float> on_device(logits);
  const OnDevice<Draw> greedy(std::vector<Draw>(3));
  const OnDevice<std::int32_t> ids(3);
  cuda::draw(nullptr, rows(on_device, 3, 1000), greedy.data(), ids.data());
  CHECK(ids.values() == std::vector<std::int32_t>{431, 0, 0});
}
