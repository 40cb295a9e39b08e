// Enters: a text. Leaves: how well the model predicts it.
#pragma once

#include "sequence.h"

namespace hearth::engine {

struct Score {
  std::int64_t n_tokens = 0;
  double nll = 0;  // nats

  double perplexity() const;
};

/// Windows of the sequence's n_ctx tokens, BOS first where the model wants one; every token after a window's first is scored.
/// `on_logits` sees the logits of each scored position.
Result<Score> score_text(const LoadedModel& model, Sequence& sequence, std::string_view text,
                         const std::function<void(std::span<const float>)>& on_logits, const CallOptions& options = {});

}  // namespace hearth::engine
