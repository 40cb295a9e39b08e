// Every instruction set computes the bits of scalar.cpp: format x ISA x shape, tails included, file and repacked layouts.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "canonical_math.h"
#include "dispatch.h"
#include "packing.h"
#include "support/catch.hpp"
#include "support/random_weights.h"
#include "tables.h"

namespace kernels_test {

using namespace hearth;
using namespace hearth::kernels;
using hearth::test::Rng;

namespace {

constexpr float kGuard = 12345.0f;

struct Problem {
  FormatInfo info;
  std::int64_t n_rows, k, n_tokens;
  std::vector<std::byte> rows, packed, scratch;
  std::vector<float> x;
  std::vector<QBlock> q;
  std::int64_t q_stride;

  Problem(const FormatInfo& format, std::int64_t r, std::int64_t kk, std::int64_t t, std::uint64_t seed)
      : info(format), n_rows(r), k(kk), n_tokens(t), q_stride((kk + kBlock - 1) / kBlock) {
    Rng rng(seed);
    rows = test::random_rows(rng, info, n_rows, k);
    x = test::random_floats(rng, static_cast<std::size_t>(n_tokens * k), 3.0f);
    q.resize(static_cast<std::size_t>(n_tokens * q_stride));
    for (std::int64_t i = 0; i < n_tokens; ++i)
      table_scalar.quantize_row(&q[static_cast<std::size_t>(i * q_stride)], &x[static_cast<std::size_t>(i * k)], k);
    const std::int64_t groups = (n_rows + kGroupRows - 1) / kGroupRows;
    packed.resize(static_cast<std::size_t>(groups) * group_bytes(info, k));
    for (std::int64_t g = 0; g < groups; ++g)
      pack_group(info, &packed[static_cast<std::size_t>(g) * group_bytes(info, k)],
                 &rows[static_cast<std::size_t>(g * kGroupRows) * row_bytes(info, k)],
                 std::min<std::int64_t>(kGroupRows, n_rows - g * kGroupRows), k);
  }

  // y [n_tokens, n_rows + 1]; the extra column is a guard.
  std::vector<float> run(const KernelTable& table, bool repacked) {
    std::vector<float> y(static_cast<std::size_t>(n_tokens * (n_rows + 1)), kGuard);
    scratch.assign(table.scratch_bytes(k) + 64, std::byte{0xAA});
    auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) / 64 * 64);
    const MatmulArgs args{repacked ? packed.data() : rows.data(),
                          n_rows,
                          k,
                          q.data(),
                          x.data(),
                          q_stride,
                          k,
                          n_tokens,
                          y.data(),
                          n_rows + 1,
                          0,
                          n_rows,
                          aligned};
    const FormatKernels& f = table.formats[format_index(info.format)];
    (repacked ? f.matmul_packed : f.matmul_file)(args);
    return y;
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::string first_difference(const std::vector<float>& a, const std::vector<float>& b, std::int64_t columns) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], 4) != 0) {
      const auto at = static_cast<std::int64_t>(i);
      return "token " + std::to_string(at / columns) + " row " + std::to_string(at % columns) + ": " +
             std::to_string(a[i]) + " vs " + std::to_string(b[i]);
    }
  return "none";
}

}  // namespace

TEST_CASE("an instruction set that is built is listed and found by its name") {
  REQUIRE(std::string(built().front()->name) == "scalar");
  for (const KernelTable* table : built()) CHECK(find(table->name) == table);
  CHECK(find("zzz") == nullptr);
  CHECK(best().runs_here());
  for (const KernelTable* table : built())
    if (!table->runs_here()) WARN("SKIPPED: " << table->name << " needs " << table->needs << ", which this CPU lacks");
}

