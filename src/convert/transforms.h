// Enters: a tensor of a checkpoint. Leaves: the order of its elements that GGUF has.
#pragma once

#include "family.h"

namespace hearth::convert {

// Llama's RoPE turns neighbours here, halves of a head there: rows of q and k are interleaved.
Result<TensorView> interleave_q(const TensorView& view, const HfConfig& config);
Result<TensorView> interleave_k(const TensorView& view, const HfConfig& config);

// One tensor that holds gate and up: rows of the first half and of the second, or every other one.
Result<TensorView> first_half(const TensorView& view, const HfConfig& config);
Result<TensorView> second_half(const TensorView& view, const HfConfig& config);
Result<TensorView> even_rows(const TensorView& view, const HfConfig& config);
Result<TensorView> odd_rows(const TensorView& view, const HfConfig& config);
Result<TensorView> even_columns(const TensorView& view, const HfConfig& config);
Result<TensorView> odd_columns(const TensorView& view, const HfConfig& config);
Result<TensorView> even_rows_turned(const TensorView& view, const HfConfig& config);
Result<TensorView> odd_rows_turned(const TensorView& view, const HfConfig& config);

/// Rows become columns in each expert.
Result<TensorView> turned(const TensorView& view, const HfConfig& config);

// Of latent attention's kv_b_proj: keys, turned so that they can be absorbed into the query; values.
Result<TensorView> latent_keys(const TensorView& view, const HfConfig& config);
Result<TensorView> latent_values(const TensorView& view, const HfConfig& config);

}  // namespace hearth::convert
