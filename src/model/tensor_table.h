// The other table: what tensors an architecture has, under which names, in which shapes, and where they go.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config.h"
#include "weights.h"

namespace hearth::model {

/// Widths that shapes are made of.
enum class Extent {
  one,
  dim,
  q_dim,
  kv_dim,
  head_dim,
  ffn_dim,
  expert_ffn_dim,
  shared_ffn_dim,
  n_expert,
  n_vocab,
  half_rot
};

/// When a tensor must be there.
enum class Presence {
  always,
  with_qkv_bias,
  with_qk_norm,
  with_post_norm,
  dense,
  with_experts,
  with_shared_expert,
  optional
};

/// One row. A matrix may have any type with kernels; a vector is F32; experts are one matrix each, behind one another.
struct TensorRow {
  std::string_view name;  // of a layer: after "blk.N."
  Extent width, rows;     // dims[0], dims[1]
  Presence presence;
  std::variant<Matrix LayerWeights::*, const float * LayerWeights::*, Experts LayerWeights::*, Matrix Weights::*,
               const float * Weights::*>
      target;

  bool per_layer() const { return target.index() < 3; }
  bool is_vector() const { return target.index() == 1 || target.index() == 4; }
  bool is_experts() const { return target.index() == 2; }
};

std::span<const TensorRow> tensor_table();

std::int64_t extent(const Config& config, Extent extent);
bool present(const Config& config, Presence presence);  // must be there
std::vector<std::uint64_t> tensor_dims(const TensorRow& row, const Config& config);
std::string tensor_name(const TensorRow& row, std::int64_t layer);

}  // namespace hearth::model
