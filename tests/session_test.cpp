// Sessions through the public API: continuing, refusing, cancelling, stopping, sharing a model; whatever happens, the same bits.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <hearth/hearth.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "dispatch.h"
#include "sequence.h"
#include "support/catch.hpp"
#include "support/forked_child.h"
#include "support/random_model.h"
#include "support/test_data.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace session_test {

using namespace hearth;

namespace {

using Ids = std::vector<std::int32_t>;

/// One small model file for the whole program. head_dim 8: its root is no f32, so a wrong rounding mode would show.
const std::string& model_path() {
  static const test::TempFolder folder;
  static const std::string path = [] {
    test::RandomModel m;
    m.format = kernels::Format::q8_0, m.n_head = 8, m.n_kv_head = 4, m.seed = 7;
    return test::write_random_model(m, folder / "session.gguf");
  }();
  return path;
}

Model open_model(const ModelOptions& options = {.threads = 1}) {
  auto model = Model::open(model_path(), options);
  if (!model) FAIL(model.error().message());
  return *model;
}

Session open_session(const Model& model, const SessionOptions& options = {}) {
  auto session = model.session(options);
  if (!session) FAIL(session.error().message());
  return std::move(*session);
}

Reply must(Result<Reply> reply) {
  if (!reply) FAIL(reply.error().message());
  return std::move(*reply);
}

void must(const Result<void>& done) {
  if (!done) FAIL(done.error().message());
}

Ids some_ids(std::int64_t n) {
  Ids ids = {1};
  for (std::int64_t i = 1; i < n; ++i) ids.push_back(static_cast<std::int32_t>(3 + (i * 7919) % 280));
  return ids;
}

/// [ids.size(), n_vocab], appended to the session.
std::vector<std::vector<float>> logits_of(Session& session, const Ids& ids) {
  std::vector<std::vector<float>> rows;
  must(session.evaluate(ids, [&](std::span<const float> logits) {
    rows.emplace_back(logits.begin(), logits.end());
    return true;
  }));
  return rows;
}

/// What Reply::logits_hash is documented to be.
std::uint64_t fnv1a(const std::vector<float>& values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    unsigned char bytes[4];
    std::memcpy(bytes, &value, 4);
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  }
  return hash;
}

std::int32_t argmax(const std::vector<float>& logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Ids joined(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

void require_error(const Error& error, Status status, std::initializer_list<std::string_view> fragments) {
  INFO(error.message());
  CHECK(static_cast<int>(error.status()) == static_cast<int>(status));
  CHECK(error.message().find('\n') == std::string::npos);
  CHECK(std::count(error.message().begin(), error.message().end(), ';') >= 2);
  for (const std::string_view fragment : fragments) {
    INFO("fragment: " << fragment);
    CHECK(error.message().find(fragment) != std::string::npos);
  }
}

const GenerateOptions kDrawn = {
    .max_tokens = 24,
    .sampling = {.temp = 1.5f, .top_k = 100, .top_p = 0.98f, .min_p = 0.001f, .repeat_penalty = 1.1f, .seed = 42}};

}  // namespace

TEST_CASE("greedy tokens are the argmax of evaluate's logits, and the hash is that of the last row that was used") {
  const Model model = open_model();
  Session session = open_session(model);
  const Ids prompt = some_ids(9);
  const Reply reply = must(session.generate_from(prompt, {.max_tokens = 20}));
  REQUIRE(reply.tokens.size() >= 5);
  CHECK(reply.n_prompt == 9);
  CHECK(session.n_past() == static_cast<std::int64_t>(9 + reply.tokens.size()));
  Session other = open_session(model);
  const auto rows = logits_of(other, joined({prompt, reply.tokens}));
  for (std::size_t i = 0; i < reply.tokens.size(); ++i) CHECK(argmax(rows[8 + i]) == reply.tokens[i]);
  CHECK(reply.logits_hash == fnv1a(rows[8 + reply.tokens.size() - 1]));
}

TEST_CASE("generating twice continues the text: the same logits as one long evaluation") {
  const Model model = open_model();
  const Ids first = some_ids(5), second = {40, 41, 42};
  Session session = open_session(model);
  const Reply a = must(session.generate_from(first, {.max_tokens = 7})),
              b = must(session.generate_from(second, {.max_tokens = 7}));
  Session whole = open_session(model);
  const auto rows = logits_of(whole, joined({first, a.tokens, second, b.tokens}));
  CHECK(b.logits_hash == fnv1a(rows[rows.size() - 2]));  // the last token's own logits were not needed
  CHECK(session.n_past() == static_cast<std::int64_t>(rows.size()));
  // And an empty prompt goes on where the text stands.
  const Reply c = must(session.generate_from({}, {.max_tokens = 1}));
  CHECK(c.n_prompt == 0);
  CHECK(c.tokens == Ids{argmax(rows.back())});
  CHECK(c.logits_hash == fnv1a(rows.back()));
}

TEST_CASE("a prompt that continues a text is that text's next letters, wherever it was cut") {
  const Model model = open_model();
  const std::string text = "abc de";  // in this vocabulary each letter is a token
  Session whole = open_session(model);
  const Reply expected = must(whole.generate(text, {.max_tokens = 4}));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    INFO(cut);
    Session session = open_session(model);
    must(session.generate(text.substr(0, cut), {.max_tokens = 0}));
    const Reply rest = must(session.generate(text.substr(cut), {.max_tokens = 4, .echo = true}));
    CHECK(rest.tokens == expected.tokens);
    CHECK(rest.logits_hash == expected.logits_hash);
    CHECK(rest.text == text.substr(cut) + expected.text);
  }
}

