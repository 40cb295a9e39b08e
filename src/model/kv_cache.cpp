// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads.
#include "kv_cache.h"

#include <algorithm>
#include <cstring>

#include "try.h"

namespace hearth::model {
namespace {

constexpr std::int64_t pages_of(std::int64_t n) { return (n + kernels::kPage - 1) / kernels::kPage; }

// Pages that a window needs at most while a pass runs: the window of its first row, its own rows, what may be taken back, and
// one page because none of them need begin where a page does.
std::int64_t window_pages(std::int64_t window, std::int64_t n_pass) {
  return pages_of(window + n_pass + KvCache::kRollback) + 1;
}

}  // namespace

// The parts without their memory.
KvCache KvCache::plan(const Config& c, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass) {
  KvCache cache;
  cache.shape_ = {c.n_head, c.n_kv_head, c.head_dim, c.attention_scale, c.attention_cap, type, 0, 0};
  cache.n_ctx_ = n_ctx;
  const std::size_t layer_bytes = 2 * cache.shape_.kv_head_bytes() * static_cast<std::size_t>(c.n_kv_head);
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    const std::int64_t window = c.window_of(layer);
    auto part =
        std::find_if(cache.parts_.begin(), cache.parts_.end(), [&](const Part& p) { return p.window == window; });
    if (part == cache.parts_.end()) {
      const std::int64_t all = pages_of(n_ctx);
      const std::int64_t held = window == 0 ? all : std::min(all, window_pages(window, n_pass));
      cache.parts_.push_back({window, 0, held, 0, {}, {}});
      part = cache.parts_.end() - 1;
    }
    cache.places_.push_back({static_cast<std::size_t>(part - cache.parts_.begin()), part->n_layer++});
    part->page_bytes += layer_bytes;
  }
  return cache;
}

std::uint64_t KvCache::bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass) {
  std::uint64_t total = 0;
  for (const Part& part : plan(config, type, n_ctx, n_pass).parts_) total = saturating_add(total, part.bytes());
  return total;
}

Result<void> KvCache::check_type(const Config& config, kernels::KvType type) {
  if (kernels::kv_fits(type, config.head_dim)) return {};
  return Error(Status::unsupported, "keys and values of type " + std::string(kernels::kv_info(type).name) +
                                        " need heads of a multiple of " + std::to_string(kernels::kBlock) +
                                        ", the model's have " + std::to_string(config.head_dim) +
                                        " elements; KV type; use f16 or f32");
}

Result<KvCache> KvCache::make(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass) {
  HEARTH_CHECK(check_type(config, type));
  KvCache cache = plan(config, type, n_ctx, n_pass);
  for (Part& part : cache.parts_) {
    auto storage = AlignedBuffer<std::byte>::make_unwritten(part.size());
    if (!storage)
      return Error(Status::out_of_memory, "the KV cache of " + std::to_string(n_ctx) + " positions needs " +
                                              std::to_string(bytes(config, type, n_ctx, n_pass)) +
                                              " bytes, which the system refused; context; ask for a smaller --ctx");
    part.storage = std::move(*storage);
  }
  return cache;
}

void KvCache::append(std::int64_t position) {
  n_written_ = std::max(n_written_, position + 1);
  for (Part& part : parts_)
    for (auto p = static_cast<std::int64_t>(part.pages.size()); p < pages_of(n_written_); ++p)
      part.pages.push_back(part.storage.data() + static_cast<std::size_t>(p % part.n_held) * part.page_bytes);
}

std::int64_t KvCache::truncate(std::int64_t n) {
  const auto lost = [&](const Part& part) {
    const std::int64_t first_held = std::max<std::int64_t>(0, pages_of(n_written_) - part.n_held) * kernels::kPage;
    return part.window != 0 && n - part.window + 1 < first_held;
  };
  if (n > 0 && std::none_of(parts_.begin(), parts_.end(), lost)) return n;
  n_written_ = 0;
  return 0;
}

void KvCache::fill_with_zero() {
  for (Part& part : parts_) std::memset(part.storage.data(), 0, part.storage.bytes());
}

backend::AttentionShape KvCache::shape(std::int64_t layer) const {
  const Place& place = places_[static_cast<std::size_t>(layer)];
  const Part& part = parts_[place.part];
  backend::AttentionShape shape = shape_;
  shape.window = part.window;
  shape.layer_offset =
      static_cast<std::size_t>(place.index) * (part.page_bytes / static_cast<std::size_t>(part.n_layer));
  return shape;
}

}  // namespace hearth::model
