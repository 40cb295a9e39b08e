// One struct a format: how 32 weights of 16 rows come out of a repacked block as codes and scales. Lane = row.
//
//   kMaxCode             the largest unsigned code; 255 for signed bytes
//   kZeroShift           codes carry a zero point of 2^kZeroShift (none: -1)
//   Head, head()         what the sub-blocks of 32 of one block share
//   code<J, D>           dword D (4 consecutive k) of sub-block J
//   scale<J>, second<J>  two rows of f32 as the format's Kind reads them: scale and minimum, or two scales, or the block's d and dmin
//   scales<J>, minima<J> of two_scales_min: the two halves' integers, packed as 16-bit pairs
#pragma once

#include "blocks.h"
#include "isa.h"

namespace hearth::kernels::HEARTH_ISA {

using F = Isa::F;
using I = Isa::I;

inline constexpr int kVector = 64;  // bytes of one dword of 16 rows

HEARTH_INLINE I dword(const std::byte* body, int n) { return Isa::load_i(body + n * kVector); }
HEARTH_INLINE I mask(const I& a, std::uint32_t bits) {
  return Isa::and_i(a, Isa::set1_i(static_cast<std::int32_t>(bits)));
}

/// Nibble `High` of each byte.
template <bool High> HEARTH_INLINE I nibbles(const I& v) {
  if constexpr (High) return mask(Isa::shr<4>(v), 0x0f0f0f0f);
  else return mask(v, 0x0f0f0f0f);
}

/// v moved so that bit `From` of each byte comes to bit `To`; the caller masks.
template <int From, int To> HEARTH_INLINE I move_bit(const I& v) {
  if constexpr (From < To) return Isa::shl<To - From>(v);
  else if constexpr (From > To) return Isa::shr<From - To>(v);
  else return v;
}

/// Byte `N` of each lane, zero-extended.
template <int N> HEARTH_INLINE I byte(const I& v) {
  if constexpr (N == 3) return Isa::shr<24>(v);
  else if constexpr (N == 0) return mask(v, 0xff);
  else return mask(Isa::shr<8 * N>(v), 0xff);
}

/// Bits 4D … 4D+3 of qh to bit 4 of the four bytes.
template <int D> HEARTH_INLINE I fifth_bits(const I& qh) {
  const I x = mask(move_bit<4 * D, 4>(qh), 0xf0);
  const I two = Isa::or_i(x, Isa::shl<7>(x));
  return mask(Isa::or_i(two, Isa::shl<14>(two)), 0x10101010);
}

template <Format> struct Unpack;

struct HalfScale {  // one f16 scale a block, in the head
  struct Head {
    F s;
  };
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte*) { return {Isa::load_f16(heads)}; }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.s; }
};

struct HalfScaleMin {  // f16 scale and minimum in the first dword
  struct Head {
    F s, m;
  };
  static HEARTH_INLINE Head head(const std::byte*, const std::byte* body) {
    const I v = dword(body, 0);
    return {Isa::f16_low(v), Isa::sub(Isa::set1(-0.0f), Isa::f16_high(v))};
  }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.s; }
  template <int> static HEARTH_INLINE F second(const Head& h) { return h.m; }
};

/// Signed weight bytes: VNNI wants them unsigned, shifted by 128; the AVX2 dot takes them as they are.
struct SignedBytes {
  static constexpr int kMaxCode = 255;
  static constexpr int kZeroShift = Isa::kVnni ? 7 : -1;
  static constexpr std::uint32_t kShift = Isa::kVnni ? 0x80808080u : 0u;
  static HEARTH_INLINE I shifted(const I& w) {
    if constexpr (Isa::kVnni) return Isa::xor_i(w, Isa::set1_i(static_cast<std::int32_t>(kShift)));
    else return w;
  }
};

/// Doubled E2M1 numbers: signed where the dot product takes any signed bytes, elsewhere codes of five bits.
struct SmallSignedBytes {
  static constexpr int kMaxCode = Isa::kSignedDot ? 255 : 31;
  static constexpr int kZeroShift = Isa::kSignedDot ? -1 : 4;
};

/// A code book of 16 signed bytes, its zero point added.
struct CodeBook {
  alignas(16) std::int8_t entry[16];
  constexpr CodeBook(const std::int8_t (&codes)[16], int zero_shift) : entry{} {
    for (int i = 0; i < 16; ++i) entry[i] = static_cast<std::int8_t>(codes[i] + (zero_shift < 0 ? 0 : 1 << zero_shift));
  }
};
HEARTH_TABLE CodeBook kIq4Book(kIq4Codes, SignedBytes::kZeroShift), kFp4Book(kFp4Codes, SmallSignedBytes::kZeroShift);

