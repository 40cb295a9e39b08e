// Enters: a vector. Leaves: the same in device memory, and back. The device is a GPU, or the host that plays one.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "cuda_device.h"
#include "support/catch.hpp"

namespace hearth::test {

template <class T> class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& values)
      : n_(values.size()), memory_(kernels::cuda::allocate(n_ * sizeof(T) + kGuard)) {
    REQUIRE(memory_ != nullptr);
    std::vector<std::byte> bytes(n_ * sizeof(T) + kGuard, std::byte{0x5A});
    if (n_ != 0) std::memcpy(bytes.data(), values.data(), n_ * sizeof(T));
    kernels::cuda::copy_to_device(nullptr, memory_, bytes.data(), bytes.size());
  }
  explicit OnDevice(std::size_t n, const T& value = T{}) : OnDevice(std::vector<T>(n, value)) {}
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { kernels::cuda::release(memory_); }

  T* data() const { return reinterpret_cast<T*>(memory_); }

  /// Waits for what is queued. What lies behind the values must be as it was.
  std::vector<T> values() const {
    std::vector<std::byte> bytes(n_ * sizeof(T) + kGuard);
    kernels::cuda::copy_to_host(nullptr, bytes.data(), memory_, bytes.size());
    kernels::cuda::wait(nullptr);
    const char* error = kernels::cuda::take_error();
    INFO((error ? error : ""));
    REQUIRE(error == nullptr);
    const auto untouched = [](std::byte b) { return b == std::byte{0x5A}; };
    REQUIRE(std::all_of(bytes.end() - kGuard, bytes.end(), untouched));
    std::vector<T> values(n_);
    if (n_ != 0) std::memcpy(values.data(), bytes.data(), n_ * sizeof(T));
    return values;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  std::size_t n_;
  std::byte* memory_;
};

}  // namespace hearth::test
