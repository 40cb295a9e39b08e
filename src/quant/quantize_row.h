// Enters: f32 rows. Leaves: the blocks of a weight format.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blocks.h"

namespace hearth::quant {

/// Writes k values, a multiple of the format's block: a row, or any run of its blocks. Plain rounding to the nearest code:
/// good enough to make files of a type; the careful quantizer chooses scales by least squares. False: a value is not
/// finite, or too large for the format; what is written then means nothing.
bool quantize_row(kernels::Format format, std::byte* out, const float* x, std::int64_t k);

}  // namespace hearth::quant