template <> struct Unpack<Format::q4_0> : HalfScale {
  static constexpr int kMaxCode = 15, kZeroShift = 3;
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return nibbles<(D >= 4)>(dword(body, D % 4));
  }
};

template <> struct Unpack<Format::q4_1> : HalfScaleMin {
  static constexpr int kMaxCode = 15, kZeroShift = -1;
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return nibbles<(D >= 4)>(dword(body, 1 + D % 4));
  }
};

template <> struct Unpack<Format::q5_0> : HalfScale {
  static constexpr int kMaxCode = 31, kZeroShift = 4;
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return Isa::or_i(nibbles<(D >= 4)>(dword(body, 1 + D % 4)), fifth_bits<D>(dword(body, 0)));
  }
};

template <> struct Unpack<Format::q5_1> : HalfScaleMin {
  static constexpr int kMaxCode = 31, kZeroShift = -1;
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return Isa::or_i(nibbles<(D >= 4)>(dword(body, 2 + D % 4)), fifth_bits<D>(dword(body, 1)));
  }
};

template <> struct Unpack<Format::q8_0> : SignedBytes, HalfScale {
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return shifted(dword(body, D));
  }
};

template <> struct Unpack<Format::iq4_nl> : SignedBytes, HalfScale {
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return Isa::lookup(kIq4Book.entry, nibbles<(D >= 4)>(dword(body, D % 4)));
  }
};

template <> struct Unpack<Format::mxfp4> : SmallSignedBytes {
  struct Head {
    F s;
  };
  /// 2^(e-128): from e = 2 on a normal float with exponent field e-1, below it the subnormal (e+1) * 2^-128; 255 is NaN.
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte*) {
    const I e = Isa::load_u8(heads), one = Isa::set1_i(1);
    const F exponent = Isa::to_float(e);
    const F normal = Isa::as_float(Isa::shl<23>(Isa::sub_i(e, one))),
            subnormal = Isa::as_float(Isa::shl<21>(Isa::add_i(e, one)));
    const F finite = Isa::select_gt(exponent, Isa::set1(1.5f), normal, subnormal);
    return {Isa::select_gt(exponent, Isa::set1(254.5f), Isa::as_float(Isa::set1_i(0x7fc00000)), finite)};
  }
  template <int, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return Isa::lookup(kFp4Book.entry, nibbles<(D >= 4)>(dword(body, D % 4)));
  }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.s; }
};

template <> struct Unpack<Format::iq4_xs> : SignedBytes {
  struct Head {
    F d;
    I high, low;
  };
  static HEARTH_INLINE Head head(const std::byte*, const std::byte* body) {
    const I v = dword(body, 0);
    return {Isa::f16_low(v), Isa::shr<16>(v), dword(body, 1)};
  }
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return Isa::lookup(kIq4Book.entry, nibbles<(D >= 4)>(dword(body, 2 + 4 * J + D % 4)));
  }
  template <int J> static HEARTH_INLINE F scale(const Head& h) {
    const I ls = Isa::or_i(mask(move_bit<4 * J, 0>(h.low), 15), mask(move_bit<2 * J, 4>(h.high), 0x30));
    return Isa::mul(h.d, Isa::to_float(Isa::sub_i(ls, Isa::set1_i(32))));
  }
};

struct SixBitScales {  // Q4_K and Q5_K: d, dmin, then 8 scales and 8 minima of 6 bits in 12 bytes
  static constexpr int kZeroShift = -1;
  struct Head {
    F d, dmin;
    I sc[2], mn[2];
  };  // a byte a sub-block
  static HEARTH_INLINE Head head(const std::byte*, const std::byte* body) {
    const I v = dword(body, 0), a = dword(body, 1), b = dword(body, 2), c = dword(body, 3);
    return {Isa::f16_low(v),
            Isa::f16_high(v),
            {mask(a, 0x3f3f3f3f), Isa::or_i(mask(c, 0x0f0f0f0f), mask(Isa::shr<2>(a), 0x30303030))},
            {mask(b, 0x3f3f3f3f), Isa::or_i(mask(Isa::shr<4>(c), 0x0f0f0f0f), mask(Isa::shr<2>(b), 0x30303030))}};
  }
  template <int J> static HEARTH_INLINE F scale(const Head& h) {
    return Isa::mul(h.d, Isa::to_float(byte<J % 4>(h.sc[J / 4])));
  }
  template <int J> static HEARTH_INLINE F second(const Head& h) {
    return Isa::mul(h.dmin, Isa::to_float(byte<J % 4>(h.mn[J / 4])));
  }
};

template <> struct Unpack<Format::q4_k> : SixBitScales {
  static constexpr int kMaxCode = 15;
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return nibbles<(J % 2 == 1)>(dword(body, 4 + J / 2 * 8 + D));
  }
};

