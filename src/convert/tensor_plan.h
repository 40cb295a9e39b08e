// Enters: a checkpoint, a family, a config. Leaves: which tensors are written, and of what each is made.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <vector>

#include "family.h"
#include "source_tensor.h"
#include "tensor_view.h"

namespace hearth::convert {

struct PlannedTensor {
  std::string name;
  std::vector<std::uint64_t> shape;  // outermost first
  std::vector<TensorView> parts;     // one after the other: experts; of MXFP4 its codes and scales
  std::vector<float> values;         // instead of parts: made of the config
  bool mxfp4 = false;
};

struct TensorPlan {
  std::vector<PlannedTensor> tensors;  // those of no layer, then layer by layer
  std::vector<std::string> left_out;   // tensors of the checkpoint that no file has
};

/// Errors: a tensor that the family does not know, an expert that is missing or comes twice, a shape that does not fit.
Result<TensorPlan> plan_tensors(std::span<const SourceTensor> tensors, const Family& family, const HfConfig& config);

/// The tensors that a config means and no checkpoint has: RoPE's factors of each frequency.
Result<std::vector<PlannedTensor>> rope_tensors(const Family& family, const HfConfig& config);

}  // namespace hearth::convert
