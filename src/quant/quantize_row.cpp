// Enters: f32 rows. Leaves: the blocks of a weight format, by plain rounding: scales from the largest value, nearest codes.
#include "quantize_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "canonical_math.h"

namespace hearth::quant {
namespace {

using namespace kernels;

/// Of any float: what is no number gets the code of zero.
int nearest(float x, int low, int high) {
  if (std::isnan(x)) return 0;
  return static_cast<int>(std::clamp(std::nearbyint(x), static_cast<float>(low), static_cast<float>(high)));
}

float inverse(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

/// The scale as the file will hold it: codes are chosen for that, not for the unrounded one.
float rounded(float d) { return f16_to_f32(f32_to_f16(d)); }

float largest(const float* x, int n) {
  float most = 0.0f;
  for (int i = 0; i < n; ++i) most = std::max(most, std::fabs(x[i]));
  return most;
}

/// The value furthest from zero, with its sign.
float furthest(const float* x, int n) {
  float most = 0.0f;
  for (int i = 0; i < n; ++i)
    if (std::fabs(x[i]) > std::fabs(most)) most = x[i];
  return most;
}

struct Range {  // x is about scale * code - minimum
  float scale, minimum;
};

Range range_of(const float* x, int n, int levels) {
  const float low = std::min(0.0f, *std::min_element(x, x + n)), high = *std::max_element(x, x + n);
  return {std::max(0.0f, high - low) / static_cast<float>(levels), -low};
}

void put_nibbles(const int (&codes)[32], std::uint8_t* qs) {
  for (int i = 0; i < 16; ++i) qs[i] = static_cast<std::uint8_t>((codes[i] & 15) | (codes[i + 16] & 15) << 4);
}

std::uint32_t fifth_bits(const int (&codes)[32]) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= static_cast<std::uint32_t>(codes[i] >> 4 & 1) << i;
  return bits;
}

/// Codes of 32 values around `zero`, whose furthest gets code 0: it reaches one step further than the highest code.
void symmetric_codes(const float* x, int zero, std::uint16_t& d, int (&codes)[32]) {
  const float scale = rounded(furthest(x, 32) / static_cast<float>(-zero)), id = inverse(scale);
  d = f32_to_f16(scale);
  for (int i = 0; i < 32; ++i) codes[i] = nearest(x[i] * id, -zero, zero - 1) + zero;
}

void range_codes(const float* x, int levels, std::uint16_t& d, std::uint16_t& m, int (&codes)[32]) {
  const float low = *std::min_element(x, x + 32), high = *std::max_element(x, x + 32);
  const float scale = rounded((high - low) / static_cast<float>(levels)), minimum = rounded(low), id = inverse(scale);
  d = f32_to_f16(scale);
  m = f32_to_f16(minimum);
  for (int i = 0; i < 32; ++i) codes[i] = nearest((x[i] - minimum) * id, 0, levels);
}

int nearest_entry(float x, const std::int8_t (&book)[16]) {
  int best = 0;
  for (int i = 1; i < 16; ++i)
    if (std::fabs(x - static_cast<float>(book[i])) < std::fabs(x - static_cast<float>(book[best]))) best = i;
  return best;
}

void quantize(BlockQ4_0& b, const float* x) {
  int codes[32];
  symmetric_codes(x, 8, b.d, codes);
  put_nibbles(codes, b.qs);
}

void quantize(BlockQ4_1& b, const float* x) {
  int codes[32];
  range_codes(x, 15, b.d, b.m, codes);
  put_nibbles(codes, b.qs);
}

void quantize(BlockQ5_0& b, const float* x) {
  int codes[32];
  symmetric_codes(x, 16, b.d, codes);
  put_nibbles(codes, b.qs);
  b.qh = fifth_bits(codes);
}

void quantize(BlockQ5_1& b, const float* x) {
  int codes[32];
  range_codes(x, 31, b.d, b.m, codes);
  put_nibbles(codes, b.qs);
  b.qh = fifth_bits(codes);
}

void quantize(BlockQ8_0& b, const float* x) {
  const float most = largest(x, 32), id = most > 0 ? 127.0f / most : 0.0f;
  b.d = f32_to_f16(most / 127.0f);
  for (int i = 0; i < 32; ++i) b.qs[i] = static_cast<std::int8_t>(nearest(x[i] * id, -127, 127));
}

void quantize(BlockIQ4_NL& b, const float* x) {
  const float scale = rounded(furthest(x, 32) / -127.0f), id = inverse(scale);
  int codes[32];
  for (int i = 0; i < 32; ++i) codes[i] = nearest_entry(x[i] * id, kIq4Codes);
  b.d = f32_to_f16(scale);
  put_nibbles(codes, b.qs);
}

void quantize(BlockIQ4_XS& b, const float* x) {
  float scales[8], most = 0.0f;
  for (int j = 0; j < 8; ++j) most = std::max(most, std::fabs(scales[j] = furthest(x + 32 * j, 32) / -127.0f));
  const float d = rounded(most / 31.0f), id = inverse(d);
  b = {};
  b.d = f32_to_f16(d);
  for (int j = 0; j < 8; ++j) {
    const int ls = nearest(scales[j] * id, -32, 31) + 32;
    b.scales_l[j / 2] |= static_cast<std::uint8_t>((ls & 15) << 4 * (j % 2));
    b.scales_h |= static_cast<std::uint16_t>(ls >> 4 << 2 * j);
    int codes[32];
    for (int i = 0; i < 32; ++i)
      codes[i] = nearest_entry(x[32 * j + i] * inverse(d * static_cast<float>(ls - 32)), kIq4Codes);
    put_nibbles(codes, b.qs + 16 * j);
  }
}

void quantize(BlockMXFP4& b, const float* x) {
  // The smallest power of two with which the largest value does not pass the largest code, 12.
  const float most = largest(x, 32);
  int e = 0;
  while (e < 254 && mxfp4_scale(static_cast<std::uint8_t>(e)) * 12.0f < most) ++e;
  const float id = inverse(mxfp4_scale(static_cast<std::uint8_t>(e)));
  int codes[32];
  for (int i = 0; i < 32; ++i) codes[i] = most > 0 ? nearest_entry(x[i] * id, kFp4Codes) : 0;
  b.e = static_cast<std::uint8_t>(e);
  put_nibbles(codes, b.qs);
}

/// Signed scales of the 16 groups of 16, as integers of up to `high` times the block's d.
void group_scales(const float* x, int zero, int low, int high, std::uint16_t& d, int (&sc)[16], float (&scale)[16]) {
  float most = 0.0f;
  for (int g = 0; g < 16; ++g)
    most = std::max(most, std::fabs(scale[g] = furthest(x + 16 * g, 16) / static_cast<float>(-zero)));
  const float block = rounded(most / static_cast<float>(high)), id = inverse(block);
  d = f32_to_f16(block);
  for (int g = 0; g < 16; ++g) {
    sc[g] = nearest(scale[g] * id, low, high);
    scale[g] = block * static_cast<float>(sc[g]);
  }
}

void quantize(BlockQ6_K& b, const float* x) {
  int sc[16];
  float scale[16];
  b = {};
  group_scales(x, 32, -128, 127, b.d, sc, scale);
  for (int g = 0; g < 16; ++g) b.scales[g] = static_cast<std::int8_t>(sc[g]);
  for (int e = 0; e < 256; ++e) {
    const int code = nearest(x[e] * inverse(scale[e / 16]), -32, 31) + 32, n = e / 128, g = e / 32 % 4, l = e % 32;
    b.ql[64 * n + 32 * (g % 2) + l] |= static_cast<std::uint8_t>((code & 15) << 4 * (g / 2));
    b.qh[32 * n + l] |= static_cast<std::uint8_t>(code >> 4 << 2 * g);
  }
}

void quantize(BlockQ3_K& b, const float* x) {
  int sc[16];
  float scale[16];
  b = {};
  group_scales(x, 4, -32, 31, b.d, sc, scale);
  for (int g = 0; g < 16; ++g) {
    const int code = sc[g] + 32;
    b.scales[g % 8] |= static_cast<std::uint8_t>((code & 15) << 4 * (g / 8));
    b.scales[8 + g % 4] |= static_cast<std::uint8_t>(code >> 4 << 2 * (g / 4));
  }
  for (int e = 0; e < 256; ++e) {
    const int code = nearest(x[e] * inverse(scale[e / 16]), -4, 3) + 4, j = e / 32, l = e % 32;
    b.qs[32 * (j / 4) + l] |= static_cast<std::uint8_t>((code & 3) << 2 * (j % 4));
    b.hmask[l] |= static_cast<std::uint8_t>(code >> 2 << j);
  }
}

/// Ranges of n groups, as integer scales and minima of up to `most` times the block's d and dmin.
template <int N>
void group_ranges(const float* x, int levels, int most, std::uint16_t& d, std::uint16_t& dmin, int (&sc)[N],
                  int (&mn)[N], Range (&range)[N]) {
  float scale = 0.0f, minimum = 0.0f;
  for (int g = 0; g < N; ++g) {
    range[g] = range_of(x + 256 / N * g, 256 / N, levels);
    scale = std::max(scale, range[g].scale);
    minimum = std::max(minimum, range[g].minimum);
  }
  const float block = rounded(scale / static_cast<float>(most)), low = rounded(minimum / static_cast<float>(most));
  d = f32_to_f16(block);
  dmin = f32_to_f16(low);
  for (int g = 0; g < N; ++g) {
    sc[g] = nearest(range[g].scale * inverse(block), 0, most);
    mn[g] = nearest(range[g].minimum * inverse(low), 0, most);
    range[g] = {block * static_cast<float>(sc[g]), low * static_cast<float>(mn[g])};
  }
}

int range_code(float x, const Range& range, int levels) {
  return nearest((x + range.minimum) * inverse(range.scale), 0, levels);
}

void quantize(BlockQ2_K& b, const float* x) {
  int sc[16], mn[16];
  Range range[16];
  b = {};
  group_ranges(x, 3, 15, b.d, b.dmin, sc, mn, range);
  for (int g = 0; g < 16; ++g) b.scales[g] = static_cast<std::uint8_t>(sc[g] | mn[g] << 4);
  for (int e = 0; e < 256; ++e) {
    const int j = e / 32;
    b.qs[32 * (j / 4) + e % 32] |= static_cast<std::uint8_t>(range_code(x[e], range[e / 16], 3) << 2 * (j % 4));
  }
}

void put_six_bits(const int (&sc)[8], const int (&mn)[8], std::uint8_t (&scales)[12]) {
  for (int j = 0; j < 4; ++j) {
    scales[j] = static_cast<std::uint8_t>(sc[j] | sc[j + 4] >> 4 << 6);
    scales[j + 4] = static_cast<std::uint8_t>(mn[j] | mn[j + 4] >> 4 << 6);
    scales[j + 8] = static_cast<std::uint8_t>((sc[j + 4] & 15) | (mn[j + 4] & 15) << 4);
  }
}

void quantize(BlockQ4_K& b, const float* x) {
  int sc[8], mn[8];
  Range range[8];
  b = {};
  group_ranges(x, 15, 63, b.d, b.dmin, sc, mn, range);
  put_six_bits(sc, mn, b.scales);
  for (int e = 0; e < 256; ++e) {
    const int j = e / 32;
    b.qs[32 * (j / 2) + e % 32] |= static_cast<std::uint8_t>(range_code(x[e], range[j], 15) << 4 * (j % 2));
  }
}

void quantize(BlockQ5_K& b, const float* x) {
  int sc[8], mn[8];
  Range range[8];
  b = {};
  group_ranges(x, 31, 63, b.d, b.dmin, sc, mn, range);
  put_six_bits(sc, mn, b.scales);
  for (int e = 0; e < 256; ++e) {
    const int j = e / 32, code = range_code(x[e], range[j], 31);
    b.qs[32 * (j / 2) + e % 32] |= static_cast<std::uint8_t>((code & 15) << 4 * (j % 2));
    b.qh[e % 32] |= static_cast<std::uint8_t>(code >> 4 << j);
  }
}

template <class Block> void quantize_as(std::byte* out, const float* x) {
  Block block;
  quantize(block, x);
  std::memcpy(out, &block, sizeof block);
}

template <class Value> void put(std::byte* out, Value value) { std::memcpy(out, &value, sizeof value); }

void quantize_block(Format format, std::byte* out, const float* x) {
  switch (format) {
    case Format::f32:
      return put(out, x[0]);
    case Format::f16:
      return put(out, f32_to_f16(x[0]));
    case Format::bf16:
      return put(out, f32_to_bf16(x[0]));
    case Format::q4_0:
      return quantize_as<BlockQ4_0>(out, x);
    case Format::q4_1:
      return quantize_as<BlockQ4_1>(out, x);
    case Format::q5_0:
      return quantize_as<BlockQ5_0>(out, x);
    case Format::q5_1:
      return quantize_as<BlockQ5_1>(out, x);
    case Format::q8_0:
      return quantize_as<BlockQ8_0>(out, x);
    case Format::q2_k:
      return quantize_as<BlockQ2_K>(out, x);
    case Format::q3_k:
      return quantize_as<BlockQ3_K>(out, x);
    case Format::q4_k:
      return quantize_as<BlockQ4_K>(out, x);
    case Format::q5_k:
      return quantize_as<BlockQ5_K>(out, x);
    case Format::q6_k:
      return quantize_as<BlockQ6_K>(out, x);
    case Format::iq4_nl:
      return quantize_as<BlockIQ4_NL>(out, x);
    case Format::iq4_xs:
      return quantize_as<BlockIQ4_XS>(out, x);
    case Format::mxfp4:
      return quantize_as<BlockMXFP4>(out, x);
  }
}

/// The bits of the smallest magnitude that a format does not hold: infinity, or what is rounded to it. Formats whose
/// scales are f16 are held to f16's own limit, which no weight comes near; each could reach a little further.
std::int32_t first_beyond(Format format) {
  if (format == Format::f32 || format == Format::mxfp4) return 0x7f800000;
  return format == Format::bf16 ? 0x7f7f8000 : 0x477ff000;
}

/// Of the magnitudes' bits, whose order is the numbers', the largest is found many at a time; a NaN's are above infinity's.
bool holds(Format format, const float* x, std::int64_t k) {
  std::int32_t most = 0;
  for (std::int64_t i = 0; i < k; ++i) most = std::max(most, static_cast<std::int32_t>(bits_of(x[i]) & 0x7fffffffu));
  return most < first_beyond(format);
}

}  // namespace

bool quantize_row(Format format, std::byte* out, const float* x, std::int64_t k) {
  const FormatInfo& info = format_info(format);
  const bool sound = holds(format, x, k);
  for (std::int64_t i = 0; i < k; i += info.block_elements, out += info.block_bytes) quantize_block(format, out, x + i);
  return sound;
}

}  // namespace hearth::quant
