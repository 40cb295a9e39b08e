// Sliding windows: a layer sees exactly its window, its memory is bounded by it, and what was dropped is computed again when a
// conversation goes back behind it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>

#include "kv_cache.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "support/test_data.h"

namespace window_test {

using namespace hearth;

namespace {

using Ids = std::vector<std::int32_t>;

Ids some_ids(std::int64_t n, std::int64_t n_vocab) {
  Ids ids = {1};
  for (std::int64_t i = 1; i < n; ++i) ids.push_back(static_cast<std::int32_t>(3 + (i * 7919 + 13) % (n_vocab - 3)));
  return ids;
}

std::vector<float> logits_of(Session& session, const Ids& ids) {
  std::vector<float> all;
  auto done = session.evaluate(ids, [&](std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
    return true;
  });
  if (!done) FAIL(done.error().message());
  return all;
}

std::vector<float> logits_of(const std::string& path, const Ids& ids) {
  auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  auto session = model->session({.chunk = 32});
  REQUIRE(session);
  return logits_of(*session, ids);
}

// A model of Olmo 3's kind, edited, of which one layer alone adds to the stream: the norms behind the others' halves are zero.
template <class Edit> std::vector<float> logits_of_layer(std::int64_t alone, Edit edit) {
  test::RandomModel m;
  m.arch = "olmo2", m.n_layer = 4, m.window = 20;
  test::ModelEditor editor(m);
  for (std::int64_t layer = 0; layer < m.n_layer; ++layer)
    for (const std::string norm : {".post_attention_norm.weight", ".post_ffw_norm.weight"}) {
      std::vector<std::byte>& bytes = editor.tensor("blk." + std::to_string(layer) + norm).bytes;
      if (layer != alone) std::fill(bytes.begin(), bytes.end(), std::byte{0});
    }
  edit(editor);
  const test::TempFolder folder;
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) > 0);
  return logits_of(path, some_ids(70, m.n_vocab));
}

test::RandomModel windowed(std::int64_t window) {
  test::RandomModel m;
  m.n_layer = 1, m.n_ctx = 1024, m.window = window;
  return m;
}

}  // namespace

TEST_CASE("a token is seen by the window's positions, its own first, and by no other") {
  const test::TempFolder folder;
  for (const std::int64_t window : {1, 5, 64, 100}) {
    const test::RandomModel m = windowed(window);
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    Ids ids = some_ids(300, m.n_vocab);
    const std::vector<float> before = logits_of(path, ids);
    const std::int64_t changed = 90;
    ids[changed] += ids[changed] == 3 ? 1 : -1;
    const std::vector<float> after = logits_of(path, ids);
    for (std::int64_t i = 0; i < 300; ++i) {
      const auto at = static_cast<std::size_t>(i * m.n_vocab), bytes = static_cast<std::size_t>(m.n_vocab) * 4;
      INFO("window " << window << ", position " << i);
      CHECK((std::memcmp(&before[at], &after[at], bytes) != 0) == (i >= changed && i < changed + window));
    }
  }
}

TEST_CASE("a window that nothing reaches beyond changes nothing") {
  const test::TempFolder folder;
  const test::RandomModel whole = windowed(0);
  const Ids ids = some_ids(200, whole.n_vocab);
  const std::vector<float> expected = logits_of(test::write_random_model(whole, folder / "whole.gguf"), ids);
  for (const std::int64_t window : {200, 201, 1 << 30})
    CHECK(logits_of(test::write_random_model(windowed(window), folder / "window.gguf"), ids) == expected);
}

TEST_CASE("Olmo 3: each fourth layer sees all and is stretched, the others turn plainly") {
  const auto as_it_is = [](test::ModelEditor&) {};
  const auto whole = [](test::ModelEditor& m) { m.remove("olmo2.attention.sliding_window"); };
  const auto stretched = [](test::ModelEditor& m) {
    m.set("olmo2.rope.scaling.type", "yarn").set("olmo2.rope.scaling.factor", 8.0f);
  };
  const auto whole_stretched = [&](test::ModelEditor& m) { whole(m), stretched(m); };
  const auto other_base = [](test::ModelEditor& m) { m.set("olmo2.rope.freq_base_swa", 500.0f); };
  const auto same_base = [](test::ModelEditor& m) { m.set("olmo2.rope.freq_base_swa", 10000.0f); };
  for (std::int64_t layer = 0; layer < 4; ++layer) {
    INFO("layer " << layer);
    const bool full = layer == 3;
    const std::vector<float> expected = logits_of_layer(layer, as_it_is);
    CHECK((logits_of_layer(layer, whole) == expected) == full);
    CHECK((logits_of_layer(layer, stretched) == expected) == !full);
    CHECK((logits_of_layer(layer, stretched) == logits_of_layer(layer, whole_stretched)) == full);
    CHECK((logits_of_layer(layer, other_base) == expected) == full);
    CHECK(logits_of_layer(layer, same_base) == expected);
  }
}

