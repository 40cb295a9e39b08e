// The engine, prefixes and guesses: whatever the threads, the company, the cache, the guesses and the instruction set, a request
// has the bits that it has alone in a plain session. And what it refuses, cancels and isolates.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>
#include <map>
#include <memory>
#include <thread>

#include "dispatch.h"
#include "dry_breaks.h"
#include "pass_length.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/random_model.h"
#include "support/small_vocab.h"
#include "support/test_data.h"

namespace engine_test {

using namespace hearth;

namespace {

using Ids = std::vector<std::int32_t>;

/// What the models of one family are made of; `window` and experts are in the kinds below.
struct Kind {
  const char* name;
  test::RandomModel model;
};

std::vector<Kind> kinds() {
  test::RandomModel plain, windowed, experts;
  plain.format = windowed.format = experts.format = kernels::Format::q8_0;
  plain.n_ctx = windowed.n_ctx = experts.n_ctx = 512;
  windowed.arch = "gemma3", windowed.window = 70, windowed.n_layer = 7;
  experts.arch = "qwen3moe", experts.n_expert = 6;
  return {{"llama", plain}, {"gemma3", windowed}, {"qwen3moe", experts}};
}

const std::string& path_of(const Kind& kind) {
  static const test::TempFolder folder;
  static std::map<std::string, std::string> paths;
  std::string& path = paths[kind.name];
  if (path.empty()) path = test::write_random_model(kind.model, folder / (std::string(kind.name) + ".gguf"));
  return path;
}

Model open_model(const Kind& kind, const ModelOptions& options = {.threads = 2}) {
  auto model = Model::open(path_of(kind), options);
  if (!model) FAIL(model.error().message());
  return *model;
}

/// The same weights, rounded more coarsely: a good draft, which reads half of the bytes.
Model open_draft(const Kind& kind) {
  Kind draft = kind;
  const std::string name = std::string(kind.name) + "-draft";
  draft.name = name.c_str(), draft.model.format = kernels::Format::q4_0;
  return open_model(draft);
}

Engine start(const Model& model, const EngineOptions& options = {}) {
  auto engine = Engine::start(model, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

template <class T> T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return std::move(*result);
}

/// A prompt that repeats itself, so that there is something to look up; all begin with the same 130 tokens.
Ids prompt_of(std::int64_t which, std::int64_t n = 150) {
  Ids ids = {1};
  for (std::int64_t i = 1; i < n; ++i)
    ids.push_back(static_cast<std::int32_t>(3 + (i < 130 ? i % 17 * 13 : (i % 11) * 7 + which * 31) % 280));
  return ids;
}

GenerateOptions options_of(std::int64_t which, std::int64_t n_draft = 0) {
  GenerateOptions options{.max_tokens = 24, .n_draft = n_draft};
  if (which % 2 == 1) options.sampling = {.temp = 0.3f + 0.2f * static_cast<float>(which), .top_k = 20};
  options.sampling.repeat_penalty = which % 3 == 2 ? 1.1f : 1.0f;
  options.sampling.seed = static_cast<std::uint64_t>(which) * 1000;
  return options;
}

void check_same(const Reply& reply, const Reply& expected) {
  CHECK(reply.tokens == expected.tokens);
  CHECK(reply.text == expected.text);
  CHECK(reply.logits_hash == expected.logits_hash);
  CHECK(static_cast<int>(reply.finish) == static_cast<int>(expected.finish));
  CHECK(reply.n_prompt == expected.n_prompt);
}

/// One thread, plain code, nothing shared, nothing guessed.
std::vector<Reply> alone(const Kind& kind, std::int64_t n) {
  const Model model = open_model(kind, {.threads = 1, .isa = "scalar", .weights = Weights::file});
  std::vector<Reply> replies;
  for (std::int64_t i = 0; i < n; ++i) {
    Session session = must(model.session({.reuse = false}));
    replies.push_back(must(session.generate_from(prompt_of(i), options_of(i))));
    CHECK(replies.back().n_drafted == 0);
    CHECK(replies.back().n_reused == 0);
  }
  return replies;
}

}  // namespace

TEST_CASE("threads, company, cache, guesses and instruction set change no bit of a request") {
  constexpr std::int64_t kRequests = 8;
  std::int64_t n_reused = 0, n_accepted = 0;
  for (const Kind& kind : kinds()) {
    const std::vector<Reply> expected = alone(kind, kRequests);
    for (const kernels::KernelTable* table : kernels::runnable())
      for (const int threads : {1, 3})
        for (const int guesses : {0, 1, 2}) {  // none, looked up, from a draft model
          if (std::string_view(table->name) == "scalar" && threads + guesses != 3) continue;  // ten times as slow
          const Model model = open_model(kind, {.threads = threads, .isa = table->name});
          SessionOptions session{.n_ctx = 256, .chunk = threads == 1 ? 64 : 50};
          if (guesses == 2) session.draft = std::make_shared<const Model>(open_draft(kind));
          Engine engine = start(model, {.session = session});
          for (const char* cache : {"cold", "warm"}) {
            INFO(kind.name << " " << table->name << " threads " << threads << " guesses " << guesses << " " << cache);
            const Request first = must(engine.submit_from(prompt_of(0), options_of(0, guesses == 0 ? 0 : 7)));
            const Reply only = must(first.wait());
            check_same(only, expected[0]);
            n_accepted += only.n_accepted;
            std::vector<Request> requests;
            for (std::int64_t i = 0; i < kRequests; ++i)
              requests.push_back(must(engine.submit_from(prompt_of(i), options_of(i, guesses == 0 ? 0 : 7))));
            for (std::int64_t i = 0; i < kRequests; ++i) {
              const Reply reply = must(requests[static_cast<std::size_t>(i)].wait());
              INFO("request " << i);
              check_same(reply, expected[static_cast<std::size_t>(i)]);
              CHECK((reply.n_drafted == 0 || guesses != 0));
              CHECK(reply.n_reused >= 128);
              n_reused += reply.n_reused;
              n_accepted += reply.n_accepted;
            }
          }
        }
  }
  CHECK(n_reused > 0);
  CHECK(n_accepted > 0);
}

TEST_CASE("a session gives the same bits warm and cold, guessing and not") {
  for (const Kind& kind : kinds()) {
    const std::vector<Reply> expected = alone(kind, 4);
    const Model model = open_model(kind);
    const auto draft = std::make_shared<const Model>(open_draft(kind));
    for (int round = 0; round < 2; ++round)
      for (std::int64_t i = 0; i < 4; ++i)
        for (const bool drafted : {false, true}) {
          INFO(kind.name << " round " << round << " prompt " << i << " draft " << drafted);
          SessionOptions options{.chunk = 60};
          if (drafted) options.draft = draft;
          Session session = must(model.session(options));
          const Reply reply = must(session.generate_from(prompt_of(i), options_of(i, 7)));
          check_same(reply, expected[static_cast<std::size_t>(i)]);
          CHECK((reply.n_reused >= 128 || (round == 0 && i == 0 && !drafted)));
          // And the text goes on as it does without guesses.
          Session plain = must(model.session({.reuse = false}));
          must(plain.generate_from(prompt_of(i), options_of(i)));
          check_same(must(session.generate_from(Ids{9, 8}, options_of(i, 15))),
                     must(plain.generate_from(Ids{9, 8}, options_of(i))));
        }
  }
}

TEST_CASE("a good draft has its guesses kept; a wrong one stops guessing, and nobody's text differs") {
  Kind kind = kinds()[0];
  kind.name = "exact", kind.model.format = kernels::Format::f32;
  const Model model = open_model(kind);
  Kind other = kind;
  other.name = "stranger", other.model.seed = 99, other.model.format = kernels::Format::q4_0;
  const auto ask = [&](std::shared_ptr<const Model> draft) {
    Session session = must(model.session({.n_ctx = 512, .reuse = false, .draft = std::move(draft)}));
    GenerateOptions options{.max_tokens = 150, .n_draft = 7};
    return must(session.generate_from(prompt_of(0, 40), options));
  };
  const Reply right = ask(std::make_shared<const Model>(open_model(kinds()[0]))),  // the same, rounded to q8_0
      wrong = ask(std::make_shared<const Model>(open_model(other)));
  check_same(wrong, right);
  CHECK(2 * right.n_accepted > right.n_drafted);
  CHECK(right.n_accepted > 40);
  CHECK(wrong.n_accepted < wrong.n_drafted);
  CHECK(wrong.n_drafted < 60);  // of 150 tokens: it paused
  Kind larger = kind;
  larger.name = "larger", larger.model.n_vocab = 288 + 129;
  const SessionOptions unfit{.draft = std::make_shared<const Model>(open_model(larger))};
  const auto refused = model.session(unfit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::invalid_argument);
  CHECK(refused.error().message().find("vocabulary") != std::string::npos);
  CHECK_FALSE(Engine::start(model, {.session = unfit}));
  Kind wide = kind;
  wide.name = "wide heads", wide.model.head_dim = 32;
  const auto no_groups =
      open_model(wide).session({.kv = Kv::q8_0, .draft = std::make_shared<const Model>(open_model(kind))});
  REQUIRE_FALSE(no_groups);  // the draft's heads of 16 have no groups of 32
  CHECK(no_groups.error().status() == Status::unsupported);
}

TEST_CASE("a draft may lack padding that the vocabulary has, and have some that it lacks") {
  const auto padded = [](const char* name, kernels::Format format, std::int64_t n_pads) {
    Kind kind = kinds()[0];
    kind.name = name, kind.model.format = format, kind.model.n_vocab += n_pads;
    return open_model(kind);
  };
  const auto check_pair = [](const Model& model, const Model& draft, const Ids& prompt, bool guesses) {
    GenerateOptions options{.max_tokens = 60, .n_draft = 7};
    Session alone = must(model.session({.n_ctx = 512, .reuse = false}));
    Session helped = must(model.session({.n_ctx = 512, .reuse = false, .draft = std::make_shared<const Model>(draft)}));
    const Reply reply = must(helped.generate_from(prompt, options));
    CHECK((reply.n_drafted != 0) == guesses);
    options.n_draft = 0;
    check_same(must(alone.generate_from(prompt, options)), reply);
    CHECK(Engine::start(model, {.session = {.draft = std::make_shared<const Model>(draft)}}));
  };
  const Model shorter = padded("pads 0", kernels::Format::f32, 0), longer = padded("pads 64", kernels::Format::f32, 64);
  const Model short_draft = padded("pads 0 q4", kernels::Format::q4_0, 0),
              long_draft = padded("pads 64 q4", kernels::Format::q4_0, 64);
  const Ids prompt = prompt_of(0, 40);
  check_pair(longer, short_draft, prompt, true);
  check_pair(shorter, long_draft, prompt, true);
  Ids strange = prompt;
  strange.push_back(300);  // the draft has no such row
  check_pair(longer, short_draft, strange, false);
}

TEST_CASE("a guess whose numbers leave the floats ends nobody's text") {
  Kind sound = kinds()[0], holed = sound, stranger = sound;
  sound.name = "sound", holed.name = "holed", stranger.name = "stranger";
  sound.model.format = holed.model.format = stranger.model.format = kernels::Format::f32, stranger.model.seed = 99;
  const GenerateOptions options{.max_tokens = 40, .n_draft = 7};
  const Ids prompt = prompt_of(0, 40);
  const Reply expected =
      must(must(open_model(sound).session()).generate_from(prompt, {.max_tokens = 40, .n_draft = 0}));

  test::ModelEditor editor(holed.model);  // whatever is no token of that text is no number
  auto& rows = editor.tensor("token_embd.weight");
  const std::size_t row_bytes = rows.dims[0] * sizeof(float);
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(rows.dims[1]); ++id) {
    const auto holds = [&](const Ids& ids) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
    if (holds(prompt) || holds(expected.tokens)) continue;
    std::fill_n(rows.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(id) * row_bytes), row_bytes,
                std::byte{0xff});
  }
  const test::TempFolder folder;
  REQUIRE(editor.write(folder / "holed.gguf") != 0);
  const Model model = must(Model::open(folder / "holed.gguf", {.threads = 2}));
  const SessionOptions session{.n_ctx = 256, .draft = std::make_shared<const Model>(open_model(stranger))};
  const Reply alone = must(must(model.session(session)).generate_from(prompt, options));
  check_same(alone, expected);
  CHECK(alone.n_drafted > alone.n_accepted);
  Engine engine = start(model, {.session = session});
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(must(engine.submit_from(prompt, options)));
  for (const Request& request : requests) check_same(must(request.wait()), expected);
}

