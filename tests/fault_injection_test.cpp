// Every allocation and system call of opening, generating, chatting, saving, restoring, forking, constraining, asking an engine and
// planning fails once, and from each on for good: what comes is an error, nothing is lost, and the next try works.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <hearth/hearth.hpp>
#include <new>
#include <span>
#include <thread>

#include "constraint.h"
#include "support/catch.hpp"
#include "support/grammar_vocabulary.h"
#include "support/random_model.h"
#include "support/sanitized.h"
#include "support/test_data.h"

#if !defined(__GLIBC__) || defined(HEARTH_TEST_SANITIZED)
TEST_CASE("each allocation and system call may fail") {
  WARN("SKIPPED: sanitizers have an own malloc, and only glibc lets one stand in front of its own");
}
#else

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

// A wrapper of malloc can reach nothing but globals.
enum class Mode { never, once, from_then_on };
std::atomic<Mode> g_mode{Mode::never};
std::atomic<long> g_left{0};    // calls until the one that fails
std::atomic<long> g_failed{0};  // calls that failed
std::atomic<long> g_blocks{0};  // allocated and not freed

bool fails() {
  if (g_mode == Mode::never) return false;
  const long left = g_left.fetch_sub(1);
  const bool now = g_mode == Mode::once ? left == 0 : left <= 0;
  if (now) ++g_failed;
  return now;
}

void* counted(void* block) {
  if (block) ++g_blocks;
  return block;
}

template <class T> T refuse(int code, T value) {
  errno = code;
  return value;
}

}  // namespace

#define HEARTH_STANDS_IN_FRONT __attribute__((visibility("default")))

extern "C" {
HEARTH_STANDS_IN_FRONT void* malloc(std::size_t n) noexcept {
  return fails() ? refuse<void*>(ENOMEM, nullptr) : counted(__libc_malloc(n));
}
HEARTH_STANDS_IN_FRONT void* calloc(std::size_t n, std::size_t size) noexcept {
  return fails() ? refuse<void*>(ENOMEM, nullptr) : counted(__libc_calloc(n, size));
}
HEARTH_STANDS_IN_FRONT void* realloc(void* block, std::size_t n) noexcept {
  if (fails()) return refuse<void*>(ENOMEM, nullptr);
  void* moved = __libc_realloc(block, n);
  if (!block) counted(moved);
  return moved;
}
HEARTH_STANDS_IN_FRONT void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  return fails() ? refuse<void*>(ENOMEM, nullptr) : counted(__libc_memalign(alignment, n));
}
HEARTH_STANDS_IN_FRONT int posix_memalign(void** to, std::size_t alignment, std::size_t n) noexcept {
  if (fails()) return ENOMEM;
  *to = counted(__libc_memalign(alignment, n));
  return *to ? 0 : ENOMEM;
}
HEARTH_STANDS_IN_FRONT void free(void* block) noexcept {
  if (block) --g_blocks;
  __libc_free(block);
}

HEARTH_STANDS_IN_FRONT int open(const char* path, int flags, ...) {
  if (fails()) return refuse(EMFILE, -1);
  va_list list;
  va_start(list, flags);
  const int mode = va_arg(list, int);
  va_end(list);
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
HEARTH_STANDS_IN_FRONT ssize_t write(int descriptor, const void* from, std::size_t n) {
  return fails() ? refuse<ssize_t>(ENOSPC, -1) : static_cast<ssize_t>(::syscall(SYS_write, descriptor, from, n));
}
HEARTH_STANDS_IN_FRONT int fsync(int descriptor) {
  return fails() ? refuse(EIO, -1) : static_cast<int>(::syscall(SYS_fsync, descriptor));
}
HEARTH_STANDS_IN_FRONT int rename(const char* from, const char* to) noexcept {
  return fails() ? refuse(EIO, -1) : static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
HEARTH_STANDS_IN_FRONT int fstat(int descriptor, struct stat* to) noexcept {
  return fails() ? refuse(EIO, -1) : static_cast<int>(::syscall(SYS_fstat, descriptor, to));
}
HEARTH_STANDS_IN_FRONT void* mmap(void* at, std::size_t n, int protection, int flags, int descriptor,
                                  off_t offset) noexcept {
  if (fails()) return refuse<void*>(ENOMEM, MAP_FAILED);
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, n, protection, flags, descriptor, offset));
}
HEARTH_STANDS_IN_FRONT ssize_t pread(int descriptor, void* to, std::size_t n, off_t at) {
  return fails() ? refuse<ssize_t>(EIO, -1) : static_cast<ssize_t>(::syscall(SYS_pread64, descriptor, to, n, at));
}
HEARTH_STANDS_IN_FRONT int madvise(void* at, std::size_t n, int advice) noexcept {
  return fails() ? refuse(ENOMEM, -1) : static_cast<int>(::syscall(SYS_madvise, at, n, advice));
}
HEARTH_STANDS_IN_FRONT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                          void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return fails() ? EAGAIN : real(thread, attributes, start, argument);
}
}

