// Enters: a config. Leaves: the settings of a family that are more than a value under another name.
#pragma once

#include "family.h"

namespace hearth::convert {

/// GGUF does not say which layers have a window; llama.cpp takes it from the family, whatever a file says, so other layer_types
/// than a family's are refused.
Result<void> check_windows(const HfConfig& config, std::size_t full_every);

/// rope.dimension_count: all of a head.
Result<void> head_rope_keys(const HfConfig& config, KeySink& keys);
/// rope.scaling.type: none, for families that llama.cpp wants to be told.
Result<void> no_rope_scaling_keys(const HfConfig& config, KeySink& keys);
Result<void> phi3_keys(const HfConfig& config, KeySink& keys);
Result<void> deepseek2_more_keys(const HfConfig& config, KeySink& keys);
Result<void> cohere2_more_keys(const HfConfig& config, KeySink& keys);
Result<void> glm4_keys(const HfConfig& config, KeySink& keys);
Result<void> encoder_keys(const HfConfig& config, KeySink& keys);

Result<void> settle_deepseek2(HfConfig& config);
Result<void> settle_granite(HfConfig& config);
Result<void> settle_cohere(HfConfig& config);
Result<void> settle_nomic_bert(HfConfig& config);

}  // namespace hearth::convert
