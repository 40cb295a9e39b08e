// Enters: a planned tensor. Leaves: its bytes in a type of GGUF.
#pragma once

#include <cstddef>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "blocks.h"
#include "tensor_plan.h"

namespace hearth::convert {

/// The checkpoint's own bytes where they are what is wanted, else `buffer`, filled. Rows are a multiple of the type's block.
Result<std::span<const std::byte>> tensor_bytes(const PlannedTensor& tensor, kernels::Format format,
                                                std::vector<std::byte>& buffer);

}  // namespace hearth::convert
