// scalar.cpp, the definition, against exact arithmetic: weights read by an independent reader, sums by Eigen in double, every
// tolerance derived from the number of roundings that ARITHMETIC.md's order makes.
#include <Eigen/Dense>
#include <cfloat>
#include <cmath>
#include <string>
#include <vector>

#include "kernel_table.h"
#include "support/catch.hpp"
#include "support/random_weights.h"
#include "support/reference_blocks.h"
#include "tables.h"

namespace scalar_oracle_test {

using namespace hearth;
using namespace hearth::kernels;
using hearth::test::Rng;

namespace {

constexpr double kU = 0x1p-24;  // unit roundoff of f32: one operation is off by at most this, relatively
constexpr double kExpError =
    7.6e-8;  // relative error of exp_nonpositive, measured over its range (canonical_math_test)

/// n roundings in a row change a number by at most this, relatively (Higham, "Accuracy and Stability", lemma 3.1).
double roundoff(double n, double unit = kU) { return n * unit / (1 - n * unit); }

/// Errors relative to their bounds; the largest one's cell is what a failure shows.
struct Worst {
  double ratio = 0;
  std::string cell = "none";

  template <class Name> void see(double error, double bound, Name name) {
    const double now = error == 0 ? 0 : error / bound;
    if (now <= ratio) return;  // a NaN is not
    ratio = std::isnan(now) ? HUGE_VAL : now;
    cell = name() + ": off by " + std::to_string(ratio) + " of the bound " + std::to_string(bound);
  }
};

void require_within(const Worst& worst) {
  INFO(worst.cell);
  REQUIRE(worst.ratio <= 1.0);
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Problem {
  FormatInfo info;
  std::int64_t n_rows, k, n_tokens, blocks;
  std::uint64_t seed;
  std::vector<std::byte> rows;
  std::vector<float> x;
  std::vector<QBlock> q;
  Matrix w, magnitude;                 // [n_rows, k]
  Matrix given, quantized, half_step;  // [n_tokens, k]: x; d*q; how far they may lie apart

  Problem(const FormatInfo& format, std::int64_t n_rows_, std::int64_t k_, std::int64_t n_tokens_, std::uint64_t seed_)
      : info(format), n_rows(n_rows_), k(k_), n_tokens(n_tokens_), blocks((k_ + kBlock - 1) / kBlock), seed(seed_) {
    Rng rng(seed);
    rows = test::random_rows(rng, info, n_rows, k);
    x = test::random_floats(rng, static_cast<std::size_t>(n_tokens * k), 3.0f);
    for (std::size_t i = 0; i < x.size(); i += 97) x[i] *= 100.0f;  // some channels are large in real models
    for (std::size_t i = 0; i < x.size() / 4; ++i) x[i] *= seed % 4 == 0 ? 0x1p-110f : 1.0f;  // and blocks may vanish
    q.resize(static_cast<std::size_t>(n_tokens * blocks));
    for (std::int64_t t = 0; t < n_tokens; ++t)
      REQUIRE(
          table_scalar.quantize_row(&q[static_cast<std::size_t>(t * blocks)], &x[static_cast<std::size_t>(t * k)], k));
    read_weights();
    read_activations();
  }

  void read_weights() {
    w.resize(n_rows, k), magnitude.resize(n_rows, k);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const auto row = test::ReferenceBlocks::row(static_cast<std::uint32_t>(info.format),
                                                  rows.data() + static_cast<std::size_t>(r) * row_bytes(info, k), k);
      for (std::int64_t i = 0; i < k; ++i) {
        w(r, i) = row[static_cast<std::size_t>(i)].value;
        magnitude(r, i) = row[static_cast<std::size_t>(i)].magnitude;
      }
    }
  }

  void read_activations() {
    given.resize(n_tokens, k), quantized.resize(n_tokens, k), half_step.resize(n_tokens, k);
    for (std::int64_t t = 0; t < n_tokens; ++t)
      for (std::int64_t i = 0; i < k; ++i) {
        const QBlock& block = q[static_cast<std::size_t>(t * blocks + i / kBlock)];
        given(t, i) = static_cast<double>(x[static_cast<std::size_t>(t * k + i)]);
        quantized(t, i) = static_cast<double>(block.d) * block.q[i % kBlock];  // 24 + 7 bits: exact
      }
    for (std::int64_t t = 0; t < n_tokens; ++t)
      for (std::int64_t i = 0; i < k; i += kBlock) {
        const std::int64_t n = std::min<std::int64_t>(kBlock, k - i);
        const double am = given.row(t).segment(i, n).cwiseAbs().maxCoeff();
        half_step.row(t).segment(i, n).setConstant(largest_step_error(am));
      }
  }

  // q is the nearest integer to x*id, which three roundings (am/127, 127/am, x*id) move by up to roundoff(3) * 127 steps; a block
  // below 2^-100 becomes zeros, each of its elements off by at most am.
  static double largest_step_error(double am) { return am < 0x1p-100 ? am : am / 127 * (0.5 + 127 * roundoff(3)); }

  std::vector<float> run() {
    std::vector<float> y(static_cast<std::size_t>(n_tokens * n_rows));
    const MatmulArgs args{rows.data(), n_rows,   k,      q.data(), x.data(), blocks, k,
                          n_tokens,    y.data(), n_rows, 0,        n_rows,   nullptr};
    table_scalar.formats[format_index(info.format)].matmul_file(args);
    return y;
  }

  // Roundings that one product w*x meets on its way into an output. Float rows: its lane's fma chain, then four folds. Quantized
  // rows: one fma chain over the blocks, two links a block where a minimum is subtracted, and before it the product with the
  // activation's scale (one rounding) or, with two scales a block, a product and an fma (two). Everything else is exact.
  double roundings() const {
    const auto links = static_cast<double>(blocks);
    switch (info.kind) {
      case Kind::float_row:
        return std::ceil(static_cast<double>(k) / 16) + 4;
      case Kind::scale:
        return links + 1;
      case Kind::scale_min:
        return 2 * links + 1;
      case Kind::two_scales:
        return links + 2;
      case Kind::two_scales_min:
        return 2 * links + 1;
    }
    return 0;
  }

  // Results below 2^-126 round absolutely, by 2^-150 at most; at most three of a block's operations do, and the scale's error is
  // then multiplied by an integer of at most 32 * 255 * 127.
  double underflow() const { return static_cast<double>(blocks) * 3 * 0x1p-150 * 32 * 255 * 127; }

  // Of the f32 chain, and of Eigen's double sum of k products.
  Matrix chain_bound(const Matrix& activations) const {
    const double relative = roundoff(roundings()) + roundoff(static_cast<double>(k) + 3, 0x1p-53);
    return (relative * (activations.cwiseAbs() * magnitude.transpose())).array() + underflow();
  }

  const Matrix& multiplied() const { return info.kind == Kind::float_row ? given : quantized; }

  std::string cell(std::int64_t row, std::int64_t token) const {
    return std::string(info.name) + " k=" + std::to_string(k) + " rows=" + std::to_string(n_rows) +
           " tokens=" + std::to_string(n_tokens) + " seed=" + std::to_string(seed) + " row=" + std::to_string(row) +
           " token=" + std::to_string(token);
  }

  void compare(const std::vector<float>& y, const Matrix& exact, const Matrix& bound, Worst& worst) const {
    for (std::int64_t t = 0; t < n_tokens; ++t)
      for (std::int64_t r = 0; r < n_rows; ++r)
        worst.see(std::fabs(static_cast<double>(y[static_cast<std::size_t>(t * n_rows + r)]) - exact(t, r)),
                  bound(t, r), [&] { return cell(r, t); });
  }
};

std::vector<std::int64_t> widths(const FormatInfo& info) {
  if (info.block_elements == 1) return {1, 15, 16, 17, 33, 172, 1024};
  return {info.block_elements, 2 * info.block_elements, 7 * info.block_elements, 2048};
}

template <class Body> void for_each_problem(const FormatInfo& info, Body body) {
  for (const std::int64_t k : widths(info))
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Problem problem(info, 5, k, 3, seed);
      body(problem);
    }
}

bool has_minimum(const FormatInfo& info) { return info.kind == Kind::scale_min || info.kind == Kind::two_scales_min; }

}  // namespace

