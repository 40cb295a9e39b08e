// Models that store latents, whole: one answer over instruction sets, threads, chunks and cache types, older files' layout, and
// sessions whose contexts choose other RoPE factors.
#include <algorithm>
#include <cstring>
#include <hearth/hearth.hpp>

#include "loaded_model.h"
#include "support/answer_grid.h"
#include "support/catch.hpp"
#include "support/older_latents.h"
#include "support/random_model.h"
#include "support/test_data.h"

namespace latent_model_test {

using namespace hearth;
using test::Grid;
using test::logits_of;
using test::ModelEditor;

namespace {

test::RandomModel deepseek(kernels::Format format, std::int64_t n_head) {
  test::RandomModel m;
  m.arch = "deepseek2", m.format = format, m.n_head = n_head, m.n_expert = 6, m.n_expert_used = 2, m.seed = 77;
  m.n_rot = 32;  // a latent and what turns are whole groups of q8_0
  return m;
}

std::vector<std::int32_t> some_ids(std::int64_t n) {
  std::vector<std::int32_t> ids = {1};
  for (std::int64_t i = 1; i < n; ++i) ids.push_back(static_cast<std::int32_t>(3 + i * 7919 % 280));
  return ids;
}

}  // namespace

TEST_CASE("latents: one answer, over the edges of pages, in every cache type, for few heads and for many") {
  const test::TempFolder folder;
  for (const Kv kv : {Kv::f16, Kv::f32, Kv::q8_0})
    test::check_grid(test::write_random_model(deepseek(kernels::Format::q4_0, 4), folder / "few.gguf"), some_ids(140),
                     kv, Grid::thin);
  test::check_grid(test::write_random_model(deepseek(kernels::Format::q8_0, 20), folder / "many.gguf"), some_ids(80),
                   Kv::f16, Grid::thin);
}

TEST_CASE("latents: queries without a bottleneck") {
  const test::TempFolder folder;
  test::RandomModel m = deepseek(kernels::Format::f32, 4);
  m.q_low_dim = 0;
  test::check_grid(test::write_random_model(m, folder / "lite.gguf"), some_ids(70), Kv::f16, Grid::thin);
}

TEST_CASE("latents: an older file, with K and V matrices in one, has the answer of a newer one, to the bit") {
  const test::TempFolder folder;
  const test::RandomModel shape = deepseek(kernels::Format::f32, 4);
  const std::string newer = test::write_random_model(shape, folder / "newer.gguf"), older = folder / "older.gguf";
  ModelEditor editor(shape);
  test::make_older(editor, shape);
  REQUIRE(editor.write(older) > 0);
  CHECK(logits_of(newer, {}, {}, some_ids(70)) == logits_of(older, {}, {}, some_ids(70)));
}

TEST_CASE(
    "routers: a file that does not say how experts are scored has sigmoids where a bias chooses them, else a softmax") {
  const test::TempFolder folder;
  const auto logits = [&](bool biased, std::uint32_t gating) {
    ModelEditor editor(deepseek(kernels::Format::f32, 4));
    if (biased) editor.add({"blk.1.exp_probs_b.bias", 0, {6}, std::vector<std::byte>(24)});
    if (gating != 0) editor.set("deepseek2.expert_gating_func", gating);
    const std::string path = folder / "m.gguf";
    REQUIRE(editor.write(path) > 0);
    return logits_of(path, {}, {}, some_ids(20));
  };
  CHECK(logits(true, 0) == logits(true, 2));
  CHECK(logits(true, 0) != logits(true, 1));
  CHECK(logits(false, 0) == logits(false, 1));
  CHECK(logits(false, 0) != logits(false, 2));
}

TEST_CASE("routers: groups that are counted as 0 are not there") {
  const test::TempFolder folder;
  ModelEditor editor(deepseek(kernels::Format::f32, 4));
  const std::string none = folder / "none.gguf", zero = folder / "zero.gguf";
  REQUIRE(editor.write(none) > 0);
  for (const char* key : {"deepseek2.expert_group_count", "deepseek2.expert_group_used_count"})
    editor.set(key, std::uint32_t{0});
  REQUIRE(editor.write(zero) > 0);
  CHECK(logits_of(none, {}, {}, some_ids(20)) == logits_of(zero, {}, {}, some_ids(20)));
}

TEST_CASE("longrope: sequences of short and of long contexts in one pass have the bits that each has alone") {
  const test::TempFolder folder;
  ModelEditor editor;  // a llama-like file: 16 elements a head, context 256
  std::vector<std::byte> ones(32), many(32);
  for (std::size_t i = 0; i < 8; ++i) {
    const float one = 1.0f, more = 1.5f + static_cast<float>(i);
    std::memcpy(&ones[4 * i], &one, 4);
    std::memcpy(&many[4 * i], &more, 4);
  }
  editor.set("llama.rope.scaling.type", "longrope").set("llama.rope.scaling.attn_factor", 1.2f);
  editor.set("llama.rope.scaling.original_context_length", std::uint32_t{64});
  editor.add({"rope_factors_short.weight", 0, {8}, ones}).add({"rope_factors_long.weight", 0, {8}, many});
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) > 0);
  auto model = engine::LoadedModel::open(path, {.threads = 2});
  if (!model) FAIL(model.error().message());

  const auto decode = [&](const std::vector<std::int64_t>& contexts) {
    const auto n = static_cast<std::int64_t>(contexts.size());
    std::vector<model::KvCache> caches;
    for (const std::int64_t n_ctx : contexts) {
      auto cache = model::KvCache::make((*model)->config(), kernels::KvType::f16, n_ctx, 1);
      REQUIRE(cache);
      caches.push_back(std::move(*cache));
    }
    auto space = model::Workspace::make((*model)->config(), n, n);
    REQUIRE(space);
    for (std::int64_t p = 0; p < 40; ++p) {
      std::vector<model::Row> rows;
      for (model::KvCache& cache : caches)
        rows.push_back({&cache, p, static_cast<std::int32_t>(3 + p * 31 % 280), true});
      REQUIRE((*model)->forward(rows, *space));
    }
    const auto n_vocab = static_cast<std::size_t>((*model)->config().n_vocab);
    std::vector<std::vector<float>> last;
    for (std::size_t i = 0; i < caches.size(); ++i)
      last.emplace_back(space->ended_with + i * n_vocab, space->ended_with + (i + 1) * n_vocab);
    return last;
  };
  const auto together = decode({64, 65, 256});
  CHECK(together[0] == decode({64})[0]);
  CHECK(together[1] == decode({65})[0]);
  CHECK(together[1] == together[2]);
  CHECK(together[0] != together[1]);
}

}  // namespace latent_model_test
