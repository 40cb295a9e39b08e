// Enters: tokens. Leaves: logits and text: one conversation with its KV cache.
#pragma once

#include <cstdint>
#include <functional>
#include <hearth/hearth.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loaded_model.h"
#include "sampler.h"

namespace hearth::engine {

class Sequence {
 public:
  static Result<std::unique_ptr<Sequence>> make(std::shared_ptr<const LoadedModel> model,
                                                const SessionOptions& options);

  Result<Reply> generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text);
  Result<Reply> generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options, const OnText& on_text);
  /// Generates after exactly these ids: what the sequence has in common with them is kept, `n_reused` says how much.
  Result<Reply> generate_after(std::span<const std::int32_t> ids, const GenerateOptions& options, const OnText& on_text,
                               std::int64_t& n_reused);
  Result<void> evaluate(std::span<const std::int32_t> ids,
                        const std::function<bool(std::span<const float>)>& on_logits);

  std::int64_t n_ctx() const { return cache_.n_ctx(); }
  std::int64_t n_past() const { return static_cast<std::int64_t>(tokens_.size()); }
  void reset();

 private:
  Sequence(std::shared_ptr<const LoadedModel> model, model::KvCache cache, std::int64_t chunk)
      : model_(std::move(model)), cache_(std::move(cache)), chunk_(chunk) {}

  enum class Wanted { none, last, all };
  Result<void> check_ids(std::span<const std::int32_t> ids) const;
  Result<void> fits(std::size_t n_tokens) const;
  Result<void> pass(std::span<const std::int32_t> ids, Wanted wanted);
  Result<void> prefill(std::span<const std::int32_t> ids, const OnPrompt& goes_on = {});
  Result<void> catch_up(const OnPrompt& goes_on = {});
  void keep(std::int64_t n_kept);
  Result<std::int32_t> pick(sample::Sampler& sampler) const;
  template <class Shown>
  Result<void> decode(sample::Sampler& sampler, const GenerateOptions& options, Reply& reply, Shown shown);
  std::span<const float> logits(std::int64_t row) const;
  std::span<const float> last_logits() const { return logits(last_row_); }

  std::shared_ptr<const LoadedModel> model_;
  model::KvCache cache_;
  std::int64_t chunk_;
  model::Workspace space_;
  std::int64_t n_past_ = 0;         // positions in the cache
  std::int64_t last_row_ = kNoRow;  // of the workspace's logits: that of position n_past_ - 1
  static constexpr std::int64_t kNoRow = -1;
  std::vector<std::int32_t> tokens_;  // [n_past], or one more: generated last, not in the cache yet
};

}  // namespace hearth::engine