namespace {

void every_isa_has_the_bits_of(const KernelTable& definition, std::initializer_list<std::int64_t> blocks,
                               std::initializer_list<std::int64_t> rows, std::initializer_list<std::int64_t> tokens) {
  for (const FormatInfo& info : kFormats) {
    std::vector<std::int64_t> widths = {1, 15, 16, 17, 31, 33, 64, 172, 300};
    if (info.block_elements != 1) {
      widths = blocks;
      for (std::int64_t& k : widths) k *= info.block_elements;
    }
    for (const std::int64_t k : widths)
      for (const std::int64_t n_rows : rows)
        for (const std::int64_t n_tokens : tokens) {
          Problem problem(info, n_rows, k, n_tokens, static_cast<std::uint64_t>(k * 1000 + n_rows * 31 + n_tokens));
          const std::vector<float> expected = problem.run(definition, false);
          for (const KernelTable* table : runnable())
            for (const bool repacked : {false, true}) {
              if (table == &table_scalar && table != &definition) continue;
              const std::vector<float> y = problem.run(*table, repacked);
              INFO(info.name << " " << table->name << (repacked ? " repacked" : " file") << " k=" << k
                             << " rows=" << n_rows << " tokens=" << n_tokens);
              INFO("first difference: " << first_difference(expected, y, n_rows + 1));
              REQUIRE(same_bits(expected, y));
            }
        }
  }
}

}  // namespace

TEST_CASE("matmul: every format, ISA, layout and shape has scalar's bits") {
  every_isa_has_the_bits_of(table_scalar, {1, 2, 3, 9, 17}, {1, 15, 16, 17, 33, 50},
                            {1, 2, 3, 5, 8, 9, 11, 14, 16, 23, 40});
}

// For emulated CPUs, where scalar code is too slow (wider_cpu_test.sh): avx2's bits are scalar's by the case above.
TEST_CASE("matmuls by any ISA have avx2's bits", "[.emulated]") {
  const KernelTable* avx2 = find("avx2");
  REQUIRE(avx2 != nullptr);
  REQUIRE(avx2->runs_here());
  every_isa_has_the_bits_of(*avx2, {1, 9}, {17, 33}, {1, 2, 4, 8, 9, 23});
}

TEST_CASE("matmul: real widths have scalar's bits") {
  for (const FormatInfo& info : kFormats) {
    Problem problem(info, 80, 2048, 150, 7);
    const std::vector<float> expected = problem.run(table_scalar, false);
    for (const KernelTable* table : runnable())
      for (const bool repacked : {false, true}) REQUIRE(same_bits(expected, problem.run(*table, repacked)));
  }
}

TEST_CASE("pack: every ISA makes the defined layout, and a row comes back from it") {
  Rng rng(3);
  for (const FormatInfo& info : kFormats)
    for (const std::int64_t n_rows : {1, 7, 16}) {
      const std::int64_t k = info.block_elements == 1 ? 48 : 3 * info.block_elements;
      const std::vector<std::byte> rows = test::random_rows(rng, info, n_rows, k);
      std::vector<std::byte> expected(group_bytes(info, k)), group(group_bytes(info, k)), row(row_bytes(info, k));
      pack_group(info, expected.data(), rows.data(), n_rows, k);
      for (const KernelTable* table : runnable()) {
        std::fill(group.begin(), group.end(), std::byte{0});
        table->formats[format_index(info.format)].pack(group.data(), rows.data(), n_rows, k);
        INFO(info.name << " " << table->name);
        REQUIRE(group == expected);
      }
      for (std::int64_t r = 0; r < n_rows; ++r) {
        unpack_row(info, row.data(), expected.data(), r, k);
        REQUIRE(std::memcmp(row.data(), rows.data() + static_cast<std::size_t>(r) * row.size(), row.size()) == 0);
      }
    }
}

