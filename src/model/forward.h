// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <span>
#include <vector>

#include "backend.h"
#include "config.h"
#include "kv_cache.h"
#include "weights.h"
#include "workspace.h"

namespace hearth::model {

/// One row of a forward pass: a token at an index of a sequence. Rows of one sequence stand together, indices ascending.
struct Row {
  KvCache* sequence;
  std::int64_t index;  // 0-based, below the cache's n_ctx
  std::int32_t token;  // 0 <= token < n_vocab
  bool wants_logits;
};

/// The model's numbers and weights, and the device that runs them.
struct Network {
  Config config;
  Weights weights;
  std::unique_ptr<backend::Backend> device;
  std::unique_ptr<Team> team;
  std::vector<double> inv_freq;         // [n_rot/2]
  std::vector<double> window_inv_freq;  // the same of layers with a window, where they rotate otherwise
};

/// Runs the rows through the network; KV is appended at each row's index. Logits of the wanting rows lie in `space.logits` in
/// order of the rows. Errors: out_of_memory for a page; non_finite, naming layer and step.
Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space);

/// Fills in the network's rotary frequencies from its config and weights.
void set_frequencies(Network& network);

}  // namespace hearth::model
