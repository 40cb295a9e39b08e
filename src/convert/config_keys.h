// Enters: a model folder's settings. Leaves: the metadata that GGUF has of them.
#pragma once

#include <hearth/result.hpp>

#include "family.h"
#include "metadata.h"
#include "model_folder.h"

namespace hearth::convert {

/// ARCH.*: what every family has, then its own.
Result<void> add_config_keys(const Family& family, const HfConfig& config, Metadata& metadata);

/// ARCH.pooling_type, where the folder is one of sentence-transformers.
Result<void> add_pooling(const ModelFolder& folder, const Family& family, Metadata& metadata);

/// general.sampling.*: what generation_config.json recommends.
Result<void> add_sampling_keys(const ModelFolder& folder, Metadata& metadata);

}  // namespace hearth::convert
