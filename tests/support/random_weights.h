// Random weight rows of any format: bytes where every byte is legal, scales kept finite and moderate.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "blocks.h"
#include "canonical_math.h"

namespace hearth::test {

using Rng = std::mt19937_64;

inline float uniform(Rng& rng, float low, float high) {
  return low + (high - low) * (static_cast<float>(rng() >> 40) * 0x1p-24f);
}

inline std::vector<float> random_floats(Rng& rng, std::size_t n, float scale = 1.0f) {
  std::vector<float> x(n);
  for (float& v : x) v = uniform(rng, -scale, scale);
  return x;
}

/// Writes `half` as the f16 at `p`.
inline void put_f16(std::byte* p, float value) {
  const std::uint16_t bits = kernels::f32_to_f16(value);
  std::memcpy(p, &bits, 2);
}

/// [n_rows, row_bytes] of the format.
inline std::vector<std::byte> random_rows(Rng& rng, const kernels::FormatInfo& info, std::int64_t n_rows,
                                          std::int64_t k) {
  std::vector<std::byte> rows(static_cast<std::size_t>(n_rows) * kernels::row_bytes(info, k));
  for (std::byte& b : rows) b = static_cast<std::byte>(rng());
  for (std::size_t at = 0; at < rows.size(); at += info.block_bytes) {
    std::byte* block = rows.data() + at;
    const float value = uniform(rng, -1.0f, 1.0f);
    using kernels::Format;
    switch (info.format) {
      case Format::f32:
        std::memcpy(block, &value, 4);
        break;
      case Format::f16:
        put_f16(block, value);
        break;
      case Format::bf16: {
        const std::uint16_t bits = kernels::f32_to_bf16(value);
        std::memcpy(block, &bits, 2);
        break;
      }
      case Format::q4_0:
      case Format::q5_0:
      case Format::q8_0:
      case Format::iq4_nl:
        put_f16(block, value * 0.05f);
        break;
      case Format::q4_1:
      case Format::q5_1:
      case Format::q4_k:
      case Format::q5_k:
        put_f16(block, value * 0.05f);
        put_f16(block + 2, uniform(rng, -0.5f, 0.5f));
        break;
      case Format::q2_k:
        put_f16(block + 80, value * 0.05f);
        put_f16(block + 82, uniform(rng, -0.5f, 0.5f));
        break;
      case Format::q3_k:
        put_f16(block + 108, value * 0.01f);
        break;
      case Format::q6_k:
        put_f16(block + 208, value * 0.001f);
        break;
      case Format::iq4_xs:
        put_f16(block, value * 0.001f);
        break;
      case Format::mxfp4:
        block[0] = static_cast<std::byte>(120 + rng() % 8);
        break;
    }
  }
  return rows;
}

}  // namespace hearth::test