using namespace hearth;

namespace {

/// What a work comes to: its bits, or an error.
using Work = std::function<Result<std::uint64_t>()>;

/// Lets call n of the work fail, for every n until it has no such call; `sure`: what must come of it again without failures.
void fail_each(Mode mode, const Work& work) {
  const auto sure = work();
  REQUIRE(sure);
  g_left = 0, g_mode = mode;  // once unwatched: the first exception of a process leaves the unwinder's tables behind
  try {
    static_cast<void>(work());
  } catch (...) {
  }
  g_mode = Mode::never;
  for (int warm = 0; warm < 3; ++warm) REQUIRE(work());
  long n = 0, n_errors = 0;
  for (bool reached = true; reached; n += mode == Mode::once ? 1 : 7) {
    const long blocks = g_blocks;
    g_failed = 0, g_left = n;
    g_mode = mode;
    bool failed_well = true, threw = false, same = true;
    {
      std::optional<Result<std::uint64_t> > result;
      try {
        result.emplace(work());
      } catch (...) {
        threw = true;
      }
      g_mode = Mode::never;
      if (result && !*result) {
        ++n_errors;
        failed_well = result->error().message().size() > 5 && result->error().status() != Status::internal;
        if (!failed_well) UNSCOPED_INFO(result->error().message());
      }
      if (result && *result) same = **result == *sure;
    }
    reached = g_failed > 0;
    const long left = g_blocks - blocks;  // before Catch keeps messages of its own
    INFO("call " << n << " failed");
    CHECK_FALSE(threw);
    CHECK(failed_well);
    CHECK(same);
    CHECK(left <= 0);
    const auto again = work();
    REQUIRE(again);
    CHECK(*again == *sure);
  }
  CHECK(n_errors > 0);
}

const std::string& model_path() {
  static const test::TempFolder folder;
  static const std::string path = [] {
    test::RandomModel m;
    m.format = kernels::Format::q8_0, m.n_layer = 1;
    return test::write_random_model(m, folder / "m.gguf");
  }();
  return path;
}

Result<std::uint64_t> generate_once(Session& session) {
  session.reset();
  static const GenerateOptions options{.max_tokens = 4, .stop = {"zzz"}};  // the caller's own memory does not fail here
  auto reply = session.generate("abc", options);
  if (!reply) return std::move(reply).error();
  return reply->logits_hash;
}

Work opening(ModelOptions options) {
  return [options]() -> Result<std::uint64_t> {
    auto model = Model::open(model_path(), options);
    if (!model) return std::move(model).error();
    auto session = model->session({.n_ctx = 64, .chunk = 8});
    if (!session) return std::move(session).error();
    return generate_once(*session);
  };
}

}  // namespace

TEST_CASE("A12 opening a model, each allocation and system call may fail") {
  for (const Mode mode : {Mode::once, Mode::from_then_on}) {
    fail_each(mode, opening({.threads = 2, .weights = Weights::file}));
    fail_each(mode, opening({.threads = 1, .weights = Weights::repacked, .mmap = false}));
    fail_each(mode, opening({.threads = 1}));  // repacked behind the passes
  }
}

TEST_CASE("A12 generating and chatting in a session that is there, each allocation may fail and the session goes on") {
  auto model = Model::open(model_path(), {.threads = 2});
  REQUIRE(model);
  auto session = model->session({.n_ctx = 200, .chunk = 8});
  REQUIRE(session);
  for (const Mode mode : {Mode::once, Mode::from_then_on}) {
    fail_each(mode, [&] { return generate_once(*session); });
    fail_each(mode, [&]() -> Result<std::uint64_t> {
      session->reset();
      static const ChatOptions options{
          .generate = {.max_tokens = 4},
          .chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}"};
      auto reply = session->chat("ab", options);
      if (!reply) return std::move(reply).error();
      return reply->generation.logits_hash;
    });
  }
}

