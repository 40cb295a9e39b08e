// The Plan is what then happens: the bytes that the allocators give out, the context, the placement; and what does not fit is
// refused with both figures before any of it is taken.
#include "plan.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <hearth/tools.hpp>
#include <new>
#include <optional>
#include <string_view>

#include "context.h"
#include "host.h"
#include "kv_cache.h"
#include "loaded_model.h"
#include "repack.h"
#include "support/catch.hpp"
#include "support/older_latents.h"
#include "support/random_config.h"
#include "support/sanitized.h"
#include "support/test_data.h"

namespace {

std::atomic<std::uint64_t> g_taken{
    0};  // what the wrappers below have given out; nothing else can see the library's allocations

}  // namespace

#ifndef HEARTH_TEST_SANITIZED
// Only the library's buffers come this way: C++'s own over-aligned objects go around.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  g_taken += bytes;
  return memalign(alignment, bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  if (void* memory = memalign(static_cast<std::size_t>(alignment), bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// Memory that files are read into.
extern "C" void* mmap(void* at, std::size_t bytes, int protection, int flags, int descriptor, off_t offset) noexcept {
  if ((flags & MAP_ANONYMOUS) != 0 && descriptor == -1) g_taken += bytes;
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, bytes, protection, flags, descriptor, offset));
}
#endif

#if defined(__GLIBC__) && !defined(HEARTH_TEST_SANITIZED)
#define HEARTH_TEST_SAYS_MEMORY 1

namespace {

std::function<std::uint64_t()> g_left;  // bytes that the system says are left; without it, what it really says

/// While it lives, that is what the system says.
struct SystemSays {
  explicit SystemSays(std::function<std::uint64_t()> left) { g_left = std::move(left); }
  ~SystemSays() { g_left = nullptr; }
  SystemSays(const SystemSays&) = delete;
  SystemSays& operator=(const SystemSays&) = delete;
};

/// What /proc and /sys have in place of their own.
FILE* stand_in(std::string_view path) {
  errno = ENOENT;
  if (path != "/proc/meminfo") return nullptr;
  const int file = memfd_create("meminfo", MFD_CLOEXEC);
  dprintf(file, "MemAvailable: %llu kB\n", static_cast<unsigned long long>(g_left() / 1024));
  lseek(file, 0, SEEK_SET);
  return fdopen(file, "r");
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) FILE* fopen64(const char* path, const char* mode) {
  using Open = FILE* (*)(const char*, const char*);
  static const auto real = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, "fopen64"));
  const std::string_view asked = path;
  const bool stands_in = g_left && (asked.starts_with("/proc/") || asked.starts_with("/sys/"));
  return stands_in ? stand_in(asked) : real(path, mode);
}
__attribute__((visibility("default"))) FILE* fopen(const char* path, const char* mode) { return fopen64(path, mode); }
}
#endif

using namespace hearth;

namespace {

/// The lists of a mixture's routes are vectors, not buffers.
std::uint64_t route_bytes(const model::Config& c, std::int64_t n_rows) {
  return static_cast<std::uint64_t>(n_rows * c.n_expert_used) * 16 +
         static_cast<std::uint64_t>(c.n_expert) * sizeof(backend::Routes::Group);
}

/// What opening the model and filling a session's whole context takes.
void check_plan(const std::string& path, const ModelOptions& how, const SessionOptions& what, const model::Config& c) {
  const auto planned = plan(path, how, what, 1, false);
  INFO((planned ? "" : planned.error().message()));
  REQUIRE(planned);
  const std::uint64_t before = g_taken;
  const auto model = Model::open(path, how);
  REQUIRE(model);
  SessionOptions alone = what;
  alone.reuse = false;  // beginnings that are kept for other sessions are not this one's
  auto session = model->session(alone);
  REQUIRE(session);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(session->n_ctx()), 5);
  REQUIRE(session->generate_from(ids, {.max_tokens = 0}));
  // A cache's bytes are asked for once and given back, before its pages are taken one by one.
  const std::uint64_t taken = g_taken - before - planned->kv_bytes + route_bytes(c, planned->chunk);
#ifndef HEARTH_TEST_SANITIZED
  CHECK(taken == planned->allocated_bytes);
#else
  static_cast<void>(taken);
#endif
  CHECK(planned->total_bytes == planned->weights_bytes + planned->kv_bytes + planned->scratch_bytes);
  CHECK(planned->weights == model->info().weights);
  CHECK(planned->threads == model->info().threads);
  CHECK(planned->isa == model->info().isa);
  CHECK(planned->n_ctx == session->n_ctx());
  CHECK(planned->fits);
}

