// Enters: a device's number. Leaves: its memory, and pinned memory of the host that copies to and from it without detours.
#include "cuda_heap.h"

#include <string>

namespace hearth::backend {

namespace cuda = kernels::cuda;

Result<void> check_cuda(int device) {
  const char* const error = cuda::take_error();
  if (!error) return {};
  cuda::wait(nullptr);  // after an illegal address, say, every call fails until the process ends
  const bool stays = cuda::take_error() != nullptr;
  return Error(Status::internal,
               "the device failed: " + std::string(error) + "; device cuda:" + std::to_string(device) + "; " +
                   (stays ? "start the program again" : "open the model again") + ", or use --device cpu");
}

std::byte* PinnedHeap::allocate(std::uint64_t bytes) const {
  cuda::use_device(device_);
  std::byte* const memory = cuda::allocate_pinned(taken(bytes));
  if (!memory) cuda::take_error();  // the caller knows by the answer
  return memory;
}

void PinnedHeap::release(std::byte* memory) const {
  cuda::use_device(device_);
  cuda::release_pinned(memory);
}

std::uint64_t CudaHeap::left() const {
  cuda::DeviceFacts facts;
  return cuda::device_facts(device_, facts) ? facts.free_bytes : 0;
}

std::uint64_t CudaHeap::taken(std::uint64_t bytes) const {
  constexpr std::uint64_t kUnit = 256;  // every allocation begins at a multiple (CUDA C++ Programming Guide, 5.3.2)
  return bytes > UINT64_MAX - kUnit ? UINT64_MAX : (bytes + kUnit - 1) / kUnit * kUnit;
}

std::byte* CudaHeap::allocate(std::uint64_t bytes) const {
  cuda::use_device(device_);
  std::byte* const memory = cuda::allocate(taken(bytes));
  if (!memory) cuda::take_error();  // the caller knows by the answer
  return memory;
}

void CudaHeap::release(std::byte* memory) const {
  cuda::use_device(device_);
  cuda::release(memory);
}

void CudaHeap::zero(std::byte* to, std::size_t bytes) const {
  cuda::use_device(device_);
  cuda::fill(stream_, to, 0, bytes);
  cuda::wait(stream_);
}

void CudaHeap::copy(std::byte* to, const std::byte* from, std::size_t bytes) const {
  cuda::use_device(device_);
  cuda::copy_on_device(stream_, to, from, bytes);
  cuda::wait(stream_);
}

void CudaHeap::bring(std::byte* to, const std::byte* from, std::size_t bytes) const {
  cuda::use_device(device_);
  cuda::copy_to_device(stream_, to, from, bytes);
  cuda::wait(stream_);
}

void CudaHeap::fetch(std::byte* to, const std::byte* from, std::size_t bytes) const {
  cuda::use_device(device_);
  cuda::copy_to_host(stream_, to, from, bytes);
  cuda::wait(stream_);
}

Result<void> CudaHeap::check() const { return check_cuda(device_); }

}  // namespace hearth::backend
