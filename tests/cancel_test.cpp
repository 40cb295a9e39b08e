// Enters: calls that take long, and somebody who watches them. Leaves: each tells how far it is, ends when it is told to at any step,
// and works afterwards as if nothing had been.
#include <hearth/hearth.h>

#include <algorithm>
#include <functional>
#include <hearth/tools.hpp>

#include "support/c_api_model.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace cancel_test {

using namespace hearth;

namespace {

/// What all calls are made with: a model, its file, a session with some pages and where to save it.
struct Things {
  test::TempFolder folder;
  std::string path = test::write_random_model(test::RandomModel{}, folder / "m.gguf"), saved = folder / "session";
  Model model = open();
  Session session = *model.session({.n_ctx = 256});

  Things() {
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < 200; ++i) ids.push_back(3 + i * 31 % 280);
    REQUIRE(session.evaluate(ids, [](auto) { return true; }));
    REQUIRE(session.save(saved));
  }
  Model open() const {
    auto opened = Model::open(path, {.threads = 1});
    REQUIRE(opened);
    return *opened;
  }
};

struct Row {
  const char* name;
  std::function<Result<void>(Things&, const CallOptions&)> call;
};

template <class T> Result<void> done(const Result<T>& result) { return result ? Result<void>() : result.error(); }

const std::vector<Row>& calls() {
  static const std::string text(100, 'a');
  static const std::vector<std::string> texts(9, text);
  static const auto nobody = [](std::span<const float>) { return true; };
  static const std::vector<Row> rows = {
      {"open",
       [](Things& t, const CallOptions& o) {
         return done(Model::open(t.path, {.threads = 1, .on_progress = o.on_progress, .cancelled = o.cancelled}));
       }},
      {"open, the file read into memory",
       [](Things& t, const CallOptions& o) {
         return done(Model::open(
             t.path, {.threads = 1, .mmap = false, .on_progress = o.on_progress, .cancelled = o.cancelled}));
       }},
      {"embed",
       [](Things& t, const CallOptions& o) {
         return t.model.embed(texts, {.pooling = Pooling::mean, .on_progress = o.on_progress, .cancelled = o.cancelled},
                              nobody);
       }},
      {"save", [](Things& t, const CallOptions& o) { return t.session.save(t.saved, o); }},
      {"restore", [](Things& t, const CallOptions& o) { return done(t.model.restore(t.saved, o)); }},
      {"perplexity",
       [](Things& t, const CallOptions& o) { return done(tools::perplexity(t.model, text, {.n_ctx = 64}, o)); }},
      {"bench",
       [](Things& t, const CallOptions& o) {
         return done(tools::bench(t.model, {},
                                  {.n_prompt = 40,
                                   .n_generate = 3,
                                   .batches = {1, 2},
                                   .reps = 2,
                                   .on_progress = o.on_progress,
                                   .cancelled = o.cancelled}));
       }},
      {"check",
       [](Things& t, const CallOptions& o) {
         return done(tools::check(t.path, {.tensors = true, .on_progress = o.on_progress, .cancelled = o.cancelled}));
       }},
      {"file_digests",
       [](Things& t, const CallOptions& o) {
         return done(tools::file_digests(t.model, {.on_progress = o.on_progress, .cancelled = o.cancelled}));
       }},
  };
  return rows;
}

void check_stopped(const Result<void>& result) {
  REQUIRE_FALSE(result);
  INFO(result.error().message());
  CHECK(result.error().status() == Status::cancelled);
  CHECK(result.error().message().rfind("the call was cancelled; ", 0) == 0);
}

}  // namespace

TEST_CASE("every long call tells how far it is, from its beginning to its end") {
  Things things;
  for (const Row& row : calls()) {
    INFO(row.name);
    std::vector<double> told;
    REQUIRE(row.call(things, {.on_progress = [&](double part) { return told.push_back(part), true; }}));
    REQUIRE_FALSE(told.empty());
    CHECK(std::is_sorted(told.begin(), told.end()));
    CHECK((told.front() >= 0 && told.back() == 1));
  }
}