/// A model whose pages of 64 positions have kPage bytes each.
constexpr std::uint64_t kPage = 2 * 64 * 2 * 16 * 2 * 2;  // layers, positions, heads, their elements, K and V, f16

test::RandomModel model_of_pages() {
  test::RandomModel m;
  m.n_ctx = 2048;
  return m;
}

}  // namespace

TEST_CASE("the plan's bytes are those that the library's allocators give out, in every family") {
  const test::TempFolder folder;
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;  // it has no sessions
    test::RandomModel m;
    m.arch = arch.name, m.window = 20, m.format = kernels::Format::q8_0;
    if (arch.routing != model::Routing::none) m.n_expert = 7, m.n_expert_used = 3;
    INFO(m.arch);
    check_plan(test::write_random_model(m, folder / "m.gguf"), {.threads = 3}, {.chunk = 33}, test::config_of(m));
  }
}

TEST_CASE("the plan's bytes are right for every way to place weights, keys and values") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0, m.head_dim = 32, m.n_vocab = 1000;
  for (const bool tied : {false, true}) {
    m.tied = tied;
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    for (const Weights weights : {Weights::automatic, Weights::file, Weights::repacked})
      for (const bool mapped : {true, false})
        for (const Kv kv : {Kv::f16, Kv::f32, Kv::q8_0})
          check_plan(path, {.threads = 2, .weights = weights, .mmap = mapped}, {.n_ctx = 130, .kv = kv},
                     test::config_of(m));
  }
}

TEST_CASE("weights that stay mapped count, those that are let go do not") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto model = engine::LoadedModel::open(path, {.threads = 1, .weights = Weights::repacked});
  REQUIRE(model);
  std::uint64_t all = 0, vectors = 0, embedding = 0;
  for (const gguf::Tensor& t : (*model)->file().tensors()) {
    all += t.data.size();
    if (t.n_dims == 1) vectors += t.data.size();
    if (t.name == "token_embd.weight") embedding = t.data.size();
  }
  const auto file = plan(path, {.threads = 1, .weights = Weights::file}, {}, 1, false);
  const auto repacked = plan(path, {.threads = 1, .weights = Weights::repacked}, {}, 1, false);
  const auto read = plan(path, {.threads = 1, .weights = Weights::file, .mmap = false}, {}, 1, false);
  REQUIRE((file && repacked && read));
  CHECK(file->weights_bytes == all);
  CHECK(repacked->weights_bytes == all);  // every matrix is of whole groups of 16 rows, so a copy is as large
  CHECK(repacked->allocated_bytes - file->allocated_bytes == all - embedding - vectors);
  CHECK(read->weights_bytes == (*model)->file().file_bytes());
}

TEST_CASE("matrices of an older file's latents that are copied count, and no copy is made for a plan or a check") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.arch = "deepseek2", m.n_expert = 7, m.n_expert_used = 3;
  test::ModelEditor editor(m);
  test::make_older(editor, m);
  const std::string path = folder / "older.gguf";
  REQUIRE(editor.write(path) > 0);
  const auto file = gguf::File::open(path);
  REQUIRE(file);
  const auto config = model::read_config(*file);
  REQUIRE(config);
  const std::uint64_t before = g_taken;
  const auto planned = plan(path, {.threads = 1, .weights = Weights::file}, {}, 1, false);
  const auto findings = tools::check(path, {});
  CHECK(g_taken == before);
  REQUIRE((planned && findings));
  std::uint64_t all = 0;  // the copies are f32 as the file is, which is not read there again
  for (const gguf::Tensor& t : file->tensors()) all += t.data.size();
  CHECK(planned->weights_bytes == all);
  for (const bool mapped : {true, false})
    check_plan(path, {.threads = 3, .weights = Weights::file, .mmap = mapped}, {.chunk = 33}, *config);
}

