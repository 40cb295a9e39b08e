// Pages of keys and values: shared by counting, written by one, within a budget; a fork and a truncated cache give the bits of a
// fresh one, in every family, with windows and experts.
#include "kv_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "arch_traits.h"
#include "loaded_model.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "support/test_data.h"

namespace kv_cache_test {

using namespace hearth;
using kernels::KvType;
using model::KvCache;
using model::PagePool;

namespace {

constexpr std::int64_t kContext = 512, kPass = 32;

test::RandomModel windowed(std::int64_t window) {
  test::RandomModel m;
  m.n_ctx = kContext, m.window = window;
  return m;
}

std::shared_ptr<PagePool> firm_pool(std::uint64_t bytes) {
  return std::make_shared<PagePool>(bytes, PagePool::Budget::firm);
}

KvCache make_cache(const model::Config& c, std::shared_ptr<PagePool> pool, KvType type = KvType::f16) {
  auto cache = KvCache::make(c, type, kContext, kPass, std::move(pool));
  if (!cache) FAIL(cache.error().message());
  return std::move(*cache);
}

void append_all(KvCache& cache, std::int64_t from, std::int64_t to) {
  for (std::int64_t p = from; p < to; ++p) REQUIRE(cache.append(p));
}

std::int32_t token(std::int64_t position, std::int64_t text) {
  return static_cast<std::int32_t>(3 + (position * 31 + text * 57) % 280);
}

/// Logits of the last of positions from … to-1 of a text, computed in passes of kPass.
std::vector<float> compute(const engine::LoadedModel& model, KvCache& cache, std::int64_t from, std::int64_t to,
                           std::int64_t text) {
  auto space = model::Workspace::make(model.config(), kPass, 1);
  REQUIRE(space);
  while (from < to) {
    std::vector<model::Row> rows;
    for (; from < to && static_cast<std::int64_t>(rows.size()) < kPass; ++from)
      rows.push_back({&cache, from, token(from, text), from + 1 == to});
    auto done = model.forward(rows, *space);
    if (!done) FAIL(done.error().message());
  }
  return {space->ended_with, space->ended_with + model.config().n_vocab};
}

}  // namespace

TEST_CASE("a text shorter than its window loses nothing when its end is taken back") {
  const test::RandomModel m = windowed(200);
  KvCache cache = make_cache(test::config_of(m), firm_pool(UINT64_MAX));
  append_all(cache, 0, 100);
  CHECK(cache.truncate(97) == 97);
  CHECK(cache.truncate(1) == 1);
}

TEST_CASE("a fork takes no memory; the first append to a shared page takes one page, and only where it is needed") {
  const model::Config c = test::config_of(windowed(0));
  const auto pool = firm_pool(UINT64_MAX);
  const std::uint64_t page = KvCache::bytes(c, KvType::f16, 64, 1);
  KvCache cache = make_cache(c, pool);
  CHECK(pool->bytes_taken() == 0);
  append_all(cache, 0, 100);
  CHECK(pool->bytes_taken() == 2 * page);
  std::memset(cache.page(0, 70), 0x5a, page);
  {
    KvCache fork = cache;
    CHECK(pool->bytes_taken() == 2 * page);
    CHECK(fork.page(0, 70) == cache.page(0, 70));
    REQUIRE(fork.append(100));
    CHECK(pool->bytes_taken() == 3 * page);
    CHECK(fork.page(0, 10) == cache.page(0, 10));
    REQUIRE(fork.page(0, 70) != cache.page(0, 70));
    CHECK(std::memcmp(fork.page(0, 70), cache.page(0, 70), page) == 0);
    REQUIRE(cache.append(100));  // nobody shares that page any more
    CHECK(pool->bytes_taken() == 3 * page);
  }
  CHECK(pool->bytes_taken() == 2 * page);
  KvCache other = cache;
  append_all(other, 128, 129);  // a page of its own, the full one before it stays shared
  CHECK(pool->bytes_taken() == 3 * page);
  CHECK(cache.truncate(64) == 64);
  CHECK(pool->bytes_taken() == 3 * page);  // the fork still has it
  CHECK(other.truncate(0) == 0);
  CHECK(pool->bytes_taken() == page);
}

TEST_CASE("a cache that becomes another lets go of its own pages while their pool is still there") {
  const model::Config c = test::config_of(windowed(0));
  const auto pool = firm_pool(UINT64_MAX);
  const std::uint64_t page = KvCache::bytes(c, KvType::f16, 64, 1);
  KvCache other = make_cache(c, pool);
  append_all(other, 0, 65);
  KvCache copied = make_cache(c, firm_pool(UINT64_MAX)), moved = make_cache(c, firm_pool(UINT64_MAX));  // nobody else's
  append_all(copied, 0, 200);
  append_all(moved, 0, 200);
  copied = other;
  moved = std::move(other);
  CHECK(pool->bytes_taken() == 2 * page);
  CHECK(copied.page(0, 64) == moved.page(0, 64));
  REQUIRE(copied.append(65));  // a shared page becomes its own
  CHECK(pool->bytes_taken() == 3 * page);
}

TEST_CASE("a new page is of zeros, whatever was in it before") {
  const model::Config c = test::config_of(windowed(0));
  KvCache cache = make_cache(c, firm_pool(UINT64_MAX));
  const std::size_t page = KvCache::bytes(c, KvType::f16, 64, 1);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(cache.append(0));
    CHECK(std::vector<std::byte>(cache.page(0, 0), cache.page(0, 0) + page) == std::vector<std::byte>(page));
    std::memset(cache.page(0, 0), 0x77, page);
    cache.truncate(0);
  }
}

