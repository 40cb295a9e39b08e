// Enters: tokens. Leaves: one text and what the model remembers of it: forked, cut short, begun from what is known.
#include "context.h"

#include <algorithm>

#include "prefix_cache.h"
#include "try.h"

namespace hearth::engine {

Result<Context> Context::make(std::shared_ptr<const LoadedModel> model, const SessionOptions& options) {
  HEARTH_CHECK(model->check_generates());
  const model::Config& c = model->config();
  SessionOptions made = options;
  HEARTH_TRY(made.n_ctx, choose_context(c, options, model->kv_budget(), model->placement()));
  const std::int64_t chunk = std::min(options.chunk, made.n_ctx);
  HEARTH_CHECK(model->make_room(made.n_ctx,
                                model::KvCache::bytes(c, kv_type(options.kv), made.n_ctx, chunk, model->placement())));
  HEARTH_TRY(auto cache, model::KvCache::make(c, kv_type(options.kv), made.n_ctx, chunk, model->pool()));
  return Context(std::move(model), std::move(cache), made, chunk);
}

Result<void> Context::check_ids(std::span<const std::int32_t> ids) const {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= model_->config().n_vocab)
      return Error(Status::invalid_argument, "token " + std::to_string(ids[i]) + " is not in the vocabulary; index " +
                                                 std::to_string(i) + "; ids are 0 to " +
                                                 std::to_string(model_->config().n_vocab - 1));
  return {};
}

Result<void> Context::check_length(std::int64_t n_tokens) const {
  if (n_tokens <= n_ctx()) return {};
  return Error(Status::context_full, "the text is " + std::to_string(n_tokens) + " tokens long, the context holds " +
                                         std::to_string(n_ctx()) +
                                         "; prompt; shorten it or ask for a larger context (the model allows " +
                                         std::to_string(model_->config().n_ctx_train) + ")");
}

void Context::make_room(std::int64_t n_more) {
  constexpr std::int64_t kMost = 4096;  // more is made room for as it comes: a context may be long and hardly used
  tokens_.reserve(tokens_.size() + static_cast<std::size_t>(std::clamp<std::int64_t>(n_more, 0, kMost)));
}

void Context::keep(std::int64_t n) {
  keep_computed(n);
  tokens_.resize(static_cast<std::size_t>(n));
}

void Context::keep_computed(std::int64_t n) { n_computed_ = cache_.truncate(std::min(n_computed_, n)); }

void Context::replace(std::vector<std::int32_t> tokens) {
  keep_computed(std::mismatch(tokens.begin(), tokens.end(), tokens_.begin(), tokens_.end()).first - tokens.begin());
  tokens_ = std::move(tokens);
}

void Context::reuse() {
  if (!options_.reuse || n_tokens() == 0) return;
  const auto found =
      model_->prefixes().find(model_->kv_kind(cache_), tokens().first(tokens_.size() - 1));  // one is computed
  const std::int64_t n = static_cast<std::int64_t>(found.size()) * kernels::kPage;
  if (n <= n_computed_) return;
  cache_.adopt(found);
  n_computed_ = n;
}

Result<void> Context::reserve(std::int64_t from, std::int64_t n) {
  for (std::int64_t at = from; at < from + n; ++at) HEARTH_CHECK(cache_.append(at));
  return {};
}

void Context::computed(std::int64_t n) {
  const std::int64_t pages_before = n_computed_ / kernels::kPage;
  n_computed_ += n;
  if (options_.reuse && n_computed_ / kernels::kPage > pages_before)
    model_->prefixes().add(model_->kv_kind(cache_), tokens().first(static_cast<std::size_t>(n_computed_)), cache_);
}

void Context::restore(std::vector<std::int32_t> tokens, std::int64_t n_computed, model::KvCache cache) {
  tokens_ = std::move(tokens);
  n_computed_ = n_computed;
  cache_ = std::move(cache);
}

}  // namespace hearth::engine
