// Enters: a path and options. Leaves: a model ready to run: file, tokenizer, network, team. Immutable once made.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "forward.h"
#include "gguf_reader.h"
#include "tokenizer.h"

namespace hearth::engine {

class LoadedModel {
 public:
  static Result<std::shared_ptr<LoadedModel>> open(const std::string& path, const ModelOptions& options);

  const ModelInfo& info() const { return info_; }
  const model::Config& config() const { return network_.config; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const gguf::File& file() const { return *file_; }

  /// Bytes of weights that one decoding step reads: all matrices, but one row of the embedding table.
  std::uint64_t step_bytes() const { return network_.weights.matrix_bytes(); }

  /// Passes of several sessions take turns: the team runs one region at a time.
  Result<void> forward(std::span<const model::Row> rows, model::Workspace& space) const;

 private:
  LoadedModel() = default;
  Result<void> place_weights(Weights wanted);
  void describe();

  std::unique_ptr<gguf::File> file_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  const kernels::KernelTable* table_ = nullptr;
  mutable model::Network network_;  // its device and team are tools in use, its numbers never change
  mutable std::mutex one_pass_;
  ModelInfo info_;
};

/// The largest context whose KV fits in 70% of the memory that is left, at most the model's own.
std::int64_t fitting_context(const model::Config& config, kernels::KvType type);

}  // namespace hearth::engine