TEST_CASE("quantize_row: scalar's bits, tails, tiny, huge and non-finite rows") {
  Rng rng(5);
  for (const std::int64_t n : {1, 15, 16, 17, 31, 32, 33, 64, 100, 172, 2048})
    for (const float scale : {0.0f, 1e-38f, 0x1p-101f, 1e-5f, 1.0f, 1e30f, 1.5e38f}) {
      const std::vector<float> x = test::random_floats(rng, static_cast<std::size_t>(n), scale);
      const auto blocks = static_cast<std::size_t>((n + kBlock - 1) / kBlock);
      std::vector<QBlock> expected(blocks), q(blocks);
      REQUIRE(table_scalar.quantize_row(expected.data(), x.data(), n));
      for (const KernelTable* table : runnable()) {
        REQUIRE(table->quantize_row(q.data(), x.data(), n));
        INFO(table->name << " n=" << n << " scale=" << scale);
        REQUIRE(std::memcmp(q.data(), expected.data(), blocks * sizeof(QBlock)) == 0);
      }
      for (const float bad :
           {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf("")})
        for (const std::int64_t at : {std::int64_t{0}, n / 2, n - 1}) {
          std::vector<float> broken = x;
          broken[static_cast<std::size_t>(at)] = bad;
          for (const KernelTable* table : runnable()) REQUIRE_FALSE(table->quantize_row(q.data(), broken.data(), n));
        }
    }
}

TEST_CASE("row operations have scalar's bits") {
  Rng rng(9);
  for (const std::int64_t n : {1, 2, 15, 16, 17, 31, 48, 64, 100, 2048, 5632}) {
    const auto size = static_cast<std::size_t>(n);
    const std::vector<float> a = test::random_floats(rng, size, 30.0f), b = test::random_floats(rng, size, 2.0f);
    std::vector<float> expected(size), y(size);
    for (const KernelTable* table : runnable()) {
      INFO(table->name << " n=" << n);
      table_scalar.rms_norm(expected.data(), a.data(), b.data(), n, 1e-5f);
      table->rms_norm(y.data(), a.data(), b.data(), n, 1e-5f);
      CHECK(same_bits(expected, y));
      for (const float* bias : {static_cast<const float*>(nullptr), a.data()}) {
        table_scalar.layer_norm(expected.data(), a.data(), b.data(), bias, n, 1e-5f);
        table->layer_norm(y.data(), a.data(), b.data(), bias, n, 1e-5f);
        CHECK(same_bits(expected, y));
      }
      for (const Activation activation : kActivations)
        for (const float* up : {static_cast<const float*>(nullptr), b.data()}) {
          table_scalar.gate(expected.data(), a.data(), up, n, activation);
          table->gate(y.data(), a.data(), up, n, activation);
          CHECK(same_bits(expected, y));
        }
      expected = y = a;
      table_scalar.scale(expected.data(), 1.7f, n);
      table->scale(y.data(), 1.7f, n);
      CHECK(same_bits(expected, y));
      table_scalar.soft_cap(expected.data(), 5.0f, n);
      table->soft_cap(y.data(), 5.0f, n);
      CHECK(same_bits(expected, y));
      const float most = *std::max_element(a.begin(), a.end());
      table_scalar.exp_from(expected.data(), a.data(), most, n);
      table->exp_from(y.data(), a.data(), most, n);
      CHECK(same_bits(expected, y));
      expected = y = a;
      table_scalar.add(expected.data(), b.data(), n);
      table->add(y.data(), b.data(), n);
      CHECK(same_bits(expected, y));
      table_scalar.add_scaled(expected.data(), b.data(), 0.7f, n);
      table->add_scaled(y.data(), b.data(), 0.7f, n);
      CHECK(same_bits(expected, y));
    }
  }
}

TEST_CASE("activations and tanh over their whole range have scalar's bits") {
  std::vector<float> gate, up;
  for (float x = -200.0f; x <= 200.0f; x += 0.0137f) gate.push_back(x);
  for (const float x : {0.0f, -0.0f, 87.0f, -87.0f, 87.00001f, -87.00001f, 1e-40f, -1e-40f, 3e38f, -3e38f})
    gate.push_back(x);
  up.assign(gate.size(), 1.0f);
  std::vector<float> expected(gate.size()), y(gate.size());
  const auto n = static_cast<std::int64_t>(gate.size());
  for (const Activation activation : kActivations)
    for (const auto& [g, u] : {std::pair{gate.data(), up.data()}, std::pair{up.data(), gate.data()}}) {
      table_scalar.gate(expected.data(), g, u, n, activation);
      for (const KernelTable* table : runnable()) {
        table->gate(y.data(), g, u, n, activation);
        CHECK(same_bits(expected, y));
      }
    }
  for (const float x : {INFINITY, -INFINITY}) gate.push_back(x);
  expected = gate;
  table_scalar.soft_cap(expected.data(), 1.0f, n + 2);
  for (const KernelTable* table : runnable()) {
    y = gate;
    table->soft_cap(y.data(), 1.0f, n + 2);
    CHECK(same_bits(expected, y));
  }
}