TEST_CASE("generating after evaluate goes on from the last position, whatever the chunk") {
  const Model model = open_model();
  const Ids ids = some_ids(10);
  for (const std::int64_t chunk : {1, 4, 512}) {
    Session session = open_session(model, {.chunk = chunk});
    const auto rows = logits_of(session, ids);
    const Reply reply = must(session.generate_from({}, {.max_tokens = 1}));
    INFO("chunk " << chunk);
    CHECK(reply.logits_hash == fnv1a(rows.back()));
    CHECK(reply.tokens == Ids{argmax(rows.back())});
  }
}

TEST_CASE("evaluate that is stopped keeps the positions it handed out, whatever the chunk") {
  const Model model = open_model();
  const Ids ids = some_ids(10);
  Session whole = open_session(model);
  const auto rows = logits_of(whole, ids);
  for (const std::int64_t chunk : {1, 4, 512})
    for (const std::size_t stop_at : {1u, 4u, 9u}) {
      Session session = open_session(model, {.chunk = chunk});
      std::size_t seen = 0;
      must(session.evaluate(ids, [&](std::span<const float>) { return ++seen < stop_at; }));
      INFO("chunk " << chunk << " stopped at " << stop_at);
      CHECK(seen == stop_at);
      CHECK(session.n_past() == static_cast<std::int64_t>(stop_at));
      CHECK(must(session.generate_from({}, {.max_tokens = 1})).logits_hash == fnv1a(rows[stop_at - 1]));
    }
}

TEST_CASE("reset forgets everything: a used session gives a fresh one's bits") {
  const Model model = open_model();
  Session session = open_session(model);
  const Reply first = must(session.generate_from(some_ids(6), kDrawn));
  must(session.generate_from(some_ids(30), kDrawn));
  session.reset();
  CHECK(session.n_past() == 0);
  const Reply again = must(session.generate_from(some_ids(6), kDrawn));
  CHECK(again.tokens == first.tokens);
  CHECK(again.logits_hash == first.logits_hash);
  CHECK(again.text == first.text);
}

TEST_CASE("a prompt longer than the context is context_full with both numbers and changes nothing") {
  const Model model = open_model();
  Session session = open_session(model, {.n_ctx = 32}), untouched = open_session(model, {.n_ctx = 32});
  must(session.generate_from(some_ids(10), {.max_tokens = 4}));
  must(untouched.generate_from(some_ids(10), {.max_tokens = 4}));
  const std::int64_t n_past = session.n_past();
  const Ids long_one = some_ids(40);
  const auto refused = session.generate_from(long_one, {.max_tokens = 1});
  REQUIRE_FALSE(refused);
  require_error(refused.error(), Status::context_full, {std::to_string(n_past + 40), "32"});
  const auto not_evaluated = session.evaluate(long_one, [](std::span<const float>) { return true; });
  REQUIRE_FALSE(not_evaluated);
  require_error(not_evaluated.error(), Status::context_full, {std::to_string(n_past + 40), "32"});
  CHECK(session.n_past() == n_past);
  const Ids next = {50, 51};
  const Reply a = must(session.generate_from(next, {.max_tokens = 5})),
              b = must(untouched.generate_from(next, {.max_tokens = 5}));
  CHECK(a.tokens == b.tokens);
  CHECK(a.logits_hash == b.logits_hash);
}