TEST_CASE("a pass has no more rows than it may, however slow they are") {
  engine::PassLength length;
  length.saw(8, 100);  // seconds
  CHECK(length.n_rows(512) == 8);
  for (const std::int64_t most : {1, 4, 8}) CHECK(length.n_rows(most) == most);
}

TEST_CASE("DRY's breakers are the tokens that hold one, and many are looked for in hardly more time than one") {
  test::SmallVocab vocab;
  for (int i = 0; i < 30000; ++i) vocab.add("w" + std::to_string(i) + "x", -static_cast<float>(i));
  const auto tokenizer = text::Tokenizer::from(*text::Vocab::from_parts(vocab.parts()));
  REQUIRE(tokenizer);
  const auto holds = [&](std::size_t id, std::string_view text) {
    return tokenizer->piece(static_cast<std::int32_t>(id)).find(text) != std::string_view::npos;
  };
  const std::vector<std::string> few = {"12", "123x", "2", "w7", "12", "\n", "99x"};
  const auto bits = engine::dry_breaks(*tokenizer, few);
  REQUIRE(bits);
  std::size_t n_wrong = 0;
  for (std::size_t id = 0; id < static_cast<std::size_t>(tokenizer->vocab().size()); ++id) {
    const bool any = std::any_of(few.begin(), few.end(), [&](const std::string& text) { return holds(id, text); });
    n_wrong += any != ((*bits)[id / 64] >> id % 64 & 1);
  }
  CHECK(n_wrong == 0);
  for (const char* nowhere : {"", "ww", "w30000", "12 "}) {
    const auto refused = engine::dry_breaks(*tokenizer, std::vector<std::string>{"w1", nowhere, "nor this"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("'" + std::string(nowhere) + "'") != std::string::npos);
  }
  std::vector<std::string> many;
  for (int i = 0; i < 6000; ++i) many.push_back("w" + std::to_string(i));
  const auto seconds = [&](std::span<const std::string> texts) {
    const double begin = test::cpu_seconds();
    CHECK(engine::dry_breaks(*tokenizer, texts));
    return test::cpu_seconds() - begin;
  };
  const double one = seconds(std::span(many).first(1)), all = seconds(many);
  CAPTURE(one, all);
  CHECK(all < 20 * one + 0.2);
}

TEST_CASE("options that nothing can be generated with are refused by submit, a prompt that is too long by its reply") {
  const Model model = open_model(kinds()[0]);
  Engine engine = start(model, {.session = {.n_ctx = 64}});
  const auto refused = [&](const GenerateOptions& options) {
    const auto request = engine.submit("abc", options);
    REQUIRE_FALSE(request);
    CHECK(request.error().status() == Status::invalid_argument);
  };
  refused({.max_tokens = -2});
  refused({.sampling = {.temp = -1}});
  refused({.grammar = "root ::= ("});
  refused({.json_schema = "{"});
  refused({.regex = "("});
  const Reply reply = must(must(engine.submit("abc", {.max_tokens = 9, .grammar = "root ::= \"xx\""})).wait());
  CHECK(reply.text == "xx");
  const auto full = must(engine.submit_from(Ids(65, 5), {.max_tokens = 1})).wait();
  REQUIRE_FALSE(full);
  CHECK(full.error().status() == Status::context_full);
}

TEST_CASE("one whose numbers leave the floats fails alone") {
  test::TempFolder folder;
  test::RandomModel m;
  test::ModelEditor editor(m);
  const float bad = std::nanf("");
  std::memcpy(editor.tensor("token_embd.weight").bytes.data() + static_cast<std::size_t>(100 * m.dim) * 4, &bad, 4);
  REQUIRE(editor.write(folder / "m.gguf") > 0);
  const Model model = must(Model::open(folder / "m.gguf", {.threads = 2}));
  const auto without_bad = [](std::int64_t which) {
    Ids ids = prompt_of(which, 90);
    for (std::int32_t& id : ids) id = id == 100 ? 101 : id;
    return ids;
  };
  GenerateOptions options{.max_tokens = 20};
  std::vector<Reply> expected;
  for (std::int64_t i = 0; i < 3; ++i) {
    Session session = must(model.session({.reuse = false}));
    const auto reply = session.generate_from(without_bad(i), options);
    if (!reply) options.max_tokens = 0;  // its own text has reached the bad token
    expected.push_back(must(session.generate_from(reply ? Ids{} : without_bad(i), {.max_tokens = 0})));
  }
  Engine engine = start(model);
  std::vector<Request> good;
  Ids poisoned = without_bad(7);
  poisoned.back() = 100;
  const Request bad_one = must(engine.submit_from(poisoned, {.max_tokens = 4}));
  for (std::int64_t i = 0; i < 3; ++i) good.push_back(must(engine.submit_from(without_bad(i), {.max_tokens = 0})));
  const auto failed = bad_one.wait();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().status() == Status::non_finite);
  for (const Request& request : good) CHECK(must(request.wait()).n_prompt == 90);
}

