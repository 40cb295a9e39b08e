// Enters: a model file and who computes which layers. Leaves: the logits of a story, to be compared bit for bit; a device that is not
// there is said aloud.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "cuda.h"
#include "kv_cache.h"
#include "loaded_model.h"
#include "support/catch.hpp"
#include "support/random_config.h"

namespace hearth::test {

using kernels::Format;
using kernels::KvType;

inline constexpr std::int64_t kContext = 256, kPass = 24;

/// Who has which layers.
struct Where {
  const char* device;
  const char* layers = "all";
  bool cpu_moe = false;
  ModelOptions options() const { return {.threads = 1, .device = device, .gpu_layers = layers, .cpu_moe = cpu_moe}; }
};

inline std::shared_ptr<engine::LoadedModel> open_on(const std::string& path, const Where& where) {
  auto model = engine::LoadedModel::open(path, where.options());
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}
inline std::shared_ptr<engine::LoadedModel> open_on(const std::string& path, const char* device) {
  return open_on(path, Where{device});
}

/// False, and said aloud, where there is no such device to prove anything on.
inline bool has_device(int number = 0) {
  const auto device = backend::open_cuda(number);
  if (!device) WARN("SKIPPED: " << device.error().message());
  return static_cast<bool>(device);
}

inline std::int32_t token(std::int64_t position, std::int64_t text) {
  return static_cast<std::int32_t>(3 + (position * 31 + text * 57) % 280);
}

/// Logits of a story: two texts read in pieces and together, decoded together, one forked, one cut short and gone on with.
class Story {
 public:
  Story(const engine::LoadedModel& model, KvType kv) : model_(model), kv_(kv) {
    auto made = model::Workspace::make(model.config(), kPass, kPass, model.placement());
    if (!made) FAIL(made.error().message());
    space_ = std::move(*made);
  }

  std::vector<float> tell() {
    std::vector<model::KvCache> caches;
    for (int i = 0; i < 2; ++i) caches.push_back(make_cache());
    pass({row(caches[0], 0, 7, 0), row(caches[1], 0, 5, 1)});
    pass({row(caches[0], 7, 30, 0)});
    pass({row(caches[0], 30, 52, 0)});
    for (std::int64_t i = 0; i < 5; ++i) pass({row(caches[1], 5 + i, 6 + i, 1), row(caches[0], 52 + i, 53 + i, 0)});
    pass({row(caches[0], 57, 70, 0)});  // a second page
    model::KvCache fork = caches[0];
    pass({row(fork, 70, 72, 5), row(caches[0], 70, 71, 0)});
    CHECK(caches[0].truncate(60) == 60);
    pass({row(caches[0], 60, 66, 3), row(fork, 72, 73, 5)});
    return std::move(logits_);
  }

  /// The same in short: fewer rows, and passes enough of one shape that the last one is replayed.
  std::vector<float> tell_briefly() {
    std::vector<model::KvCache> caches;
    for (int i = 0; i < 2; ++i) caches.push_back(make_cache());
    pass({row(caches[0], 0, 5, 0), row(caches[1], 0, 1, 1)});
    model::KvCache fork = caches[0];
    for (std::int64_t i = 0; i < 3; ++i) pass({row(caches[0], 5 + i, 6 + i, 0)});
    pass({row(fork, 5, 6, 5), row(caches[1], 1, 2, 1)});
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

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline RandomModel small(std::string_view arch, Format format) {
  RandomModel m;
  m.arch = arch, m.format = format, m.n_ctx = kContext;
  if (model::find_arch(m.arch)->routing != model::Routing::none && arch != "llama") m.n_expert = 5;
  return m;
}

}  // namespace hearth::test
