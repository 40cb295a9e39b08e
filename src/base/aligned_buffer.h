// Enters: a count. Leaves: that many elements on a 64-byte boundary, owned: zeroed, or not written yet.
#pragma once

#include <sys/mman.h>

#include <cstddef>
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
    if (count > (SIZE_MAX - kLargePage) / sizeof(T)) return too_large(SIZE_MAX);
    const std::size_t alignment = count * sizeof(T) >= kManyPages ? kLargePage : kAlignment;
    const std::size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    buffer.data_.reset(static_cast<T*>(std::aligned_alloc(alignment, bytes)));
    if (!buffer.data_) return too_large(bytes);
    if (alignment == kLargePage) madvise(buffer.data_.get(), bytes, MADV_HUGEPAGE);  // a hint: fewer page faults
    buffer.size_ = count;
    return buffer;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::size_t kAlignment = 64, kLargePage = 2 << 20, kManyPages = 64 << 20;
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