TEST_CASE("the independent reader knows every format that has kernels") {
  for (const FormatInfo& info : kFormats) {
    INFO(info.name);
    CHECK(test::ReferenceBlocks::knows(static_cast<std::uint32_t>(info.format)));
  }
}

TEST_CASE("scalar matmul: with the activations as quantized, within its own roundings of the exact product") {
  for (const FormatInfo& info : kFormats) {
    Worst worst;
    for_each_problem(info, [&](Problem& p) {
      p.compare(p.run(), p.multiplied() * p.w.transpose(), p.chain_bound(p.multiplied()), worst);
    });
    require_within(worst);
  }
}

TEST_CASE("scalar matmul: with the activations as given, within half a step an element more") {
  for (const FormatInfo& info : kFormats) {
    Worst worst;
    for_each_problem(info, [&](Problem& p) {
      Matrix bound = p.chain_bound(p.multiplied());
      if (info.kind != Kind::float_row) bound += p.half_step * p.w.cwiseAbs().transpose();
      p.compare(p.run(), p.given * p.w.transpose(), bound, worst);
    });
    require_within(worst);
  }
}

TEST_CASE("the tolerance is narrow enough to notice one wrong weight or one dropped activation") {
  for (const FormatInfo& info : kFormats) {
    Problem p(info, 5, widths(info).back(), 1, 1);
    const Matrix bound = p.chain_bound(p.multiplied());
    const std::vector<float> y = p.run();
    for (std::int64_t r = 0; r < p.n_rows; ++r) {
      // The element that carries the median share of this output: half of all are noticed at least as well.
      std::vector<std::pair<double, std::int64_t>> shares;
      for (std::int64_t i = 0; i < p.k; ++i) shares.emplace_back(std::fabs(p.multiplied()(0, i) * p.w(r, i)), i);
      std::sort(shares.begin(), shares.end());
      const std::int64_t wrong = shares[shares.size() / 2].second;
      Matrix w = p.w;
      w(r, wrong) = 0;
      Worst worst;
      p.compare(y, p.multiplied() * w.transpose(), bound, worst);
      INFO(p.cell(r, 0));
      CHECK(worst.ratio > 1.0);
    }
  }
}