TEST_CASE("soft_cap bounds what is finite, and keeps what is not") {
  for (const KernelTable* table : runnable()) {
    std::vector<float> y = {0.0f, -0.0f, 1e-3f, 1e30f, -1e30f, INFINITY, -INFINITY, std::nanf("")};
    y.resize(40, 2.0f);
    table->soft_cap(y.data(), 30.0f, 40);
    CHECK((y[0] == 0.0f && !std::signbit(y[0]) && std::signbit(y[1])));
    CHECK((y[3] == 30.0f && y[4] == -30.0f && y[5] == INFINITY && y[6] == -INFINITY));
    CHECK(std::isnan(y[7]));
    CHECK(std::fabs(y[39] - 30.0f * std::tanh(2.0f / 30.0f)) < 1e-5f);
  }
}

TEST_CASE("rope has scalar's bits in both layouts, and leaves what it does not rotate") {
  Rng rng(11);
  for (const std::int64_t head_dim : {8, 64, 80, 128})
    for (const RopeLayout layout : {RopeLayout::adjacent, RopeLayout::halves})
      for (const std::int64_t n_rot : {head_dim, head_dim / 2}) {
        const std::vector<float> x = test::random_floats(rng, static_cast<std::size_t>(3 * head_dim));
        const std::vector<float> cos = test::random_floats(rng, static_cast<std::size_t>(n_rot / 2));
        const std::vector<float> sin = test::random_floats(rng, static_cast<std::size_t>(n_rot / 2));
        std::vector<float> expected = x;
        table_scalar.rope(expected.data(), cos.data(), sin.data(), 3, head_dim, n_rot, layout);
        for (std::int64_t i = n_rot; i < head_dim; ++i)
          CHECK(expected[static_cast<std::size_t>(i)] == x[static_cast<std::size_t>(i)]);
        for (const KernelTable* table : runnable()) {
          std::vector<float> y = x;
          table->rope(y.data(), cos.data(), sin.data(), 3, head_dim, n_rot, layout);
          CHECK(same_bits(expected, y));
        }
      }
}

TEST_CASE("attention: pages and outputs have scalar's bits for any head size, span and number of queries") {
  Rng rng(13);
  for (const KvType type : {KvType::f16, KvType::f32, KvType::q8_0})
    for (const std::int64_t head_dim : {8, 16, 20, 32, 64, 80, 96, 128})
      for (const std::int64_t n_positions : {1, 5, 16, 63, 64, 65, 130, 200})
        for (const int n_queries : {1, 2, 3, 4, 7, 8}) {
          if (!kv_fits(type, head_dim)) continue;
          const std::size_t page_bytes = kv_head_bytes(type, head_dim);
          const auto n_pages = static_cast<std::size_t>((n_positions + kPage - 1) / kPage);
          std::vector<std::byte> stored;
          std::vector<float> k = test::random_floats(rng, static_cast<std::size_t>(n_positions * head_dim)),
                             v = test::random_floats(rng, k.size());
          const std::vector<float> q = test::random_floats(rng, static_cast<std::size_t>(n_queries * head_dim), 2.0f);
          std::vector<float> expected;
          for (const KernelTable* table : runnable()) {
            std::vector<std::byte> bytes(2 * n_pages * page_bytes,
                                         std::byte{0xFF});  // unwritten slots are NaN: they must not be read into a sum
            std::vector<std::byte*> pages;
            for (std::size_t p = 0; p < n_pages; ++p) pages.push_back(bytes.data() + 2 * p * page_bytes);
            for (std::int64_t p = 0; p < n_positions; ++p) {
              std::byte* page = pages[static_cast<std::size_t>(p / kPage)];
              REQUIRE(table->kv_store(page, page + page_bytes, &k[static_cast<std::size_t>(p * head_dim)],
                                      &v[static_cast<std::size_t>(p * head_dim)], p % kPage, head_dim, type));
            }
            if (stored.empty()) stored = bytes;
            REQUIRE(stored == bytes);
            std::vector<float> out(static_cast<std::size_t>(n_queries * head_dim) + 1, kGuard);
            AttendArgs args{pages.data(), 0, page_bytes, type, head_dim, n_queries, {}, {}, {}, {}, 0.125f, 0, {}};
            if (n_queries == 3) args.soft_cap = 1.5f;
            for (int i = 0; i < n_queries; ++i) {
              args.slope[i] = n_queries == 4 || n_queries == 8 ? 0.75f / static_cast<float>(i + 1) : 0.0f;
              args.position[i] = n_positions / (i + 1);  // among what it sees, which an encoder's rows do
              args.query[i] = &q[static_cast<std::size_t>(i * head_dim)];
              args.out[i] = &out[static_cast<std::size_t>(i * head_dim)];
              args.end[i] = std::max<std::int64_t>(1, n_positions - i);
              args.begin[i] = n_positions > 100 && i % 3 == 1 ? args.end[i] / 2 : 0;
            }
            table->attend(args);
            if (expected.empty()) expected = out;
            INFO(table->name << " head_dim=" << head_dim << " positions=" << n_positions << " queries=" << n_queries);
            REQUIRE(same_bits(expected, out));
          }
        }
}

