// The hardware's own instructions under one name each, with two bodies: nvcc's, and the host's for tests that run the same
// kernels there. Everything else of a kernel is plain C++ with CUDA's words.
#pragma once

#ifdef __CUDACC__
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#endif  // the host's words are in tests/support/cuda_on_host.h, which the tests' build puts first

#include <cstddef>
#include <cstdint>

#include "canonical_math.h"
#include "cuda_kernels.h"

namespace hearth::kernels::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;
inline constexpr int kWarp = 32;

// |n| < 2^22 added to the bits of 1.5 * 2^23 are the bits of 1.5 * 2^23 + n, so that float is one subtraction away, and exact:
// conversions run at a fraction of the rate of additions. Sums of products start from kMagicBits to save the addition too.
inline constexpr int kMagicBits = 0x4B400000;
inline constexpr float kMagic = 12582912.0f;

__device__ __forceinline__ float from_magic(int bits) { return __int_as_float(bits) - kMagic; }
__device__ __forceinline__ float small_to_float(int n) { return from_magic(n + kMagicBits); }

/// Largest |sum| of 32 products that any format has: codes up to 128 (Q8_0) times activations up to 127. Formats with two
/// integer scales have less: 2 halves * 16 * 3 * 127 * 15.
static_assert(32 * 128 * 127 < 1 << 22 && 2 * 16 * 3 * 127 * 15 < 1 << 22);

/// Each byte of index, 0 … 15, chooses a byte of the table t0 … t3. A selector's nibble has room for one of eight bytes, so each
/// half is looked up and bit 3 chooses between the two.
__device__ __forceinline__ unsigned lookup_bytes(unsigned t0, unsigned t1, unsigned t2, unsigned t3, unsigned index) {
  const unsigned low = index & 0x07070707u, pairs = low | low >> 4;
  const unsigned selector = __byte_perm(pairs, 0, 0x4420);
  const unsigned upper = (index >> 3 & 0x01010101u) * 0xffu;
  return (__byte_perm(t0, t1, selector) & ~upper) | (__byte_perm(t2, t3, selector) & upper);
}

#ifdef __CUDACC__

__device__ __forceinline__ std::byte* dynamic_shared() {
  extern __shared__ __align__(16) std::byte memory[];
  return memory;
}

__device__ __forceinline__ float half_to_float(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ __forceinline__ std::uint16_t float_to_half(float x) { return __half_as_ushort(__float2half_rn(x)); }

/// Four 8x8 matrices of 16-bit elements: lane l's address is row l % 8 of matrix l / 8; out[i] is two elements of matrix i's row
/// l / 4 (PTX ISA, ldmatrix).
__device__ __forceinline__ void load_matrices(int (&out)[4], const void* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address));
}

/// c[16 x 8] += a[16 x 32] b[32 x 8] of int8; who holds what: PTX ISA, mma.m16n8k32.
__device__ __forceinline__ void multiply_32(int (&c)[4], const int (&a)[4], int b0, int b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// The same with 16 products each.
__device__ __forceinline__ void multiply_16(int (&c)[4], int a0, int a1, int b) {
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a0), "r"(a1), "r"(b));
}

/// 16 bytes from device memory to shared memory, not waited for.
__device__ __forceinline__ void copy_16(void* to, const void* from) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
}
__device__ __forceinline__ void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most `Groups` ends of copies have not been reached; what this thread copied before the others is there.
template <int Groups = 0> __device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Groups) : "memory");
}

/// Lets a kernel ask for all of a multiprocessor's shared memory that it has no fixed use for: more than 48 KB, the fixed ones counted,
/// is refused otherwise (CUDA C++ Programming Guide, "Shared Memory" of each compute capability). Once done, one question tells so.
/// Always the same: two threads may launch it at once.
inline void allow_all_shared(const void* kernel, std::size_t wanted) {
  int device = 0, most = 0;
  cudaFuncAttributes facts;
  if (cudaFuncGetAttributes(&facts, kernel) != cudaSuccess ||
      wanted + facts.sharedSizeBytes <= static_cast<std::size_t>(facts.maxDynamicSharedSizeBytes))
    return;
  if (cudaGetDevice(&device) == cudaSuccess &&
      cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) == cudaSuccess)
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                         most - static_cast<int>(facts.sharedSizeBytes));
}

