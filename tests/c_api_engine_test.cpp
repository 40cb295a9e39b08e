// The C API's engine: requests of many threads have the bits that they have alone; cancelled, refused, from callbacks and in forked
// children each ends by itself.
#include <hearth/hearth.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "support/c_api_model.h"
#include "support/forked_child.h"
#include "support/sanitized.h"

namespace c_api_engine_test {

using namespace hearth;
using test::OpenModel;

namespace {

using Ids = std::vector<std::int32_t>;

Ids prompt_of(std::size_t which) {
  Ids ids(20 + which);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(3 + (i * 31 + which * 57) % 280);
  return ids;
}

struct Answer {
  hearth_status status = HEARTH_OK;
  hearth_reply reply{};
  std::string text;
  hearth_error error{};
};

using Ask = std::function<hearth_status(const Ids&, const hearth_generate_options*, hearth_text_fn, void*,
                                        hearth_reply*, hearth_error*)>;
using Change = std::function<void(hearth_generate_options&)>;

int append(void* user, const char* text, std::size_t n) {
  static_cast<Answer*>(user)->text.append(text, n);
  return 0;
}

Answer asked(const Ask& ask, std::size_t which, const Change& change = {}) {
  hearth_generate_options options;
  hearth_generate_options_init(&options, sizeof options);
  options.max_tokens = 12;
  if (change) change(options);
  Answer answer;
  answer.reply.size = sizeof answer.reply;
  answer.status = ask(prompt_of(which), &options, append, &answer, &answer.reply, &answer.error);
  return answer;
}

Ask of_engine(hearth_engine* engine) {
  return [engine](const Ids& ids, auto... rest) {
    return hearth_engine_generate_from(engine, ids.data(), ids.size(), rest...);
  };
}

/// In a session of its own.
Answer alone(const OpenModel& m, std::size_t which) {
  hearth_session* session = nullptr;
  REQUIRE(hearth_session_new(m.model, nullptr, &session, nullptr) == HEARTH_OK);
  const Answer answer =
      asked([&](const Ids& ids,
                auto... rest) { return hearth_session_generate_from(session, ids.data(), ids.size(), rest...); },
            which);
  REQUIRE(hearth_session_free(session) == HEARTH_OK);
  REQUIRE(answer.status == HEARTH_OK);
  return answer;
}

void check_same(const Answer& found, const Answer& expected) {
  INFO(found.error.message);
  CHECK(found.status == HEARTH_OK);
  CHECK(found.text == expected.text);
  CHECK(found.reply.logits_hash == expected.reply.logits_hash);
  CHECK(found.reply.finish == expected.reply.finish);
  CHECK(found.reply.n_prompt == expected.reply.n_prompt);
}

hearth_engine* engine_of(const OpenModel& m, std::int64_t n_parallel = 4, std::int64_t n_queue = 16) {
  hearth_engine_options options;
  REQUIRE(hearth_engine_options_init(&options, sizeof options) == HEARTH_OK);
  options.n_parallel = n_parallel, options.n_queue = n_queue;
  hearth_session_options session;
  REQUIRE(hearth_session_options_init(&session, sizeof session) == HEARTH_OK);
  session.n_ctx = 256;
  hearth_engine* engine = nullptr;
  hearth_error error;
  const auto status = hearth_engine_new(m.model, &options, &session, &engine, &error);
  INFO(error.message);
  REQUIRE(status == HEARTH_OK);
  return engine;
}

/// A request whose callback waits, on a thread of its own, until it is let go.
class Held {
 public:
  explicit Held(hearth_engine* engine) {
    thread_ = std::thread([this, engine] {
      const Ids ids = prompt_of(0);
      status = hearth_engine_generate_from(engine, ids.data(), ids.size(), nullptr, wait, this, nullptr, nullptr);
    });
    while (!begun_) std::this_thread::yield();
  }
  ~Held() { end(); }
  void end() {
    let_go_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<hearth_status> status{-1};

 private:
  static int wait(void* user, const char*, std::size_t) {
    auto& held = *static_cast<Held*>(user);
    held.begun_ = true;
    while (!held.let_go_) std::this_thread::yield();
    return 1;
  }
  std::atomic<bool> begun_{false}, let_go_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("A9 requests of many threads have the bits that they have alone") {
  const OpenModel m;
  hearth_engine* engine = engine_of(m);
  constexpr std::size_t kThreads = 8;
  std::vector<Answer> answers(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { answers[i] = asked(of_engine(engine), i); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kThreads; ++i) check_same(answers[i], alone(m, i));
  CHECK(hearth_engine_free(engine) == HEARTH_OK);
  CHECK(hearth_engine_free(engine) == HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("an engine keeps its model; freed during a call it ends with that call") {
  OpenModel m;
  const Answer expected = alone(m, 3);
  hearth_engine* engine = engine_of(m);
  REQUIRE(hearth_model_free(m.model) == HEARTH_OK);
  check_same(asked(of_engine(engine), 3), expected);
  Held held(engine);
  CHECK(hearth_engine_free(engine) == HEARTH_OK);
  CHECK(asked(of_engine(engine), 3).status == HEARTH_INVALID_ARGUMENT);
  held.end();
  CHECK(held.status == HEARTH_OK);
}

TEST_CASE("a full queue refuses with its numbers, and what was there goes on") {
  const OpenModel m;
  hearth_engine* engine = engine_of(m, 1, 0);
  Held held(engine);
  const Answer refused = asked(of_engine(engine), 1);
  CHECK(refused.status == HEARTH_BUSY);
  CHECK(std::string(refused.error.message).find("n_queue") != std::string::npos);
  held.end();
  CHECK(held.status == HEARTH_OK);
  check_same(asked(of_engine(engine), 1), alone(m, 1));
  CHECK(hearth_engine_free(engine) == HEARTH_OK);
}

TEST_CASE("A8 a callback that asks its own engine is refused; another session and engine answer it") {
  const OpenModel m;
  struct Inside {
    hearth_engine *own, *other;
    hearth_session* session;
    int n_calls = 0;
  } inside{engine_of(m), engine_of(m), m.session};
  const Ids ids = prompt_of(0);
  const auto on_text = [](void* user, const char*, std::size_t) {
    auto& in = *static_cast<Inside*>(user);
    const Answer refused = asked(of_engine(in.own), 1);
    CHECK(refused.status == HEARTH_BUSY);
    CHECK(std::string(refused.error.message).find("callback") != std::string::npos);
    CHECK(asked(of_engine(in.other), 1).status == HEARTH_OK);
    CHECK(hearth_session_reset(in.session, nullptr) == HEARTH_OK);
    return ++in.n_calls == 2 ? 1 : 0;
  };
  CHECK(hearth_engine_generate_from(inside.own, ids.data(), ids.size(), nullptr, on_text, &inside, nullptr, nullptr) ==
        HEARTH_OK);
  CHECK(inside.n_calls == 2);
  for (hearth_engine* engine : {inside.own, inside.other}) CHECK(hearth_engine_free(engine) == HEARTH_OK);
}

TEST_CASE("A8 each request is stopped by its own callbacks, cancel and exceptions alone, at each step") {
  const OpenModel m;
  hearth_engine* engine = engine_of(m);
  const Answer expected = alone(m, 2);
  for (int step = 0; step < 12; ++step) {
    int left = step;
    const auto count = [](void* user, const char*, std::size_t) { return (*static_cast<int*>(user))-- <= 0 ? 1 : 0; };
    const auto count_progress = [](void* user, double) { return (*static_cast<int*>(user))-- <= 0 ? 1 : 0; };
    hearth_generate_options options;
    REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
    options.max_tokens = 12, options.on_progress = count_progress;
    hearth_reply reply{};
    reply.size = sizeof reply;
    const Ids ids = prompt_of(1);
    REQUIRE(hearth_engine_generate_from(engine, ids.data(), ids.size(), &options, count, &left, &reply, nullptr) ==
            HEARTH_OK);
    INFO("stopped at step " << step);
    CHECK(reply.finish == HEARTH_FINISH_CANCELLED);
    check_same(asked(of_engine(engine), 2), expected);
  }
  const auto throws = [](void*, const char*, std::size_t) -> int { throw 1; };
  const Ids ids = prompt_of(1);
  CHECK(hearth_engine_generate_from(engine, ids.data(), ids.size(), nullptr, throws, nullptr, nullptr, nullptr) ==
        HEARTH_CANCELLED);
  REQUIRE(hearth_cancel_request(m.cancel) == HEARTH_OK);
  const Answer cancelled = asked(of_engine(engine), 2, [&](auto& o) { o.cancel = m.cancel; });
  CHECK((cancelled.status == HEARTH_OK && cancelled.reply.finish == HEARTH_FINISH_CANCELLED));
  check_same(asked(of_engine(engine), 2), expected);
  CHECK(hearth_engine_free(engine) == HEARTH_OK);
}

TEST_CASE("A5 what a request or an engine cannot have is refused by name, and others are answered") {
  const OpenModel m;
  hearth_engine* engine = engine_of(m);
  hearth_error error;
  for (const std::int32_t wrong : {-1, 288, INT32_MAX}) {
    const Ids ids = {5, wrong};
    CHECK(hearth_engine_generate_from(engine, ids.data(), 2, nullptr, nullptr, nullptr, nullptr, &error) ==
          HEARTH_INVALID_ARGUMENT);
    CHECK(std::string(error.message).find("index 1") != std::string::npos);
  }
  const Ids many(257, 5);
  CHECK(hearth_engine_generate_from(engine, many.data(), many.size(), nullptr, nullptr, nullptr, nullptr, &error) ==
        HEARTH_CONTEXT_FULL);
  CHECK(hearth_engine_generate_from(engine, nullptr, 0, nullptr, nullptr, nullptr, nullptr, &error) ==
        HEARTH_INVALID_ARGUMENT);
  CHECK(asked(of_engine(engine), 1, [](auto& o) { o.n_draft = 99; }).status == HEARTH_INVALID_ARGUMENT);
  CHECK(asked(of_engine(engine), 1, [](auto& o) { o.regex = "(a"; }).status != HEARTH_OK);
  check_same(asked(of_engine(engine), 1), alone(m, 1));
  CHECK(hearth_engine_free(engine) == HEARTH_OK);

  const auto refused = [&](auto change, const char* name) {
    hearth_engine_options options;
    REQUIRE(hearth_engine_options_init(&options, sizeof options) == HEARTH_OK);
    hearth_session_options session;
    REQUIRE(hearth_session_options_init(&session, sizeof session) == HEARTH_OK);
    change(options, session);
    hearth_engine* none = engine;
    CHECK(hearth_engine_new(m.model, &options, &session, &none, &error) == HEARTH_INVALID_ARGUMENT);
    CHECK(none == nullptr);
    INFO(error.message);
    CHECK(std::string(error.message).find(name) != std::string::npos);
  };
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{257}, INT64_MAX})
    refused([&](auto& o, auto&) { o.n_parallel = n; }, "n_parallel");
  for (const std::int64_t n : {std::int64_t{-1}, std::int64_t{1} << 40, INT64_MIN})
    refused([&](auto& o, auto&) { o.n_queue = n; }, "n_queue");
  refused([](auto&, auto& s) { s.chunk = 0; }, "chunk");
  refused([](auto&, auto& s) { s.kv = 9; }, "kv");
}

TEST_CASE("A14 a forked child has no engine's thread: it says so, and frees the engine without waiting for anybody") {
  const OpenModel m;
  hearth_engine* engine = engine_of(m);
  const Answer expected = alone(m, 1);
  check_same(asked(of_engine(engine), 1), expected);
  const int status = test::status_in_child([&] {
    const Answer answer = asked(of_engine(engine), 1);
    if (answer.status != HEARTH_UNSUPPORTED || !std::strstr(answer.error.message, "fork")) return 1;
    if (hearth_engine_free(engine) != HEARTH_OK) return 2;
#ifndef HEARTH_TEST_SANITIZED  // ThreadSanitizer lets no forked child start threads
    hearth_engine* own = nullptr;
    hearth_session_options session;
    hearth_session_options_init(&session, sizeof session);
    session.n_ctx = 256;
    if (hearth_engine_new(m.model, nullptr, &session, &own, nullptr) != HEARTH_OK) return 3;
    const Answer again = asked(of_engine(own), 1);
    if (again.status != HEARTH_OK || again.reply.logits_hash != expected.reply.logits_hash) return 4;
    if (hearth_engine_free(own) != HEARTH_OK) return 5;
#endif
    return 0;
  });
  CHECK(status == 0);
  check_same(asked(of_engine(engine), 1), expected);
  CHECK(hearth_engine_free(engine) == HEARTH_OK);
}

}  // namespace c_api_engine_test