TEST_CASE("the queue is bounded; what is refused names the numbers, and a reply makes room") {
  const Model model = open_model(kinds()[0]);
  Engine engine = start(model, {.n_parallel = 1, .n_queue = 1, .session = {.n_ctx = 512}});
  std::atomic<bool> go_on{false};
  const auto hold = [&](std::string_view) {
    while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  };
  const Request first = must(engine.submit_from(prompt_of(0), {.max_tokens = 4}, hold));
  const Request second = must(engine.submit_from(prompt_of(1), {.max_tokens = 4}));
  const auto third = engine.submit_from(prompt_of(2), {.max_tokens = 4});
  REQUIRE_FALSE(third);
  CHECK(third.error().status() == Status::busy);
  CHECK(third.error().message().find("1 requests at work and 1 waiting") != std::string::npos);
  go_on = true;
  must(first.wait());
  must(second.wait());
  must(must(engine.submit_from(prompt_of(2), {.max_tokens = 4})).wait());
}

TEST_CASE("a cancelled request ends with what it has, in the queue with an error, and the others go on") {
  const Model model = open_model(kinds()[0]);
  const Reply expected = alone(kinds()[0], 1)[0];
  Engine engine = start(model, {.n_parallel = 2, .session = {.n_ctx = 512}});
  std::atomic<int> pieces{0};
  Request endless = must(engine.submit_from(prompt_of(1), {.max_tokens = -1}, [&](std::string_view) {
    ++pieces;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  }));
  Request beside = must(engine.submit_from(prompt_of(0), options_of(0)));
  Request queued = must(engine.submit_from(prompt_of(2), options_of(2)));
  queued.cancel();
  while (pieces < 3) std::this_thread::yield();
  endless.cancel();
  const Reply cut = must(endless.wait());
  CHECK(static_cast<int>(cut.finish) == static_cast<int>(Finish::cancelled));
  CHECK(cut.tokens.size() >= 3);
  check_same(must(beside.wait()), expected);
  const auto nothing = queued.wait();
  if (!nothing) CHECK(nothing.error().status() == Status::cancelled);  // it may have had its turn before

  std::atomic<bool> flag{true};
  const auto at_once = must(engine.submit_from(prompt_of(3), {.cancelled = [&] { return flag.load(); }})).wait();
  REQUIRE_FALSE(at_once);
  CHECK(at_once.error().status() == Status::cancelled);
}

