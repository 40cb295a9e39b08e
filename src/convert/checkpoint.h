// Enters: a model folder. Leaves: the tensors of its safetensors files, mapped.
#pragma once

#include <deque>
#include <hearth/result.hpp>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapped_file.h"
#include "model_folder.h"
#include "source_tensor.h"

namespace hearth::convert {

/// model.safetensors, or the files that model.safetensors.index.json names. The index and the files must agree.
class Checkpoint {
 public:
  static Result<Checkpoint> open(const ModelFolder& folder);

  /// In the order of the files and of the bytes in each.
  std::span<const SourceTensor> tensors() const { return tensors_; }

 private:
  Result<void> add(const ModelFolder& folder, const std::string& file);

  std::deque<MappedFile> files_;
  std::vector<SourceTensor> tensors_;
  std::map<std::string, std::string, std::less<>> file_of_;  // tensor -> file
};

}  // namespace hearth::convert