template <> struct Unpack<Format::q5_k> : SixBitScales {
  static constexpr int kMaxCode = 31;
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    constexpr int low = 4 + low_place(J / 2 * 8 + D), high = 4 + high_place(D);
    return Isa::or_i(nibbles<(J % 2 == 1)>(dword(body, low)), mask(move_bit<J, 4>(dword(body, high)), 0x10101010));
  }
};

template <> struct Unpack<Format::q6_k> {
  static constexpr int kMaxCode = 63, kZeroShift = 5;
  struct Head {
    F d;
    I sc[4];
  };
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte* body) {
    return {Isa::load_f16(heads), {dword(body, 0), dword(body, 1), dword(body, 2), dword(body, 3)}};
  }
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    constexpr int half = 4 + 24 * (J / 4), g = J % 4;
    constexpr int low = half + low_place(8 * (g % 2) + D), high = half + high_place(D);
    return Isa::or_i(nibbles<(g >= 2)>(dword(body, low)), mask(move_bit<2 * g, 4>(dword(body, high)), 0x30303030));
  }
  template <int N>  // scale N of 16, signed
  static HEARTH_INLINE F nth(const Head& h) {
    return Isa::mul(h.d, Isa::to_float(Isa::sra<24>(move_bit<8 * (N % 4), 24>(h.sc[N / 4]))));
  }
  template <int J> static HEARTH_INLINE F scale(const Head& h) { return nth<2 * J>(h); }
  template <int J> static HEARTH_INLINE F second(const Head& h) { return nth<2 * J + 1>(h); }
};

template <> struct Unpack<Format::q3_k> {
  static constexpr int kMaxCode = 7, kZeroShift = 2;
  struct Head {
    F d;
    I low[2], high;
  };
  static HEARTH_INLINE Head head(const std::byte* heads, const std::byte* body) {
    return {Isa::load_f16(heads), {dword(body, 0), dword(body, 1)}, dword(body, 2)};
  }
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    constexpr int low = 3 + low_place(8 * (J / 4) + D), high = 3 + high_place(D);
    return Isa::or_i(mask(move_bit<2 * (J % 4), 0>(dword(body, low)), 0x03030303),
                     mask(move_bit<J, 2>(dword(body, high)), 0x04040404));
  }
  template <int N>  // 6-bit scale N of 16, minus 32
  static HEARTH_INLINE F nth(const Head& h) {
    const I low = mask(move_bit<8 * (N % 4) + 4 * (N / 8), 0>(h.low[N / 4 % 2]), 15);
    const I high = mask(move_bit<8 * (N % 4) + 2 * (N / 4), 4>(h.high), 0x30);
    return Isa::mul(h.d, Isa::to_float(Isa::sub_i(Isa::or_i(low, high), Isa::set1_i(32))));
  }
  template <int J> static HEARTH_INLINE F scale(const Head& h) { return nth<2 * J>(h); }
  template <int J> static HEARTH_INLINE F second(const Head& h) { return nth<2 * J + 1>(h); }
};

template <> struct Unpack<Format::q2_k> {
  static constexpr int kMaxCode = 3, kZeroShift = -1;
  struct Head {
    F d, dmin;
    I sc[4];
  };
  static HEARTH_INLINE Head head(const std::byte*, const std::byte* body) {
    const I v = dword(body, 0);
    return {Isa::f16_low(v), Isa::f16_high(v), {dword(body, 1), dword(body, 2), dword(body, 3), dword(body, 4)}};
  }
  template <int J, int D> static HEARTH_INLINE I code(const Head&, const std::byte* body) {
    return mask(move_bit<2 * (J % 4), 0>(dword(body, 5 + 8 * (J / 4) + D)), 0x03030303);
  }
  template <int> static HEARTH_INLINE F scale(const Head& h) { return h.d; }
  template <int> static HEARTH_INLINE F second(const Head& h) { return h.dmin; }
  template <int J>  // bytes 2J and 2J+1 of the scales, in 16-bit halves
  static HEARTH_INLINE I pair(const Head& h) {
    const I two = mask(move_bit<16 * (J % 2), 0>(h.sc[J / 2]), 0xffff);
    return mask(Isa::or_i(two, Isa::shl<8>(two)), 0x00ff00ff);
  }
  template <int J> static HEARTH_INLINE I scales(const Head& h) { return mask(pair<J>(h), 0x000f000f); }
  template <int J> static HEARTH_INLINE I minima(const Head& h) { return mask(Isa::shr<4>(pair<J>(h)), 0x000f000f); }
};

}  // namespace hearth::kernels::HEARTH_ISA
