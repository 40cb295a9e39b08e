// One struct a format: how 32 weights of 16 rows come out of a repacked block as codes and scales. Lane = row.
//
//   kMaxCode    the largest unsigned code; 255 for signed bytes
//   kZeroShift  codes carry a zero point of 2^kZeroShift (none: -1)
//   Head        what all sub-blocks of 32 of one block share
//   code<J, D>  dword D (4 consecutive k) of sub-block J
//   scale<J>, second<J>  the scale, and the minimum or second scale, as the format's Kind reads them
#pragma once

#include "blocks.h"
#include "lanes.h"

namespace hearth::kernels::HEARTH_ISA {

using F = Isa::F;
using I = Isa::I;

inline constexpr int kVector = 64;  // bytes of one dword of 16 rows

template <Format>
struct Unpack;

/// Signed weight bytes: VNNI wants them unsigned, shifted by 128; the AVX2 dot takes them as they are.
struct SignedBytes {
  static constexpr int kMaxCode = 255;
  static constexpr int kZeroShift = Isa::kVnni ? 7 : -1;
  static HEARTH_INLINE I shifted(const I& w) {
    if constexpr (Isa::kVnni) return Isa::xor_i(w, Isa::set1_i(static_cast<std::int32_t>(0x80808080u)));
    else return w;
  }
};

template <>
struct Unpack<Format::q4_0> {
  static constexpr int kMaxCode = 15, kZeroShift = 3;
  struct Head { F s; };
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte*) { return {Isa::load_f16(heads)}; }
  template <int, int D>
  static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    const I v = Isa::load_i(body + D % 4 * kVector);
    return Isa::and_i(D < 4 ? v : Isa::shr<4>(v), Isa::set1_i(0x0f0f0f0f));
  }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.s; }
};

template <>
struct Unpack<Format::q8_0> : SignedBytes {
  struct Head { F s; };
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte*) { return {Isa::load_f16(heads)}; }
  template <int, int D>
  static HEARTH_INLINE I code(const Head&, const std::byte* body) { return shifted(Isa::load_i(body + D * kVector)); }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.s; }
};

}  // namespace hearth::kernels::HEARTH_ISA
