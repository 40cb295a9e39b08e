// Enters: a planned tensor. Leaves: its bytes in a type of GGUF.
#pragma once

#include <cstddef>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "blocks.h"
#include "parallel.h"
#include "tensor_plan.h"

namespace hearth::convert {

/// The checkpoint's own bytes where they are what is wanted, else `buffer`, filled. Rows are a multiple of the type's
/// block. Error: a value that is not finite, or that the type does not hold; bits that stay as they are nobody looks at.
Result<std::span<const std::byte>> tensor_bytes(const PlannedTensor& tensor, kernels::Format format,
                                                std::vector<std::byte>& buffer, Team& team);

}  // namespace hearth::convert
