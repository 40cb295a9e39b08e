// Sixteen lanes of f32 on any xsimd architecture: one register, or two, or four. ARITHMETIC.md counts in sixteens. Integers are
// each instruction set's own: xsimd has no int8 dot products, and its layers cost compile time where everything is unrolled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <xsimd/xsimd.hpp>

#define HEARTH_INLINE __attribute__((always_inline)) inline
#define HEARTH_LAMBDA __attribute__((always_inline))
#define HEARTH_TABLE inline constexpr
#if defined(__clang__)
#define HEARTH_UNROLL _Pragma("unroll")
#else
#define HEARTH_UNROLL _Pragma("GCC unroll 16")
#endif

namespace hearth::kernels::HEARTH_ISA {

/// f(0), f(1), …, f(N-1) with the index as a compile-time constant, where it chooses a shift or a template. Loops over registers
/// that need no constant are plain loops under HEARTH_UNROLL: they compile far faster.
template <class Fn, int... I> HEARTH_INLINE void unroll_(Fn&& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class Fn> HEARTH_INLINE void unroll(Fn&& f) { unroll_(f, std::make_integer_sequence<int, N>{}); }

template <class Arch> struct Lanes {
  using FloatBatch = xsimd::batch<float, Arch>;
  static constexpr int kRegisters = 16 / static_cast<int>(FloatBatch::size);
  static constexpr int kWidth = static_cast<int>(FloatBatch::size);

  struct F {
    FloatBatch r[kRegisters];
  };  // 16 floats

  /// f(0) … f(kRegisters-1), one per register.
  template <class V, class Fn> static HEARTH_INLINE V map(Fn f) {
    static_assert(kRegisters == 1 || kRegisters == 2 || kRegisters == 4);
    if constexpr (kRegisters == 1) return V{{f(0)}};
    else if constexpr (kRegisters == 2) return V{{f(0), f(1)}};
    else return V{{f(0), f(1), f(2), f(3)}};
  }

  static HEARTH_INLINE F load(const float* p) {
    return map<F>([&](int i) HEARTH_LAMBDA { return FloatBatch::load_unaligned(p + i * kWidth); });
  }
  static HEARTH_INLINE void store(float* p, const F& a) {
    HEARTH_UNROLL
    for (int i = 0; i < kRegisters; ++i) a.r[i].store_unaligned(p + i * kWidth);
  }
  static HEARTH_INLINE F set1(float x) {
    return map<F>([&](int) HEARTH_LAMBDA { return FloatBatch(x); });
  }
  static HEARTH_INLINE F zero() { return set1(0.0f); }
  static HEARTH_INLINE F add(const F& a, const F& b) {
    return map<F>([&](int i) HEARTH_LAMBDA { return a.r[i] + b.r[i]; });
  }
  static HEARTH_INLINE F sub(const F& a, const F& b) {
    return map<F>([&](int i) HEARTH_LAMBDA { return a.r[i] - b.r[i]; });
  }
  static HEARTH_INLINE F mul(const F& a, const F& b) {
    return map<F>([&](int i) HEARTH_LAMBDA { return a.r[i] * b.r[i]; });
  }
  static HEARTH_INLINE F div(const F& a, const F& b) {
    return map<F>([&](int i) HEARTH_LAMBDA { return a.r[i] / b.r[i]; });
  }
  static HEARTH_INLINE F max(const F& a, const F& b) {
    return map<F>([&](int i) HEARTH_LAMBDA { return xsimd::max(a.r[i], b.r[i]); });
  }

  /// Whether the core itself asks memory far enough ahead for what is read from the first byte to the last: being asked as well, it
  /// does worse. (Zen 4 reads repacked weights 1.3 to 1.4 times as fast alone.)
  static bool reads_ahead() { return __builtin_cpu_is("amd"); }

  /// A line into the first cache, or into the second. Volatile: gcc would move all of a block's to its beginning.
  static HEARTH_INLINE void prefetch_here(const std::byte* p) {
    asm volatile("prefetcht0 %0" : : "m"(*reinterpret_cast<const char*>(p)));
  }
  static HEARTH_INLINE void prefetch_far_here(const std::byte* p) {
    asm volatile("prefetcht1 %0" : : "m"(*reinterpret_cast<const char*>(p)));
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