TEST_CASE("every long call ends at the step at which somebody says stop, and works afterwards") {
  Things things;
  for (const Row& row : calls()) {
    int n_asked = 0, n_told = 0;
    REQUIRE(row.call(
        things, {.on_progress = [&](double) { return ++n_told != 0; }, .cancelled = [&] { return ++n_asked == 0; }}));
    CHECK(n_asked >= n_told);
    for (int step = 1; step <= n_asked; ++step) {
      INFO(row.name << ", asked for the " << step << ". time of " << n_asked);
      int left = step;
      check_stopped(row.call(things, {.cancelled = [&] { return --left == 0; }}));
      CHECK(left == 0);  // nobody is asked again
    }
    for (int step = 1; step <= n_told; ++step) {
      INFO(row.name << ", told for the " << step << ". time of " << n_told);
      int left = step;
      check_stopped(row.call(things, {.on_progress = [&](double) { return --left != 0; }}));
      CHECK(left == 0);
    }
    CHECK(row.call(things, {}));
  }
}

TEST_CASE("who waits for a file that is read into memory is heard meanwhile") {
  const Things things;
  const auto times_asked = [&](bool mmap) {
    int n = 0;
    CHECK(Model::open(things.path, {.threads = 1, .mmap = mmap, .cancelled = [&] { return ++n == 0; }}));
    return n;
  };
  CHECK(times_asked(false) > times_asked(true));
}

TEST_CASE("whoever watches a text being embedded or scored gets the bits of who does not") {
  Things things;
  std::string text;
  for (int i = 0; i < 180; ++i) text += static_cast<char>('a' + i * 7 % 26);
  const CallOptions watching{.on_progress = [](double) { return true; }};
  const auto scored = tools::perplexity(things.model, text, {.n_ctx = 128}),
             watched = tools::perplexity(things.model, text, {.n_ctx = 128}, watching);
  REQUIRE((scored && watched));
  CHECK((watched->logits_sha256 == scored->logits_sha256 && watched->nll == scored->nll));
  CHECK(*things.model.embed(text, {.pooling = Pooling::mean, .on_progress = watching.on_progress}) ==
        *things.model.embed(text, {.pooling = Pooling::mean}));
}

TEST_CASE("a session that is saved over another, and stopped, leaves that") {
  Things things;
  const std::string before = test::read_file(things.saved);
  REQUIRE(things.session.truncate(100));
  int left = 2;
  check_stopped(things.session.save(things.saved, {.cancelled = [&] { return --left == 0; }}));
  const bool same = test::read_file(things.saved) == before;  // too long to be shown
  CHECK(same);
  CHECK(things.model.restore(things.saved)->n_past() == 200);
}

TEST_CASE("C API: a cancel and a callback stop embedding, saving and restoring; so does one that throws") {
  test::OpenModel m;
  const test::TempFolder folder;
  const std::string path = folder / "session";
  const hearth_text text = {"abcdef", 6};
  const auto no_vector = [](void*, const float*, std::size_t) { return 0; };
  hearth_call_options call;
  hearth_embed_options embed;
  REQUIRE(hearth_call_options_init(&call, sizeof call) == HEARTH_OK);
  REQUIRE(hearth_embed_options_init(&embed, sizeof embed) == HEARTH_OK);
  embed.pooling = HEARTH_POOLING_MEAN;
  const auto all_are = [&](hearth_status expected) {
    hearth_session* restored = nullptr;
    CHECK(hearth_model_embed(m.model, &text, 1, &embed, no_vector, nullptr, nullptr) == expected);
    CHECK(hearth_session_save_with(m.session, path.c_str(), &call, nullptr) == expected);
    CHECK(hearth_session_restore_with(m.model, path.c_str(), &call, &restored, nullptr) == expected);
    CHECK((restored != nullptr) == (expected == HEARTH_OK));
    CHECK(hearth_session_free(restored) == HEARTH_OK);
  };
  call.cancel = embed.cancel = m.cancel;
  all_are(HEARTH_OK);
  REQUIRE(hearth_cancel_request(m.cancel) == HEARTH_OK);
  all_are(HEARTH_CANCELLED);
  REQUIRE(hearth_cancel_reset(m.cancel) == HEARTH_OK);
  all_are(HEARTH_OK);
  call.on_progress = embed.on_progress = [](void*, double) { return 1; };
  all_are(HEARTH_CANCELLED);
  call.on_progress = embed.on_progress = [](void*, double) -> int { throw std::runtime_error("from a callback"); };
  all_are(HEARTH_CANCELLED);
  call.on_progress = embed.on_progress = nullptr;
  call.cancel = embed.cancel = reinterpret_cast<hearth_cancel*>(&call);
  all_are(HEARTH_INVALID_ARGUMENT);
}

}  // namespace cancel_test