TEST_CASE(
    "a budget is kept: what is more is refused with its bytes, nothing is lost, and what is given back is there "
    "again") {
  const model::Config c = test::config_of(windowed(0));
  const std::uint64_t page = KvCache::bytes(c, KvType::f16, 64, 1), whole = KvCache::bytes(c, KvType::f16, kContext, 1);
  const auto small = KvCache::make(c, KvType::f16, kContext, kPass, firm_pool(whole - 1));
  REQUIRE_FALSE(small);
  CHECK(small.error().status() == Status::out_of_memory);

  const auto pool = firm_pool(whole);
  KvCache first = make_cache(c, pool), second = make_cache(c, pool);
  append_all(first, 0, kContext - 64);
  append_all(second, 0, 64);
  CHECK(pool->bytes_taken() == whole);
  const auto full = second.append(64);
  REQUIRE_FALSE(full);
  CHECK(full.error().status() == Status::out_of_memory);
  CHECK(full.error().message().find(std::to_string(whole)) != std::string::npos);
  REQUIRE(second.append(63));
  first.truncate(65);
  CHECK(pool->bytes_taken() == 3 * page);
  append_all(second, 64, 129);
  CHECK(pool->bytes_taken() == 5 * page);

  int asked = 0;
  KvCache kept = second;
  pool->set_reclaim([&] {
    ++asked;
    const bool had = pool->bytes_taken() > 5 * page;
    first.truncate(0);
    return had && asked == 1;
  });
  append_all(second, 129, 6 * 64);  // one page copied, three new ones
  CHECK(asked == 1);
}