TEST_CASE("A12 after any allocation that failed, a session that is asked again answers as one that saw no failure") {
  static const GenerateOptions few{.max_tokens = 3};
  std::vector<std::int32_t> ids;  // several pages of 64 positions
  for (std::int32_t i = 0; i < 200; ++i) ids.push_back(4 + i * 7 % 250);
  const std::span<const std::int32_t> all(ids);
  struct Row {
    bool reuse;
    std::size_t n_before;  // tokens that the session has when memory fails
  };
  for (const Row row : {Row{false, 0}, Row{true, 0}, Row{true, 70}}) {
    auto model = Model::open(model_path(), {.threads = 1});
    REQUIRE(model);
    const auto ask = [&](const auto& fail) {
      auto session = model->session({.n_ctx = 256, .chunk = 50, .reuse = row.reuse});
      REQUIRE(session);
      if (row.n_before != 0) REQUIRE(session->evaluate(all.first(row.n_before), [](auto) { return true; }));
      const std::int64_t n_before = session->n_past();
      fail([&] { return session->generate_from(all.subspan(row.n_before), few); }, *session);
      if (session->n_past() == n_before) return session->generate_from(all.subspan(row.n_before), few);
      return Result<Reply>(Error(Status::cancelled, "the answer had begun: it is no more than was asked"));
    };
    const auto sure = ask([](const auto&, Session&) {});
    REQUIRE(sure);
    long n_again = 0;
    bool reached = true;
    for (long n = 0; reached; ++n) {
      INFO("reuse " << row.reuse << ", " << row.n_before << " tokens before, call " << n << " failed");
      const auto again = ask([&](const auto& generate, Session& session) {
        const std::int64_t n_before = session.n_past();
        g_failed = 0, g_left = n, g_mode = Mode::once;
        const auto failed = generate();
        g_mode = Mode::never;
        reached = g_failed > 0;
        if (!failed && failed.error().status() == Status::out_of_memory && session.n_past() != n_before)
          CHECK(session.n_past() >= n_before + static_cast<std::int64_t>(all.size() - row.n_before));
      });
      if (!again) continue;
      ++n_again;
      CHECK(again->logits_hash == sure->logits_hash);
      CHECK(again->tokens == sure->tokens);
    }
    CHECK(n_again > 10);
  }
}

TEST_CASE("A12 after any allocation that failed, a model that had begun to keep pages for others ends well") {
  std::vector<std::int32_t> ids;  // one pass of several pages
  for (std::int32_t i = 0; i < 250; ++i) ids.push_back(4 + i * 7 % 250);
  static const GenerateOptions few{.max_tokens = 1};
  bool reached = true;
  for (long n = 0; reached; ++n) {
    auto model = Model::open(model_path(), {.threads = 1, .weights = Weights::file});
    REQUIRE(model);
    auto session = model->session({.n_ctx = 256, .chunk = 256});
    REQUIRE(session);
    g_failed = 0, g_left = n, g_mode = Mode::once;
    const auto reply = session->generate_from(ids, few);
    g_mode = Mode::never;
    reached = g_failed > 0;
    CHECK((reply || reply.error().status() == Status::out_of_memory));
  }
}

TEST_CASE("A12 after any allocation that failed, evaluating goes on where it stood") {
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 240; ++i) ids.push_back(4 + i * 7 % 250);
  for (const bool reuse : {false, true}) {
    const auto last_logits = [&](long n, bool& reached) {
      auto model = Model::open(model_path(), {.threads = 1});  // an own one each: it remembers beginnings
      REQUIRE(model);
      auto session = model->session({.n_ctx = 256, .chunk = 16, .reuse = reuse});
      REQUIRE(session);
      std::vector<float> last;
      last.reserve(1024);
      const auto listen = [&](std::span<const float> logits) {
        return last.assign(logits.begin(), logits.end()), true;
      };
      g_failed = 0, g_left = n, g_mode = n < 0 ? Mode::never : Mode::once;
      static_cast<void>(session->evaluate(ids, listen));
      g_mode = Mode::never;
      reached = g_failed > 0;
      REQUIRE(session->evaluate(std::span<const std::int32_t>(ids).subspan(session->n_past()), listen));
      CHECK(session->n_past() == 240);
      return last;
    };
    bool reached = true;
    const auto sure = last_logits(-1, reached);
    reached = true;
    for (long n = 0; reached; ++n) {
      INFO("reuse " << reuse << ", call " << n << " failed");
      const auto again = last_logits(n, reached);
      CHECK(std::equal(again.begin(), again.end(), sure.begin(), sure.end()));
    }
  }
}

