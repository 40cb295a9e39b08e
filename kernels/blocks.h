// The bit layouts of weight blocks as GGUF stores them, and how 16 rows of them are interleaved when repacked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::kernels {

/// Weight formats with kernels. The numbers are GGUF's tensor type ids.
enum class Format : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  bf16 = 30,
  mxfp4 = 39,
};

/// How a row of the format is multiplied (ARITHMETIC.md, "Quantized matmul" and "Float weights").
enum class Kind : std::uint8_t { float_row, scale, scale_min, two_scales, two_scales_min };

// Halves are IEEE binary16, little-endian; nibbles low first. Layouts: GGUF.md.
#pragma pack(push, 1)
struct BlockQ4_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};  // element j: low nibble of qs[j]; j+16: high nibble; minus 8
struct BlockQ4_1 {
  std::uint16_t d, m;
  std::uint8_t qs[16];
};
struct BlockQ5_0 {
  std::uint16_t d;
  std::uint32_t qh;
  std::uint8_t qs[16];
};  // bit j of qh: bit 4 of element j; minus 16
struct BlockQ5_1 {
  std::uint16_t d, m;
  std::uint32_t qh;
  std::uint8_t qs[16];
};
struct BlockQ8_0 {
  std::uint16_t d;
  std::int8_t qs[32];
};
struct BlockQ2_K {
  std::uint8_t scales[16], qs[64];
  std::uint16_t d, dmin;
};
struct BlockQ3_K {
  std::uint8_t hmask[32], qs[64], scales[12];
  std::uint16_t d;
};
struct BlockQ4_K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12], qs[128];
};
struct BlockQ5_K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12], qh[32], qs[128];
};
struct BlockQ6_K {
  std::uint8_t ql[128], qh[64];
  std::int8_t scales[16];
  std::uint16_t d;
};
struct BlockIQ4_NL {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct BlockIQ4_XS {
  std::uint16_t d, scales_h;
  std::uint8_t scales_l[4], qs[128];
};
struct BlockMXFP4 {
  std::uint8_t e, qs[16];
};  // scale 2^(e-128) on the doubled code book
#pragma pack(pop)
static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 &&
              sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18 &&
              sizeof(BlockIQ4_XS) == 136 && sizeof(BlockMXFP4) == 17);

