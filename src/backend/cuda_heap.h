// Enters: a device's number. Leaves: its memory, and pinned memory of the host that copies to and from it without detours.
#pragma once

#include <atomic>
#include <string>

#include "cuda_device.h"
#include "heap.h"

namespace hearth::backend {

/// The host's, and known to the device.
class PinnedHeap final : public Heap {
 public:
  explicit PinnedHeap(int device) : device_(device) {}
  std::string name() const override { return host_heap().name(); }
  std::uint64_t left() const override { return host_heap().left(); }
  std::uint64_t taken(std::uint64_t bytes) const override { return host_heap().taken(bytes); }
  std::byte* allocate(std::uint64_t bytes) const override;
  void release(std::byte* memory) const override;
  void zero(std::byte* to, std::size_t bytes) const override { host_heap().zero(to, bytes); }
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const override { bring(to, from, bytes); }
  void bring(std::byte* to, const std::byte* from, std::size_t bytes) const override {
    host_heap().bring(to, from, bytes);
  }
  void fetch(std::byte* to, const std::byte* from, std::size_t bytes) const override { bring(to, from, bytes); }
  Result<void> check() const override { return {}; }

 private:
  int device_;
};

/// The device's. Its copies have a stream of their own: they never wait for a pass, nor are they recorded with one.
class CudaHeap final : public Heap {
 public:
  explicit CudaHeap(int device) : device_(device), pinned_(device), stream_(kernels::cuda::make_stream()) {}
  ~CudaHeap() override { kernels::cuda::release_stream(stream_); }
  CudaHeap(const CudaHeap&) = delete;
  CudaHeap& operator=(const CudaHeap&) = delete;

  std::string name() const override { return "cuda:" + std::to_string(device_); }
  std::uint64_t left() const override;
  std::uint64_t taken(std::uint64_t bytes) const override;
  std::byte* allocate(std::uint64_t bytes) const override;
  void release(std::byte* memory) const override;
  void zero(std::byte* to, std::size_t bytes) const override;
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const override;
  void bring(std::byte* to, const std::byte* from, std::size_t bytes) const override;
  void fetch(std::byte* to, const std::byte* from, std::size_t bytes) const override;
  std::uint64_t fresh_number() const override { return ++last_number_; }
  Result<void> check() const override;
  const Heap& host() const override { return pinned_; }

 private:
  int device_;
  PinnedHeap pinned_;
  kernels::cuda::Stream stream_;
  mutable std::atomic<std::uint64_t> last_number_{0};
};

/// What the runtime says that went wrong, as an error.
Result<void> check_cuda(int device);

}  // namespace hearth::backend