TEST_CASE("a prompt that fills the context exactly, and one token less") {
  const Model model = open_model();
  Session full = open_session(model, {.n_ctx = 16});
  const Reply none = must(full.generate_from(some_ids(16)));
  CHECK(none.finish == Finish::context_full);
  CHECK(none.tokens.empty());
  Session whole = open_session(model);
  const auto rows = logits_of(whole, some_ids(16));
  CHECK(none.logits_hash == fnv1a(rows.back()));
  const auto more = full.generate_from(Ids{5});
  REQUIRE_FALSE(more);
  require_error(more.error(), Status::context_full, {"17", "16"});

  Session nearly = open_session(model, {.n_ctx = 16});
  const Reply one = must(nearly.generate_from(some_ids(15)));
  CHECK(one.tokens == Ids{argmax(rows[14])});
  CHECK(nearly.n_past() == 16);
}

TEST_CASE("a context of one position") {
  const Model model = open_model();
  Session session = open_session(model, {.n_ctx = 1});
  CHECK(session.n_ctx() == 1);
  const Reply reply = must(session.generate_from(Ids{1}));
  CHECK(reply.finish == Finish::context_full);
  session.reset();
  CHECK(logits_of(session, {1}).size() == 1);
  const auto more = session.generate_from(Ids{1, 2});
  REQUIRE_FALSE(more);
}

TEST_CASE("options out of their ranges are refused and change nothing") {
  const Model model = open_model();
  Session session = open_session(model);
  const float nan = std::nanf("");
  const auto refuse = [&](const GenerateOptions& options, std::string_view name) {
    const auto reply = session.generate_from(some_ids(3), options);
    INFO(name);
    REQUIRE_FALSE(reply);
    require_error(reply.error(), Status::invalid_argument, {name});
    CHECK(session.n_past() == 0);
  };
  for (const float value : {-1.0f, nan, HUGE_VALF}) refuse({.sampling = {.temp = value}}, "temp");
  refuse({.sampling = {.top_k = -1}}, "top_k");
  for (const float value : {-0.1f, 1.1f, nan}) refuse({.sampling = {.top_p = value}}, "top_p");
  for (const float value : {-0.1f, 1.1f, nan}) refuse({.sampling = {.min_p = value}}, "min_p");
  for (const float value : {0.0f, -1.0f, nan, HUGE_VALF})
    refuse({.sampling = {.repeat_penalty = value}}, "repeat_penalty");
  refuse({.sampling = {.repeat_last = -2}}, "repeat_last");
  refuse({.max_tokens = -2}, "max_tokens");
  must(session.generate_from(some_ids(3), {.max_tokens = 2}));
}

TEST_CASE("token ids out of range: the index is named, the state unchanged") {
  const Model model = open_model();
  Session session = open_session(model), untouched = open_session(model);
  must(session.generate_from(some_ids(3), {.max_tokens = 3}));
  must(untouched.generate_from(some_ids(3), {.max_tokens = 3}));
  for (const std::int32_t bad : {-1, 288, INT32_MAX, INT32_MIN}) {
    const Ids ids = {5, 6, bad, 7};
    const auto reply = session.generate_from(ids);
    REQUIRE_FALSE(reply);
    require_error(reply.error(), Status::invalid_argument, {std::to_string(bad), "index 2", "287"});
    const auto evaluated = session.evaluate(ids, [](std::span<const float>) { return true; });
    REQUIRE_FALSE(evaluated);
    require_error(evaluated.error(), Status::invalid_argument, {std::to_string(bad), "index 2"});
    CHECK_FALSE(model.detokenize(ids));
  }
  CHECK(session.n_past() == untouched.n_past());
  CHECK(must(session.generate_from({}, kDrawn)).tokens == must(untouched.generate_from({}, kDrawn)).tokens);
}