TEST_CASE("dequantize_row: exact, but for the one rounding of a subtracted minimum") {
  for (const FormatInfo& info : kFormats)
    for_each_problem(info, [&](Problem& p) {
      std::vector<float> y(static_cast<std::size_t>(p.k));
      for (std::int64_t r = 0; r < p.n_rows; ++r) {
        dequantize_row(info.format, y.data(), p.rows.data() + static_cast<std::size_t>(r) * row_bytes(info, p.k), p.k);
        for (std::int64_t i = 0; i < p.k; ++i) {
          const float value = y[static_cast<std::size_t>(i)];
          const double exact = p.w(r, i);
          if (has_minimum(info) ? value == static_cast<float>(exact) : static_cast<double>(value) == exact) continue;
          FAIL(p.cell(r, 0) << " element " << i << ": " << value << " is not " << exact);
        }
      }
    });
}

TEST_CASE("quantize_row: scale, codes and sums against their definitions") {
  Worst scale, codes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    for (const std::int64_t n : {1, 16, 31, 32, 33, 100}) {
      Rng rng(seed);
      const std::vector<float> x =
          test::random_floats(rng, static_cast<std::size_t>(n), std::ldexp(1.0f, static_cast<int>(seed % 25) * 8 - 96));
      std::vector<QBlock> q(static_cast<std::size_t>((n + kBlock - 1) / kBlock));
      REQUIRE(table_scalar.quantize_row(q.data(), x.data(), n));
      const auto cell = [&] { return "n=" + std::to_string(n) + " seed=" + std::to_string(seed); };
      for (std::int64_t i = 0; i < n; i += kBlock) {
        const QBlock& block = q[static_cast<std::size_t>(i / kBlock)];
        const std::int64_t count = std::min<std::int64_t>(kBlock, n - i);
        double am = 0;
        for (std::int64_t j = 0; j < count; ++j)
          am = std::max(am, static_cast<double>(std::fabs(x[static_cast<std::size_t>(i + j)])));
        scale.see(std::fabs(static_cast<double>(block.d) - am / 127), am / 127 * (kU + 0x1p-53),
                  cell);  // one rounding; the reference's own
        int first = 0, second = 0;
        for (std::int64_t j = 0; j < kBlock; ++j) {
          const double given = j < count ? static_cast<double>(x[static_cast<std::size_t>(i + j)]) : 0.0;
          codes.see(std::fabs(given - static_cast<double>(block.d) * block.q[j]), Problem::largest_step_error(am),
                    cell);
          (j < 16 ? first : second) += block.q[j];
        }
        CHECK(block.minus_sum0 == -first);
        CHECK(block.minus_sum == -(first + second));
        CHECK(block.half_sums == half_sums(first, second));
        CHECK(block.d_sum == block.d * static_cast<float>(first + second));
      }
    }
  require_within(scale);
  require_within(codes);
}

