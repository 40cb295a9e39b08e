// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads, shared with whoever has
// the same beginning.
#include "kv_cache.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "try.h"

namespace hearth::model {
namespace {

constexpr std::int64_t pages_of(std::int64_t n) { return (n + kernels::kPage - 1) / kernels::kPage; }

// Pages that a window needs at most while a pass runs: the window of its first row, its own rows, what may be taken back, and
// one page because none of them need begin where a page does.
std::int64_t window_pages(std::int64_t window, std::int64_t n_pass) {
  return pages_of(window + n_pass + KvCache::kRollback) + 1;
}

Error too_long(std::int64_t n_ctx, std::uint64_t bytes) {
  return Error(Status::out_of_memory, "the KV cache of " + std::to_string(n_ctx) + " positions needs " +
                                          std::to_string(bytes) +
                                          " bytes, which the system refused; context; ask for a smaller --ctx");
}

}  // namespace

void KvCache::Part::set(std::int64_t page, PageRef ref) {
  const auto at = static_cast<std::size_t>(page);
  if (at >= refs.size()) {
    pages.resize(at + 1);
    refs.resize(at + 1);  // last: they say how many there are, and either may find no memory
  }
  pages[at] = ref.data();
  refs[at] = std::move(ref);
}

void KvCache::Part::drop_before(std::int64_t page) {
  for (; first_held < page; ++first_held)
    if (first_held < static_cast<std::int64_t>(refs.size())) set(first_held, {});
}

void KvCache::Part::drop_from(std::int64_t page) {
  const auto n = std::min(refs.size(), static_cast<std::size_t>(page));
  refs.resize(n);
  pages.resize(n);
  first_held = std::min(first_held, page);
}

KvCache& KvCache::operator=(KvCache other) noexcept {
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

// The parts without their memory.
KvCache KvCache::plan(const Config& c, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                      const Placement& placement) {
  KvCache cache;
  cache.shape_ = {c.n_head, c.n_kv_head, c.key_dim(), c.attention_scale, c.attention_cap,
                  type,     0,           0,           nullptr,           c.latent_dim};
  cache.n_ctx_ = n_ctx;
  const std::size_t layer_bytes = cache.shape_.k_offset(c.n_kv_head);
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    const std::int64_t window = c.window_of(layer);
    const std::size_t device = placement.of_layer(layer);
    if (std::find(cache.windows_.begin(), cache.windows_.end(), window) == cache.windows_.end())
      cache.windows_.push_back(window);
    auto part = std::find_if(cache.parts_.begin(), cache.parts_.end(),
                             [&](const Part& p) { return p.window == window && p.device == device; });
    if (part == cache.parts_.end()) {
      const std::int64_t all = pages_of(n_ctx);
      const std::int64_t held = window == 0 ? all : std::min(all, window_pages(window, n_pass));
      cache.parts_.push_back({device, window, 0, held, 0, 0, {}, {}});
      part = cache.parts_.end() - 1;
    }
    cache.places_.push_back({static_cast<std::size_t>(part - cache.parts_.begin()), part->n_layer++});
    part->page_bytes += layer_bytes;
  }
  return cache;
}

std::size_t KvCache::n_parts(const Config& config, const Placement& placement) {
  return plan(config, kernels::KvType::f16, 1, 1, placement).parts_.size();
}

PlacedBytes KvCache::bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                           const Placement& placement) {
  PlacedBytes all(placement);
  for (const Part& part : plan(config, type, n_ctx, n_pass, placement).parts_)
    all.add(placement, part.device, {part.bytes(*placement.heaps[part.device]), 0});
  return all;
}

backend::PassLimits KvCache::limits(const Config& c, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_rows,
                                    std::int64_t n_sequences, const Share& share) {
  const KvCache cache = plan(c, type, n_ctx, n_rows, share.placement);
  const auto n_parts = static_cast<std::int64_t>(std::count_if(
      cache.parts_.begin(), cache.parts_.end(), [&](const Part& part) { return part.device == share.device; }));
  const bool routes = share.routes(c);
  return {.n_rows = n_rows,
          .n_parts = n_parts,
          .n_pages = n_sequences * n_parts * pages_of(n_ctx),
          .longest = n_ctx,
          .n_angles = c.n_rot / 2 * 2 * (c.window_rope_base != 0 ? 2 : 1),
          .n_used = routes ? c.n_expert_used : 0,
          .n_expert = routes ? c.n_expert : 0,
          .shape = cache.shape_};
}

Result<void> KvCache::check_type(const Config& config, kernels::KvType type) {
  if (kernels::kv_fits(type, config.key_dim())) return {};
  return Error(Status::unsupported, "keys and values of type " + std::string(kernels::kv_info(type).name) +
                                        " need heads of a multiple of " + std::to_string(kernels::kBlock) +
                                        ", the model's have " + std::to_string(config.key_dim()) +
                                        " elements; KV type; use f16 or f32");
}