TEST_CASE("attention: a score that is NaN reaches the queries that see it, and no other, in every ISA") {
  constexpr std::int64_t head_dim = 24, n_positions = 70, bad = 3;
  Rng rng(15);
  std::vector<float> k = test::random_floats(rng, n_positions * head_dim), v = test::random_floats(rng, k.size());
  const std::vector<float> q = test::random_floats(rng, 3 * head_dim);
  k[bad * head_dim + 5] = std::nanf("");
  const std::size_t half = kv_head_bytes(KvType::f32, head_dim);
  for (const float soft_cap : {0.0f, 2.0f})
    for (const KernelTable* table : runnable()) {
      std::vector<std::byte> bytes(4 * half);
      std::byte* pages[] = {bytes.data(), bytes.data() + 2 * half};
      for (std::int64_t p = 0; p < n_positions; ++p)
        CHECK(table->kv_store(pages[p / kPage], pages[p / kPage] + half, &k[static_cast<std::size_t>(p * head_dim)],
                              &v[static_cast<std::size_t>(p * head_dim)], p % kPage, head_dim,
                              KvType::f32) == (p != bad));
      std::vector<float> out(3 * head_dim, kGuard);
      AttendArgs args{pages, 0, half, KvType::f32, head_dim, 3, {}, {}, {}, {}, 0.125f, soft_cap, {}};
      for (int i = 0; i < 3; ++i) {
        args.query[i] = &q[static_cast<std::size_t>(i * head_dim)];
        args.out[i] = &out[static_cast<std::size_t>(i * head_dim)];
        args.begin[i] = i == 1 ? bad + 1 : 0;  // the second sees only what comes after
        args.end[i] = i == 2 ? bad + 1 : n_positions;
      }
      table->attend(args);
      INFO(table->name << " cap " << soft_cap);
      for (std::size_t d = 0; d < head_dim; ++d) {
        CHECK(std::isnan(out[d]));
        CHECK(std::isfinite(out[head_dim + d]));
        CHECK(std::isnan(out[2 * head_dim + d]));
      }
    }
}

TEST_CASE("kv_store reports what f16 cannot hold") {
  std::vector<std::byte> page(2 * kPage * 16 * 2);
  std::vector<float> k(16, 1.0f), v(16, 1.0f);
  for (const KernelTable* table : runnable()) {
    CHECK(table->kv_store(page.data(), page.data() + kPage * 32, k.data(), v.data(), 3, 16, KvType::f16));
    std::vector<float> big = k;
    big[5] = 70000.0f;
    CHECK_FALSE(table->kv_store(page.data(), page.data() + kPage * 32, big.data(), v.data(), 3, 16, KvType::f16));
    CHECK_FALSE(table->kv_store(page.data(), page.data() + kPage * 32, k.data(), big.data(), 3, 16, KvType::f16));
  }
}