TEST_CASE("a batch is an engine's: as many caches, one workspace with a row beside a prompt's and logits for each") {
  const test::TempFolder folder;
  const test::RandomModel m;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto one = plan(path, {.threads = 1}, {.chunk = 16}, 1, false),
             many = plan(path, {.threads = 1}, {.chunk = 16}, 12, false);
  REQUIRE((one && many));
  CHECK(many->kv_bytes == 12 * one->kv_bytes);
  const model::Config c = test::config_of(m);
  CHECK(many->scratch_bytes - one->scratch_bytes ==
        model::Workspace::bytes(c, 16 + 12, 12) - model::Workspace::bytes(c, 16, 8));  // one of them guesses seven
  for (const std::int64_t batch : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{257}, INT64_MAX}) {
    const auto refused = plan(path, {}, {}, batch, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status() == Status::invalid_argument);
  }
}

TEST_CASE("tokens that are computed together read more experts than one, and all of them at most") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.arch = "qwen3moe", m.n_expert = 4, m.n_expert_used = 2, m.format = kernels::Format::q8_0;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto work = [&](std::int64_t batch, std::int64_t chunk) {
    const auto made = engine::make_plan(path, {.threads = 1}, {.chunk = chunk}, batch);
    REQUIRE(made);
    return made->work;
  };
  const auto file = gguf::File::open(path);
  REQUIRE(file);
  std::uint64_t expert = 0;  // of every layer one
  for (const gguf::Tensor& t : file->tensors())
    if (t.name.find("_exps.") != std::string::npos) expert += t.data.size() / 4;
  REQUIRE(expert > 0);
  const std::uint64_t one = work(1, 1).step_bytes;
  CHECK(work(1, 1).chunk_bytes == one);
  CHECK(work(2, 1).step_bytes == one + expert);          // 2 of 4, then half of the other two
  CHECK(work(3, 1).step_bytes == one + expert / 2 * 3);  // and half of the last
  CHECK(work(256, 1).step_bytes == one + 2 * expert);
  CHECK(work(1, 2).chunk_bytes == one + expert);
  CHECK(work(1, 2).step_bytes == one);
}

TEST_CASE("a row more costs a pass what it computes and the experts that only it reads") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0;
  const auto cost = [&] {
    const auto model = engine::LoadedModel::open(test::write_random_model(m, folder / "m.gguf"), {.threads = 1});
    REQUIRE(model);
    return (*model)->row_cost();
  };
  const double dense = cost();
  CHECK(dense == 0.1);
  m.arch = "qwen3moe", m.n_expert = m.n_expert_used = 4;  // all rows read the same
  CHECK(cost() == dense);
  m.n_expert = 64, m.n_expert_used = 1;
  const double few = cost();
  CHECK(few > dense);
  m.expert_ffn_dim = 1024;  // of which the step is made almost alone
  const double most = cost();
  CHECK(most > few);
  CHECK(most < dense + 1);
}

TEST_CASE("a budget of keys and values is the plan's as it is a session's, and a batch divides it as an engine does") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model(model_of_pages(), folder / "m.gguf");
  const ModelOptions how{.threads = 1, .kv_budget = 9 * kPage};
  const auto alone = plan(path, how, {.chunk = 16}, 1, false), three = plan(path, how, {.chunk = 16}, 3, false),
             more = plan(path, how, {.n_ctx = 10 * 64, .chunk = 16}, 1, false),
             exact = plan(path, how, {.n_ctx = 3 * 64, .chunk = 16}, 3, false);
  REQUIRE((alone && three && more && exact));
  CHECK(alone->n_ctx == 9 * 64);
  CHECK(alone->kv_bytes == 9 * kPage);
  CHECK(three->n_ctx == 3 * 64);
  CHECK(three->kv_bytes == 9 * kPage);
  CHECK((alone->fits && three->fits && exact->fits));
  CHECK_FALSE(more->fits);
  const auto model = Model::open(path, how);
  REQUIRE(model);
  const auto session = model->session({.chunk = 16});
  REQUIRE(session);
  CHECK(session->n_ctx() == alone->n_ctx);
  CHECK_FALSE(model->session({.n_ctx = 10 * 64, .chunk = 16}));
  auto engine = Engine::start(*model, {.n_parallel = 3, .session = {.chunk = 16}});
  REQUIRE(engine);
  const auto request = engine->submit_from(std::vector<std::int32_t>(2048, 5), {.max_tokens = 1});
  REQUIRE(request);
  const auto too_long = request->wait();
  REQUIRE_FALSE(too_long);
  INFO(too_long.error().message());
  CHECK(too_long.error().message().find("holds " + std::to_string(three->n_ctx) + ";") != std::string::npos);
}