TEST_CASE("rms_norm against double") {
  Worst worst;
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    for (const std::int64_t n : {1, 15, 16, 17, 64, 172, 2048, 5632}) {
      Rng rng(seed);
      const auto size = static_cast<std::size_t>(n);
      const std::vector<float> x = test::random_floats(rng, size, 10.0f), w = test::random_floats(rng, size, 2.0f);
      const float eps = 1e-5f;
      std::vector<float> y(size);
      table_scalar.rms_norm(y.data(), x.data(), w.data(), n, eps);
      double ss = 0;
      for (const float v : x) ss += static_cast<double>(v) * static_cast<double>(v);
      const double r = 1 / std::sqrt(ss / static_cast<double>(n) + static_cast<double>(eps));
      // Sum: a lane's chain and four folds, of positive terms; division by n and the added eps. The square root halves all of
      // that; itself, 1/root, x*r and *w round once each. One more for the second-order terms, and double's own sum.
      const double before_root = std::ceil(static_cast<double>(n) / 16) + 4 + 2;
      const double relative = roundoff(before_root / 2 + 4 + 1) + roundoff(static_cast<double>(n) + 8, 0x1p-53);
      for (std::size_t i = 0; i < size; ++i) {
        const double exact = static_cast<double>(x[i]) * r * static_cast<double>(w[i]);
        worst.see(std::fabs(static_cast<double>(y[i]) - exact), std::fabs(exact) * relative, [&] {
          return "n=" + std::to_string(n) + " seed=" + std::to_string(seed) + " i=" + std::to_string(i);
        });
      }
    }
  require_within(worst);
}

TEST_CASE("silu against double, over the whole range of exp") {
  Worst worst;
  std::vector<float> gate, up;
  Rng rng(3);
  for (float g = -100.0f; g <= 100.0f; g += 0.0137f) gate.push_back(g), up.push_back(test::uniform(rng, -2.0f, 2.0f));
  std::vector<float> y(gate.size());
  table_scalar.gate(y.data(), gate.data(), up.data(), static_cast<std::int64_t>(gate.size()), Activation::silu);
  // e/(1+e) and 1/(1+e) pass on at most exp's own error (derivative 1/(1+e) or e/(1+e)); the sum, the quotient and two products
  // round once each. Below -87 exp is defined as 0: the whole value, at most |g u| e^-87, is the error. Subnormals: 2^-150 each.
  const double relative = (1 + kExpError) * std::pow(1 + kU, 4) / (1 - kU) - 1;
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const auto g = static_cast<double>(gate[i]), u = static_cast<double>(up[i]), exact = g / (1 + std::exp(-g)) * u;
    const double bound = std::fabs(exact) * relative + (g <= -87 ? std::fabs(g * u) * std::exp(-87) : 0) +
                         4 * 0x1p-150 * (1 + std::fabs(g));
    worst.see(std::fabs(static_cast<double>(y[i]) - exact), bound,
              [&] { return "gate " + std::to_string(g) + " up " + std::to_string(u); });
  }
  require_within(worst);
}

namespace {

/// Multiples of 2^-6 in [-127/64, 127/64], the largest in every 32: exact in every cache type, so that all store the same numbers.
std::vector<float> exact_in_all(Rng& rng, std::int64_t n) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(static_cast<float>(i % 32 == 5 ? 127 : static_cast<int>(rng() % 255) - 127) * 0x1p-6f);
  return values;
}

struct AttentionCase {
  KvType type;
  std::int64_t head_dim, begin, end;
  std::vector<float> q, k, v;  // [head_dim], [end, head_dim] twice
  float scale;
  float slope = 0;  // ALiBi: each score is less by slope * |position - p|
  std::int64_t position = 0;

  AttentionCase(KvType t, std::int64_t d, std::int64_t b, std::int64_t e, std::uint64_t seed)
      : type(t), head_dim(d), begin(b), end(e), scale(1.0f / std::sqrt(static_cast<float>(d))) {
    Rng rng(seed);
    q = exact_in_all(rng, d), k = exact_in_all(rng, d * e), v = exact_in_all(rng, d * e);
  }

  std::vector<float> run() const {
    const std::size_t half = kv_head_bytes(type, head_dim);
    std::vector<std::byte> bytes(2 * half * static_cast<std::size_t>((end + kPage - 1) / kPage), std::byte{0xFF});
    std::vector<std::byte*> pages;
    for (std::size_t at = 0; at < bytes.size(); at += 2 * half) pages.push_back(bytes.data() + at);
    for (std::int64_t p = 0; p < end; ++p) {
      std::byte* page = pages[static_cast<std::size_t>(p / kPage)];
      REQUIRE(table_scalar.kv_store(page, page + half, &k[static_cast<std::size_t>(p * head_dim)],
                                    &v[static_cast<std::size_t>(p * head_dim)], p % kPage, head_dim, type));
    }
    std::vector<float> out(static_cast<std::size_t>(head_dim));
    AttendArgs args{pages.data(), 0, half, type, head_dim, 1, {q.data()}, {out.data()}, {begin}, {end}, scale, 0, {}};
    args.slope[0] = slope;
    args.position[0] = position;
    table_scalar.attend(args);
    return out;
  }

