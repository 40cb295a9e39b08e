// The bit layouts of weight blocks as GGUF stores them, and how 16 rows of them are interleaved when repacked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::kernels {

/// Weight formats with kernels. The numbers are GGUF's tensor type ids.
enum class Format : std::uint32_t {
  f32 = 0, f16 = 1, q4_0 = 2, q8_0 = 8, bf16 = 30,
};

/// How a row of the format is multiplied (ARITHMETIC.md, "Quantized matmul" and "Float weights").
enum class Kind : std::uint8_t { float_row, scale, scale_min, two_scales, two_scales_min };

#pragma pack(push, 1)
struct BlockQ4_0 { std::uint16_t d; std::uint8_t qs[16]; };  // element j: low nibble of qs[j]; j+16: high nibble; minus 8
struct BlockQ8_0 { std::uint16_t d; std::int8_t qs[32]; };
#pragma pack(pop)
static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ8_0) == 34);

/// One row per format. `head` and `body` say how repacking cuts a block: `head_bytes` at `head_offset` (a scale that fits no
/// dword), the rest `body_dwords` dwords from `body_offset`. A repacked group of 16 rows is [n_blocks][16 rows][head_bytes]
/// followed by [n_blocks][body_dwords][16 rows][4 bytes]: the same bytes as in the file, lane = row.
struct FormatInfo {
  Format format;
  const char* name;              // as GGUF tools spell it, lower case
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
    FormatInfo{Format::q8_0, "q8_0", Kind::scale, 32, 34, 0, 2, 2, 8},
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

/// Bytes of one row of `k` elements; k is a multiple of the format's block.
constexpr std::size_t row_bytes(const FormatInfo& info, std::int64_t k) {
  return static_cast<std::size_t>(k) / info.block_elements * info.block_bytes;
}

inline constexpr int kGroupRows = 16;    // rows interleaved when repacked
inline constexpr int kBlock = 32;        // activations share one scale per 32 consecutive k
inline constexpr int kPage = 64;         // positions in a KV page and in an attention chunk

}  // namespace hearth::kernels