#ifdef HEARTH_TEST_SAYS_MEMORY
TEST_CASE("beginnings kept for other sessions go where there is no room for one: first those beyond a quarter") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model(model_of_pages(), folder / "m.gguf");
  std::uint64_t machine = 32 * kPage;
  std::optional<Model> model;
  const SystemSays left([&] { return machine - (model ? model->kv_memory().taken : 0); });
  const auto opened = Model::open(path, {.threads = 1, .weights = Weights::file});
  REQUIRE(opened);
  model = *opened;
  CHECK(model->kv_memory().budget == 8 * kPage);
  const SessionOptions whole{.n_ctx = 16 * 64, .chunk = 16};
  const std::vector<std::int32_t> ids(16 * 64, 5);
  {
    auto session = model->session(whole);
    REQUIRE(session);
    REQUIRE(session->generate_from(ids, {.max_tokens = 0}));
  }
  CHECK(model->kv_memory().pages_known == 16);
  machine = 28 * kPage;  // 12 pages are left, 20 once no more than a quarter is kept
  CHECK(model->session(whole));
  CHECK(model->kv_memory().pages_known == 8);
  const auto chosen = model->session({.chunk = 16});
  REQUIRE(chosen);
  CHECK(chosen->n_ctx() == 14 * 64);  // 70%
  machine = 21 * kPage;
  auto again = model->session(whole);
  REQUIRE(again);
  CHECK(model->kv_memory().pages_known == 5);  // as many as leave room for it
  const auto reply = again->generate_from(std::span(ids).first(6 * 64), {.max_tokens = 0});
  REQUIRE(reply);
  CHECK(reply->n_reused == 5 * 64);
  machine = 15 * kPage + model->kv_memory().taken;  // and what a session uses does not go
  const auto refused = model->session(whole);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::out_of_memory);
  CHECK(model->kv_memory().pages_known == 6);
}
#endif

#ifdef HEARTH_TEST_SAYS_MEMORY
TEST_CASE(
    "weights that are still to be repacked are spoken for: neither a budget nor a session may have their memory") {
  const test::TempFolder folder;
  test::RandomModel m = model_of_pages();
  m.n_ctx = 1 << 15, m.n_vocab = 8000, m.format = kernels::Format::q8_0;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto file = gguf::File::open(path);
  REQUIRE(file);
  const model::Config c = test::config_of(m);
  const auto weights = model::Weights::bind(c, *file);
  REQUIRE(weights);
  const SessionOptions whole{.n_ctx = m.n_ctx, .kv = Kv::f32, .chunk = 16};
  const std::uint64_t to_come = model::repacked_bytes(*weights),
                      kv = model::KvCache::bytes(c, kernels::KvType::f32, m.n_ctx, 16),
                      machine = (kv + to_come / 2) / 1024 * 1024;  // it counts in such units
  const SystemSays left([&] { return machine; });                  // nothing is seen to be taken
  const auto share = [](std::uint64_t bytes) { return static_cast<std::uint64_t>(0.7 * static_cast<double>(bytes)); };
  bool seen = false;
  for (int attempt = 0; attempt < 10 && !seen; ++attempt) {  // the first piece comes soon
    const auto model = engine::LoadedModel::open(path, {.threads = 1});
    REQUIRE(model);
    REQUIRE((*model)->info().weights == Weights::repacked);
    CHECK((*model)->pool()->budget() == (machine - to_come) / 4);
    const std::uint64_t budget = (*model)->kv_budget().placed.host;
    const auto refused = engine::Context::make(*model, whole);
    seen = budget == share(machine - to_come) && !refused && refused.error().status() == Status::out_of_memory &&
           refused.error().message().find(std::to_string(machine - to_come) + " are left") != std::string::npos;
    (*model)->settle();
    CHECK((*model)->kv_budget().placed.host == share(machine));
    CHECK(engine::Context::make(*model, whole));
  }
  CHECK(seen);
  const auto at_once = engine::LoadedModel::open(path, {.threads = 1, .weights = Weights::repacked});
  REQUIRE(at_once);
  CHECK((*at_once)->kv_budget().placed.host == share(machine));
}