TEST_CASE("cancelling from the callback at each step leaves a session that goes on with the same bits") {
  const Model model = open_model();
  Session session = open_session(model);
  int pieces = 0;
  const Reply whole = must(session.generate_from(some_ids(4), kDrawn, [&](std::string_view) { return ++pieces != 0; }));
  REQUIRE(pieces >= 3);
  for (int stop_at = 1; stop_at <= pieces; ++stop_at) {
    session.reset();
    int seen = 0;
    std::string text;
    const Reply cut = must(session.generate_from(some_ids(4), kDrawn, [&](std::string_view piece) {
      text += piece;
      return ++seen < stop_at;
    }));
    INFO("cancelled at piece " << stop_at);
    CHECK(cut.finish == Finish::cancelled);
    CHECK(seen == stop_at);
    CHECK(cut.text == text);
    CHECK(whole.text.substr(0, text.size()) == text);
    REQUIRE(cut.tokens.size() <= whole.tokens.size());
    CHECK(std::equal(cut.tokens.begin(), cut.tokens.end(), whole.tokens.begin()));
    // The rest, as if nothing had happened: the randomness belongs to the position.
    GenerateOptions rest = kDrawn;
    rest.max_tokens = static_cast<std::int64_t>(whole.tokens.size() - cut.tokens.size());
    if (cut.tokens.back() == 2 || rest.max_tokens == 0) continue;
    const Reply more = must(session.generate_from({}, rest));
    CHECK(joined({cut.tokens, more.tokens}) == whole.tokens);
    CHECK(more.logits_hash == whole.logits_hash);
  }
}

TEST_CASE("a callback that throws is an error, and the session stays usable") {
  const Model model = open_model();
  Session session = open_session(model);
  const auto reply = session.generate_from(
      some_ids(4), {.max_tokens = 4}, [](std::string_view) -> bool { throw std::runtime_error("from the callback"); });
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status() == Status::internal);
  CHECK(reply.error().message().find("from the callback") != std::string::npos);
  session.reset();
  Session fresh = open_session(model);
  CHECK(must(session.generate_from(some_ids(4), kDrawn)).tokens ==
        must(fresh.generate_from(some_ids(4), kDrawn)).tokens);
}

TEST_CASE("stop strings cut the text before them, and none of them gets out") {
  const Model model = open_model();
  Session session = open_session(model);
  const Reply whole = must(session.generate_from(some_ids(4), kDrawn));
  REQUIRE(whole.text.size() > 8);
  for (std::size_t at = 1; at + 3 <= whole.text.size(); at += 3) {
    const std::string stop = whole.text.substr(at, 3);
    session.reset();
    GenerateOptions options = kDrawn;
    options.stop = {"never appears", stop};
    std::string streamed;
    const Reply cut = must(session.generate_from(some_ids(4), options, [&](std::string_view piece) {
      streamed += piece;
      return true;
    }));
    INFO("stop '" << stop << "' of '" << whole.text << "'");
    CHECK(cut.finish == Finish::stop_string);
    CHECK(cut.text == whole.text.substr(0, whole.text.find(stop)));
    CHECK(streamed == cut.text);
  }
  session.reset();
  GenerateOptions never = kDrawn;
  never.stop = {"never appears", ""};
  const Reply same = must(session.generate_from(some_ids(4), never));
  CHECK(same.text == whole.text);  // what was held back came out at the end
  CHECK(same.finish == whole.finish);
}

TEST_CASE("echo: the prompt's text comes first; cancelling in it generates nothing") {
  const Model model = open_model();
  Session session = open_session(model);
  const std::string prompt = "hello there";
  GenerateOptions options = {.max_tokens = 5};
  const Reply plain = must(session.generate(prompt, options));
  session.reset();
  options.echo = true;
  const Reply echoed = must(session.generate(prompt, options));
  CHECK(echoed.tokens == plain.tokens);
  CHECK(echoed.logits_hash == plain.logits_hash);
  CHECK(echoed.text == prompt + plain.text);

  session.reset();
  const Reply cut = must(session.generate(prompt, options, [](std::string_view) { return false; }));
  CHECK(cut.finish == Finish::cancelled);
  CHECK(cut.tokens.empty());
  CHECK(prompt.substr(0, cut.text.size()) == cut.text);
  options.echo = false;
  const Reply rest = must(session.generate_from({}, options));
  CHECK(rest.tokens == plain.tokens);  // the prompt was taken
  Session none = open_session(model);
  CHECK(cut.logits_hash ==
        must(none.generate(prompt, {.max_tokens = 0})).logits_hash);  // a hash is of the last logits, always
}

