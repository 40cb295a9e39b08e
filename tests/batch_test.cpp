// Sequences of different lengths in one pass: each has the bits that it has alone, in every family, with windows and experts.
#include <cstring>

#include "arch_traits.h"
#include "loaded_model.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace batch_test {

using namespace hearth;

namespace {

constexpr std::int64_t kSequences = 5, kSteps = 90, kContext = 128;

/// Sequence s has begun s * 7 steps before the others, so that pages and windows end at different steps.
std::int64_t position(std::int64_t s, std::int64_t step) { return step - (kSequences - 1 - s) * 7; }

std::int32_t token(std::int64_t s, std::int64_t position) {
  return static_cast<std::int32_t>(3 + (position * 31 + s * 57) % 280);
}

/// Logits of each sequence at each of its positions, decoding `sequences` together.
std::vector<std::vector<float>> decode(const engine::LoadedModel& model, std::vector<std::int64_t> sequences) {
  const auto n = static_cast<std::int64_t>(sequences.size());
  std::vector<model::KvCache> caches;
  for (std::int64_t i = 0; i < n; ++i) {
    auto cache = model::KvCache::make(model.config(), kernels::KvType::f16, kContext, 1);
    REQUIRE(cache);
    caches.push_back(std::move(*cache));
  }
  auto space = model::Workspace::make(model.config(), n, n);
  REQUIRE(space);
  const auto n_vocab = static_cast<std::size_t>(model.config().n_vocab);
  std::vector<std::vector<float>> logits(static_cast<std::size_t>(n));
  for (std::int64_t step = 0; step < kSteps; ++step) {
    std::vector<model::Row> rows;
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::int64_t p = position(sequences[i], step);
      if (p < 0) continue;
      rows.push_back({&caches[i], p, token(sequences[i], p), true});
      who.push_back(i);
    }
    if (rows.empty()) continue;
    REQUIRE(model.forward(rows, *space));
    for (std::size_t r = 0; r < rows.size(); ++r)
      logits[who[r]].insert(logits[who[r]].end(), space->ended_with + r * n_vocab,
                            space->ended_with + (r + 1) * n_vocab);
  }
  return logits;
}

}  // namespace

TEST_CASE("a pass without rows is nothing, with experts and without") {
  const test::TempFolder folder;
  for (const std::int64_t n_expert : {0, 4}) {
    test::RandomModel m;
    m.n_expert = n_expert;
    auto model = engine::LoadedModel::open(test::write_random_model(m, folder / "m.gguf"), {.threads = 2});
    if (!model) FAIL(model.error().message());
    auto space = model::Workspace::make((*model)->config(), 1, 1);
    REQUIRE(space);
    CHECK((*model)->forward({}, *space));
  }
}

TEST_CASE("sequences decoded together have the bits that each has alone") {
  const test::TempFolder folder;
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;  // embed_test
    test::RandomModel m;
    m.arch = arch.name, m.format = kernels::Format::q4_0, m.window = 30, m.seed = 41;
    if (arch.routing != model::Routing::none) m.n_expert = 6, m.n_expert_used = 2;
    auto model = engine::LoadedModel::open(test::write_random_model(m, folder / "m.gguf"), {.threads = 2});
    if (!model) FAIL(model.error().message());
    const auto together = decode(**model, {0, 1, 2, 3, 4});
    for (std::int64_t s = 0; s < kSequences; ++s) {
      INFO(m.arch << " sequence " << s);
      CHECK(decode(**model, {s})[0] == together[static_cast<std::size_t>(s)]);
    }
  }
}

}  // namespace batch_test
