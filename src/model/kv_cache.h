// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads, shared with whoever has
// the same beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <span>
#include <vector>

#include "backend.h"
#include "config.h"
#include "page_pool.h"

namespace hearth::model {

/// What one sequence keeps: a list of parts, each for the layers that remember alike. Today's parts are paged keys and values: of
/// layers that see everything, and of layers that see a window and whose old pages are given back; each on every device that has
/// such layers. Other kinds of memory (latents, recurrent states) are further parts: they too append, fork, save, and say how far
/// back they can be truncated.
/// A copy is a fork: it shares all pages, and whoever first writes to a shared one takes a page of its own.
class KvCache {
 public:
  /// How far back `truncate` always reaches without losing what a window has left behind, besides the longest pass.
  static constexpr std::int64_t kRollback = 64;

  /// Room for n_ctx positions, at most n_pass of them new in one forward pass. Pages come from `pool` as positions do, and lie
  /// where its placement says; without one, from a pool of its own.
  static Result<KvCache> make(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                              std::shared_ptr<PagePool> pool = nullptr);

  KvCache(const KvCache&) = default;
  KvCache(KvCache&&) noexcept = default;
  KvCache& operator=(KvCache other) noexcept;  // member by member its pool could go before its pages

  /// Whether the model's heads can be stored so.
  static Result<void> check_type(const Config& config, kernels::KvType type);

  /// Bytes that it has when it is full.
  static PlacedBytes bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                           const Placement& placement);
  static std::uint64_t bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass) {
    return bytes(config, type, n_ctx, n_pass, {}).host;
  }

  /// What one device sees of passes of up to n_rows over so many full caches.
  static backend::PassLimits limits(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_rows,
                                    std::int64_t n_sequences, const Share& share);

  /// Parts of such a model's caches.
  static std::size_t n_parts(const Config& config, const Placement& placement);

  std::int64_t n_ctx() const { return n_ctx_; }
  kernels::KvType type() const { return shape_.kv_type; }
  std::size_t n_parts() const { return parts_.size(); }
  std::size_t device_of(std::size_t part) const {
    return parts_[part].device;
  }  // ascending: a device's are consecutive
  std::size_t part_of(std::int64_t layer) const { return places_[static_cast<std::size_t>(layer)].part; }
  backend::AttentionShape shape(std::int64_t layer) const;

  /// Makes a position's pages its own, in every part. Positions come in order, each at most n_pass after those truncated to.
  /// Page tables may move: `pages` is asked for after the last append of a pass. Errors: out_of_memory; no position is lost.
  Result<void> append(std::int64_t position);
  std::byte* page(std::size_t part, std::int64_t position) const {
    return parts_[part].pages[static_cast<std::size_t>(position / kernels::kPage)];
  }
  const std::byte* const* pages(std::size_t part) const { return parts_[part].pages.data(); }

  /// Forgets positions from n on. Returns how many are still there: n, or 0 when a window no longer holds what comes before n;
  /// the caller computes the others again.
  std::int64_t truncate(std::int64_t n);

  /// The references to one page of positions in every part, or none when a window has dropped it.
  std::vector<PageRef> share(std::int64_t page) const;

  /// Holds exactly these pages from now on, one of `share`'s answers each: the positions of a beginning that is known.
  void adopt(std::span<const std::vector<PageRef>> pages);

  /// What a saved file has of all layers with one window, whatever devices they are on, and takes it back: see session_file.cpp.
  struct Held {
    std::int64_t window;
    std::size_t page_bytes;
    std::int64_t first, end;  // pages
  };
  std::size_t n_windows() const { return windows_.size(); }
  Held held(std::size_t window) const;
  /// page_bytes, to the host; of the page's first `n_slots` positions, zeros for the rest.
  void read(std::size_t window, std::int64_t page, std::int64_t n_slots, std::byte* to) const;
  Result<void> restore(std::size_t window, std::int64_t first, std::span<const std::byte> bytes);
  Result<void> check_heaps() const;

  /// Writes n positions, for measuring at a depth that was never computed.
  Result<void> fill_with_zero(std::int64_t n);

 private:
  KvCache() = default;
  struct Part {
    std::size_t device;
    std::int64_t window;   // positions that its layers see, their own included; 0: all
    std::int64_t n_layer;  // a page holds 64 positions of each: [n_layer][n_kv_head][K, V]
    std::int64_t n_held;   // pages in memory at most: those before are dropped
    std::size_t page_bytes;
    std::int64_t first_held = 0;    // page
    std::vector<PageRef> refs;      // of the positions written so far: a context may be long and hardly used
    std::vector<std::byte*> pages;  // where they lie; none before first_held
    std::uint64_t bytes(const Heap& heap) const { return PagePool::bytes_of(n_held, page_bytes, heap); }
    void set(std::int64_t page, PageRef ref);
    void drop_before(std::int64_t page);
    void drop_from(std::int64_t page);
  };
  struct Place {
    std::size_t part;
    std::int64_t index;  // among the part's layers
  };

  static KvCache plan(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass,
                      const Placement& placement);
  Result<PageRef> new_page(const Part& part);
  const Heap& heap(const Part& part) const { return *pool_->placement().heaps[part.device]; }
  std::shared_ptr<PagePool> pool_;  // before the parts, so that it outlives their pages
  backend::AttentionShape shape_{};
  std::int64_t n_ctx_ = 0;
  std::vector<Part> parts_;
  std::vector<Place> places_;          // [n_layer]
  std::vector<std::int64_t> windows_;  // that layers have, in order of the first that has each
};

}  // namespace hearth::model
