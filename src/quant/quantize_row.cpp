// Enters: f32 rows. Leaves: the blocks of a weight format, by plain rounding.
#include "quantize_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "canonical_math.h"

namespace hearth::quant {

using kernels::Format;

namespace {

template <class Block>
void put(std::byte* out, const Block& block) {
  std::memcpy(out, &block, sizeof block);
}

void quantize_block(Format format, std::byte* out, const float* x) {
  switch (format) {
    case Format::f32: return put(out, x[0]);
    case Format::f16: return put(out, kernels::f32_to_f16(x[0]));
    case Format::bf16: return put(out, kernels::f32_to_bf16(x[0]));
    case Format::q4_0: {
      kernels::BlockQ4_0 b;
      float most = 0;  // the value furthest from zero gets code 0, which reaches one step further than 15
      for (int i = 0; i < 32; ++i)
        if (std::fabs(x[i]) > std::fabs(most)) most = x[i];
      const float d = most / -8.0f, id = d != 0 ? 1.0f / d : 0.0f;
      const auto code = [&](float v) { return static_cast<std::uint8_t>(std::clamp(std::nearbyint(v * id) + 8.0f, 0.0f, 15.0f)); };
      b.d = kernels::f32_to_f16(d);
      for (int i = 0; i < 16; ++i) b.qs[i] = static_cast<std::uint8_t>(code(x[i]) | code(x[i + 16]) << 4);
      return put(out, b);
    }
    case Format::q8_0: {
      kernels::BlockQ8_0 b;
      float most = 0;
      for (int i = 0; i < 32; ++i) most = std::max(most, std::fabs(x[i]));
      const float id = most > 0 ? 127.0f / most : 0.0f;
      b.d = kernels::f32_to_f16(most / 127.0f);
      for (int i = 0; i < 32; ++i) b.qs[i] = static_cast<std::int8_t>(std::nearbyint(x[i] * id));
      return put(out, b);
    }
  }
}

}  // namespace

void quantize_row(Format format, std::byte* out, const float* x, std::int64_t k) {
  const kernels::FormatInfo& info = kernels::format_info(format);
  for (std::int64_t i = 0; i < k; i += info.block_elements, out += info.block_bytes) quantize_block(format, out, x + i);
}

}  // namespace hearth::quant