  // The exact softmax, and the bound: a weight's exponent is off by its score's error (the chain over head_dim and the scale)
  // and by the roundings of the differences it is split into, which add up to the scores' spread; each exp adds its own error
  // (one for the position, one a chunk merged after it); sums round 64 times in a chunk (8 for l) and twice at each merge; o * (1/l)
  // rounds twice.
  void check(const std::vector<float>& out, Worst& worst, const std::string& cell) const {
    std::vector<double> s;
    double score_error = 0, high = -HUGE_VAL, low = HUGE_VAL;
    for (std::int64_t p = begin; p < end; ++p) {
      double dot = 0, sum = 0;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        const double term = static_cast<double>(q[static_cast<std::size_t>(d)]) *
                            static_cast<double>(k[static_cast<std::size_t>(p * head_dim + d)]);
        dot += term, sum += std::fabs(term);
      }
      s.push_back(dot * static_cast<double>(scale) -
                  static_cast<double>(slope) * static_cast<double>(std::abs(p - position)));
      const double chain = roundoff(static_cast<double>(head_dim) + 1) * sum * static_cast<double>(scale);
      const double distance = slope != 0 ? kU * (std::fabs(s.back()) + chain) : 0;  // one fma more
      score_error = std::max(score_error, chain + distance);
      high = std::max(high, s.back()), low = std::min(low, s.back());
    }
    REQUIRE(high - low < 87);  // exp never cuts to zero here
    const auto chunks = static_cast<double>((end - 1) / kPage - begin / kPage + 1);
    const double exponent = score_error + kU * (high - low + 2 * score_error);
    const auto weight_error = [&](double roundings) {
      return std::exp(exponent) * std::pow(1 + kExpError, 1 + chunks) * (1 + roundoff(roundings + 2 * chunks)) - 1;
    };
    const double bound = (1 + weight_error(64)) / (1 - weight_error(8)) * (1 + roundoff(2)) - 1;
    double l = 0;
    for (double& weight : s) l += weight = std::exp(weight - high);
    for (std::int64_t d = 0; d < head_dim; ++d) {
      double exact = 0, magnitude = 0;
      for (std::int64_t p = begin; p < end; ++p) {
        const double term = s[static_cast<std::size_t>(p - begin)] / l *
                            static_cast<double>(v[static_cast<std::size_t>(p * head_dim + d)]);
        exact += term, magnitude += std::fabs(term);
      }
      worst.see(std::fabs(static_cast<double>(out[static_cast<std::size_t>(d)]) - exact), bound * magnitude,
                [&] { return cell + " d=" + std::to_string(d); });
    }
  }
};

}  // namespace

TEST_CASE("attend against a double softmax") {
  Worst worst;
  for (const KvType type : {KvType::f16, KvType::f32, KvType::q8_0})
    for (const std::int64_t head_dim : {8, 20, 64, 128})
      for (const std::int64_t end : {1, 2, 63, 64, 65, 200})
        for (const std::int64_t begin : {std::int64_t{0}, end / 3, end - 1})
          for (std::uint64_t seed = 1; seed <= 3 && kv_fits(type, head_dim); ++seed) {
            const AttentionCase c(type, head_dim, begin, end, seed);
            c.check(c.run(), worst,
                    "head_dim=" + std::to_string(head_dim) + " positions " + std::to_string(begin) + " to " +
                        std::to_string(end) + " seed=" + std::to_string(seed));
          }
  require_within(worst);
}

TEST_CASE("attend with ALiBi, before and after the query, against a double softmax") {
  Worst worst;
  for (const std::int64_t head_dim : {8, 64})
    for (const std::int64_t end : {1, 65, 200})
      for (const std::int64_t position : {std::int64_t{0}, end / 2, end - 1})
        for (const float slope : {0.25f, 0.17677669f, 0.00390625f}) {
          AttentionCase c(KvType::f32, head_dim, 0, end, static_cast<std::uint64_t>(end + position));
          c.slope = slope, c.position = position;
          c.check(c.run(), worst,
                  "head_dim=" + std::to_string(head_dim) + " of " + std::to_string(end) + " at " +
                      std::to_string(position) + " slope " + std::to_string(slope));
        }
  require_within(worst);
}

}  // namespace scalar_oracle_test
