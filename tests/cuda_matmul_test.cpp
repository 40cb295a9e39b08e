// The GPU's products have the bits of scalar.cpp: every format, tails of k, rows and tokens, stacks of matrices, tiles of visits. Where
// this is built with nvcc it runs on a GPU, else the same source runs on the host.
#include <algorithm>

#include "packing.h"
#include "support/cuda_test.h"

using namespace hearth;
using namespace hearth::kernels;
using namespace hearth::test;

namespace {

/// A stack of random matrices, as a file has them and as the device does.
struct Stack {
  FormatInfo info;
  std::int64_t n_rows, k, count;
  std::vector<std::byte> file, groups;
  std::vector<float> bias;

  Stack(Rng& rng, const FormatInfo& format, std::int64_t rows, std::int64_t width, std::int64_t n)
      : info(format), n_rows(rows), k(width), count(n) {
    file = random_rows(rng, info, n_rows * count, k);
    bias = random_floats(rng, size(n_rows * count));
    const std::size_t bytes = cuda::matrix_bytes(info.format, n_rows, k);
    groups.resize(bytes * size(count));
    for (std::int64_t m = 0; m < count; ++m)
      for (std::int64_t r = 0; r < n_rows; r += kGroupRows)
        pack_group(info, groups.data() + size(m) * bytes + size(r) * row_bytes(info, k),
                   file.data() + size(m * n_rows + r) * row_bytes(info, k),
                   std::min<std::int64_t>(kGroupRows, n_rows - r), k);
  }
  cuda::Matrix matrix(const OnDevice<std::byte>& memory, const float* on_device_bias) const {
    return {info.format, n_rows, k, memory.data(), cuda::matrix_bytes(info.format, n_rows, k), on_device_bias};
  }
  /// y = matrix `m` times one row, the bias added.
  void multiply(std::int64_t m, const float* x, const QBlock* q, float* y) const {
    std::vector<std::byte> scratch(table_scalar.scratch_bytes(k));
    table_scalar.formats[format_index(info.format)].matmul_file({file.data() + size(m * n_rows) * row_bytes(info, k),
                                                                 n_rows, k, q, x, q_stride(k), k, 1, y, n_rows, 0,
                                                                 n_rows, scratch.data()});
    for (std::int64_t r = 0; r < n_rows; ++r) y[r] = y[r] + bias[size(m * n_rows + r)];
  }
};

void check_products(const FormatInfo& info, std::int64_t n_rows, std::int64_t k, std::int64_t n_tokens) {
  Rng rng(static_cast<std::uint64_t>(k * 1000 + n_rows * 31 + n_tokens));
  const Stack a(rng, info, n_rows, k, 1), b(rng, info, 20, k, 1);
  const Tokens tokens(rng, n_tokens, k);
  std::vector<float> expected_a(size(n_tokens * n_rows)), expected_b(size(n_tokens * 20));
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    a.multiply(0, tokens.x_row(t), tokens.q_row(t), &expected_a[size(t * n_rows)]);
    b.multiply(0, tokens.x_row(t), tokens.q_row(t), &expected_b[size(t * 20)]);
  }
  const DeviceTokens in(tokens);
  const OnDevice<std::byte> wa(a.groups), wb(b.groups);
  const OnDevice<float> bias_a(a.bias), bias_b(b.bias), ya(expected_a.size()), yb(expected_b.size());
  const cuda::Product products[] = {{a.matrix(wa, bias_a.data()), rows(ya, n_tokens, n_rows)},
                                    {b.matrix(wb, bias_b.data()), rows(yb, n_tokens, 20)}};
  cuda::matmul(nullptr, in.input, products);
  INFO(info.name << " k=" << k << " rows=" << n_rows << " tokens=" << n_tokens);
  REQUIRE(same_bits(ya.values(), expected_a));
  REQUIRE(same_bits(yb.values(), expected_b));
}

}  // namespace

TEST_CASE("CUDA: products of every format with few tokens have scalar's bits") {
  if (no_device()) return;
  for (const FormatInfo& info : kFormats) {
    const std::int64_t unit = info.block_elements;
    // Whole rounds of 2,048 and what is left of one; with small blocks, less than a span of 256 too.
    std::vector<std::int64_t> widths = {unit, 2048 + 256 + (unit < 256 ? 3 * unit : 0)};
    if (unit == 1) widths = {1, 17, 300};
    for (const std::int64_t k : widths)
      for (const std::int64_t n_tokens : {1, 2, 3, 8, 9, 11}) check_products(info, 33, k, n_tokens);
  }
}

TEST_CASE("CUDA: products of every format with many tokens have scalar's bits") {
  if (no_device()) return;
  for (const FormatInfo& info : kFormats) {
    const std::int64_t unit = info.block_elements;
    for (const std::int64_t n_tokens : {23, 70})
      check_products(info, 50, unit == 32 ? 352 : unit == 1 ? 100 : 512, n_tokens);
  }
  for (const std::int64_t n_tokens : {17, 64, 140}) check_products(format_info(Format::q4_k), 150, 256, n_tokens);
}

TEST_CASE("CUDA: a matrix for each head") {
  if (no_device()) return;
  constexpr std::int64_t n_head = 3, n = 2, k = 64, n_rows = 18;
  for (const Format format : {Format::q8_0, Format::f32}) {
    Rng rng(5);
    const Stack heads(rng, format_info(format), n_rows, k, n_head);
    const Tokens tokens(rng, n * n_head, k);
    std::vector<float> expected(size(n * n_head * n_rows));
    for (std::int64_t i = 0; i < n * n_head; ++i) {
      heads.multiply(i % n_head, tokens.x_row(i), tokens.q_row(i), &expected[size(i * n_rows)]);
    }
    const DeviceTokens in(tokens);
    const OnDevice<std::byte> w(heads.groups);
    const OnDevice<float> bias(heads.bias), y(expected.size());
    cuda::matmul_heads(nullptr, in.input, heads.matrix(w, bias.data()), n_head, rows(y, n * n_head, n_rows));
    REQUIRE(same_bits(y.values(), expected));
  }
}

TEST_CASE("CUDA: rows of tables of every format are dequantized to scalar's bits") {
  if (no_device()) return;
  for (const FormatInfo& info : kFormats) {
    const std::int64_t k = info.block_elements == 256 ? 512 : 352;
    Rng rng(7);
    const Stack table(rng, info, 21, k, 1);
    const std::vector<std::int32_t> ids = {20, 0, 16};
    std::vector<float> expected(size(3 * k)), row(size(k)), added(size(3 * k), 0.5f);
    for (std::size_t i = 0; i < 3; ++i) {
      dequantize_row(info.format, row.data(), table.file.data() + size(ids[i]) * row_bytes(info, k), k);
      for (std::size_t e = 0; e < size(k); ++e) {
        added[i * size(k) + e] += row[e];
        expected[i * size(k) + e] = row[e] * 0.7f;
      }
    }
    const OnDevice<std::byte> w(table.groups);
    const OnDevice<std::int32_t> on_device_ids(ids);
    const OnDevice<float> x(expected.size()), sum(expected.size(), 0.5f);
    cuda::embed(nullptr, table.matrix(w, nullptr), on_device_ids.data(), 0.7f, false, rows(x, 3, k));
    cuda::embed(nullptr, table.matrix(w, nullptr), on_device_ids.data(), 1.0f, true, rows(sum, 3, k));
    INFO(info.name);
    CHECK(same_bits(x.values(), expected));
    CHECK(same_bits(sum.values(), added));
  }
}
