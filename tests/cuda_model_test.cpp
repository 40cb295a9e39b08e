// Whole models on a CUDA device have the CPU's bits: prefill in pieces, decoding, texts together, forks, texts cut short, saved
// sessions. Where there is no device the host plays one: the same backend and kernels, every thread a fiber.
#include <cstring>
#include <fstream>

#include "arch_traits.h"
#include "cuda.h"
#include "kv_cache.h"
#include "loaded_model.h"
#include "plan.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "support/test_data.h"

using namespace hearth;
using kernels::Format;
using kernels::KvType;

namespace {

constexpr std::int64_t kContext = 256, kPass = 24;

struct Case {
  test::RandomModel model;
  KvType kv = KvType::f16;
};

std::shared_ptr<engine::LoadedModel> open_on(const std::string& path, const char* device) {
  auto model = engine::LoadedModel::open(path, {.threads = 1, .device = device});
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}

/// False, and said aloud, where there is no device to prove anything on.
bool has_device() {
  const auto device = backend::open_cuda(0);
  if (!device) WARN("SKIPPED: " << device.error().message());
  else WARN("on " << (*device)->name());
  return static_cast<bool>(device);
}

std::int32_t token(std::int64_t position, std::int64_t text) {
  return static_cast<std::int32_t>(3 + (position * 31 + text * 57) % 280);
}

/// Logits of a story: two texts read in pieces and together, decoded together, one forked, one cut short and gone on with.
class Story {
 public:
  Story(const engine::LoadedModel& model, KvType kv) : model_(model), kv_(kv) {
    auto made = model::Workspace::make(model.config(), kPass, kPass, model.heap());
    if (!made) FAIL(made.error().message());
    space_ = std::move(*made);
  }

  std::vector<float> tell() {
    std::vector<model::KvCache> caches;
    for (int i = 0; i < 2; ++i) caches.push_back(make_cache());
    pass({row(caches[0], 0, 7, 0), row(caches[1], 0, 5, 1)});
    pass({row(caches[0], 7, 30, 0)});
    pass({row(caches[0], 30, 52, 0)});
    for (std::int64_t i = 0; i < 3; ++i) pass({row(caches[1], 5 + i, 6 + i, 1), row(caches[0], 52 + i, 53 + i, 0)});
    pass({row(caches[0], 55, 70, 0)});  // a second page
    model::KvCache fork = caches[0];
    pass({row(fork, 70, 72, 5), row(caches[0], 70, 71, 0)});
    CHECK(caches[0].truncate(60) == 60);
    pass({row(caches[0], 60, 66, 3), row(fork, 72, 73, 5)});
    return std::move(logits_);
  }

 private:
  struct Rows {
    model::KvCache* cache;
    std::int64_t from, to, text;
  };
  static Rows row(model::KvCache& cache, std::int64_t from, std::int64_t to, std::int64_t text) {
    return {&cache, from, to, text};
  }

  model::KvCache make_cache() {
    auto made = model::KvCache::make(model_.config(), kv_, kContext, kPass, model_.pool());
    if (!made) FAIL(made.error().message());
    return std::move(*made);
  }

  /// The last two rows of each text want logits.
  void pass(const std::vector<Rows>& texts) {
    std::vector<model::Row> rows;
    std::size_t n_wanted = 0;
    for (const Rows& t : texts)
      for (std::int64_t p = t.from; p < t.to; ++p) {
        rows.push_back({t.cache, p, token(p, t.text), p + 2 >= t.to});
        n_wanted += rows.back().wants_logits;
      }
    auto done = model_.forward(rows, space_);
    if (!done) FAIL(done.error().message());
    logits_.insert(logits_.end(), space_.ended_with,
                   space_.ended_with + n_wanted * static_cast<std::size_t>(model_.config().n_vocab));
  }

  const engine::LoadedModel& model_;
  KvType kv_;
  model::Workspace space_;
  std::vector<float> logits_;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_same(const Case& c) {
  INFO(c.model.arch << " " << kernels::format_info(c.model.format).name);
  const test::TempFolder folder;
  const std::string path = test::write_random_model(c.model, folder / "m.gguf");
  const auto cpu = open_on(path, "cpu"), device = open_on(path, "cuda");
  const auto expected = Story(*cpu, c.kv).tell();
  CHECK(same_bits(Story(*device, c.kv).tell(), expected));
}

test::RandomModel small(std::string_view arch, Format format) {
  test::RandomModel m;
  m.arch = arch, m.format = format, m.n_ctx = kContext;
  if (model::find_arch(m.arch)->routing != model::Routing::none && arch != "llama") m.n_expert = 5;
  return m;
}

}  // namespace

TEST_CASE("a dense model has the CPU's bits, whatever the format of its weights") {
  if (!has_device()) return;
  for (const Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_k, Format::q6_k}) {
    Case c{small("llama", format)};
    const bool wide = kernels::format_info(format).block_elements == 256;
    if (wide) c.model.dim = 256, c.model.ffn_dim = 256, c.model.n_head = 4;
    c.model.tied = format == Format::q6_k;
    check_same(c);
  }
}

TEST_CASE("every family has the CPU's bits") {
  if (!has_device()) return;
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;
    Case c{small(arch.name, Format::q8_0)};
    c.model.window = 20;
    check_same(c);
  }
}
