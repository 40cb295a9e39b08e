// Enters: a count. Leaves: that many elements on a 64-byte boundary, owned: zeroed, or not written yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "heap.h"
#include "try.h"

namespace hearth {

/// Fixed-size storage for kernels, in the host's memory or in a device's, which then outlives it and whose elements only the
/// device reads. A failed allocation is an error, not an exception.
template <class T> class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  static Result<AlignedBuffer> make(std::size_t count, const Heap& heap = host_heap()) {
    auto buffer = make_unwritten(count, heap);
    if (buffer && count != 0) heap.zero(reinterpret_cast<std::byte*>(buffer->data()), buffer->bytes());
    return buffer;
  }

  /// For what is written before it is read: the system gives the memory as it is written, by whoever writes it.
  static Result<AlignedBuffer> make_unwritten(std::size_t count, const Heap& heap = host_heap()) {
    if (count > kMost) return too_large(SIZE_MAX);
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    buffer.data_ = {reinterpret_cast<T*>(heap.allocate(count * sizeof(T))), Release{&heap}};
    if (!buffer.data_) return too_large(heap.taken(count * sizeof(T)));
    buffer.size_ = count;
    return buffer;
  }

  /// Bytes that a buffer of so many elements takes from the system; UINT64_MAX: more than there can be.
  static constexpr std::uint64_t taken(std::uint64_t count) {
    return count > kMost ? UINT64_MAX : host_taken(count * sizeof(T));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::uint64_t kMost = (SIZE_MAX - (2 << 20)) / sizeof(T);
  static Error too_large(std::size_t bytes) {
    return Error(Status::out_of_memory,
                 "cannot allocate " + std::to_string(bytes) + " bytes; buffer; free memory or ask for less context");
  }
  struct Release {
    const Heap* heap = nullptr;
    void operator()(T* p) const { heap->release(reinterpret_cast<std::byte*>(p)); }
  };
  std::unique_ptr<T[], Release> data_;
  std::size_t size_ = 0;
};

}  // namespace hearth
