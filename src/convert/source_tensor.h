// Enters: a name of safetensors' element types. Leaves: how wide it is and what its bits are as numbers; and what a tensor
// of a checkpoint is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "blocks.h"

namespace hearth::convert {

struct ElementType {
  std::string_view name;                  // "BF16"
  std::uint32_t bytes;                    // of one element
  float (*value)(const std::byte* bits);  // nullptr: not a type of weights
  std::optional<kernels::Format> format;  // the same bits in GGUF
};

/// nullptr where no row has the name.
const ElementType* find_element_type(std::string_view name);

/// One tensor of a checkpoint, as it lies there.
struct SourceTensor {
  std::string name;
  const ElementType* type = nullptr;
  std::vector<std::uint64_t> shape;  // outermost first
  std::span<const std::byte> data;   // checked: the size that type and shape give
};

/// "[2, 3]".
std::string shape_text(std::span<const std::uint64_t> shape);

}  // namespace hearth::convert
