// The C API says what the C++ API says, whatever callbacks and threads do: they throw, stop, call back in, come two at a time.
#include <hearth/hearth.h>

#include <csignal>
#include <cstring>
#include <hearth/hearth.hpp>
#include <thread>

#include "support/c_api_model.h"
#include "support/forked_child.h"

namespace c_api_test {

using namespace hearth;
using test::OpenModel;

namespace {

constexpr const char* kPrompt = "ab";

/// Calls any std::function<int(piece)>.
using OnPiece = std::function<int(std::string_view)>;
int forward_text(void* user, const char* text, std::size_t n) { return (*static_cast<OnPiece*>(user))({text, n}); }

hearth_status generate(hearth_session* session, OnPiece on_piece, std::int64_t max_tokens,
                       hearth_reply* reply = nullptr, hearth_error* error = nullptr) {
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.max_tokens = max_tokens;
  return hearth_session_generate(session, kPrompt, 2, &options, forward_text, &on_piece, reply, error);
}

std::uint64_t hash_of(hearth_session* session) {
  hearth_reply reply{};
  reply.size = sizeof reply;
  REQUIRE(hearth_session_reset(session, nullptr) == HEARTH_OK);
  REQUIRE(generate(
              session, [](std::string_view) { return 0; }, 8, &reply) == HEARTH_OK);
  return reply.logits_hash;
}

}  // namespace

TEST_CASE("A2 a session keeps its model, and its answers are those of the C++ API") {
  OpenModel m;
  const std::uint64_t hash = hash_of(m.session);
  auto model = Model::open(m.path());
  REQUIRE(model);
  auto session = model->session();
  REQUIRE(session);
  std::string pieces;
  auto reply = session->generate(kPrompt, {.max_tokens = 8});
  REQUIRE(reply);
  CHECK(reply->logits_hash == hash);

  REQUIRE(hearth_model_free(m.model) == HEARTH_OK);
  CHECK(hash_of(m.session) == hash);
  hearth_session* second = nullptr;
  CHECK(hearth_session_new(m.model, nullptr, &second, nullptr) == HEARTH_INVALID_ARGUMENT);
  CHECK(second == nullptr);
  CHECK(hearth_model_free(m.model) == HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("errors are told in full to who wants them, cut at a character where they are too long") {
  hearth_error error;
  std::memset(&error, 0xff, sizeof error);
  hearth_model* model = nullptr;
  CHECK(hearth_model_open("/nowhere/model.gguf", nullptr, &model, &error) == HEARTH_NOT_FOUND);
  CHECK(error.status == HEARTH_NOT_FOUND);
  CHECK(std::string(error.message).find("/nowhere/model.gguf") != std::string::npos);
  const std::string long_template = std::string(1, '{') + "% " + std::string(3000, 'x') + " %}";
  OpenModel m;
  hearth_chat_options options;
  REQUIRE(hearth_chat_options_init(&options, sizeof options) == HEARTH_OK);
  options.chat_template = long_template.c_str();
  CHECK(hearth_session_chat(m.session, "a", 1, &options, nullptr, nullptr, nullptr, &error) != HEARTH_OK);
  CHECK(std::strlen(error.message) < sizeof error.message);
  CHECK(hearth_session_reset(m.session, &error) == HEARTH_OK);
  CHECK(error.status == HEARTH_OK);
  CHECK(error.message[0] == '\0');
  for (hearth_status status = -2; status < 20; ++status) CHECK(std::strlen(hearth_status_message(status)) > 3);
}

TEST_CASE("A3 paths that cannot be one are errors") {
  hearth_model* model = nullptr;
  const std::string too_long(5000, 'a');
  for (const char* path : {"", "\xff\xfe.gguf", too_long.c_str(), "/dev/zero", "/"}) {
    CHECK(hearth_model_open(path, nullptr, &model, nullptr) != HEARTH_OK);
    CHECK(model == nullptr);
  }
}

TEST_CASE("A3 A5 token ids and texts come out by the rule of snprintf") {
  OpenModel m;
  std::size_t n_ids = 0;
  const std::string text = "abc";
  REQUIRE(hearth_model_tokenize(m.model, text.data(), text.size(), 0, 0, nullptr, 0, &n_ids, nullptr) == HEARTH_OK);
  REQUIRE(n_ids > 1);
  std::vector<std::int32_t> all(n_ids);
  REQUIRE(hearth_model_tokenize(m.model, text.data(), text.size(), 0, 0, all.data(), n_ids, &n_ids, nullptr) ==
          HEARTH_OK);
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, n_ids - 1, n_ids, n_ids + 1}) {
    std::vector<std::int32_t> ids(n_ids + 2, -7);
    std::size_t n = 0;
    REQUIRE(hearth_model_tokenize(m.model, text.data(), text.size(), 0, 0, ids.data(), capacity, &n, nullptr) ==
            HEARTH_OK);
    CHECK(n == n_ids);
    const std::size_t written = std::min(capacity, n_ids);
    CHECK(std::equal(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(written), ids.begin()));
    for (std::size_t i = written; i < ids.size(); ++i) CHECK(ids[i] == -7);
  }
  std::size_t n_bytes = 0;
  char back[16] = {};
  REQUIRE(hearth_model_detokenize(m.model, all.data(), n_ids, back, 2, &n_bytes, nullptr) == HEARTH_OK);
  CHECK(n_bytes == text.size());
  CHECK(std::string(back) == "ab");
  for (const std::int32_t id : {-1, 1 << 30}) {
    hearth_error error;
    CHECK(hearth_model_detokenize(m.model, &id, 1, back, 16, &n_bytes, &error) == HEARTH_INVALID_ARGUMENT);
    CHECK(hearth_session_generate_from(m.session, &id, 1, nullptr, nullptr, nullptr, nullptr, &error) ==
          HEARTH_INVALID_ARGUMENT);
    CHECK(std::string(error.message).find("index 0") != std::string::npos);
  }
}

TEST_CASE("A8 a callback that throws ends its call alone; what it leaves is a session as good as before") {
  OpenModel m;
  const std::uint64_t hash = hash_of(m.session);
  hearth_error error;
  CHECK(generate(
            m.session, [](std::string_view) -> int { throw std::runtime_error("no"); }, 8, nullptr, &error) ==
        HEARTH_CANCELLED);
  CHECK(std::string(error.message).find("threw") != std::string::npos);
  CHECK(hash_of(m.session) == hash);
  std::int32_t id = 5;
  CHECK(hearth_session_evaluate(
            m.session, &id, 1, [](void*, const float*, std::size_t) -> int { throw 1; }, nullptr, nullptr) ==
        HEARTH_CANCELLED);
  CHECK(hearth_model_text(
            m.model, 0, [](void*, const char*, std::size_t) -> int { throw 1; }, nullptr, nullptr) == HEARTH_CANCELLED);
  hearth_model_options options;
  REQUIRE(hearth_model_options_init(&options, sizeof options) == HEARTH_OK);
  options.on_progress = [](void*, double) -> int { throw 1; };
  hearth_model* model = nullptr;
  CHECK(hearth_model_open(m.path(), &options, &model, nullptr) == HEARTH_CANCELLED);
  CHECK(hash_of(m.session) == hash);
}

TEST_CASE("A8 a callback may use the library, but its own session is busy; a session freed in its call ends with it") {
  OpenModel m;
  hearth_session* other = nullptr;
  REQUIRE(hearth_session_new(m.model, nullptr, &other, nullptr) == HEARTH_OK);
  const std::uint64_t hash = hash_of(other);
  int n_calls = 0;
  const auto call_in = [&](std::string_view) {
    ++n_calls;
    hearth_error error;
    CHECK(hearth_session_reset(m.session, &error) == HEARTH_BUSY);
    CHECK(error.status == HEARTH_BUSY);
    CHECK(generate(
              m.session, [](std::string_view) { return 0; }, 1) == HEARTH_BUSY);
    CHECK(hash_of(other) == hash);
    return 0;
  };
  REQUIRE(generate(m.session, call_in, 4) == HEARTH_OK);
  CHECK(n_calls > 0);
  hearth_reply reply{};
  reply.size = sizeof reply;
  const auto free_it = [&](std::string_view) {
    const auto status = hearth_session_free(m.session);
    CHECK(status == (reply.size ? HEARTH_OK : HEARTH_INVALID_ARGUMENT));
    reply.size = 0;
    return 0;
  };
  CHECK(generate(m.session, free_it, 4) == HEARTH_OK);
  CHECK(hearth_session_reset(m.session, nullptr) == HEARTH_INVALID_ARGUMENT);
  CHECK(hearth_session_free(other) == HEARTH_OK);
}

TEST_CASE(
    "A8 a call can be stopped at each of its steps, and the session goes on as if it had not begun or had ended "
    "there") {
  OpenModel m;
  const std::uint64_t hash = hash_of(m.session);
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.max_tokens = 6;
  struct Count {
    int left = 0;
  };
  options.on_progress = [](void* user, double done) {
    CHECK((done >= 0 && done <= 1));
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  const auto on_text = [](void* user, const char*, std::size_t) {
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  hearth_session_options session_options;
  REQUIRE(hearth_session_options_init(&session_options, sizeof session_options) == HEARTH_OK);
  session_options.chunk = 16;
  hearth_session* session = nullptr;
  REQUIRE(hearth_session_new(m.model, &session_options, &session, nullptr) == HEARTH_OK);
  int n_early = 0, n_later = 0;
  for (int steps = 0; steps < 40; ++steps) {
    Count count{steps};
    std::string prompt(100, 'a');  // some chunks of it, and none that a call before has left in the cache
    prompt[0] = static_cast<char>('a' + steps % 26), prompt[1] = static_cast<char>('A' + steps / 26);
    hearth_reply reply{};
    reply.size = sizeof reply;
    REQUIRE(hearth_session_generate(session, prompt.data(), prompt.size(), &options, on_text, &count, &reply,
                                    nullptr) == HEARTH_OK);
    if (reply.finish == HEARTH_FINISH_CANCELLED) ++(reply.n_generated == 0 ? n_early : n_later);
    CHECK(hash_of(session) == hash);
    REQUIRE(hearth_session_reset(session, nullptr) == HEARTH_OK);
  }
  CHECK(n_early >= 7);  // 100 tokens in chunks of 16: at least one call before each
  CHECK(n_later > 0);
  CHECK(hearth_session_free(session) == HEARTH_OK);
}

TEST_CASE("A8 opening a model and chatting can be stopped at each step, and nothing is left of them") {
  OpenModel m;
  struct Count {
    int left = 0;
  };
  const auto count = [](void* user, double) { return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0; };
  int n_stopped = 0;
  for (int step = 0; step < 100; ++step) {
    Count steps{step};
    hearth_model_options options;
    REQUIRE(hearth_model_options_init(&options, sizeof options) == HEARTH_OK);
    options.on_progress = count, options.user = &steps, options.weights = HEARTH_WEIGHTS_REPACKED, options.map = 0;
    hearth_model* model = nullptr;
    const auto status = hearth_model_open(m.path(), &options, &model, nullptr);
    CHECK((model != nullptr) == (status == HEARTH_OK));
    CHECK(hearth_model_free(model) == HEARTH_OK);
    if (status == HEARTH_OK) break;
    CHECK(status == HEARTH_CANCELLED);
    ++n_stopped;
  }
  CHECK((n_stopped > 0 && n_stopped < 100));

  hearth_generate_options generate_options;
  REQUIRE(hearth_generate_options_init(&generate_options, sizeof generate_options) == HEARTH_OK);
  generate_options.max_tokens = 6, generate_options.on_progress = count, generate_options.logprobs = 1;
  generate_options.on_tokens = [](void* user, const std::int32_t*, std::size_t) {
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  generate_options.on_logprobs = [](void* user, const hearth_logprob*, std::size_t) {
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  hearth_chat_options options;
  REQUIRE(hearth_chat_options_init(&options, sizeof options) == HEARTH_OK);
  options.generate = &generate_options;
  options.chat_template = "{{ messages | length }}{{ messages[-1].content }}";
  options.on_part = [](void* user, std::int32_t, const char*, std::size_t) {
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  const auto on_text = [](void* user, const char*, std::size_t) {
    return static_cast<Count*>(user)->left-- <= 0 ? 1 : 0;
  };
  const std::uint64_t hash = hash_of(m.session);
  for (int step = 0; step < 30; ++step) {
    Count steps{step};
    hearth_reply reply{};
    reply.size = sizeof reply;
    REQUIRE(hearth_session_reset(m.session, nullptr) == HEARTH_OK);
    REQUIRE(hearth_session_chat(m.session, "abc", 3, &options, on_text, &steps, &reply, nullptr) == HEARTH_OK);
    CHECK(hash_of(m.session) == hash);
  }
  Count none{0};  // the answer was made, but not heard to its end
  hearth_reply reply{};
  reply.size = sizeof reply;
  generate_options.max_tokens = 2, generate_options.on_progress = nullptr;
  REQUIRE(hearth_session_reset(m.session, nullptr) == HEARTH_OK);
  REQUIRE(hearth_session_generate(m.session, kPrompt, 2, &generate_options, nullptr, &none, &reply, nullptr) ==
          HEARTH_OK);
  CHECK(reply.finish == HEARTH_FINISH_CANCELLED);
  CHECK(reply.n_generated == 2);
}

TEST_CASE("A8 a cancel that is freed during its call is nobody else's before the call's end") {
  OpenModel m;
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.cancel = m.cancel;
  options.max_tokens = 4;
  const auto on_text = [](void* user, const char*, std::size_t) {
    hearth_cancel_free(static_cast<hearth_cancel*>(user));
    for (int i = 0; i < 66000; ++i) {  // more than there are places
      hearth_cancel* other = nullptr;
      hearth_cancel_new(&other, nullptr);
      hearth_cancel_request(other);
      hearth_cancel_free(other);
    }
    return 0;
  };
  hearth_reply reply{};
  reply.size = sizeof reply;
  REQUIRE(hearth_session_generate(m.session, kPrompt, 2, &options, on_text, m.cancel, &reply, nullptr) == HEARTH_OK);
  CHECK(reply.n_generated == 4);
}

TEST_CASE("A8 a cancel works from a signal handler and from another thread, until it is reset") {
  static hearth_cancel* signalled = nullptr;
  OpenModel m;
  signalled = m.cancel;
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.cancel = m.cancel;
  options.max_tokens = 100;
  hearth_reply reply{};
  reply.size = sizeof reply;
  const auto previous = std::signal(SIGUSR1, [](int) { hearth_cancel_request(signalled); });
  const auto on_text = [](void*, const char*, std::size_t) { return std::raise(SIGUSR1); };
  REQUIRE(hearth_session_generate(m.session, kPrompt, 2, &options, on_text, nullptr, &reply, nullptr) == HEARTH_OK);
  std::signal(SIGUSR1, previous);
  CHECK(reply.finish == HEARTH_FINISH_CANCELLED);
  CHECK(reply.n_generated == 1);
  CHECK(hearth_session_generate(m.session, kPrompt, 2, &options, nullptr, nullptr, &reply, nullptr) == HEARTH_OK);
  CHECK((reply.finish == HEARTH_FINISH_CANCELLED && reply.n_generated == 0));
  hearth_model_options model_options;
  REQUIRE(hearth_model_options_init(&model_options, sizeof model_options) == HEARTH_OK);
  model_options.cancel = m.cancel;
  hearth_model* model = nullptr;
  CHECK(hearth_model_open(m.path(), &model_options, &model, nullptr) == HEARTH_CANCELLED);

  REQUIRE(hearth_cancel_reset(m.cancel) == HEARTH_OK);
  options.max_tokens = -1;  // 100000 positions: it ends by the cancel or after minutes
  hearth_session* endless = nullptr;
  REQUIRE(hearth_session_new(m.model, nullptr, &endless, nullptr) == HEARTH_OK);
  std::atomic<bool> begun{false};
  std::thread stopper([&] {
    while (!begun) std::this_thread::yield();
    hearth_cancel_request(m.cancel);
  });
  const auto begin = [](void* user, const char*, std::size_t) {
    *static_cast<std::atomic<bool>*>(user) = true;
    return 0;
  };
  CHECK(hearth_session_generate(endless, kPrompt, 2, &options, begin, &begun, &reply, nullptr) == HEARTH_OK);
  begun = true;
  CHECK(hearth_session_free(endless) == HEARTH_OK);
  stopper.join();
  REQUIRE(hearth_cancel_reset(m.cancel) == HEARTH_OK);
  REQUIRE(hearth_cancel_free(m.cancel) == HEARTH_OK);
  CHECK(hearth_session_generate(m.session, kPrompt, 2, &options, nullptr, nullptr, &reply, nullptr) ==
        HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("A9 of two threads on one session the second is refused; sessions of one model work side by side") {
  OpenModel m;
  const std::uint64_t hash = hash_of(m.session);
  std::atomic<int> refused{0};
  const auto intrude = [&](std::string_view) {
    std::thread second([&] {
      refused += generate(
                     m.session, [](std::string_view) { return 0; }, 1) == HEARTH_BUSY;
      hearth_session* own = nullptr;
      refused += hearth_session_new(m.model, nullptr, &own, nullptr) != HEARTH_OK;
      hearth_session_free(own);
    });
    second.join();
    return 1;
  };
  REQUIRE(generate(m.session, intrude, 4) == HEARTH_OK);
  CHECK(refused == 1);
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> hashes(4);
  for (std::size_t i = 0; i < hashes.size(); ++i)
    threads.emplace_back([&, i] {
      hearth_session* own = nullptr;
      if (hearth_session_new(m.model, nullptr, &own, nullptr) != HEARTH_OK) return;
      hearth_reply reply{};
      reply.size = sizeof reply;
      hearth_generate_options options;
      hearth_generate_options_init(&options, sizeof options);
      options.max_tokens = 8;
      hearth_session_generate(own, kPrompt, 2, &options, nullptr, nullptr, &reply, nullptr);
      hashes[i] = reply.logits_hash;
      hearth_session_free(own);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::uint64_t other : hashes) CHECK(other == hash);
}

TEST_CASE("A9 opening, using and freeing in parallel needs no order") {
  OpenModel m;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        hearth_model* model = nullptr;
        hearth_session* session = nullptr;
        wrong += hearth_model_open(m.path(), nullptr, &model, nullptr) != HEARTH_OK;
        wrong += hearth_session_new(model, nullptr, &session, nullptr) != HEARTH_OK;
        wrong += hearth_model_free(model) != HEARTH_OK;
        wrong += hearth_session_free(session) != HEARTH_OK;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("A14 a forked child uses the handles that it inherits") {
  OpenModel m;
  const std::uint64_t hash = hash_of(m.session);
  const int status = test::status_in_child([&] {
    hearth_reply reply{};
    reply.size = sizeof reply;
    hearth_generate_options options;
    hearth_generate_options_init(&options, sizeof options);
    options.max_tokens = 8;
    hearth_session_reset(m.session, nullptr);
    if (hearth_session_generate(m.session, kPrompt, 2, &options, nullptr, nullptr, &reply, nullptr) != HEARTH_OK)
      return 1;
    return reply.logits_hash == hash ? 0 : 2;
  });
  CHECK(status == 0);
  CHECK(hash_of(m.session) == hash);
}

}  // namespace c_api_test
