// Enters: a text and a model. Leaves: its perplexity: the same bits whatever computes it and whatever state the caller's floats are in.
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cmath>
#include <cstring>
#include <hearth/tools.hpp>

#include "support/answer_grid.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace perplexity_test {

using namespace hearth;

namespace {

const std::string kText = "Once upon a time there was a fox who liked to count: 1, 2, 3, 5, 8, 13.";

const std::string& model_path() {
  static const test::TempFolder folder;
  static const std::string path = test::write_random_model({.format = kernels::Format::q8_0}, folder / "scored.gguf");
  return path;
}

Model open_model(const ModelOptions& options = {.threads = 1}) {
  auto model = Model::open(model_path(), options);
  if (!model) FAIL(model.error().message());
  return *model;
}

tools::Perplexity scored(const Model& model, const SessionOptions& options = {.n_ctx = 32}) {
  auto perplexity = tools::perplexity(model, kText, options);
  if (!perplexity) FAIL(perplexity.error().message());
  return *perplexity;
}

std::uint64_t bits(double x) {
  std::uint64_t all;
  std::memcpy(&all, &x, sizeof all);
  return all;
}

}  // namespace

TEST_CASE("a perplexity is what its logits say") {
  const Model model = open_model();
  const auto ids = model.tokenize(kText);
  REQUIRE(ids);
  const std::size_t window = 31, n_vocab = static_cast<std::size_t>(model.info().n_vocab);  // BOS is the first of 32
  long double nll = 0;
  std::int64_t n_tokens = 0;
  for (std::size_t begin = 0; begin < ids->size(); begin += window) {
    std::vector<std::int32_t> row = {1};
    for (std::size_t i = begin; i < std::min(begin + window, ids->size()); ++i) row.push_back((*ids)[i]);
    const std::vector<float> logits = test::logits_of(model_path(), {.threads = 1}, {.n_ctx = 32}, row);
    for (std::size_t at = 0; at + 1 < row.size(); ++at, ++n_tokens) {
      long double sum = 0;
      for (std::size_t i = 0; i < n_vocab; ++i) sum += std::exp(static_cast<long double>(logits[at * n_vocab + i]));
      nll += std::log(sum) - static_cast<long double>(logits[at * n_vocab + static_cast<std::size_t>(row[at + 1])]);
    }
  }
  const tools::Perplexity found = scored(model);
  CHECK(found.n_tokens == n_tokens);
  CHECK(std::fabs(found.nll - static_cast<double>(nll)) < 1e-6 * std::fabs(found.nll));
  CHECK(std::fabs(found.ppl - std::exp(static_cast<double>(nll / static_cast<long double>(n_tokens)))) <
        1e-6 * found.ppl);
}

TEST_CASE("a perplexity has the same bits on every machine") {
  for (const std::string& isa : test::isas_here())
    for (const std::int64_t chunk : {1, 7, 512}) {
      INFO(isa << " chunk " << chunk);
      const tools::Perplexity found = scored(open_model({.threads = 2, .isa = isa}), {.n_ctx = 32, .chunk = chunk});
      CHECK(found.logits_sha256 == "16ecb7498e031bd098a33353bd1cefcdee3e1610aa9bc5112f15280db9b44a57");
      CHECK(bits(found.nll) == 0x407bbb5d48b3575e);
      CHECK(bits(found.ppl) == 0x407daae4cb44df56);
    }
}

#if defined(__x86_64__)
TEST_CASE("a perplexity does not depend on the caller's rounding mode, and keeps it") {
  const Model model = open_model();
  const tools::Perplexity expected = scored(model);
  const unsigned before = _mm_getcsr();
  for (const unsigned state : {0x8040u, 0x4000u, 0x2000u, 0x6000u}) {
    _mm_setcsr(0x1F80 | state);
    const tools::Perplexity found = scored(model);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    INFO("state " << state);
    CHECK((after & ~0x3fu) == (0x1F80 | state));
    CHECK(bits(found.nll) == bits(expected.nll));
    CHECK(bits(found.ppl) == bits(expected.ppl));
  }
}
#endif

}  // namespace perplexity_test