TEST_CASE(
    "kv_store in q8_0: what is read back is code times f16 scale, tiny groups are zeros, large ones are reported") {
  constexpr std::int64_t head_dim = 64, slot = 37;
  const std::size_t half = kv_head_bytes(KvType::q8_0, head_dim);
  CHECK(half == static_cast<std::size_t>(kPage) * (head_dim + head_dim / 32 * 2));
  Rng rng(17);
  std::vector<float> k = test::random_floats(rng, head_dim, 5.0f), v = test::random_floats(rng, head_dim, 0.01f);
  for (std::size_t i = 32; i < 64; ++i) v[i] = 0x1p-101f;
  for (const KernelTable* table : runnable()) {
    INFO(table->name);
    std::vector<std::byte> page(2 * half);
    REQUIRE(table->kv_store(page.data(), page.data() + half, k.data(), v.data(), slot, head_dim, KvType::q8_0));
    const auto stored = [&](bool keys, std::int64_t d) {
      const std::byte* head = page.data() + (keys ? 0 : half);
      std::uint16_t scale;
      const std::int64_t at = keys ? key_scale_index(slot, d, head_dim) : value_scale_index(slot, d);
      std::memcpy(&scale, head + kv_scales_offset(KvType::q8_0, head_dim) + 2 * at, 2);
      const std::int64_t code = keys ? key_index(slot, d, head_dim) : value_index(slot, d, head_dim);
      return static_cast<float>(static_cast<std::int8_t>(head[code])) * f16_to_f32(scale);
    };
    for (const bool keys : {true, false}) {
      const std::vector<float>& x = keys ? k : v;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        float am = 0;
        for (std::int64_t i = d / 32 * 32; i < d / 32 * 32 + 32; ++i)
          am = std::max(am, std::fabs(x[static_cast<std::size_t>(i)]));
        // Half a step of the code, and the f16 scale is off by 2^-11 of itself (tiny ones by 2^-25) times a code of up to 127.
        const float bound = am / 127 * 0.5f * 1.0001f + 127 * (am / 127 * 0x1p-11f + 0x1p-25f);
        CHECK(std::fabs(stored(keys, d) - x[static_cast<std::size_t>(d)]) <= bound);
      }
    }
    for (std::int64_t d = 32; d < 64; ++d) CHECK(stored(false, d) == 0.0f);
    for (const float bad : {65504.0f * 128, std::numeric_limits<float>::infinity(), std::nanf("")}) {
      std::vector<float> big = k;
      big[40] = bad;
      CHECK_FALSE(table->kv_store(page.data(), page.data() + half, big.data(), v.data(), slot, head_dim, KvType::q8_0));
      CHECK_FALSE(table->kv_store(page.data(), page.data() + half, k.data(), big.data(), slot, head_dim, KvType::q8_0));
    }
  }
}

TEST_CASE("fma of every ISA rounds once") {
  // x*x needs 48 bits; -(x*x rounded) leaves the rounding error with one rounding, zero with two. The norm of {x, 0…} and a
  // one-element dot cannot show it, a two-element dot can: 1 * -(x*x rounded) first, then x * x.
  const float x = 1.0f + 0x1p-12f + 0x1p-23f;
  const float square = x * x;
  std::vector<float> w(17, 0.0f), y(2);
  std::vector<float> a(17, 0.0f);
  w[0] = 1.0f, a[0] = -square, w[16] = x, a[16] = x;
  for (const KernelTable* table : runnable()) {
    const MatmulArgs args{
        reinterpret_cast<const std::byte*>(w.data()), 1, 17, nullptr, a.data(), 0, 17, 1, y.data(), 1, 0, 1, nullptr};
    table->formats[format_index(Format::f32)].matmul_file(args);
    INFO(table->name);
    CHECK(y[0] == std::fma(x, x, -square));
    CHECK(y[0] != 0.0f);
  }
}

}  // namespace kernels_test
