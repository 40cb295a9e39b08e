// Enters: a count. Leaves: that many elements on a 64-byte boundary, owned: zeroed, or not written yet.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "try.h"

namespace hearth {

/// Fixed-size storage for kernels; a failed allocation is an error, not an exception.
template <class T> class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  static Result<AlignedBuffer> make(std::size_t count) {
    auto buffer = make_unwritten(count);
    if (buffer && count != 0) std::memset(static_cast<void*>(buffer->data()), 0, buffer->bytes());
    return buffer;
  }

  /// For what is written before it is read: the system gives the memory as it is written, by whoever writes it.
  static Result<AlignedBuffer> make_unwritten(std::size_t count) {
    const std::uint64_t bytes = taken(count);
    if (bytes == UINT64_MAX) return too_large(SIZE_MAX);
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    buffer.data_.reset(static_cast<T*>(std::aligned_alloc(alignment(count * sizeof(T)), bytes)));
    if (!buffer.data_) return too_large(bytes);
    if (alignment(bytes) == kLargePage)
      madvise(static_cast<void*>(buffer.data_.get()), bytes, MADV_HUGEPAGE);  // a hint: fewer page faults
    buffer.size_ = count;
    return buffer;
  }

  /// Bytes that a buffer of so many elements takes from the system; UINT64_MAX: more than there can be.
  static constexpr std::uint64_t taken(std::uint64_t count) {
    if (count > (SIZE_MAX - kLargePage) / sizeof(T)) return UINT64_MAX;
    const std::uint64_t bytes = count * sizeof(T), unit = alignment(bytes);
    return (bytes + unit - 1) / unit * unit;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::size_t kAlignment = 64, kLargePage = 2 << 20, kManyPages = 64 << 20;
  static constexpr std::size_t alignment(std::uint64_t bytes) { return bytes >= kManyPages ? kLargePage : kAlignment; }
  static Error too_large(std::size_t bytes) {
    return Error(Status::out_of_memory,
                 "cannot allocate " + std::to_string(bytes) + " bytes; buffer; free memory or ask for less context");
  }
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace hearth
