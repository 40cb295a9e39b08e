// An instruction set of one lane: a thread of a GPU that owns one row of a repacked group. It has what unpack.inl asks for; nvcc
// compiles it, and the host's compiler where tests run a GPU's kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "cuda/device.cuh"

#ifdef __CUDACC__
#define HEARTH_INLINE __device__ __forceinline__
#define HEARTH_TABLE static __constant__ constexpr
#else
#define HEARTH_INLINE inline
#define HEARTH_TABLE inline constexpr
#endif
#define HEARTH_LAMBDA

namespace hearth::kernels::HEARTH_ISA {

/// f(0), f(1), …, f(N-1) with the index as a compile-time constant.
template <class Fn, int... N> HEARTH_INLINE void unroll_(Fn&& f, std::integer_sequence<int, N...>) {
  (f(std::integral_constant<int, N>{}), ...);
}
template <int N, class Fn> HEARTH_INLINE void unroll(Fn&& f) { unroll_(f, std::make_integer_sequence<int, N>{}); }

struct Isa {
  using F = float;
  using I = int;
  static constexpr bool kVnni = false, kSignedDot = true;  // what these mean: isa_avx512.h

  static HEARTH_INLINE I load_i(const void* p) { return *static_cast<const int*>(p); }
  static HEARTH_INLINE I load_u8(const void* p) { return *static_cast<const unsigned char*>(p); }
  static HEARTH_INLINE F load_f16(const void* p) { return cuda::half_to_float(*static_cast<const unsigned short*>(p)); }
  static HEARTH_INLINE I set1_i(std::int32_t x) { return x; }
  static HEARTH_INLINE F set1(float x) { return x; }

  static HEARTH_INLINE I and_i(I a, I b) { return a & b; }
  static HEARTH_INLINE I or_i(I a, I b) { return a | b; }
  static HEARTH_INLINE I xor_i(I a, I b) { return a ^ b; }
  static HEARTH_INLINE I add_i(I a, I b) { return a + b; }
  static HEARTH_INLINE I sub_i(I a, I b) { return a - b; }
  template <int N> static HEARTH_INLINE I shl(I a) { return static_cast<I>(static_cast<std::uint32_t>(a) << N); }
  template <int N> static HEARTH_INLINE I shr(I a) { return static_cast<I>(static_cast<std::uint32_t>(a) >> N); }
  template <int N> static HEARTH_INLINE I sra(I a) { return a >> N; }

  static HEARTH_INLINE F sub(F a, F b) { return a - b; }
  static HEARTH_INLINE F mul(F a, F b) { return a * b; }
  static HEARTH_INLINE F to_float(I a) { return cuda::small_to_float(a); }  // of a few bits each: exact
  static HEARTH_INLINE F as_float(I a) { return __int_as_float(a); }
  static HEARTH_INLINE F select_gt(F x, F bound, F yes, F no) { return x > bound ? yes : no; }
  static HEARTH_INLINE F f16_low(I a) { return cuda::half_to_float(static_cast<std::uint16_t>(a & 0xffff)); }
  static HEARTH_INLINE F f16_high(I a) { return cuda::half_to_float(static_cast<std::uint16_t>(shr<16>(a))); }

  /// Each byte of index, 0 … 15, as the table has it.
  static HEARTH_INLINE I lookup(const std::int8_t* table, I index) {
    const auto* words = reinterpret_cast<const unsigned*>(table);
    return static_cast<I>(cuda::lookup_bytes(words[0], words[1], words[2], words[3], static_cast<unsigned>(index)));
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
