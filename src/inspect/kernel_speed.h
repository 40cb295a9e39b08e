// Enters: a kernel table and a weight format. Leaves: how fast this machine multiplies with them.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>

#include "kernel_table.h"

namespace hearth::inspect {

/// Multiplications a second of a pass of `n_tokens` tokens, measured in some tenths of a second.
Result<double> macs_a_second(const kernels::KernelTable& table, kernels::Format format, bool packed, int threads,
                             std::int64_t n_tokens);

}  // namespace hearth::inspect
