// Enters: a text. Leaves: how well the model predicts it.
#include "perplexity.h"

#include <algorithm>
#include <limits>

#include "double_math.h"
#include "elapsed.h"
#include "float_state.h"
#include "log_total.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

double negative_log_likelihood(const kernels::KernelTable& table, std::span<const float> logits, std::int32_t id,
                               std::span<float> weights) {
  const float best = *std::max_element(logits.begin(), logits.end());
  return sample::log_total(table, logits, best, weights) - static_cast<double>(logits[static_cast<std::size_t>(id)]);
}

}  // namespace

double Score::perplexity() const {
  const FloatState canonical;
  constexpr double kLargest = 709;  // e to the power of more is infinite, or nearly
  const double mean = nll / static_cast<double>(n_tokens);
  return mean < kLargest ? kernels::exp(mean) : std::numeric_limits<double>::infinity();
}

Result<Score> score_text(const LoadedModel& model, Sequence& sequence, std::string_view text,
                         const std::function<void(std::span<const float>)>& on_logits, const CallOptions& options) {
  const text::Vocab& vocab = model.tokenizer().vocab();
  HEARTH_TRY(const std::vector<std::int32_t> ids, model.tokenizer().encode(text));
  const bool bos = vocab.add_bos() && vocab.special().bos;
  const std::size_t window = static_cast<std::size_t>(sequence.n_ctx()) - (bos ? 1 : 0);
  if (window < 2 && !(bos && window == 1))
    return Error(Status::invalid_argument, "a context of " + std::to_string(sequence.n_ctx()) +
                                               " leaves no token to score; --ctx; choose a larger one");
  Progress progress(options, ids.size(), "; scoring the text; score it again");
  HEARTH_CHECK(progress.goes_on());
  PassLength length;
  std::vector<float> weights(static_cast<std::size_t>(model.config().n_vocab));
  Score score;
  for (std::size_t begin = 0; begin < ids.size(); begin += window) {
    std::vector<std::int32_t> row(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                  ids.begin() + static_cast<std::ptrdiff_t>(std::min(begin + window, ids.size())));
    if (bos) row.insert(row.begin(), *vocab.special().bos);
    std::size_t at = 0;
    sequence.reset();
    const auto score_next = [&](std::span<const float> logits) {
      if (++at == row.size()) return true;  // nothing follows the window's last token
      const FloatState canonical;           // scoring is arithmetic too; the caller's state is back for who watches
      score.nll += negative_log_likelihood(model.kernels(), logits, row[at], weights);
      ++score.n_tokens;
      on_logits(logits);
      return true;
    };
    while (at < row.size()) {  // in one go, or in passes that end soon
      const auto left = std::span<const std::int32_t>(row).subspan(at);
      const auto most = static_cast<std::int64_t>(left.size());
      const auto n = watched(options) ? length.n_rows(std::min(most, sequence.context().chunk())) : most;
      const auto start = Clock::now();
      HEARTH_CHECK(sequence.evaluate(left.first(static_cast<std::size_t>(n)), score_next));
      length.saw(n, seconds_since(start));
      progress.add(static_cast<std::uint64_t>(n) -
                   (bos && at == static_cast<std::size_t>(n)));  // BOS is none of the text's
      HEARTH_CHECK(progress.goes_on());
    }
  }
  if (score.n_tokens == 0)
    return Error(Status::invalid_argument, "the text has no token to score; text; give a longer one");
  return score;
}

}  // namespace hearth::engine