TEST_CASE("the memory of pages given back goes back to the system, but for a few; pages taken again are of zeros") {
  constexpr std::size_t kBytes = 1 << 20, kPages = 100, kMostAtHand = 4;
  const auto unit = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto in_memory = [&](std::byte* page) {
    std::vector<unsigned char> there(kBytes / unit + 1);
    const auto past = reinterpret_cast<std::uintptr_t>(page) % unit;
    if (mincore(page - past, kBytes + past, there.data()) != 0) return false;  // nothing is mapped there any more
    return std::count_if(there.begin() + (past != 0), there.end() - 1, [](auto c) { return (c & 1) != 0; }) != 0;
  };
  const auto pool = firm_pool(UINT64_MAX);
  std::vector<model::PageRef> pages;
  const auto take = [&] {
    auto page = pool->take(kBytes, 0, static_cast<std::int64_t>(kPages - pages.size()));
    REQUIRE(page);
    return std::move(*page);
  };
  std::vector<std::byte*> at;
  for (std::size_t i = 0; i < kPages; ++i) {
    pages.push_back(take());
    at.push_back(pages.back().data());
    std::memset(at.back(), 0x5a, kBytes);
  }
  CHECK(std::set<std::byte*>(at.begin(), at.end()).size() == kPages);
  for (std::size_t i = 0; i < kPages; ++i) CHECK(at[i][kBytes - 1] == std::byte{0x5a});  // none overlaps another
  CHECK(static_cast<std::size_t>(std::count_if(at.begin(), at.end(), in_memory)) == kPages);
  const model::PageRef kept = pages[50];
  pages.clear();
  CHECK(pool->bytes_taken() == kBytes);
  CHECK(static_cast<std::size_t>(std::count_if(at.begin(), at.end(), in_memory)) <= kMostAtHand + 1);
  CHECK(kept.data()[0] == std::byte{0x5a});
  for (std::size_t i = 0; i < kPages; ++i) {
    pages.push_back(take());
    CHECK(std::all_of(pages[i].data(), pages[i].data() + kBytes, [](std::byte b) { return b == std::byte{}; }));
  }
}

TEST_CASE("a windowed cache never has more than it says, and forks keep the bound each") {
  const model::Config c = test::config_of(windowed(100));
  const auto pool = firm_pool(UINT64_MAX);
  const std::uint64_t most = KvCache::bytes(c, KvType::f16, kContext, kPass);
  CHECK(most < KvCache::bytes(test::config_of(windowed(0)), KvType::f16, kContext, kPass));
  KvCache cache = make_cache(c, pool);
  for (std::int64_t p = 0; p < kContext; ++p) {
    REQUIRE(cache.append(p));
    CHECK(pool->bytes_taken() <= most);
  }
  CHECK(pool->bytes_taken() == most);
  CHECK(cache.share(0).empty());
  CHECK(cache.share(kContext / 64 - 1).size() == 1);
}

TEST_CASE("forks and truncated caches give a fresh cache's bits, in every family and type") {
  const test::TempFolder folder;
  for (const model::ArchTraits& arch : model::arch_table())
    for (const KvType type : {KvType::f16, KvType::q8_0}) {
      if (!arch.causal) continue;  // an encoder's text comes whole
      test::RandomModel m = windowed(70);
      m.arch = arch.name, m.format = kernels::Format::q4_0, m.seed = 5, m.dim = 128;
      if (arch.routing != model::Routing::none) m.n_expert = 6, m.n_expert_used = 2;
      auto model = engine::LoadedModel::open(test::write_random_model(m, folder / "m.gguf"), {.threads = 2});
      if (!model) FAIL(m.arch << ": " << model.error().message());
      if (!(*model)->check_generates() || !kernels::kv_fits(type, (*model)->config().key_dim())) continue;
      const auto fresh = [&](std::int64_t n, std::int64_t shared, std::int64_t text) {
        KvCache cache = make_cache((*model)->config(), firm_pool(UINT64_MAX), type);
        if (shared != 0) compute(**model, cache, 0, shared, 0);
        return compute(**model, cache, shared, n, text);
      };
      INFO(m.arch << " " << kernels::kv_info(type).name);
      KvCache cache = make_cache((*model)->config(), firm_pool(UINT64_MAX), type);
      compute(**model, cache, 0, 150, 0);
      KvCache fork = cache, second = cache;
      CHECK(compute(**model, fork, 150, 260, 1) == fresh(260, 150, 1));
      CHECK(compute(**model, cache, 150, 230, 0) == fresh(230, 0, 0));
      CHECK(compute(**model, second, 150, 200, 2) == fresh(200, 150, 2));
      CHECK(fork.truncate(180) == 180);
      CHECK(compute(**model, fork, 180, 181, 1) == fresh(181, 150, 1));
      CHECK(cache.truncate(150) == 150);
      CHECK(compute(**model, cache, 150, 260, 1) == fresh(260, 150, 1));
    }
}

}  // namespace kv_cache_test
