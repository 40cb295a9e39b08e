// Enters: the bytes of a .safetensors file. Leaves: its tensors, every name, type, offset and size checked, nothing copied.
#pragma once

#include <cstddef>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <vector>

#include "source_tensor.h"

namespace hearth::convert {

/// The format's own limit: a header that is longer is no header.
inline constexpr std::uint64_t max_safetensors_header = 100'000'000;

/// Tensors in the order of their bytes, which they cover without holes and without overlap. `where` names the file in
/// errors. Errors: what breaks the format, by tensor, field and offset; a name that comes twice; an unknown type.
Result<std::vector<SourceTensor>> read_safetensors(std::span<const std::byte> file, const std::string& where);

}  // namespace hearth::convert
