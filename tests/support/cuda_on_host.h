// Enters: the source of a CUDA kernel, read by a C++ compiler. Leaves: what it says, run on the host: every thread a fiber, blocks
// one after another, barriers and warp collectives where fibers wait for each other. Nothing here is fast.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __shared__ static
#define __grid_constant__
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

namespace hearth::on_host {

/// The fiber that runs.
struct Thread {
  dim3 index, block, grid;
  std::byte* shared;  // the block's dynamic shared memory
};
const Thread& thread();

/// Waits for the other threads of the block, or of the warp.
void wait_for_block();
void wait_for_warp();

/// Hands `size` bytes to the other lanes of the warp, waits for theirs and returns where lane 0's are; the next lane's lie
/// kDeposit bytes on. All 32 lanes take part. What was returned stays until the call after the next.
inline constexpr std::size_t kDeposit = 64;
const std::byte* exchange(const void* mine, std::size_t size);

/// kernel() by every thread of every block. Threads that wait for what never comes are an error: the program ends with a message.
void run(dim3 grid, unsigned n_threads, std::size_t shared_bytes, const std::function<void()>& kernel);

/// Told before a kernel works and after; nobody, unless somebody has said so.
inline void (*kernel_works)(bool) = nullptr;

/// Runs it, or keeps it for replay() while a recording is made.
void queue(dim3 grid, unsigned n_threads, std::size_t shared_bytes, const std::function<void()>& kernel);
using Recording = std::vector<std::function<void()>>;
void record(Recording* to);  // none: no more

template <class T> T of_lane(const T& mine, int lane) {
  T theirs;
  std::memcpy(&theirs, exchange(&mine, sizeof mine) + static_cast<std::size_t>(lane) * kDeposit, sizeof theirs);
  return theirs;
}

}  // namespace hearth::on_host

#define threadIdx (::hearth::on_host::thread().index)
#define blockIdx (::hearth::on_host::thread().block)
#define gridDim (::hearth::on_host::thread().grid)

inline void __syncthreads() { hearth::on_host::wait_for_block(); }
inline void __syncwarp() { hearth::on_host::wait_for_warp(); }

template <class T> T __shfl_sync(unsigned, T mine, int lane) { return hearth::on_host::of_lane(mine, lane); }
template <class T> T __shfl_xor_sync(unsigned, T mine, int by) {
  return hearth::on_host::of_lane(mine, static_cast<int>(threadIdx.x % 32) ^ by);
}

inline int __all_sync(unsigned, int mine) {
  int all = 1;
  const std::byte* deposits = hearth::on_host::exchange(&mine, sizeof mine);
  for (std::size_t lane = 0; lane < 32; ++lane) {
    int theirs;
    std::memcpy(&theirs, deposits + lane * hearth::on_host::kDeposit, sizeof theirs);
    all = all && theirs;
  }
  return all;
}
inline unsigned __ballot_sync(unsigned, int mine) {
  unsigned votes = 0;
  const std::byte* deposits = hearth::on_host::exchange(&mine, sizeof mine);
  for (std::size_t lane = 0; lane < 32; ++lane) {
    int theirs;
    std::memcpy(&theirs, deposits + lane * hearth::on_host::kDeposit, sizeof theirs);
    votes |= (theirs != 0 ? 1u : 0u) << lane;
  }
  return votes;
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }

inline int __dp4a(int a, int b, int sum) {
  for (int i = 0; i < 4; ++i) sum += static_cast<std::int8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i);
  return sum;
}

inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(b) << 32 | a;
  unsigned result = 0;
  for (unsigned i = 0; i < 4; ++i)
    result |= static_cast<unsigned>(bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return result;
}

template <class T> T __ldg(const T* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

struct int2 {
  int x, y;
};
struct int4 {
  int x, y, z, w;
};
struct float2 {
  float x, y;
};

inline float __int_as_float(int bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline int __float_as_int(float x) {
  int bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

template <class T> T atomicAdd(T* at, T value) {
  const T before = *at;
  *at += value;
  return before;
}
template <class T> T atomicMin(T* at, T value) {
  const T before = *at;
  if (value < before) *at = value;
  return before;
}