TEST_CASE("A12 saving, restoring, forking and cutting a session, each allocation and system call may fail") {
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  auto session = model->session({.n_ctx = 200, .chunk = 8});
  REQUIRE(session);
  REQUIRE(session->generate("abc", {.max_tokens = 4}));
  const std::int64_t n_past = session->n_past();
  REQUIRE(session->save(path));
  const std::string whole = test::read_file(path);
  for (const Mode mode : {Mode::once, Mode::from_then_on}) {
    fail_each(mode, [&]() -> Result<std::uint64_t> {
      if (auto saved = session->save(path); !saved) return std::move(saved).error();
      return 1;
    });
    CHECK(test::read_file(path) == whole);
    CHECK(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 1);
    fail_each(mode, [&]() -> Result<std::uint64_t> {
      auto restored = model->restore(path);
      if (!restored) return std::move(restored).error();
      return static_cast<std::uint64_t>(restored->n_past());
    });
    fail_each(mode, [&]() -> Result<std::uint64_t> {
      auto fork = session->fork();
      if (!fork) return std::move(fork).error();
      static const GenerateOptions few{.max_tokens = 3};
      auto reply = fork->generate("d", few);
      if (!reply) return std::move(reply).error();
      if (auto cut = fork->truncate(2); !cut) return std::move(cut).error();
      return reply->logits_hash;
    });
    CHECK(session->n_past() == n_past);
  }
}

TEST_CASE("A12 a grammar, a schema, biases and log-probabilities, each allocation may fail") {
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  auto session = model->session({.n_ctx = 200, .chunk = 8});
  REQUIRE(session);
  static const GenerateOptions constrained[] = {
      {.max_tokens = 3, .grammar = "root ::= [a-c]+ \"!\""},
      {.max_tokens = 3, .json_schema = "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"},
      {.max_tokens = 3, .logprobs = 3, .regex = "(yes|no)+", .grammar_triggers = {"a", "b"}},
      {.max_tokens = 3,
       .sampling = {.temp = 1, .dry_multiplier = 1, .mirostat = 2, .logit_bias = {{5, 1.0f}}, .banned = {6}}}};
  for (const GenerateOptions& options : constrained)
    fail_each(Mode::once, [&]() -> Result<std::uint64_t> {
      session->reset();
      auto reply = session->generate("abc", options);
      if (!reply) return std::move(reply).error();
      return reply->logits_hash;
    });
}

TEST_CASE("A12 after any allocation that failed, a constraint allows what it allows without") {
  const test::GrammarVocabulary vocabulary;
  const auto grammar = sample::compile({.grammar = "root ::= \"[\" (item (\",\" item)*)? \"]\"\n"
                                                   "item ::= root | pair | [0-9]+\n"
                                                   "pair ::= \"{\" [a-z]+ \":\" item \"}\"\n"});
  REQUIRE(grammar);
  const std::string_view text = "[12,{ab:[3,[]]},[[{c:4}]]]";
  std::vector<sample::TokenMasks::Mask> sure(text.size());
  bool same = true;
  const auto follow = [&](const auto& see) {
    sample::Constraint constraint(*grammar, vocabulary.tokens);
    g_mode = g_left < 0 ? Mode::never : Mode::once;
    for (std::size_t i = 0; i < text.size();) {
      try {
        const auto mask = constraint.mask();
        see(i, mask);
        same &= static_cast<bool>(constraint.accept(static_cast<unsigned char>(text[i])));
        ++i;
      } catch (const std::bad_alloc&) {  // asked again it answers
      }
    }
    g_mode = Mode::never;
  };
  g_left = -1;
  follow([&](std::size_t i, const auto& mask) { sure[i].assign(mask->begin(), mask->end()); });
  REQUIRE(same);
  bool reached = true;
  for (long n = 0; reached; ++n) {
    g_failed = 0, g_left = n;
    follow([&](std::size_t i, const auto& mask) {
      same &= mask && std::equal(mask->begin(), mask->end(), sure[i].begin(), sure[i].end());
    });
    INFO("call " << n << " failed");
    CHECK(same);
    reached = g_failed > 0;
  }
}

TEST_CASE("A12 an engine and its requests, each allocation and thread may fail, and none is left to wait for") {
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  static const EngineOptions two{.n_parallel = 2, .n_queue = 1, .session = {.n_ctx = 64, .chunk = 8}};
  static const GenerateOptions options{.max_tokens = 3};
  for (const Mode mode : {Mode::once, Mode::from_then_on})
    fail_each(mode, [&]() -> Result<std::uint64_t> {
      auto engine = Engine::start(*model, two);
      if (!engine) return std::move(engine).error();
      auto request = engine->submit("abc", options);
      if (!request) return std::move(request).error();
      auto reply = request->wait();
      if (!reply) return std::move(reply).error();
      return reply->logits_hash;
    });
}

