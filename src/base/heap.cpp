// Enters: sizes. Leaves: the host's memory.
#include "heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "host.h"

namespace hearth {
namespace {

class HostHeap final : public Heap {
 public:
  std::string name() const override { return "the host"; }
  std::uint64_t left() const override { return available_memory(); }
  std::uint64_t taken(std::uint64_t bytes) const override { return host_taken(bytes); }
  std::byte* allocate(std::uint64_t bytes) const override {
    const std::uint64_t all = host_taken(bytes);
    void* memory = std::aligned_alloc(host_alignment(bytes), all);
    if (memory && host_alignment(bytes) > 4096) madvise(memory, all, MADV_HUGEPAGE);  // a hint: fewer page faults
    return static_cast<std::byte*>(memory);
  }
  void release(std::byte* memory) const override { std::free(memory); }
  void forget(std::byte* memory, std::size_t bytes) const override {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    let_pages_go(begin, begin + bytes);
  }
  void zero(std::byte* to, std::size_t bytes) const override { std::memset(to, 0, bytes); }
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
  void bring(std::byte* to, const std::byte* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
  void fetch(std::byte* to, const std::byte* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
  Result<void> check() const override { return {}; }
};

}  // namespace

void let_pages_go(std::uintptr_t begin, std::uintptr_t end) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

const Heap& host_heap() {
  static const HostHeap heap;
  return heap;
}

}  // namespace hearth
