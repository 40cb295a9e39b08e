// Enters: wishes for pages of a heap. Leaves: pages of zeros, shared by counting references, within one budget.
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

Result<PageRef> PagePool::take(std::size_t bytes) {
  while (!count(bytes)) {
    if (reclaim()) continue;
    if (kind_ == Budget::firm) return refused(bytes, bytes_taken(), budget_);
    taken_.fetch_add(bytes, std::memory_order_relaxed);
    break;
  }
  PageRef page(spare(bytes));
  while (!page) {
    auto memory = AlignedBuffer<std::byte>::make_unwritten(bytes, heap_);
    if (memory) {
      page = PageRef(new Page{std::move(*memory), this});
    } else if (!reclaim()) {
      taken_.fetch_sub(bytes, std::memory_order_relaxed);
      return refused(bytes, bytes_taken(), budget_);
    }
  }
  heap_.zero(page.data(), bytes);  // nobody's old text is in a saved file, and a file's bytes follow from its text
  return page;
}

// Counts the bytes as taken where that stays within the budget.
bool PagePool::count(std::size_t bytes) {
  std::uint64_t taken = bytes_taken();
  do {
    if (saturating_add(taken, bytes) > budget_) return false;
  } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
  return true;
}

Page* PagePool::spare(std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found =
      std::find_if(spare_.begin(), spare_.end(), [&](const auto& p) { return p->memory.bytes() == bytes; });
  if (found == spare_.end()) return nullptr;
  Page* page = found->release();
  spare_.erase(found);
  page->n_references.store(1, std::memory_order_relaxed);
  return page;
}

void PagePool::give_back(Page* page) {
  std::unique_ptr<Page> owned(page);
  taken_.fetch_sub(owned->memory.bytes(), std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spare_.size() < kSpare) spare_.push_back(std::move(owned));
}

}  // namespace hearth::model