/// What the nibbles of IQ4_NL and IQ4_XS stand for.
inline constexpr std::int8_t kIq4Codes[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// What the nibbles of MXFP4 stand for, doubled to be integers (OCP Microscaling Formats: E2M1).
inline constexpr std::int8_t kFp4Codes[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// One row per format. `head` and `body` say how repacking cuts a block: `head_bytes` at `head_offset` (a scale that fits no
/// dword), the rest `body_dwords` dwords from `body_offset`. A repacked group of 16 rows is a sequence of runs of n blocks, n being
/// run_blocks() or, at the end, what is left: [n][16 rows][head_bytes], then [n][body_dwords][16 rows][4 bytes]. They are the same
/// bytes as in the file, lane = row, and a kernel reads them from the first to the last.
struct FormatInfo {
  Format format;
  const char* name;  // as GGUF tools spell it, lower case
  Kind kind;
  std::uint16_t block_elements;
  std::uint16_t block_bytes;
  std::uint16_t head_offset, head_bytes;
  std::uint16_t body_offset, body_dwords;
};

inline constexpr std::array kFormats = {
    FormatInfo{Format::f32, "f32", Kind::float_row, 1, 4, 0, 0, 0, 0},
    FormatInfo{Format::f16, "f16", Kind::float_row, 1, 2, 0, 0, 0, 0},
    FormatInfo{Format::bf16, "bf16", Kind::float_row, 1, 2, 0, 0, 0, 0},
    FormatInfo{Format::q4_0, "q4_0", Kind::scale, 32, 18, 0, 2, 2, 4},
    FormatInfo{Format::q4_1, "q4_1", Kind::scale_min, 32, 20, 0, 0, 0, 5},
    FormatInfo{Format::q5_0, "q5_0", Kind::scale, 32, 22, 0, 2, 2, 5},
    FormatInfo{Format::q5_1, "q5_1", Kind::scale_min, 32, 24, 0, 0, 0, 6},
    FormatInfo{Format::q8_0, "q8_0", Kind::scale, 32, 34, 0, 2, 2, 8},
    FormatInfo{Format::q2_k, "q2_k", Kind::two_scales_min, 256, 84, 0, 0, 0, 21},
    FormatInfo{Format::q3_k, "q3_k", Kind::two_scales, 256, 110, 108, 2, 0, 27},
    FormatInfo{Format::q4_k, "q4_k", Kind::scale_min, 256, 144, 0, 0, 0, 36},
    FormatInfo{Format::q5_k, "q5_k", Kind::scale_min, 256, 176, 0, 0, 0, 44},
    FormatInfo{Format::q6_k, "q6_k", Kind::two_scales, 256, 210, 208, 2, 0, 52},
    FormatInfo{Format::iq4_nl, "iq4_nl", Kind::scale, 32, 18, 0, 2, 2, 4},
    FormatInfo{Format::iq4_xs, "iq4_xs", Kind::scale, 256, 136, 0, 0, 0, 34},
    FormatInfo{Format::mxfp4, "mxfp4", Kind::scale, 32, 17, 0, 1, 1, 4},
};
inline constexpr std::size_t kFormatCount = kFormats.size();

/// The row of a format, by its GGUF id; nullptr for a type that has no kernels.
constexpr const FormatInfo* find_format(std::uint32_t id) {
  for (const FormatInfo& row : kFormats)
    if (static_cast<std::uint32_t>(row.format) == id) return &row;
  return nullptr;
}

constexpr std::size_t format_index(Format format) {
  std::size_t i = 0;
  while (kFormats[i].format != format) ++i;
  return i;
}

constexpr const FormatInfo& format_info(Format format) { return kFormats[format_index(format)]; }

inline constexpr int kGroupRows = 16;  // rows interleaved when repacked

/// Blocks whose heads lie together: as many as fill a line of 64 bytes.
constexpr int run_blocks(const FormatInfo& info) {
  return info.head_bytes == 0 ? 1 : 64 / (kGroupRows * info.head_bytes);
}

/// Where eight dwords of high bits and those of low bits stand: in the order in which they are needed, each high one before the
/// low one that it meets first.
constexpr int high_place(int d) { return 2 * d; }
constexpr int low_place(int d) { return d < 8 ? 2 * d + 1 : d + 8; }

/// Where dword `w` of a block's body stands in the repacked one: scales first, then codes as above.
constexpr int body_place(Format format, int w) {
  switch (format) {
    case Format::q2_k:
      return w == 20 ? 0 : w + 1;
    case Format::q3_k:
      return w >= 24 ? w - 24 : 3 + (w < 8 ? high_place(w) : low_place(w - 8));
    case Format::q5_k:
      return w < 4 ? w : 4 + (w < 12 ? high_place(w - 4) : low_place(w - 12));
    case Format::q6_k:  // two halves of 8 and 16
      if (w >= 48) return w - 48;
      return 4 + (w >= 32 ? (w - 32) / 8 * 24 + high_place(w % 8) : w / 16 * 24 + low_place(w % 16));
    default:
      return w;
  }
}

/// Bytes of one row of `k` elements; k is a multiple of the format's block.
constexpr std::size_t row_bytes(const FormatInfo& info, std::int64_t k) {
  return static_cast<std::size_t>(k) / info.block_elements * info.block_bytes;
}

inline constexpr int kBlock = 32;  // activations share one scale per 32 consecutive k
inline constexpr int kPage = 64;   // positions in a KV page and in an attention chunk

}  // namespace hearth::kernels
