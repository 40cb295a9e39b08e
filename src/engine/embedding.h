// Enters: texts. Leaves: a vector for each: the last hidden rows of a forward pass, pooled and normalised.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <span>
#include <vector>

#include "loaded_model.h"

namespace hearth::engine {

/// A text's rows [dim] come in order of position and become one vector; under Pooling::none they stay what they are.
class Pool {
 public:
  Pool(Pooling how, std::int64_t n_rows) : how_(how), n_rows_(n_rows) {}

  /// Whether row i of the text is looked at; the others need not be computed to their end.
  bool wants(std::int64_t row) const;

  /// The next row that is wanted.
  void add(std::span<const float> row);

  /// [dim], or [n_rows, dim] under Pooling::none. The mean is the sum in order of position, divided once.
  std::vector<float> take();

 private:
  Pooling how_;  // never Pooling::model
  std::int64_t n_rows_;
  std::vector<float> values_;
};

/// v / |v|, with |v|^2 by the reduction of a float row; a vector of zeros stays. False: the length is not finite.
bool normalise(const kernels::KernelTable& table, std::span<float> v);

/// Hands out the embeddings of the texts, given as token ids, in order. All are checked before any is computed.
Result<void> embed(const LoadedModel& model, std::span<const std::vector<std::int32_t>> texts,
                   const EmbedOptions& options, const OnEmbedding& on_embedding);

}  // namespace hearth::engine