TEST_CASE("A12 requests that wait, some of them cancelled, are all answered whichever allocation fails") {
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  static const EngineOptions one{.n_parallel = 1, .n_queue = 4, .session = {.n_ctx = 64, .chunk = 8}};
  std::atomic<bool> goes_on{false}, runs{false};
  bool reached = true;
  for (long n = 0; reached; ++n) {
    INFO("call " << n << " failed");
    auto engine = Engine::start(*model, one);
    REQUIRE(engine);
    goes_on = false, runs = false;
    std::vector<Request> requests;
    const auto waits = [&] {  // while others are submitted
      runs = true;
      while (!goes_on) std::this_thread::yield();
      return false;
    };
    auto first = engine->submit("abc", {.max_tokens = 2, .cancelled = waits});
    REQUIRE(first);
    for (int i = 0; i < 3; ++i) {
      auto request = engine->submit("abc", {.max_tokens = 1});
      REQUIRE(request);
      requests.push_back(std::move(*request));
    }
    requests[0].cancel(), requests[2].cancel();  // and the one between them is moved when they leave the queue
    while (!runs) std::this_thread::yield();
    g_failed = 0, g_left = n, g_mode = Mode::once;
    goes_on = true;
    static_cast<void>(first->wait());
    for (const Request& request : requests) static_cast<void>(request.wait());
    g_mode = Mode::never;
    reached = g_failed > 0;
  }
}

TEST_CASE("A12 of requests that run together, an allocation that fails ends one at most") {
  auto model = Model::open(model_path(), {.threads = 1});
  REQUIRE(model);
  static const EngineOptions three{.n_parallel = 3, .n_queue = 1, .session = {.n_ctx = 192, .chunk = 64}};
  std::atomic<bool> goes_on{true}, runs{false};
  const auto waits = [&] {  // while others are submitted
    runs = true;
    while (!goes_on) std::this_thread::yield();
    return false;
  };
  const std::vector<std::int32_t> page(70, 5);
  const GenerateOptions kinds[] = {{.max_tokens = 3, .cancelled = waits},
                                   {.max_tokens = 3, .logprobs = 2},
                                   {.max_tokens = 3, .grammar = "root ::= [a-c]+ \"!\""},
                                   {.max_tokens = 2}};
  const auto submit_all = [&](Engine& engine) {
    std::vector<Request> requests;
    for (const GenerateOptions& options : kinds) {
      auto request = engine.submit_from(page, options);
      REQUIRE(request);
      requests.push_back(std::move(*request));
    }
    return requests;
  };
  std::vector<std::uint64_t> sure;
  {
    auto engine = Engine::start(*model, three);
    REQUIRE(engine);
    for (const Request& request : submit_all(*engine)) {
      const auto reply = request.wait();
      REQUIRE(reply);
      sure.push_back(reply->logits_hash);
    }
  }
  long n_ended = 0;
  bool reached = true;
  for (long n = 0; reached; ++n) {
    INFO("call " << n << " failed");
    auto engine = Engine::start(*model, three);
    REQUIRE(engine);
    goes_on = false, runs = false;
    const std::vector<Request> requests = submit_all(*engine);
    while (!runs) std::this_thread::yield();
    g_failed = 0, g_left = n, g_mode = Mode::once;
    goes_on = true;
    while (!std::all_of(requests.begin(), requests.end(), [](const Request& r) { return r.done(); }))
      std::this_thread::yield();
    g_mode = Mode::never;
    reached = g_failed > 0;
    long n_failed = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto reply = requests[i].wait();
      if (reply) CHECK(reply->logits_hash == sure[i]);
      else CHECK(reply.error().status() == Status::out_of_memory);
      n_failed += !reply;
    }
    CHECK(n_failed <= 1);
    n_ended += n_failed;
    const auto again = engine->submit_from(page, kinds[3]);
    REQUIRE(again);
    CHECK(again->wait());
  }
  CHECK(n_ended > 10);
}

TEST_CASE("A12 a plan, each allocation and system call may fail") {
  fail_each(Mode::once, []() -> Result<std::uint64_t> {
    auto made = plan(model_path(), {.threads = 2}, {}, 1, false);
    if (!made) return std::move(made).error();
    return made->total_bytes;
  });
}
#endif