/// kernel(arguments…) by grid * n_threads threads. The runtime keeps what goes wrong for take_error().
template <class... P, class... A>
void launch(Stream stream, void (*kernel)(P...), dim3 grid, int n_threads, std::size_t shared_bytes, A... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  if (shared_bytes > 16 * 1024) allow_all_shared(reinterpret_cast<const void*>(kernel), shared_bytes);
  kernel<<<grid, static_cast<unsigned>(n_threads), shared_bytes, stream>>>(arguments...);
}

#else

inline std::byte* dynamic_shared() {
  const auto address = reinterpret_cast<std::uintptr_t>(on_host::thread().shared);
  return reinterpret_cast<std::byte*>((address + 15) / 16 * 16);
}

inline float half_to_float(std::uint16_t bits) { return f16_to_f32(bits); }
inline std::uint16_t float_to_half(float x) { return f32_to_f16(x); }

inline void load_matrices(int (&out)[4], const void* row) {
  const std::byte* rows = on_host::exchange(&row, sizeof row);
  const std::size_t lane = threadIdx.x % kWarp;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::byte* of_row;
    std::memcpy(&of_row, rows + (8 * i + lane / 4) * on_host::kDeposit, sizeof of_row);
    std::memcpy(&out[i], of_row + 4 * (lane % 4), 4);
  }
}

/// c += a b, of which every lane has four bytes (consecutive k) of each of n_a rows of a, and of n_b pieces of a column of b.
template <int N> void multiply_on_host(int (&c)[4], const int (&a)[2 * N], const int (&b)[N]) {
  int mine[3 * N];
  std::memcpy(mine, a, sizeof a);
  std::memcpy(mine + 2 * N, b, sizeof b);
  const std::byte* all = on_host::exchange(mine, sizeof mine);
  const auto of_lane = [&](unsigned lane, int word) {
    int value;
    std::memcpy(&value, all + lane * on_host::kDeposit + 4 * static_cast<std::size_t>(word), 4);
    return value;
  };
  const unsigned lane = threadIdx.x % kWarp;
  for (int i = 0; i < 4; ++i)
    for (unsigned t = 0; t < 4; ++t)
      for (int piece = 0; piece < N; ++piece)
        c[i] = __dp4a(of_lane(lane / 4 * 4 + t, 2 * piece + i / 2),
                      of_lane((lane % 4 * 2 + static_cast<unsigned>(i % 2)) * 4 + t, 2 * N + piece), c[i]);
}
inline void multiply_32(int (&c)[4], const int (&a)[4], int b0, int b1) { multiply_on_host<2>(c, a, {b0, b1}); }
inline void multiply_16(int (&c)[4], int a0, int a1, int b) { multiply_on_host<1>(c, {a0, a1}, {b}); }

inline void copy_16(void* to, const void* from) { std::memcpy(to, from, 16); }
inline void end_of_copies() {}
template <int Groups = 0> void wait_for_copies() {}

template <class... P, class... A>
void launch(Stream, void (*kernel)(P...), dim3 grid, int n_threads, std::size_t shared_bytes, A... arguments) {
  on_host::queue(grid, static_cast<unsigned>(n_threads), shared_bytes, [=] { kernel(arguments...); });
}

#endif

/// Tells the watch about a row that is not finite.
__device__ __forceinline__ void note(const Watch& watch, bool finite) {
  if (!finite && watch.first) atomicMin(watch.first, watch.place);
}

/// lane j of 16 has its part of a row: all 16 get the sum, as ARITHMETIC.md folds it (sums of two commute).
__device__ __forceinline__ float fold(float lane) {
  for (int half = 8; half >= 1; half /= 2) lane = lane + __shfl_xor_sync(kAllLanes, lane, half);
  return lane;
}

}  // namespace hearth::kernels::cuda
