// Enters: 16 activation rows, a tile of weights. Leaves: their 16 x 16 exact integer sums, from the tile unit of AMX-INT8.
#pragma once

#include <cpuid.h>
#include <immintrin.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstddef>
#include <cstdint>

#include "lanes.h"

namespace hearth::kernels::HEARTH_ISA {

/// Registers 0 to 3 hold sums [16 tokens][16 rows]; 4 and 6 activations [16 tokens][Bytes], 5 and 7 weights
/// [Bytes / 4 dwords][16 rows]. The compilers' own names for these registers want literal numbers: hence the assembly, whose order
/// `volatile` and "memory" keep. A sum takes fifty cycles to come out, so four are begun before the first is stored.
struct TileUnit {
  static constexpr int kTokens = 16;

  /// Whether the CPU has the unit and the system lets this process use its registers (Linux wants to be asked once a process).
  static bool allowed() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTile) == 0 || (d & kInt8) == 0) return false;
#if defined(__linux__) && defined(SYS_arch_prctl)
    constexpr long kAskPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA (Linux 5.16)
    return syscall(SYS_arch_prctl, kAskPermission, kTileData) == 0;
#else
    return false;
#endif
  }

  /// For dot<Bytes> on this thread, until release().
  template <int Bytes> static HEARTH_INLINE void configure() { _tile_loadconfig(&kShapes<Bytes>); }
  static HEARTH_INLINE void release() { _tile_release(); }

  static constexpr int kSums = 4;  // registers of sums

  /// Sum N = over Bytes signed codes; token rows lie `stride` bytes apart.
  template <int N>
  static HEARTH_INLINE void dot(const std::int8_t* tokens, std::size_t stride, const std::byte* codes) {
    static_assert(N < kSums);
    asm volatile(
        "tilezero %%tmm%c0\n\t"
        "tileloadd (%3,%4,1), %%tmm%c1\n\t"
        "tileloadd (%5,%6,1), %%tmm%c2\n\t"
        "tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0"
        :
        : "i"(N), "i"(4 + N % 2 * 2), "i"(5 + N % 2 * 2), "r"(tokens), "r"(stride), "r"(codes), "r"(kRow)
        : "memory");
  }
  template <int N> static HEARTH_INLINE void store(std::int32_t* sums) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(N), "r"(sums), "r"(kRow) : "memory");
  }

 private:
  static constexpr std::size_t kRow = 64;  // bytes of a row of sums, and of a dword of sixteen rows of weights

  struct alignas(64) Shapes {  // as the load instruction reads them
    std::uint8_t palette, start_row, reserved[14];
    std::uint16_t row_bytes[16];
    std::uint8_t rows[16];
  };
  static_assert(sizeof(Shapes) == 64);

  /// Constant memory, not the stack: gcc 12 tells its optimizer that the load reads eight bytes only.
  template <int Bytes>
  static constexpr Shapes kShapes{1,
                                  0,
                                  {},
                                  {64, 64, 64, 64, Bytes, 64, Bytes, 64},
                                  {kTokens, kTokens, kTokens, kTokens, kTokens, Bytes / 4, kTokens, Bytes / 4}};
};

}  // namespace hearth::kernels::HEARTH_ISA