TEST_CASE("no tokens at all: max_tokens 0 takes the prompt and says so") {
  const Model model = open_model();
  Session session = open_session(model);
  int called = 0;
  const Reply reply =
      must(session.generate_from(some_ids(5), {.max_tokens = 0}, [&](std::string_view) { return ++called != 0; }));
  CHECK(reply.finish == Finish::max_tokens);
  CHECK(reply.tokens.empty());
  CHECK(reply.text.empty());
  CHECK(called == 0);
  CHECK(session.n_past() == 5);
  Session whole = open_session(model);
  CHECK(reply.logits_hash == fnv1a(logits_of(whole, some_ids(5)).back()));
}

TEST_CASE("an empty prompt: BOS alone where the model has one, an error where it has none") {
  const Model model = open_model();
  Session session = open_session(model);
  CHECK(must(session.generate("", {.max_tokens = 1})).n_prompt == 1);
  Session bare = open_session(model);
  const auto none = bare.generate_from({});
  REQUIRE_FALSE(none);
  require_error(none.error(), Status::invalid_argument, {"prompt is empty"});

  const test::TempFolder folder;
  test::ModelEditor without_bos;
  without_bos.set("tokenizer.ggml.add_bos_token", false);
  REQUIRE(without_bos.write(folder / "m.gguf") > 0);
  auto other = Model::open(folder / "m.gguf", {.threads = 1});
  REQUIRE(other);
  Session no_bos = open_session(*other);
  const auto refused = no_bos.generate("");
  REQUIRE_FALSE(refused);
  require_error(refused.error(), Status::invalid_argument, {"prompt is empty"});
  CHECK(no_bos.n_past() == 0);
  CHECK(must(no_bos.generate("a", {.max_tokens = 1})).n_prompt >= 1);
}

TEST_CASE("two sessions of one model on two threads give the bits they give alone") {
  const Model model = open_model({.threads = 2});
  const auto text_of = [&](std::int64_t n) {
    Session session = open_session(model, {.chunk = 3});
    return must(session.generate_from(some_ids(n), kDrawn));
  };
  const Reply alone_a = text_of(5), alone_b = text_of(20);
  std::optional<Result<Reply>> a, b;
  const auto work = [&model](std::int64_t n, std::optional<Result<Reply>>& out) {  // no assertion off the main thread
    for (int round = 0; round < 3; ++round) {
      auto session = model.session({.chunk = 3});
      if (session) out = session->generate_from(some_ids(n), kDrawn);
    }
  };
  std::thread first(work, 5, std::ref(a)), second(work, 20, std::ref(b));
  first.join();
  second.join();
  REQUIRE((a && *a && b && *b));
  CHECK((*a)->tokens == alone_a.tokens);
  CHECK((*b)->tokens == alone_b.tokens);
  CHECK((*a)->logits_hash == alone_a.logits_hash);
  CHECK((*b)->logits_hash == alone_b.logits_hash);
}

TEST_CASE("weights repacked behind the passes change no bit, however far they have come") {
  const test::TempFolder folder;
  test::RandomModel m;  // some megabytes: a dozen pieces
  m.format = kernels::Format::q8_0, m.dim = 256, m.ffn_dim = 512, m.n_layer = 4, m.seed = 11;
  const std::string path = test::write_random_model(m, folder / "behind.gguf");
  const auto reply_of = [&](Weights weights, int pause_ms) {
    auto model = Model::open(path, {.threads = 2, .weights = weights});
    if (!model) FAIL(model.error().message());
    Session session = open_session(*model);
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    return must(session.generate_from(some_ids(30), kDrawn));
  };
  const Reply expected = reply_of(Weights::file, 0);
  for (int round = 0; round < 5; ++round) {
    const Reply reply =
        reply_of(Weights::automatic, round == 4 ? 300 : 0);  // the last: all repacked before the first pass
    CHECK(reply.tokens == expected.tokens);
    CHECK(reply.logits_hash == expected.logits_hash);
  }
}

