// Enters: a path and options. Leaves: a model ready to run: file, tokenizer, network, team. Immutable once made.
#pragma once

#include <atomic>
#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "device_weights.h"
#include "forward.h"
#include "gguf_reader.h"
#include "parallel.h"
#include "plan.h"
#include "prefix_cache.h"
#include "repack.h"
#include "token_masks.h"
#include "tokenizer.h"
#include "turns.h"

namespace hearth::engine {

class LoadedModel {
 public:
  ~LoadedModel();
  static Result<std::shared_ptr<LoadedModel>> open(const std::string& path, const ModelOptions& options);

  const ModelInfo& info() const { return info_; }
  const model::Config& config() const { return network_.config; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const gguf::File& file() const { return *file_; }
  const kernels::KernelTable& kernels() const { return *table_; }

  /// The vocabulary as grammars see it, made when first asked for.
  std::shared_ptr<const sample::GrammarTokens> grammar_tokens() const;

  /// Bytes of weights that one decoding step of so many sequences reads: all matrices, of experts those to be expected
  /// (Weights::matrix_bytes), but one row a sequence of the embedding table.
  std::uint64_t step_bytes(std::int64_t n_sequences = 1) const {
    return network_.weights.matrix_bytes(network_.config, n_sequences);
  }

  /// What a row more costs a pass that decodes, in steps of one row: the experts that only it reads, and a tenth for what it
  /// computes.
  double row_cost() const;

  /// Bytes of repacked and copied weights, keys and values of the whole context, and a pass's workspace, with a session's usual options.
  std::uint64_t bytes_when_repacked() const;

  /// Where a pass's rows, keys, values and weights lie.
  const model::Placement& placement() const { return network_.placement; }

  /// The memory of all keys and values, and what is known of texts' beginnings; for any thread.
  const std::shared_ptr<model::PagePool>& pool() const { return pool_; }
  /// The same memory for one cache, outside the budget.
  std::shared_ptr<model::PagePool> pool_apart() const {
    return std::make_shared<model::PagePool>(UINT64_MAX, model::PagePool::Budget::soft, placement());
  }
  PrefixCache& prefixes() const { return prefixes_; }
  std::size_t kv_kind(const model::KvCache& cache) const {
    const model::Rotations& r = network_.rotations;
    return PrefixCache::kind(cache.type(), &r.of(cache.n_ctx()) == &r.beyond);
  }

  /// What has been asked for and not written: the repacked weights that are still to come.
  model::PlacedBytes spoken_for() const;

  /// What the keys and values of a new session may take: 70% of the memory that is left but for that, and within the pool's budget.
  /// Beginnings that are kept beyond it are let go of first.
  KvBudget kv_budget() const;

  /// Refuses, with both figures, keys and values of so many positions and bytes that the memory which is left cannot hold.
  /// Beginnings that are only kept stand in nobody's way: as many are let go of as are in this one's.
  Result<void> make_room(std::int64_t n_positions, const model::PlacedBytes& bytes) const;

  /// Passes of several sessions take turns: the team runs one region at a time.
  Result<void> forward(std::span<const model::Row> rows, model::Workspace& space,
                       model::Head head = model::Head::logits) const;

  /// An error where the model is an encoder, which predicts nothing.
  Result<void> check_generates() const;

  /// Returns when no weights are being repacked behind the passes any more (a forked child has nobody who would): from here on
  /// a step takes what it will take.
  void settle() const {
    if (turns_.forked()) return;
    while (const std::uint64_t left = to_repack_) to_repack_.wait(left);
  }

 private:
  LoadedModel() = default;
  Result<void> make_copies();
  Result<void> place_on_devices(const ModelOptions& options);
  Result<void> start_repacking();
  Result<void> repack(const ModelOptions& options);
  Result<void> repack_now(const ModelOptions& options);
  bool repack_a_piece();
  void advance(std::size_t bytes);
  void let_go(std::span<const std::byte> bytes) const;
  void describe();

  std::unique_ptr<gguf::File> file_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  const kernels::KernelTable* table_ = nullptr;
  mutable model::Network network_;  // its devices and team are tools in use, its numbers never change
  mutable Turns turns_;             // of passes and of pieces of repacking: they share the team and the weights
  mutable double last_pass_ = 0;    // seconds; whoever has the turn may read and write it
  std::optional<model::Repacking> repacking_;
  std::atomic<std::uint64_t> to_repack_{0};  // bytes of repacked weights that are still to be written
  ModelInfo info_;
  mutable std::once_flag grammar_tokens_once_;
  mutable std::shared_ptr<const sample::GrammarTokens> grammar_tokens_;
  std::shared_ptr<model::PagePool> pool_;
  mutable PrefixCache prefixes_;            // its pages are the pool's
  std::unique_ptr<Background> background_;  // last, so that it ends first
};

}  // namespace hearth::engine
