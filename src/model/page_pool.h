// Enters: wishes for pages on a model's devices. Leaves: pages of zeros, shared by counting references, within one budget.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "aligned_buffer.h"
#include "placement.h"

namespace hearth::model {

class PagePool;
struct PageSlab;

/// Memory of some positions. Whoever has the only reference may write; what is shared is read alone.
struct Page {
  std::byte* data = nullptr;
  PageSlab* slab = nullptr;
  std::atomic<std::int64_t> n_references{0};
};

/// Pages of one size that lie side by side. On the host they are so many, where so many are wanted, that the system may back them
/// with large pages of its own, which attention walks over faster; it gives their memory only as they are written.
struct PageSlab {
  PagePool* pool;
  std::size_t device, page_bytes;
  AlignedBuffer<std::byte> memory;
  std::vector<Page> pages;
  std::vector<Page*> free = {};  // the last n_at_hand of them still have their memory
  std::size_t n_at_hand = 0;
};

/// A reference to a page, or none. The last one gives the page back to its pool, which lives longer.
class PageRef {
 public:
  PageRef() = default;
  explicit PageRef(Page* page) : page_(page) {}
  PageRef(const PageRef& other) : page_(other.page_) {
    if (page_) page_->n_references.fetch_add(1, std::memory_order_relaxed);
  }
  PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PageRef();

  explicit operator bool() const { return page_ != nullptr; }
  std::byte* data() const { return page_ ? page_->data : nullptr; }
  std::size_t bytes() const { return page_ ? page_->slab->page_bytes : 0; }

  /// Acquires: what others read of the page before they let go of it comes before what is written now.
  bool shared() const { return page_ && page_->n_references.load(std::memory_order_acquire) > 1; }

 private:
  Page* page_ = nullptr;
};

/// All pages of a model's sequences. What is taken counts against the budget until its last reference is gone; then a few pages
/// stay at hand and the memory of the rest goes back to the system. Any thread may take and give.
class PagePool {
 public:
  /// What happens at the budget's end, once nothing more can be reclaimed: `firm` refuses, `soft` takes what the system grants
  /// (the budget then only says how much is kept for later).
  enum class Budget { firm, soft };

  /// `budget`: of all pages together. `parts` [n_device]: of those on each device; without them, only the budget counts.
  PagePool(std::uint64_t budget, Budget kind, Placement placement = {}, std::span<const std::uint64_t> parts = {});
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  /// Where its pages lie; the heaps outlive them.
  const Placement& placement() const { return placement_; }

  /// A page of zeros on a device, for someone who may want n_soon of them, this one included. Errors: out_of_memory.
  Result<PageRef> take(std::size_t bytes, std::size_t device = 0, std::int64_t n_soon = 1);

  /// Bytes that n_pages take from a heap when they are taken one by one by who wants as many.
  static std::uint64_t bytes_of(std::int64_t n_pages, std::size_t bytes, const Heap& heap);

  /// Whether so many bytes may be asked for in the end; nothing is taken.
  Result<void> could_hold(std::uint64_t bytes) const;

  /// Called when a page does not fit: lets go of something that is only kept, and says whether there was any. Set before use.
  void set_reclaim(std::function<bool()> reclaim) { reclaim_ = std::move(reclaim); }

  std::uint64_t bytes_taken() const;
  std::uint64_t budget() const { return budget_; }
  std::uint64_t limit() const { return kind_ == Budget::firm ? budget_ : UINT64_MAX; }  // of what can be taken

 private:
  friend class PageRef;
  static constexpr std::size_t kAtHand = 4;  // free pages a device that keep their memory: soon written again
  static std::int64_t slab_pages(std::size_t bytes, const Heap& heap);
  void give_back(Page* page);
  PageRef any_page(std::size_t bytes, std::size_t device, std::int64_t n_soon);
  PageRef free_page(std::size_t bytes, std::size_t device);
  bool add_slab(std::size_t bytes, std::size_t device, std::int64_t n_pages);
  std::unique_ptr<PageSlab> keep_free(Page* page);
  bool count(std::size_t bytes, std::size_t device, Budget kind);
  void uncount(std::size_t bytes, std::size_t device);
  bool reclaim() const { return reclaim_ && reclaim_(); }

  const std::uint64_t budget_;
  const Budget kind_;
  const Placement placement_;
  std::function<bool()> reclaim_;
  struct Part {
    std::uint64_t budget = UINT64_MAX, taken = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Part> parts_;  // [n_device]
  std::uint64_t taken_ = 0;  // of all
  std::vector<std::unique_ptr<PageSlab>> slabs_;
};

}  // namespace hearth::model
