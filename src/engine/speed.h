// Enters: a loaded model. Leaves: how fast it reads a prompt and decodes, alone and in batches, at any depth.
#pragma once

#include <vector>

#include "loaded_model.h"

namespace hearth::engine {

struct Speed {
  double prefill_seconds = 0;     // of the prompt
  double decode_seconds = 0;      // of all steps
  std::uint64_t logits_hash = 0;  // of the last step's first sequence
};

/// One round: a prompt of n_prompt tokens, then n_steps decode steps of n_sequences sequences together, which begin at position
/// `depth` of caches filled beforehand. The tokens are made up: nothing is sampled, no text ends. `options` are heard before each pass.
Result<Speed> measure_speed(const LoadedModel& model, kernels::KvType type, std::int64_t chunk, std::int64_t n_prompt,
                            std::int64_t n_steps, std::int64_t n_sequences, std::int64_t depth,
                            const CallOptions& options);

}  // namespace hearth::engine
