// Attention over latents: every instruction set has scalar's bits, and scalar's are those of keys and values kept apart.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "dispatch.h"
#include "support/catch.hpp"
#include "support/random_weights.h"
#include "tables.h"

namespace latent_attention_test {

using namespace hearth;
using namespace hearth::kernels;
using hearth::test::Rng;

namespace {

constexpr float kGuard = 12345.0f;

/// Latents of one sequence, and queries that see the last of them or fewer.
struct Latents {
  KvType type;
  std::int64_t key_dim, latent_dim, n_positions;
  int n_queries;
  std::vector<float> keys, queries;

  Latents(KvType t, std::int64_t k, std::int64_t v, std::int64_t n, int q)
      : type(t), key_dim(k), latent_dim(v), n_positions(n), n_queries(q) {
    Rng rng(static_cast<std::uint64_t>(k * 1000 + v * 100 + n * 10 + q));
    keys = test::random_floats(rng, static_cast<std::size_t>(n * k));
    queries = test::random_floats(rng, static_cast<std::size_t>(q * k), 2.0f);
  }

  // Where all queries see the same, they are heads of one row; otherwise rows, some with a window.
  AttendArgs args(std::vector<float>& out, std::int64_t value_dim, bool alike) const {
    AttendArgs a{};
    a.type = type, a.head_dim = key_dim, a.n_queries = n_queries, a.scale = 0.07f;
    for (int i = 0; i < n_queries; ++i) {
      a.query[i] = &queries[static_cast<std::size_t>(i * key_dim)];
      a.out[i] = &out[static_cast<std::size_t>(i * value_dim)];
      a.end[i] = alike ? n_positions : std::max<std::int64_t>(1, n_positions - i / 3);
      a.begin[i] = !alike && i % 5 == 4 ? a.end[i] / 2 : 0;
    }
    return a;
  }

  std::vector<float> run(const KernelTable& table, std::vector<std::byte>& bytes, bool alike) const {
    const std::size_t page_bytes = kv_head_bytes(type, key_dim);
    const auto n_pages = static_cast<std::size_t>((n_positions + kPage - 1) / kPage);
    bytes.assign(n_pages * page_bytes, std::byte{0xFF});  // unwritten slots are NaN: they must not be read into a sum
    std::vector<std::byte*> pages;
    for (std::size_t p = 0; p < n_pages; ++p) pages.push_back(bytes.data() + p * page_bytes);
    for (std::int64_t p = 0; p < n_positions; ++p)
      REQUIRE(table.kv_store(pages[static_cast<std::size_t>(p / kPage)], nullptr,
                             &keys[static_cast<std::size_t>(p * key_dim)], nullptr, p % kPage, key_dim, type));
    std::vector<float> out(static_cast<std::size_t>(n_queries * latent_dim) + 1, kGuard);
    AttendArgs a = args(out, latent_dim, alike);
    a.pages = pages.data();
    a.latent_dim = latent_dim;
    table.attend(a);
    CHECK(out.back() == kGuard);
    return out;
  }

  // The same with the values stored beside the keys, a few queries at a time.
  std::vector<float> run_apart(const KernelTable& table) const {
    const std::size_t half = kv_head_bytes(type, key_dim);
    const auto n_pages = static_cast<std::size_t>((n_positions + kPage - 1) / kPage);
    std::vector<std::byte> bytes(2 * n_pages * half);
    std::vector<std::byte*> pages;
    for (std::size_t p = 0; p < n_pages; ++p) pages.push_back(bytes.data() + 2 * p * half);
    for (std::int64_t p = 0; p < n_positions; ++p) {
      std::byte* page = pages[static_cast<std::size_t>(p / kPage)];
      const float* key = &keys[static_cast<std::size_t>(p * key_dim)];
      REQUIRE(table.kv_store(page, page + half, key, key, p % kPage, key_dim, type));
    }
    std::vector<float> out(static_cast<std::size_t>(n_queries * key_dim));
    const AttendArgs all = args(out, key_dim, true);
    for (int first = 0; first < n_queries; first += kMaxQueries) {
      AttendArgs a = all;
      a.pages = pages.data();
      a.v_offset = half;
      a.n_queries = std::min(kMaxQueries, n_queries - first);
      for (int i = 0; i < a.n_queries; ++i) {
        a.query[i] = all.query[first + i], a.out[i] = all.out[first + i];
        a.begin[i] = all.begin[first + i], a.end[i] = all.end[first + i];
      }
      table.attend(a);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("latents: pages and outputs have scalar's bits for any size, span and number of queries") {
  for (const KvType type : {KvType::f16, KvType::f32, KvType::q8_0})
    for (const auto& [key_dim, latent_dim] :
         {std::pair<std::int64_t, std::int64_t>{24, 16}, {20, 9}, {64, 32}, {96, 40}, {96, 64}, {576, 512}})
      for (const std::int64_t n_positions : {1, 16, 63, 64, 65, 200})
        for (const int n_queries : {1, 3, 8, 13, 16})
          for (const bool alike : {true, false}) {
            if (!kv_fits(type, key_dim)) continue;
            const Latents latents(type, key_dim, latent_dim, n_positions, n_queries);
            std::vector<std::byte> stored, bytes;
            const std::vector<float> expected = latents.run(table_scalar, stored, alike);
            for (const KernelTable* table : runnable()) {
              const std::vector<float> out = latents.run(*table, bytes, alike);
              INFO(table->name << " " << kv_info(type).name << " " << key_dim << "/" << latent_dim << " positions "
                               << n_positions << " queries " << n_queries << (alike ? " alike" : ""));
              REQUIRE(bytes == stored);
              REQUIRE(std::memcmp(out.data(), expected.data(), out.size() * sizeof(float)) == 0);
            }
          }
}

TEST_CASE("latents: a value is the head of its key, to the bit of one stored beside it") {
  for (const KvType type : {KvType::f16, KvType::f32, KvType::q8_0})
    for (const std::int64_t n_positions : {1, 64, 150}) {
      const Latents latents(type, 96, 64, n_positions, 16);
      std::vector<std::byte> bytes;
      for (const KernelTable* table : runnable()) {
        const std::vector<float> out = latents.run(*table, bytes, true), apart = latents.run_apart(*table);
        for (int i = 0; i < latents.n_queries; ++i)
          REQUIRE(std::memcmp(&out[static_cast<std::size_t>(i * 64)], &apart[static_cast<std::size_t>(i * 96)],
                              64 * sizeof(float)) == 0);
      }
    }
}

}  // namespace latent_attention_test