TEST_CASE(
    "an embedding whose keys and values do not fit is refused as a session is; texts that fit one by one take turns") {
  const test::TempFolder folder;
  test::RandomModel m = model_of_pages();
  m.n_ctx = 1 << 13;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto model = Model::open(path, {.threads = 1, .weights = Weights::file});
  REQUIRE(model);
  std::uint64_t machine = std::uint64_t{1} << 40;
  const SystemSays left([&] { return machine; });
  const EmbedOptions options{.pooling = Pooling::mean, .chunk = 64};
  const std::vector<std::string> texts(64, "a");  // a page each
  const auto embed_all = [&] {
    std::vector<float> found;
    const auto done = model->embed(texts, options, [&](std::span<const float> one) {
      found.insert(found.end(), one.begin(), one.end());
      return true;
    });
    INFO((done ? "" : done.error().message()));
    REQUIRE(done);
    return found;
  };
  const std::vector<float> together = embed_all();
  machine = 60 * kPage;
  CHECK(embed_all() == together);
  const std::vector<std::int32_t> too_long(64 * 61, 5);
  const auto refused = model->embed_from(too_long, options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::out_of_memory);
  const auto session = model->session({.n_ctx = 64 * 61, .chunk = 64});
  REQUIRE_FALSE(session);
  CHECK(refused.error().message() == session.error().message());
}

TEST_CASE("a draft that finds no room is an error for a new session; forks and requests answer without it") {
  const test::TempFolder folder;
  test::RandomModel m = model_of_pages();
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  m.n_layer = 8;  // whose keys and values are four times as large
  const std::string larger = test::write_random_model(m, folder / "draft.gguf");
  const auto model = Model::open(path, {.threads = 1, .weights = Weights::file}),
             draft = Model::open(larger, {.threads = 1, .weights = Weights::file});
  REQUIRE((model && draft));
  std::uint64_t machine = std::uint64_t{1} << 40;
  const SystemSays left([&] { return machine; });
  const SessionOptions options{.n_ctx = 32 * 64, .chunk = 16, .draft = std::make_shared<const Model>(*draft)};
  const auto check_error = [](const Error& error) {
    INFO(error.message());
    CHECK(error.status() == Status::out_of_memory);
    CHECK(error.message().find("draft") != std::string::npos);
    CHECK(error.message().find("needs " + std::to_string(4 * 32 * kPage) + " bytes, ") != std::string::npos);
  };
  const std::vector<std::int32_t> ids(5, 5);
  const auto session = model->session(options);
  REQUIRE(session);
  auto fork = session->fork();
  REQUIRE(fork);
  auto engine = Engine::start(*model, {.n_parallel = 1, .session = options});
  REQUIRE(engine);
  machine = 64 * kPage;
  const auto another = model->session(options);
  REQUIRE_FALSE(another);
  check_error(another.error());
  const auto guessed = fork->generate_from(ids, {.max_tokens = 2});
  REQUIRE(guessed);
  CHECK(guessed->n_drafted == 0);
  const auto request = engine->submit_from(ids, {.max_tokens = 2});
  REQUIRE(request);
  const auto reply = request->wait();
  REQUIRE(reply);
  CHECK(reply->n_drafted == 0);
}

