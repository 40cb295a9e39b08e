// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backend.h"
#include "config.h"
#include "kv_cache.h"
#include "placement.h"
#include "rope_scaling.h"
#include "weights.h"
#include "workspace.h"

namespace hearth::model {

/// One row of a forward pass: a token at an index of a sequence. Rows of one sequence stand together, indices ascending.
struct Row {
  KvCache* sequence;
  std::int64_t index;                   // 0-based, below the cache's n_ctx
  std::int32_t token;                   // 0 <= token < n_vocab
  bool wants_logits;                    // or what its pass ends with
  std::optional<backend::Draw> draw{};  // how the device chooses a token from them, where it can
};

/// What a pass ends with, for the rows that want it: logits [wanting, n_vocab], or the last hidden rows, normed [wanting, dim]; at
/// `space.ended_with`, in order of the rows. Where the device draws and every wanting row says how, logits stay there:
/// `space.drawn` has tokens.
enum class Head { logits, hidden };

/// The model's numbers and weights, and the devices that run them.
struct Network {
  Config config;
  Weights weights;
  std::vector<std::unique_ptr<backend::Backend>> devices;
  Placement placement;  // on these devices
  std::vector<Leg> legs;
  std::unique_ptr<Team> team;
  Rotations rotations;
  std::vector<AlignedBuffer<std::byte>> placed;  // the weights, on devices that have memory of their own
};

/// Runs the rows through the network; KV is appended at each row's index. A row of an encoder sees the rows of its sequence that
/// are in the pass or were before: a text comes whole. Errors: out_of_memory for a page; non_finite, naming layer and step.
Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space, Head head = Head::logits);

}  // namespace hearth::model
