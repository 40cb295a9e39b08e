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
  if (page_ && page_->n_references.fetch_sub(1, std::memory_order_acq_rel) == 1) page_->pool->give_back(page_);
}

Result<void> PagePool::could_hold(std::uint64_t bytes) const {
  if (bytes <= limit()) return {};
  return refused(bytes, 0, budget_);
}

PagePool::PagePool(std::uint64_t budget, Budget kind, Placement placement, std::span<const std::uint64_t> parts)
    : budget_(budget), kind_(kind), placement_(std::move(placement)), parts_(placement_.n_devices()) {
  for (std::size_t device = 0; device < parts.size(); ++device) parts_[device].budget = parts[device];
  spare_.reserve(kSpare * parts_.size());
}

std::uint64_t PagePool::bytes_taken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return taken_;
}

Result<PageRef> PagePool::take(std::size_t bytes, std::size_t device) {
  while (!count(bytes, device, Budget::firm)) {
    if (reclaim()) continue;
    if (kind_ == Budget::firm) return refused(bytes, bytes_taken(), budget_);
    count(bytes, device, Budget::soft);
    break;
  }
  const Heap& heap = *placement_.heaps[device];
  PageRef page(spare(bytes, device));
  while (!page) {
    auto memory = AlignedBuffer<std::byte>::make_unwritten(bytes, heap);
    if (memory) {
      page = PageRef(new Page{std::move(*memory), this, device});
    } else if (!reclaim()) {
      uncount(bytes, device);
      return refused(bytes, bytes_taken(), budget_);
    }
  }
  heap.zero(page.data(), bytes);  // nobody's old text is in a saved file, and a file's bytes follow from its text
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

Page* PagePool::spare(std::size_t bytes, std::size_t device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = std::find_if(spare_.begin(), spare_.end(),
                                  [&](const auto& p) { return p->memory.bytes() == bytes && p->device == device; });
  if (found == spare_.end()) return nullptr;
  Page* page = found->release();
  spare_.erase(found);
  page->n_references.store(1, std::memory_order_relaxed);
  return page;
}

void PagePool::give_back(Page* page) {
  std::unique_ptr<Page> owned(page);
  uncount(owned->memory.bytes(), owned->device);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spare_.size() < kSpare * parts_.size()) spare_.push_back(std::move(owned));
}

}  // namespace hearth::model
