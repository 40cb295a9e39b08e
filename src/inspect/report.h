// Enters: a parsed GGUF file. Leaves: what it holds, as tools::inspect hands it out.
#pragma once

#include <cstddef>
#include <hearth/tools.hpp>

#include "gguf_reader.h"

namespace hearth::inspect {

/// At most `limit` elements of each array are kept.
tools::FileReport report(const gguf::File& file, std::size_t limit);

}  // namespace hearth::inspect
