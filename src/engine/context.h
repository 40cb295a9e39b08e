// Enters: tokens. Leaves: one text and what the model remembers of it: forked, cut short, begun from what is known.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <span>
#include <vector>

#include "forward.h"
#include "loaded_model.h"

namespace hearth::engine {

/// Tokens, of which the first n_computed have their keys and values in the cache. A copy is a fork.
class Context {
 public:
  static Result<Context> make(std::shared_ptr<const LoadedModel> model, const SessionOptions& options);

  const LoadedModel& model() const { return *model_; }
  const std::shared_ptr<const LoadedModel>& shared_model() const { return model_; }
  const SessionOptions& options() const { return options_; }
  std::int64_t n_ctx() const { return cache_.n_ctx(); }
  std::int64_t chunk() const { return chunk_; }
  std::int64_t n_tokens() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t n_computed() const { return n_computed_; }
  std::span<const std::int32_t> tokens() const { return tokens_; }

  /// Whether all ids are tokens of the model; the index of one that is not is named.
  Result<void> check_ids(std::span<const std::int32_t> ids) const;
  /// Whether a text of so many tokens fits; the error has both numbers.
  Result<void> check_length(std::int64_t n_tokens) const;

  void append(std::span<const std::int32_t> ids) { tokens_.insert(tokens_.end(), ids.begin(), ids.end()); }
  void append(std::int32_t id) { tokens_.push_back(id); }
  void make_room(std::int64_t n_more);  // so that appending so many moves nothing
  std::size_t room() const { return tokens_.capacity() - tokens_.size(); }

  /// Forgets tokens from n on; positions that the cache then lacks are computed again by whatever comes next.
  void keep(std::int64_t n);
  /// Forgets positions from n on, and no token.
  void keep_computed(std::int64_t n);

  /// The text becomes this one; of what it has in common with the old one the positions stay.
  void replace(std::vector<std::int32_t> tokens);

  /// Begins with pages that another text of this model has computed, where those reach further than its own.
  void reuse();

  /// The row of a pass that computes position `at` for token `id`: the text's own there, or a guess.
  model::Row row(std::int64_t at, std::int32_t id, bool wants_logits) { return {&cache_, at, id, wants_logits}; }
  /// Takes the memory of those rows beforehand, so that a pass of many texts cannot fail for one.
  Result<void> reserve(std::int64_t from, std::int64_t n);
  /// A pass has computed n more positions; whole pages become known to other texts.
  void computed(std::int64_t n);
  /// Forgets what a pass wrote beyond n_computed.
  void drop_guesses() { cache_.truncate(n_computed_); }

  const model::KvCache& cache() const { return cache_; }
  /// As a saved file had it.
  void restore(std::vector<std::int32_t> tokens, std::int64_t n_computed, model::KvCache cache);

 private:
  Context(std::shared_ptr<const LoadedModel> model, model::KvCache cache, const SessionOptions& options,
          std::int64_t chunk)
      : model_(std::move(model)), cache_(std::move(cache)), options_(options), chunk_(chunk) {}

  std::shared_ptr<const LoadedModel> model_;
  model::KvCache cache_;
  SessionOptions options_;  // as given, but n_ctx is what it became
  std::int64_t chunk_;      // rows of a pass
  std::int64_t n_computed_ = 0;
  std::vector<std::int32_t> tokens_;
};

}  // namespace hearth::engine
