// Decoding asks the heap for nothing: what a pass, a choice and a piece of text need is there before the first token. Only a page
// of 64 positions comes when the first of them does.
#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <hearth/hearth.hpp>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/sanitized.h"
#include "support/test_data.h"

namespace {

std::atomic<std::size_t> n_allocations{0};  // of this whole program, all threads

}  // namespace

#ifndef HEARTH_TEST_SANITIZED
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++n_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++n_allocations;
  return memalign(alignment, bytes);
}
#endif

using namespace hearth;

namespace {

constexpr std::int64_t kPrompt = 5, kTokens = 200, kPage = 64;
[[maybe_unused]] constexpr std::size_t kPages = (kPrompt + kTokens) / kPage;  // sanitized builds count nothing

/// Allocations seen as each token of one text was there; asked where the library asks whether to go on.
struct Watch {
  std::array<std::size_t, kTokens + 8> seen{};
  std::size_t n_seen = 0;
  bool operator()() {
    if (n_seen < seen.size()) seen[n_seen++] = n_allocations;
    return false;
  }

  /// Tokens that cost the heap something. The first ones find their room.
  std::size_t n_costly() const {
    return n_costly([](std::int64_t) { return true; });
  }
  /// The same without those where pages begin; up to `ahead` guesses take a page early, or tell of a full one late.
  std::size_t n_costly_within_pages(std::int64_t ahead) const {
    return n_costly([=](std::int64_t n_tokens) {
      const std::int64_t in_page = n_tokens % kPage;
      return in_page > ahead && in_page < kPage - ahead;
    });
  }

 private:
  template <class Counts> std::size_t n_costly(Counts counts) const {
    std::size_t n = 0;
    const std::size_t first = n_seen - static_cast<std::size_t>(kTokens);  // before it the prompt was read
    for (std::size_t i = first + 8; i < n_seen; ++i)
      if (seen[i] != seen[i - 1] && counts(kPrompt + static_cast<std::int64_t>(i - first))) ++n;
    return n;
  }
};

Model open_model(const test::TempFolder& folder, kernels::Format format) {
  test::RandomModel m;
  m.format = format;
  auto model = Model::open(test::write_random_model(m, folder / (std::to_string(static_cast<int>(format)) + ".gguf")),
                           {.threads = 2});
  REQUIRE(model);
  return std::move(*model);
}

std::vector<std::int32_t> prompt() { return std::vector<std::int32_t>(kPrompt, 7); }

SamplingOptions everything() {
  SamplingOptions s;
  s.temp = 0.9f, s.top_k = 100, s.top_p = 0.95f, s.min_p = 0.01f, s.typical_p = 0.99f, s.top_n_sigma = 5;
  s.xtc_probability = 0.3f, s.repeat_penalty = 1.1f, s.presence_penalty = 0.1f, s.frequency_penalty = 0.1f;
  s.dry_multiplier = 0.5f, s.dynatemp_range = 0.2f;
  s.banned = {0, 1, 2};  // the text does not end by itself
  return s;
}

GenerateOptions options_of(Watch& watch, SamplingOptions sampling, std::int64_t n_draft) {
  sampling.banned = {0, 1, 2};
  return {.max_tokens = kTokens,
          .sampling = std::move(sampling),
          .stop = {"a text that never comes"},
          .n_draft = n_draft,
          .cancelled = std::ref(watch)};
}

Reply run(const Model& model, const GenerateOptions& options, std::shared_ptr<const Model> draft = nullptr) {
  auto session = model.session({.draft = std::move(draft)});
  REQUIRE(session);
  const auto ids = prompt();
  auto reply = session->generate_from(ids, options, [](std::string_view) { return true; });
  REQUIRE(reply);
  REQUIRE(reply->tokens.size() == static_cast<std::size_t>(kTokens));
  return *reply;
}

}  // namespace

TEST_CASE("no token asks the heap for anything, in every family") {
  const test::TempFolder folder;
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;
    test::RandomModel m;
    m.arch = arch.name, m.window = 20, m.format = kernels::Format::q8_0;
    if (arch.routing != model::Routing::none) m.n_expert = 7, m.n_expert_used = 3;
    INFO(m.arch);
    auto model = Model::open(test::write_random_model(m, folder / "m.gguf"), {.threads = 2});
    REQUIRE(model);
    for (const bool greedy : {true, false}) {
      Watch watch;
      run(*model, options_of(watch, greedy ? SamplingOptions{} : everything(), 0));
#ifndef HEARTH_TEST_SANITIZED
      CHECK(watch.n_costly_within_pages(1) == 0);
#endif
    }
  }
}

TEST_CASE("guesses ask the heap for nothing, looked up or from a draft model") {
  const test::TempFolder folder;
  const Model model = open_model(folder, kernels::Format::q8_0);
  const auto draft = std::make_shared<const Model>(open_model(folder, kernels::Format::q4_0));
  for (const auto& with : {std::shared_ptr<const Model>(), draft}) {
    Watch watch;
    const Reply reply = run(model, options_of(watch, {}, 7), with);
    CHECK(reply.n_drafted > 0);
#ifndef HEARTH_TEST_SANITIZED
    if (!with) CHECK(watch.n_costly_within_pages(16) == 0);
    CHECK(watch.n_costly() <= 3 * kPages);  // a draft that paused takes its own pages when it reads on
#endif
  }
}

TEST_CASE("a grammar asks the heap for nothing once its states are known") {
  const test::TempFolder folder;
  const Model model = open_model(folder, kernels::Format::q8_0);
  Watch watch;
  GenerateOptions options = options_of(watch, everything(), 0);
  options.regex = "([a-z]+ )*[a-z]+";
  run(model, options);
#ifndef HEARTH_TEST_SANITIZED
  constexpr std::size_t kStates = 3;  // before a word, in it, at its end: any of them may come late
  CHECK(watch.n_costly() <= kPages + kStates);
#endif
}

TEST_CASE("an engine's requests ask the heap for nothing while they decode") {
  const test::TempFolder folder;
  const Model model = open_model(folder, kernels::Format::q8_0);
  auto engine = Engine::start(model, {.n_parallel = 4});
  REQUIRE(engine);
  std::array<Watch, 4> watches;
  std::vector<Request> requests;
  for (Watch& watch : watches) {
    auto request = engine->submit_from(prompt(), options_of(watch, everything(), 0));
    REQUIRE(request);
    requests.push_back(std::move(*request));
  }
  for (const Request& request : requests) REQUIRE(request.wait());
#ifndef HEARTH_TEST_SANITIZED
  for (const Watch& watch : watches) CHECK(watch.n_costly() <= 4 * kPages);  // each may see those of all
#endif
}
