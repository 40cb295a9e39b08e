// Enters: a row of any weight format, as a file has it. Leaves: its values in double, read from GGUF.md alone: it shares no line
// and no table with kernels/, so that agreement means something.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace hearth::test {

/// One weight: its value, exact in double, and the sum of the absolute values of the terms it is made of (|d*sc*q| + |dmin*mn|),
/// which is what rounding errors are proportional to.
struct ReferenceWeight {
  double value, magnitude;
};

class ReferenceBlocks {
 public:
  /// False for a type that this reader does not know.
  static bool knows(std::uint32_t id) { return block_elements(id) != 0; }

  /// [k], k a multiple of the format's block.
  static std::vector<ReferenceWeight> row(std::uint32_t id, const std::byte* bytes, std::int64_t k) {
    std::vector<ReferenceWeight> weights;
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes);
    for (std::int64_t i = 0; i < k; i += block_elements(id), at += block_bytes(id))
      for (int j = 0; j < block_elements(id); ++j) weights.push_back(element(id, at, j));
    return weights;
  }

 private:
  static int block_elements(std::uint32_t id) {
    switch (id) {
      case 0:
      case 1:
      case 30:
        return 1;
      case 2:
      case 3:
      case 6:
      case 7:
      case 8:
      case 20:
      case 39:
        return 32;
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
      case 23:
        return 256;
      default:
        return 0;
    }
  }

  static int block_bytes(std::uint32_t id) {
    switch (id) {
      case 0:
        return 4;
      case 1:
      case 30:
        return 2;
      case 2:
      case 20:
        return 18;
      case 3:
        return 20;
      case 6:
        return 22;
      case 7:
        return 24;
      case 8:
        return 34;
      case 10:
        return 84;
      case 11:
        return 110;
      case 12:
        return 144;
      case 13:
        return 176;
      case 14:
        return 210;
      case 23:
        return 136;
      case 39:
        return 17;
      default:
        return 0;
    }
  }

  static unsigned u16(const std::uint8_t* p) { return p[0] | static_cast<unsigned>(p[1]) << 8; }
  static std::uint32_t u32(const std::uint8_t* p) { return u16(p) | static_cast<std::uint32_t>(u16(p + 2)) << 16; }

  static double f32(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return static_cast<double>(value);
  }

  // sign, 5 bits of exponent, 10 of fraction
  static double half(const std::uint8_t* p) {
    const unsigned bits = u16(p), exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 31) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
    return sign *
           (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25));
  }

  static int nibble(const std::uint8_t* qs, int j, int span) { return j < span ? qs[j] & 15 : qs[j - span] >> 4; }
  static int bit(std::uint32_t word, int at) { return static_cast<int>(word >> at & 1); }

  static ReferenceWeight product(double value) { return {value, std::fabs(value)}; }
  static ReferenceWeight minus(double value, double minimum) {
    return {value - minimum, std::fabs(value) + std::fabs(minimum)};
  }

  static int iq4_code(int nibble) {
    static const int codes[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    return codes[nibble];
  }

  // Q4_K and Q5_K: sub-block k's 6-bit scale and minimum in 12 bytes.
  static void scale_and_min(const std::uint8_t* s, int k, int& scale, int& minimum) {
    if (k < 4) {
      scale = s[k] & 63;
      minimum = s[k + 4] & 63;
    } else {
      scale = (s[k + 4] & 15) | (s[k - 4] >> 6) << 4;
      minimum = s[k + 4] >> 4 | (s[k] >> 6) << 4;
    }
  }

  static ReferenceWeight q2_k(const std::uint8_t* b, int j) {  // 128n + 32i + l = (qs[32n+l] >> 2i) & 3
    const int n = j / 128, i = j % 128 / 32, l = j % 32, q = b[16 + 32 * n + l] >> 2 * i & 3, scale = b[j / 16];
    return minus(half(b + 80) * (scale & 15) * q, half(b + 82) * (scale >> 4));
  }

  static ReferenceWeight q3_k(const std::uint8_t* b, int j) {
    const int n = j / 128, i = j % 128 / 32, l = j % 32, g = j / 16;
    const int q = (b[32 + 32 * n + l] >> 2 * i & 3) - (bit(b[l], 4 * n + i) != 0 ? 0 : 4);
    const std::uint8_t* s = b + 96;
    const int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4, high = s[8 + g % 4] >> 2 * (g / 4) & 3;
    return product(half(b + 108) * ((low | high << 4) - 32) * q);
  }

  static ReferenceWeight q45_k(const std::uint8_t* b, int j, bool five) {
    const int k = j / 32, l = j % 32;
    const std::uint8_t* qs = b + (five ? 48 : 16) + 32 * (k / 2);
    const int q = (k % 2 == 0 ? qs[l] & 15 : qs[l] >> 4) + (five ? 16 * bit(b[16 + l], k) : 0);
    int scale = 0, minimum = 0;
    scale_and_min(b + 4, k, scale, minimum);
    return minus(half(b) * scale * q, half(b + 2) * minimum);
  }

  static ReferenceWeight q6_k(const std::uint8_t* b, int j) {
    const int n = j / 128, part = j % 128 / 32, l = j % 32;
    const std::uint8_t ql = b[64 * n + l + 32 * (part % 2)], qh = b[128 + 32 * n + l];
    const int q = ((part < 2 ? ql & 15 : ql >> 4) | (qh >> 2 * part & 3) << 4) - 32;
    const auto scale = static_cast<std::int8_t>(b[192 + 8 * n + l / 16 + 2 * part]);
    return product(half(b + 208) * scale * q);
  }

  static ReferenceWeight iq4_xs(const std::uint8_t* b, int j) {
    const int s = j / 32, scale = (b[4 + s / 2] >> 4 * (s % 2) & 15) | static_cast<int>(u16(b + 2) >> 2 * s & 3) << 4;
    return product(half(b) * (scale - 32) * iq4_code(nibble(b + 8 + 16 * s, j % 32, 16)));
  }

  static ReferenceWeight mxfp4(const std::uint8_t* b, int j) {
    static const int codes[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    const int n = nibble(b + 1, j, 16);
    if (b[0] == 255) return {std::nan(""), std::nan("")};  // E8M0 has no infinity, 255 is its NaN
    return product(std::ldexp((n & 8) != 0 ? -codes[n & 7] : codes[n & 7], b[0] - 128));
  }

  static ReferenceWeight element(std::uint32_t id, const std::uint8_t* b, int j) {
    switch (id) {
      case 0:
        return product(f32(u32(b)));
      case 1:
        return product(half(b));
      case 30:
        return product(f32(static_cast<std::uint32_t>(u16(b)) << 16));
      case 2:
        return product(half(b) * (nibble(b + 2, j, 16) - 8));
      case 3:
        return minus(half(b) * nibble(b + 4, j, 16), -half(b + 2));
      case 6:
        return product(half(b) * ((nibble(b + 6, j, 16) | bit(u32(b + 2), j) << 4) - 16));
      case 7:
        return minus(half(b) * (nibble(b + 8, j, 16) | bit(u32(b + 4), j) << 4), -half(b + 2));
      case 8:
        return product(half(b) * static_cast<std::int8_t>(b[2 + j]));
      case 20:
        return product(half(b) * iq4_code(nibble(b + 2, j, 16)));
      case 10:
        return q2_k(b, j);
      case 11:
        return q3_k(b, j);
      case 12:
        return q45_k(b, j, false);
      case 13:
        return q45_k(b, j, true);
      case 14:
        return q6_k(b, j);
      case 23:
        return iq4_xs(b, j);
      case 39:
        return mxfp4(b, j);
      default:
        return {std::nan(""), std::nan("")};
    }
  }
};

}  // namespace hearth::test