TEST_CASE("what a callback throws is its own request's error") {
  const Model model = open_model(kinds()[0]);
  const Reply expected = alone(kinds()[0], 1)[0];
  Engine engine = start(model);
  const Request thrower = must(engine.submit_from(
      prompt_of(1), options_of(1), [](std::string_view) -> bool { throw std::runtime_error("from a callback"); }));
  GenerateOptions asked = options_of(2);
  asked.cancelled = []() -> bool { throw std::runtime_error("from a question"); };
  const Request asker = must(engine.submit_from(prompt_of(2), asked));
  const Request good = must(engine.submit_from(prompt_of(0), options_of(0)));
  for (const auto& [request, what] : {std::pair{thrower, "from a callback"}, std::pair{asker, "from a question"}}) {
    const auto failed = request.wait();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().status() == Status::internal);
    CHECK(failed.error().message().find(what) != std::string::npos);
  }
  check_same(must(good.wait()), expected);
}

/// A callback whose copies fail on every thread but the one that made it, as they do where memory is short.
struct BoundToThread {
  BoundToThread() = default;
  BoundToThread(const BoundToThread& other) : home(other.home) {
    if (std::this_thread::get_id() != home) throw std::bad_alloc();
  }
  bool operator()(std::string_view) const { return true; }
  std::thread::id home = std::this_thread::get_id();
};

