// The other table: what tensors an architecture has, under which names, in which shapes, and where they go.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config.h"
#include "weights.h"

namespace hearth::model {

/// A width that shapes are made of, and the keys it comes from.
struct Extent {
  std::string_view keys;
  std::int64_t (*of)(const Config&);
};

enum class Need { no, spare, may, must };  // spare: files may have it, and nothing is left out where it is not read
enum class Part { weight, bias };

/// One row. A matrix may have any type with kernels; everything else is F32; a stack is one matrix behind another.
struct TensorRow {
  std::string_view name;       // of a layer: after "blk.N."
  const Extent *width, *rows;  // dims[0], dims[1]
  Need (*need)(const Config&, std::int64_t layer);
  std::variant<Matrix LayerWeights::*, Stack LayerWeights::*, Norm LayerWeights::*, const float * LayerWeights::*,
               Matrix Weights::*, Norm Weights::*, const float * Weights::*>
      target;
  Part part = Part::weight;       // a bias stands below its weight
  const Extent* depth = nullptr;  // of a stack: dims[2]

  bool per_layer() const { return target.index() < 4; }
  bool is_matrix() const { return (target.index() <= 1 || target.index() == 4) && part == Part::weight; }
};

std::span<const TensorRow> tensor_table();

/// Rows of one tensor that a file may have in place of several, which are its parts in this order.
struct FusedRow {
  std::string_view name;
  std::array<std::string_view, 3> parts;
  bool (*used)(const Config&);
};

std::span<const FusedRow> fused_tensors();

std::vector<std::uint64_t> tensor_dims(const TensorRow& row, const Config& config);
std::string tensor_name(std::string_view name, std::int64_t layer);  // "blk.N." before it
std::string tensor_name(const TensorRow& row, std::int64_t layer);

}  // namespace hearth::model
