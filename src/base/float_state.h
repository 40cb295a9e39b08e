// Enters: whatever floating-point state the caller runs in. Leaves: the state ARITHMETIC.md asks for, until scope ends.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

namespace hearth {

/// Round to nearest even, no flush-to-zero, no denormals-are-zero, exceptions masked; the caller's state comes back at the end.
class FloatState {
 public:
  FloatState() : saved_(get()) { set(kCanonical); }
  ~FloatState() { set(saved_); }
  FloatState(const FloatState&) = delete;
  FloatState& operator=(const FloatState&) = delete;

 private:
#if defined(__x86_64__) || defined(__i386__)
  using Word = std::uint32_t;
  static constexpr Word kCanonical = 0x1F80;  // MXCSR
  static Word get() { return _mm_getcsr(); }
  static void set(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word kCanonical = 0;  // FPCR
  static Word get() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
#error "say here how this processor sets round-to-nearest without flushing subnormals"
#endif
  Word saved_;
};

}  // namespace hearth