TEST_CASE("a request that cannot begin has an error, and nobody waits for it") {
  const Model model = open_model(kinds()[0]);
  Engine engine = start(model);
  const Request request = must(engine.submit_from(prompt_of(0), {.max_tokens = 4}, BoundToThread()));
  for (int i = 0; i < 6000 && !request.done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(request.done());
  CHECK_FALSE(request.wait());
  must(must(engine.submit_from(prompt_of(0), {.max_tokens = 4})).wait());
}

TEST_CASE("ending an engine ends its requests; requests out of range are refused at once or with their reply") {
  const Model model = open_model(kinds()[0]);
  std::optional<Request> left;
  {
    Engine engine = start(model, {.session = {.n_ctx = 512}});
    left = must(engine.submit_from(prompt_of(0), {}, [](std::string_view) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return true;
    }));
    CHECK_FALSE(engine.submit_from(prompt_of(0), {.max_tokens = -2}));
    CHECK_FALSE(engine.submit_from(prompt_of(0), {.n_draft = 16}));
    CHECK_FALSE(must(engine.submit_from(Ids{1, 288})).wait());
    const auto too_long = must(engine.submit_from(prompt_of(0, 513))).wait();
    REQUIRE_FALSE(too_long);
    CHECK(too_long.error().status() == Status::context_full);
  }
  const auto ended = left->wait();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().status() == Status::cancelled);
  for (const EngineOptions& wrong : {EngineOptions{.n_parallel = 0}, EngineOptions{.n_parallel = 257},
                                     EngineOptions{.n_queue = -1}, EngineOptions{.session = {.chunk = 0}}})
    CHECK_FALSE(Engine::start(model, wrong));
}

