// Enters: a count. Leaves: that many zeroed elements on a 64-byte boundary, owned.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "try.h"

namespace hearth {

/// Fixed-size storage for kernels; a failed allocation is an error, not an exception.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  static Result<AlignedBuffer> make(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    if (count > (SIZE_MAX - kAlignment) / sizeof(T)) return too_large(SIZE_MAX);
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    buffer.data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, bytes)));
    if (!buffer.data_) return too_large(bytes);
    std::memset(static_cast<void*>(buffer.data_.get()), 0, bytes);
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
  static constexpr std::size_t kAlignment = 64;
  static Error too_large(std::size_t bytes) {
    return Error(Status::out_of_memory, "cannot allocate " + std::to_string(bytes) + " bytes; buffer; free memory or ask for less context");
  }
  struct Free { void operator()(T* p) const { std::free(p); } };
  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace hearth
