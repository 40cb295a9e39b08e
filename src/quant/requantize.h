// Enters: a GGUF file. Leaves: the same model with other weight types.
#pragma once

#include <functional>
#include <hearth/result.hpp>
#include <optional>
#include <string>

#include "blocks.h"
#include "gguf_reader.h"
#include "gguf_writer.h"

namespace hearth::quant {

/// Which format a tensor gets; nullopt keeps it as it is.
using Choose = std::function<std::optional<kernels::Format>(const gguf::Tensor& tensor)>;

/// Fills `writer` with the file's metadata and its tensors, converted when they are written. The file must outlive the writing.
/// A tensor whose type has no kernels, whose rows are no multiple of the new block, or that has a value which the new type
/// does not hold, cannot be converted: an error names it.
Result<void> requantize(const gguf::File& file, const Choose& choose, gguf::Writer& writer);

}  // namespace hearth::quant