Result<KvCache> KvCache::make(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                              std::shared_ptr<PagePool> pool) {
  HEARTH_CHECK(check_type(config, type));
  if (!pool) pool = std::make_shared<PagePool>(UINT64_MAX, PagePool::Budget::soft);
  KvCache cache = plan(config, type, n_ctx, n_pass, pool->placement());
  cache.pool_ = std::move(pool);
  const std::uint64_t all = bytes(config, type, n_ctx, n_pass, cache.pool_->placement()).total();
  HEARTH_CHECK(cache.pool_->could_hold(all));
  // Asked for and given back at once: what the system would never grant is refused now, not after half a text.
  for (const Part& part : cache.parts_)
    if (const Heap& heap = cache.heap(part); !AlignedBuffer<std::byte>::make_unwritten(part.bytes(heap), heap))
      return too_long(n_ctx, all);
  return cache;
}

Result<PageRef> KvCache::new_page(const Part& part) {
  const auto held = std::max<std::int64_t>(0, static_cast<std::int64_t>(part.refs.size()) - part.first_held);
  return pool_->take(part.page_bytes, part.device, part.n_held - held);
}

Result<void> KvCache::append(std::int64_t position) {
  const std::int64_t page = position / kernels::kPage;
  for (Part& part : parts_) {
    const auto at = static_cast<std::size_t>(page);
    if (at < part.refs.size() && !part.refs[at].shared()) continue;
    part.drop_before(page + 1 - part.n_held);  // first: its memory may be the new page's
    HEARTH_TRY(PageRef own, new_page(part));
    if (at < part.refs.size()) heap(part).copy(own.data(), part.pages[at], part.page_bytes);
    part.set(page, std::move(own));
  }
  return {};
}

std::int64_t KvCache::truncate(std::int64_t n) {
  const auto lost = [&](const Part& part) {
    const std::int64_t seen = std::max<std::int64_t>(0, n - part.window + 1);  // what position n sees begins here
    return part.window != 0 && seen < part.first_held * kernels::kPage;
  };
  const std::int64_t kept = n > 0 && std::none_of(parts_.begin(), parts_.end(), lost) ? n : 0;
  for (Part& part : parts_) part.drop_from(pages_of(kept));
  return kept;
}

std::vector<PageRef> KvCache::share(std::int64_t page) const {
  std::vector<PageRef> all;
  for (const Part& part : parts_) {
    const auto at = static_cast<std::size_t>(page);
    if (page < part.first_held || at >= part.refs.size()) return {};
    all.push_back(part.refs[at]);
  }
  return all;
}

void KvCache::adopt(std::span<const std::vector<PageRef>> pages) {
  const auto n = static_cast<std::int64_t>(pages.size());
  for (Part& part : parts_) part.refs.reserve(pages.size()), part.pages.reserve(pages.size());  // first: all or nothing
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    part.drop_from(0);
    part.drop_before(n - part.n_held);
    for (std::int64_t page = std::max<std::int64_t>(0, part.first_held); page < n; ++page)
      part.set(page, pages[static_cast<std::size_t>(page)][i]);
  }
}

// Devices have layers in ascending order, and so have parts: those of one window hold its layers one behind the other.
KvCache::Held KvCache::held(std::size_t window) const {
  Held held{windows_[window], 0, 0, 0};
  for (const Part& part : parts_) {
    if (part.window != held.window) continue;
    held.page_bytes += part.page_bytes;
    held.first = part.first_held, held.end = static_cast<std::int64_t>(part.refs.size());  // alike on all devices
  }
  return held;
}

Result<void> KvCache::restore(std::size_t window, std::int64_t first, std::span<const std::byte> bytes) {
  const std::size_t stride = held(window).page_bytes;
  std::size_t before = 0;  // of a page's bytes
  for (Part& part : parts_) {
    if (part.window != windows_[window]) continue;
    part.drop_from(0);
    part.drop_before(first);
    std::int64_t page = first;
    for (std::size_t at = before; at < bytes.size(); at += stride, ++page) {
      HEARTH_TRY(PageRef own, new_page(part));
      heap(part).bring(own.data(), bytes.data() + at, part.page_bytes);
      part.set(page, std::move(own));
    }
    before += part.page_bytes;
  }
  return check_heaps();
}

void KvCache::read(std::size_t window, std::int64_t page, std::int64_t n_slots, std::byte* to) const {
  const bool latent = shape_.latent_dim != 0;
  for (const Part& part : parts_) {
    if (part.window != windows_[window]) continue;
    heap(part).fetch(to, part.pages[static_cast<std::size_t>(page)], part.page_bytes);
    std::byte* head = to;  // layers of heads, each of keys and values
    for (bool keys = true; n_slots < kernels::kPage && head != to + part.page_bytes; keys = latent || !keys) {
      kernels::kv_forget(head, shape_.kv_type, shape_.head_dim, keys, n_slots);
      head += shape_.kv_head_bytes();
    }
    to += part.page_bytes;
  }
}

Result<void> KvCache::check_heaps() const {
  for (const Heap* heap : pool_->placement().heaps) HEARTH_CHECK(heap->check());
  return {};
}

Result<void> KvCache::fill_with_zero(std::int64_t n) {
  for (std::int64_t position = 0; position < n; position += kernels::kPage) HEARTH_CHECK(append(position));
  return {};
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
