// Enters: a file's header and options. Leaves: what running the model takes and how it is done; loading asks the same functions.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <optional>
#include <string>

#include "devices.h"
#include "gguf_reader.h"
#include "kernel_table.h"
#include "weights.h"

namespace hearth::engine {

/// The table of that name, or the best. An unknown or unsupported one is an error that lists those that run here.
Result<const kernels::KernelTable*> choose_isa(const std::string& name);

/// Threads that a model has where none are asked for: one queues all work where the CPU has none.
int usual_threads(const model::Placement& placement);

/// Bytes of the CPU's repacked and copied weights, keys and values of the whole context, and a pass's workspace, with a session's usual options.
std::uint64_t bytes_when_repacked(const model::Config& config, const model::Weights& weights,
                                  const model::Placement& placement = {});

/// Bytes of weights, keys and values of a context of up to kAutoContext positions, and a pass's workspace, with a session's usual
/// options; the CPU's weights left out.
model::PlacedBytes bytes_when_placed(const Devices& devices, const model::Placement& placement,
                                     const model::Config& config, const model::Weights& weights);
inline constexpr std::int64_t kAutoContext = 4096;

/// Where the CPU's weights will lie: what was asked for, or repacked if all of that fits in 70% of the memory that is left. A
/// device's are always repacked; to ask for the file's where there are no others is an error.
Result<Weights> choose_weights(const model::Config& config, const model::Weights& weights,
                               const model::Placement& placement, Weights wanted);

kernels::KvType kv_type(Kv kv);

/// Whether a pass may have so many tokens.
Result<void> check_chunk(std::int64_t chunk);

/// The memory that is left but for `spoken_for` bytes: what others have asked for and not written yet.
std::uint64_t left_but_for(const Heap& heap, std::uint64_t spoken_for);

/// 70% of it.
std::uint64_t memory_budget(const Heap& heap, std::uint64_t spoken_for = 0);

/// What keys and values may take.
struct KvBudget {
  model::PlacedBytes placed;         // of each memory
  std::uint64_t total = UINT64_MAX;  // of all

  /// 70% of the memory that is left everywhere but for `spoken_for` bytes.
  static KvBudget of(const model::Placement& placement, const model::PlacedBytes& spoken_for,
                     std::uint64_t total = UINT64_MAX);
  bool holds(const model::PlacedBytes& bytes) const { return bytes.within(placed) && bytes.total() <= total; }
  KvBudget divided(std::int64_t n) const;
};

/// The largest context whose KV fits in the budget, at most the model's own.
std::int64_t fitting_context(const model::Config& config, kernels::KvType type, std::int64_t chunk,
                             const KvBudget& budget, const model::Placement& placement);

/// The context that a session gets: the one asked for, which the model must allow, or the largest whose KV fits in the budget.
Result<std::int64_t> choose_context(const model::Config& config, const SessionOptions& options, const KvBudget& budget,
                                    const model::Placement& placement);

/// Rows of a session's pass that may want logits: a token's own, and those of as many guesses as are usual.
std::int64_t session_logits(std::int64_t chunk);

/// Requests that decode, or guess, in one pass of an engine: as many cost little more than one.
inline constexpr std::int64_t kDecodeRows = 8;

/// The most rows that a pass has, and those that may want logits.
struct PassRoom {
  std::int64_t rows, logits;
};
PassRoom engine_room(std::int64_t chunk, std::int64_t n_parallel);

/// A memory of which less is left than is needed.
struct Shortage {
  const Heap* heap;
  std::uint64_t needed, left;

  std::uint64_t lacking() const { return needed - left; }
  Error error(const std::string& what, const std::string& where_and_to_do) const;
};

/// The first that has too little left but for `spoken_for` bytes, if there is one.
std::optional<Shortage> shortage_of(const model::PlacedBytes& needed, const model::Placement& placement,
                                    const model::PlacedBytes& spoken_for);

/// Refuses, with both figures, what is more than the memory that is left.
Result<void> check_memory(const Heap& heap, std::uint64_t needed, const std::string& what,
                          const std::string& where_and_to_do);

/// What a forecast of speeds needs to know.
struct Work {
  const kernels::KernelTable* table = nullptr;
  kernels::Format format{};       // of most of the weights
  std::uint64_t step_bytes = 0;   // of weights that one decoding step of the batch reads
  std::uint64_t chunk_bytes = 0;  // … and a prompt's whole chunk
  double token_macs = 0;          // multiplications of one prompt token
};

struct PlanAndWork {
  Plan plan;  // without its speeds
  Work work;
};

/// `batch`: sequences computed together. Nothing but the header is read.
Result<PlanAndWork> make_plan(const std::string& path, const ModelOptions& how, const SessionOptions& what,
                              std::int64_t batch);

}  // namespace hearth::engine
