// Enters: the lists that the host makes for a pass. Leaves: the same lists in device memory, brought there in one transfer.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "cuda_kernels.h"

namespace hearth::backend {

/// Their addresses follow from the number of rows alone, as long as no pass is larger than those before. First of all stands
/// what a pass answers: the number that notes where it failed, and tokens.
class CudaTables {
 public:
  explicit CudaTables(const Heap& heap) : heap_(heap) {}

  /// What these are the limits of.
  static PassLimits limits(const PassTables& tables);

  /// Bytes for passes up to these limits, there and here alike.
  static std::uint64_t bytes(const PassLimits& limits);

  /// Room for them. Errors: out_of_memory.
  Result<void> reserve(const PassLimits& limits);

  /// Queues the transfer. The host's side is not written before the stream has been waited for.
  void bring(kernels::cuda::Stream stream, const PassTables& tables);

  /// Where a list of the pass, known by where the host has it, lies on the device.
  template <class T> T* at(const void* host) { return reinterpret_cast<T*>(there_.data() + offset(host)); }

  kernels::cuda::Rows angles(const Rows& here) {
    return {here.data ? at<float>(here.data) : nullptr, here.n, here.width, here.stride};
  }

  unsigned long long* failure() { return reinterpret_cast<unsigned long long*>(there_.data()); }
  unsigned long long* failure_here() { return reinterpret_cast<unsigned long long*>(here_.data()); }

  /// Tokens that the device chooses, one for each row that wants logits: there, and here once they have been fetched.
  std::int32_t* drawn() { return reinterpret_cast<std::int32_t*>(there_.data() + kFailureBytes); }
  std::span<const std::int32_t> drawn_here() const {
    return {reinterpret_cast<const std::int32_t*>(here_.data() + kFailureBytes), n_draws_};
  }

  /// Queues the transfer back of what the pass has answered.
  void fetch_answers(kernels::cuda::Stream stream);

 private:
  struct Entry {
    const void* host;
    std::size_t offset;
  };
  std::byte* add(const void* host, std::size_t bytes);
  void add_places(const Memory& memory);
  void add_pages(const Memory& memory);
  std::size_t offset(const void* host) const;

  static constexpr std::size_t kFailureBytes = 64;

  const Heap& heap_;
  AlignedBuffer<std::byte> here_, there_;
  std::size_t n_draws_ = 0;
  std::vector<Entry> entries_;
  std::size_t end_ = 0;  // of what has been added
};

}  // namespace hearth::backend
