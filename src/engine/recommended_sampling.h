// Enters: a model file. Leaves: the sampling settings that its authors recommend.
#pragma once

#include <hearth/hearth.hpp>

#include "gguf_reader.h"

namespace hearth::engine {

/// general.sampling.*: a key that is missing recommends nothing, one that cannot be used is named and does no harm.
RecommendedSampling recommended_sampling(const gguf::File& file);

}  // namespace hearth::engine