TEST_CASE("a file may say which layers have a window, as its family does") {
  const std::string key = "olmo2.attention.sliding_window_pattern";
  const std::vector<float> expected = logits_of_layer(2, [](test::ModelEditor&) {});
  CHECK(logits_of_layer(2, [&](test::ModelEditor& m) {
          m.set_bools(key, std::array{true, true, true, false});
        }) == expected);
  CHECK(logits_of_layer(2, [&](test::ModelEditor& m) { m.set_array<std::int32_t>(key, {1, 1, 1, 0}); }) == expected);
  CHECK(logits_of_layer(2, [&](test::ModelEditor& m) { m.set(key, std::uint32_t{4}); }) == expected);
}

TEST_CASE("a windowed layer's memory does not grow with the context") {
  const model::Config whole = test::config_of(windowed(0)), window = test::config_of(windowed(256));
  const auto bytes = [](const model::Config& c, std::int64_t n_ctx) {
    return model::KvCache::bytes(c, kernels::KvType::f16, n_ctx, 512);
  };
  CHECK(bytes(whole, 1 << 20) == 1024 * bytes(whole, 1 << 10));
  CHECK(bytes(window, 1 << 20) == bytes(window, 1 << 11));
  CHECK(bytes(window, 1 << 20) < bytes(whole, 1 << 10));
  CHECK(bytes(window, 64) == bytes(whole, 64));  // no more than the context needs
}

TEST_CASE("truncating reaches back over the longest pass; what a window has dropped is said to be lost") {
  auto cache = model::KvCache::make(test::config_of(windowed(100)), kernels::KvType::f16, 1024, 32);
  REQUIRE(cache);
  for (std::int64_t p = 0; p < 700; ++p) REQUIRE(cache->append(p));
  CHECK(cache->truncate(700) == 700);
  CHECK(cache->truncate(700 - 32 - model::KvCache::kRollback) == 700 - 32 - model::KvCache::kRollback);
  CHECK(cache->truncate(300) == 0);
  CHECK(cache->truncate(0) == 0);
  auto all = model::KvCache::make(test::config_of(windowed(0)), kernels::KvType::f16, 1024, 32);
  REQUIRE(all);
  for (std::int64_t p = 0; p < 700; ++p) REQUIRE(all->append(p));
  CHECK(all->truncate(1) == 1);
}

TEST_CASE("a prompt that fails far behind the window changes nothing: what was dropped is computed again") {
  const test::TempFolder folder;
  test::RandomModel m = windowed(40);
  m.n_layer = 2;
  test::ModelEditor editor(m);
  auto& table = editor.tensor("token_embd.weight");
  const float bad = std::nanf("");
  std::memcpy(table.bytes.data() + static_cast<std::size_t>(100 * m.dim) * 4, &bad, 4);
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) > 0);
  auto model = Model::open(path, {.threads = 2});
  REQUIRE(model);
  auto straight = model->session({.chunk = 16}), session = model->session({.chunk = 16});
  REQUIRE(straight);
  REQUIRE(session);
  const auto without_bad = [&](std::int64_t n) {
    Ids ids = some_ids(n, m.n_vocab);
    for (std::int32_t& id : ids) id = id == 100 ? 101 : id;
    return ids;
  };
  const Ids first = without_bad(120), second = without_bad(50);
  logits_of(*straight, first);
  logits_of(*session, first);
  Ids poisoned = without_bad(400);
  poisoned.push_back(100);
  REQUIRE_FALSE(session->generate_from(poisoned, {.max_tokens = 1}));
  CHECK(session->n_past() == 120);
  CHECK(logits_of(*session, second) == logits_of(*straight, second));
}

}  // namespace window_test
