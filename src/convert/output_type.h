// Enters: the type that was asked for, and the tensors. Leaves: the type of each.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <string>

#include "blocks.h"
#include "tensor_plan.h"

namespace hearth::convert {

/// Vectors, norms, routers, positions and biases stay F32, as llama.cpp's files have them, and so does MXFP4 stay MXFP4 unless a type of
/// floats is asked for; the rest gets the type asked for, or F16 where its rows are no multiple of the type's block.
class OutputTypes {
 public:
  /// `name`: "f32", "q8_0", …; empty: what most of the checkpoint has. Error: a name that is not known, with all that are.
  static Result<OutputTypes> choose(const std::string& name, const TensorPlan& plan);

  kernels::Format of(const PlannedTensor& tensor) const;
  /// Whether the type asked for does not fit this tensor's rows.
  bool fell_back(const PlannedTensor& tensor) const;
  std::string name() const;
  std::uint32_t file_type() const;  ///< general.file_type

 private:
  OutputTypes(kernels::Format format, bool keeps_mxfp4) : format_(format), keeps_mxfp4_(keeps_mxfp4) {}
  bool stays_mxfp4(const PlannedTensor& tensor) const { return keeps_mxfp4_ && tensor.mxfp4; }
  bool is_free(const PlannedTensor& tensor) const;

  kernels::Format format_;
  bool keeps_mxfp4_;  // and there is some
};

}  // namespace hearth::convert