TEST_CASE(
    "beginnings that are in a session's way go all at once: how much is left is asked once more, not once a page") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model(model_of_pages(), folder / "m.gguf");
  std::uint64_t machine = 256 * kPage;
  std::optional<Model> model;
  int n_asked = 0;
  const SystemSays left([&] {
    ++n_asked;
    return machine - (model ? model->kv_memory().taken : 0);
  });
  const auto opened = Model::open(path, {.threads = 1, .weights = Weights::file});
  REQUIRE(opened);
  model = *opened;
  {
    auto session = model->session({.n_ctx = 32 * 64, .chunk = 16});
    REQUIRE(session);
    REQUIRE(session->generate_from(std::vector<std::int32_t>(32 * 64, 5), {.max_tokens = 0}));
  }
  REQUIRE(model->kv_memory().pages_known == 32);
  const auto ask = [&] {
    n_asked = 0;
    CHECK(model->session({.n_ctx = 32 * 64, .chunk = 16}));
    return n_asked;
  };
  const int n_usual = ask();
  CHECK(model->kv_memory().pages_known == 32);
  machine = 36 * kPage;  // 4 are left
  CHECK(ask() == n_usual + 1);
  CHECK(model->kv_memory().pages_known == 4);
}
#endif

TEST_CASE("a context that cannot be there is a plan that does not fit, and a session refused with both figures") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.n_ctx = (std::int64_t{1} << 31) - 1, m.n_layer = 8, m.n_head = m.n_kv_head = 8, m.dim = 512;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const SessionOptions all{.n_ctx = m.n_ctx, .chunk = 16};  // 2^31 * 8 * 512 * 4 bytes: 32 TiB
  const auto planned = plan(path, {.threads = 1}, all, 1, false);
  REQUIRE(planned);
  CHECK_FALSE(planned->fits);
  CHECK(planned->kv_bytes > std::uint64_t{1} << 44);
  const auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  const std::uint64_t before = g_taken;
  const auto session = model->session(all);
  REQUIRE_FALSE(session);
  CHECK(g_taken == before);
  CHECK(session.error().status() == Status::out_of_memory);
  CHECK(session.error().message().find("needs " + std::to_string(planned->kv_bytes) + " bytes, ") != std::string::npos);
  const auto chosen = plan(path, {.threads = 1}, {.chunk = 16}, 1, false);
  REQUIRE(chosen);
  CHECK(chosen->fits);
  CHECK(chosen->n_ctx < m.n_ctx);
}

TEST_CASE("a plan says no where opening or a session would") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model({}, folder / "m.gguf");
  CHECK(plan(folder / "none.gguf", {}, {}, 1, false).error().status() == Status::not_found);
  CHECK(plan(path, {.threads = 5000}, {}, 1, false).error().status() == Status::invalid_argument);
  CHECK(plan(path, {.isa = "zzz"}, {}, 1, false).error().status() == Status::invalid_argument);
  CHECK(plan(path, {}, {.n_ctx = 257}, 1, false).error().status() == Status::invalid_argument);
  CHECK(plan(path, {}, {.chunk = 0}, 1, false).error().status() == Status::invalid_argument);
  CHECK(plan(path, {}, {.kv = Kv::q8_0}, 1, false).error().status() == Status::unsupported);  // heads of 16
  CHECK(plan(path, {.pre = "gpt-2"}, {}, 1, false).error().status() ==
        Status::invalid_argument);  // it has none to choose
  test::ModelEditor merging;
  merging.set("tokenizer.ggml.model", std::string("gpt2")).set_array<std::string>("tokenizer.ggml.merges", {"a b"});
  const std::string other = folder / "gpt2.gguf";
  REQUIRE(merging.write(other) > 0);
  for (const char* pre : {"gpt-2", "nonsense"}) {
    const auto planned = plan(other, {.threads = 1, .pre = pre}, {}, 1, false);
    const auto model = Model::open(other, {.threads = 1, .pre = pre});
    INFO((planned ? "" : planned.error().message()) << (model ? "" : model.error().message()));
    REQUIRE(static_cast<bool>(planned) == static_cast<bool>(model));
    CHECK(static_cast<bool>(planned) == (pre == std::string_view("gpt-2")));
    if (!planned) CHECK(planned.error().message() == model.error().message());
  }
}

TEST_CASE("a forecast has speeds of the order of what bench measures") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0, m.dim = 256, m.ffn_dim = 512;
  const auto planned = plan(test::write_random_model(m, folder / "m.gguf"));
  REQUIRE(planned);
  CHECK(planned->read_gbps > 0);
  CHECK(planned->decode_tps > 1);
  CHECK(planned->prefill_tps > 1);
}
