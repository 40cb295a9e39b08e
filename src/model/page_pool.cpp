// Enters: wishes for pages on a model's devices. Leaves: pages of zeros, shared by counting references, within one budget.
#include "page_pool.h"

#include <algorithm>
#include <string>

#include "saturating.h"
#include "try.h"

namespace hearth::model {
namespace {

Error refused(std::uint64_t wanted, std::uint64_t taken, std::uint64_t budget) {
  return Error(Status::out_of_memory, "keys and values need " + std::to_string(wanted) + " more bytes, " +
                                          std::to_string(taken) + " of " + std::to_string(budget) +
                                          " are taken; KV memory; end a session, ask for a smaller --ctx or a larger "
                                          "kv_budget");
}

}  // namespace

PageRef::~PageRef() {
  if (page_ && page_->n_references.fetch_sub(1, std::memory_order_acq_rel) == 1) page_->slab->pool->give_back(page_);
}

Result<void> PagePool::could_hold(std::uint64_t bytes) const {
  if (bytes <= limit()) return {};
  return refused(bytes, 0, budget_);
}

PagePool::PagePool(std::uint64_t budget, Budget kind, Placement placement, std::span<const std::uint64_t> parts)
    : budget_(budget), kind_(kind), placement_(std::move(placement)), parts_(placement_.n_devices()) {
  for (std::size_t device = 0; device < parts.size(); ++device) parts_[device].budget = parts[device];
}

std::uint64_t PagePool::bytes_taken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return taken_;
}

// Pages of a slab at most. Only the host's own memory comes as it is written.
std::int64_t PagePool::slab_pages(std::size_t bytes, const Heap& heap) {
  constexpr std::size_t kBytes = 64 << 20, kPages = 64;
  return &heap == &host_heap() ? static_cast<std::int64_t>(std::min(kPages, (kBytes - 1) / bytes + 1)) : 1;
}

std::uint64_t PagePool::bytes_of(std::int64_t n_pages, std::size_t bytes, const Heap& heap) {
  const std::int64_t n = slab_pages(bytes, heap), rest = n_pages % n;
  const auto slab = [&](std::int64_t of) { return heap.taken(static_cast<std::uint64_t>(of) * heap.taken(bytes)); };
  const std::uint64_t whole = saturating_multiply(static_cast<std::uint64_t>(n_pages / n), slab(n));
  return rest == 0 ? whole : saturating_add(whole, slab(rest));
}

Result<PageRef> PagePool::take(std::size_t bytes, std::size_t device, std::int64_t n_soon) {
  while (!count(bytes, device, Budget::firm)) {
    if (reclaim()) continue;
    if (kind_ == Budget::firm) return refused(bytes, bytes_taken(), budget_);
    count(bytes, device, Budget::soft);
    break;
  }
  PageRef page;
  {
    struct Counted {  // for nothing, where no page comes of it
      PagePool& pool;
      const std::size_t bytes, device;
      const PageRef& page;
      ~Counted() {
        if (!page) pool.uncount(bytes, device);
      }
    } const counted{*this, bytes, device, page};
    page = any_page(bytes, device, n_soon);
  }
  if (!page) return refused(bytes, bytes_taken(), budget_);
  // Nobody's old text is in a saved file, and a file's bytes follow from its text.
  placement_.heaps[device]->zero(page.data(), bytes);
  return page;
}

// Empty: neither the system nor anybody who remembers pages has one more.
PageRef PagePool::any_page(std::size_t bytes, std::size_t device, std::int64_t n_soon) {
  const std::int64_t n = std::clamp<std::int64_t>(n_soon, 1, slab_pages(bytes, *placement_.heaps[device]));
  PageRef page = free_page(bytes, device);
  while (!page && (add_slab(bytes, device, n) || add_slab(bytes, device, 1) || reclaim()))
    page = free_page(bytes, device);
  return page;
}

// Counts the bytes as taken: where the budgets are firm, if that stays within them.
bool PagePool::count(std::size_t bytes, std::size_t device, Budget kind) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Part& part = parts_[device];
  const bool fits = saturating_add(taken_, bytes) <= budget_ && saturating_add(part.taken, bytes) <= part.budget;
  if (!fits && kind == Budget::firm) return false;
  taken_ += bytes, part.taken += bytes;
  return true;
}

void PagePool::uncount(std::size_t bytes, std::size_t device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  taken_ -= bytes, parts_[device].taken -= bytes;
}

PageRef PagePool::free_page(std::size_t bytes, std::size_t device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  PageSlab* found = nullptr;  // one that has free pages, at best one whose memory is at hand
  for (const auto& slab : slabs_)
    if (slab->page_bytes == bytes && slab->device == device && !slab->free.empty() && (!found || slab->n_at_hand != 0))
      found = slab.get();
  if (!found) return {};
  Page* page = found->free.back();
  found->free.pop_back();
  if (found->n_at_hand != 0) --found->n_at_hand;
  page->n_references.store(1, std::memory_order_relaxed);
  return PageRef(page);
}

// False: the system has no such memory.
bool PagePool::add_slab(std::size_t bytes, std::size_t device, std::int64_t n_pages) {
  const auto n = static_cast<std::size_t>(n_pages);
  const Heap& heap = *placement_.heaps[device];
  const std::size_t step = heap.taken(bytes);
  auto memory = AlignedBuffer<std::byte>::make_unwritten(n * step, heap);
  if (!memory) return false;
  std::unique_ptr<PageSlab> slab(new PageSlab{this, device, bytes, std::move(*memory), std::vector<Page>(n)});
  slab->free.reserve(n);
  for (std::size_t i = n; i-- > 0;) {  // the first is taken first
    slab->pages[i].data = slab->memory.data() + i * step;
    slab->pages[i].slab = slab.get();
    slab->free.push_back(&slab->pages[i]);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  slabs_.push_back(std::move(slab));
  return true;
}

void PagePool::give_back(Page* page) {
  uncount(page->slab->page_bytes, page->slab->device);
  const auto unused = keep_free(page);  // it goes back to the system when the lock is open again
}

// Returns the page's slab where nobody has a page of it and there are others to take from.
std::unique_ptr<PageSlab> PagePool::keep_free(Page* page) {
  PageSlab& slab = *page->slab;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::size_t n_at_hand = 0, n_others = 0;  // of the device; free pages of its other slabs of this size
  for (const auto& other : slabs_) {
    if (other->device != slab.device) continue;
    n_at_hand += other->n_at_hand;
    if (other.get() != &slab && other->page_bytes == slab.page_bytes) n_others += other->free.size();
  }
  if (n_at_hand < kAtHand) {
    slab.free.push_back(page);
    ++slab.n_at_hand;
  } else {
    placement_.heaps[slab.device]->forget(page->data, slab.page_bytes);
    slab.free.insert(slab.free.begin(), page);
  }
  if (slab.free.size() < slab.pages.size() || n_others < kAtHand) return nullptr;
  const auto here = std::find_if(slabs_.begin(), slabs_.end(), [&](const auto& other) { return other.get() == &slab; });
  std::unique_ptr<PageSlab> unused = std::move(*here);
  slabs_.erase(here);
  return unused;
}

}  // namespace hearth::model