TEST_CASE("a forked child goes on with a model that is still being repacked, and can close it") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0, m.dim = 256, m.ffn_dim = 512, m.n_layer = 4, m.seed = 12;
  const std::string path = test::write_random_model(m, folder / "forked.gguf");
  const auto hash_of = [](std::shared_ptr<const engine::LoadedModel> model) -> std::uint64_t {
    auto sequence = engine::Sequence::make(std::move(model), {});
    if (!sequence) return 0;
    auto reply = (*sequence)->generate_from(some_ids(30), kDrawn, {});
    return reply ? reply->logits_hash : 0;
  };
  for (const int pause_ms : {0, 5, 255}) {
    auto opened = engine::LoadedModel::open(path, {.threads = 2});
    if (!opened) FAIL(opened.error().message());
    std::shared_ptr<engine::LoadedModel> model = std::move(*opened);
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    const int status = test::status_in_child([&] {
      model->settle();
      const std::uint64_t here = hash_of(model);
      model.reset();
      auto again = engine::LoadedModel::open(path, {.threads = 1, .weights = Weights::file});
      return again && here != 0 && here == hash_of(*again) ? 0 : 1;
    });
    CHECK(status == 0);
    CHECK(hash_of(model) != 0);  // the parent's is untouched
  }
}

TEST_CASE("a session keeps its model alive") {
  std::optional<Session> session;
  {
    const Model model = open_model();
    session.emplace(open_session(model));
  }
  CHECK(must(session->generate_from(some_ids(3), {.max_tokens = 2})).tokens.size() == 2);
}

TEST_CASE("the same seed gives the same tokens and hash over ISA, threads, chunk and weights; another seed others") {
  const Model reference = open_model({.threads = 1, .isa = "scalar", .weights = Weights::file});
  Session session = open_session(reference);
  const Ids prompt = some_ids(20);
  const Reply expected = must(session.generate_from(prompt, kDrawn));
  for (const kernels::KernelTable* table : kernels::runnable()) {
    for (const int threads : {1, 2, 3})
      for (const std::int64_t chunk : {1, 7, 512})
        for (const Weights weights : {Weights::file, Weights::repacked}) {
          Session other =
              open_session(open_model({.threads = threads, .isa = table->name, .weights = weights}), {.chunk = chunk});
          const Reply reply = must(other.generate_from(prompt, kDrawn));
          INFO(table->name << " threads " << threads << " chunk " << chunk);
          CHECK(reply.tokens == expected.tokens);
          CHECK(reply.logits_hash == expected.logits_hash);
          CHECK(reply.text == expected.text);
        }
  }
  session.reset();
  GenerateOptions reseeded = kDrawn;
  reseeded.sampling.seed = 43;
  CHECK(must(session.generate_from(prompt, reseeded)).tokens != expected.tokens);
}

#if defined(__x86_64__)
TEST_CASE("the caller's float state changes neither model, session nor sampling, and callbacks run in it") {
  Session session = open_session(open_model());
  const Reply expected = must(session.generate_from(some_ids(12), kDrawn));
  const unsigned before = _mm_getcsr();
  for (const unsigned state : {0x9FC0u, 0x3F80u, 0x5F80u, 0x7F80u}) {
    std::optional<Result<Reply>> reply;
    unsigned inside = 0;
    _mm_setcsr(state);
    if (auto model = Model::open(model_path(), {.threads = 2}))
      if (auto other = model->session())
        reply = other->generate_from(some_ids(12), kDrawn, [&](std::string_view) {
          inside = _mm_getcsr() & ~0x3fu;
          return true;
        });
    const unsigned after = _mm_getcsr() & ~0x3fu;
    _mm_setcsr(before);
    INFO("state " << state);
    REQUIRE((reply && *reply));
    CHECK((*reply)->tokens == expected.tokens);
    CHECK((*reply)->logits_hash == expected.logits_hash);
    CHECK(inside == state);
    CHECK(after == state);
  }
}
#endif

}  // namespace session_test