TEST_CASE("a budget is kept by sessions and kept beginnings together, the oldest going first") {
  const Kind kind = kinds()[0];
  const std::uint64_t page = 2 * 64 * 2 * 16 * 2 * 2;  // 2 layers, 64 positions, 2 heads of 16, K and V, f16
  const Model model = open_model(kind, {.threads = 1, .kv_budget = 8 * page});
  CHECK(model.kv_memory().budget == 8 * page);
  CHECK_FALSE(model.session({.n_ctx = 9 * 64}));
  CHECK_FALSE(Engine::start(model, {.n_parallel = 3, .session = {.n_ctx = 256}}));
  for (std::int64_t i = 0; i < 6; ++i) {
    Session session = must(model.session({.n_ctx = 256}));
    must(session.generate_from(prompt_of(i, 200), {.max_tokens = 8}));
    CHECK(model.kv_memory().taken <= 8 * page);
  }
  CHECK(model.kv_memory().pages_known > 2);
  Session again = must(model.session({.n_ctx = 256}));
  CHECK(must(again.generate_from(prompt_of(5, 200), {.max_tokens = 1})).n_reused == 192);
  Session oldest = must(model.session({.n_ctx = 256}));
  CHECK(must(oldest.generate_from(prompt_of(0, 200), {.max_tokens = 1})).n_reused == 128);  // what all have in common
}

TEST_CASE("sessions and an engine on many threads share a model, its pages and beginnings") {
  const Kind kind = kinds()[0];
  const std::vector<Reply> expected = alone(kind, 4);
  const Model model = open_model(kind, {.threads = 8, .kv_budget = 1 << 22});
  Engine engine = start(model, {.n_parallel = 4, .session = {.n_ctx = 256, .chunk = 64}});
  std::vector<std::vector<Reply>> replies(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < replies.size(); ++t)
    threads.emplace_back([&, t] {  // no assertion off the main thread
      for (std::int64_t i = 0; i < 4; ++i) {
        const std::int64_t which = (i + static_cast<std::int64_t>(t)) % 4;
        if (t < 4) {
          auto session = model.session({.n_ctx = 256});
          if (!session) return;
          auto fork = session->fork();
          if (!fork) return;
          if (auto reply = fork->generate_from(prompt_of(which), options_of(which, 7))) replies[t].push_back(*reply);
        } else if (auto request = engine.submit_from(prompt_of(which), options_of(which, 7))) {
          if (auto reply = request->wait()) replies[t].push_back(*reply);
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < replies.size(); ++t) {
    REQUIRE(replies[t].size() == 4);
    for (std::size_t i = 0; i < 4; ++i) check_same(replies[t][i], expected[(i + t) % 4]);
  }
}

}  // namespace engine_test
