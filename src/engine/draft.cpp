// Enters: a text. Leaves: guesses of the tokens that come next. A guess costs time when it is wrong, and never a bit.
#include "draft.h"

#include <algorithm>
#include <cstdlib>

#include "float_state.h"
#include "try.h"

namespace hearth::engine {
namespace {

/// Where the last `n` tokens of a text stood before, the latest place but the end itself; the text's size where they did not.
std::size_t earlier(std::span<const std::int32_t> tokens, std::size_t n) {
  const auto end = tokens.last(n);
  for (std::size_t at = tokens.size() - n; at-- > 0;)
    if (std::equal(end.begin(), end.end(), tokens.begin() + static_cast<std::ptrdiff_t>(at))) return at;
  return tokens.size();
}

/// Whether a model can guess for another.
Result<void> check_draft(const LoadedModel& draft, const LoadedModel& target) {
  HEARTH_CHECK(draft.check_generates());
  constexpr std::int32_t kPadding = 128;  // models of one family pad their vocabularies to different sizes
  const text::Vocab &guessed = draft.tokenizer().vocab(), &own = target.tokenizer().vocab();
  bool same = std::abs(guessed.size() - own.size()) <= kPadding;
  const std::int32_t n_common = std::min(guessed.size(), own.size());
  for (std::int32_t id = 0; same && id < n_common; ++id) same = guessed.token(id) == own.token(id);
  if (same) return {};
  return Error(Status::invalid_argument, "the draft model's vocabulary of " + std::to_string(guessed.size()) +
                                             " tokens is not the model's of " + std::to_string(own.size()) +
                                             "; draft; use a smaller model of the same family");
}

/// Of a message that would read as the model's own.
Error of_draft(const Error& error) {
  return Error(error.status(), "the draft model: " + error.message() + ", or no draft");
}

}  // namespace

std::size_t look_up(std::span<const std::int32_t> tokens, std::span<std::int32_t> to) {
  constexpr std::size_t kLongest = 4,
                        kShortest = 2;  // tokens that must agree; the longest agreement is the best witness
  for (std::size_t n = kLongest; n >= kShortest; --n) {
    if (tokens.size() <= n) continue;
    const std::size_t at = earlier(tokens, n);
    if (at == tokens.size()) continue;
    const std::size_t from = at + n, found = std::min(to.size(), tokens.size() - from);
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(from), found, to.begin());
    return found;
  }
  return 0;
}

Result<std::unique_ptr<DraftModel>> DraftModel::make(std::shared_ptr<const LoadedModel> model, const Context& target) {
  HEARTH_CHECK(check_draft(*model, target.model()));
  SessionOptions options = target.options();
  options.n_ctx = std::min(target.n_ctx(), model->config().n_ctx_train);
  const double cost =
      static_cast<double>(model->step_bytes()) / std::max(1.0, static_cast<double>(target.model().step_bytes()));
  auto context = Context::make(std::move(model), options);
  if (!context) return of_draft(context.error());
  const LoadedModel& own = context->model();
  auto space = model::Workspace::make(own.config(), context->chunk(), 1, own.placement());
  if (!space) return of_draft(space.error());
  return std::unique_ptr<DraftModel>(
      new DraftModel(std::move(*context), std::move(*space), cost, target.model().config().n_vocab));
}

Result<std::unique_ptr<DraftModel>> DraftModel::make_if_it_fits(std::shared_ptr<const LoadedModel> model,
                                                                const Context& target) {
  auto made = make(std::move(model), target);
  if (!made && made.error().status() == Status::out_of_memory) return std::unique_ptr<DraftModel>();
  return made;
}

// Computes the next n positions; the last one's logits are at hand.
bool DraftModel::read(std::int64_t n) {
  rows_.clear();
  const std::int64_t from = context_.n_computed();
  for (std::int64_t at = from; at < from + n; ++at)
    rows_.push_back(context_.row(at, context_.tokens()[static_cast<std::size_t>(at)], at + 1 == from + n));
  if (!context_.model().forward(rows_, space_)) return false;
  context_.computed(n);
  return true;
}

std::size_t DraftModel::guess(std::span<const std::int32_t> tokens, std::span<std::int32_t> to) {
  if (!sampler_ || static_cast<std::int64_t>(tokens.size() + to.size()) > context_.n_ctx()) return 0;
  const auto own = context_.tokens();
  const auto common = std::mismatch(tokens.begin(), tokens.end(), own.begin(), own.end()).first - tokens.begin();
  const auto news = tokens.subspan(static_cast<std::size_t>(common));
  const std::int64_t n_vocab = context_.model().config().n_vocab;
  if (std::any_of(news.begin(), news.end(), [&](std::int32_t id) { return id >= n_vocab; })) return 0;
  context_.keep(common);
  context_.append(news);
  context_.keep_computed(context_.n_tokens() - 1);  // the last one's logits are wanted
  if (context_.n_computed() == 0) context_.reuse();
  if (context_.n_tokens() - context_.n_computed() > context_.chunk()) {
    read(context_.chunk());
    return 0;
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!read(context_.n_tokens() - context_.n_computed())) return i;
    const FloatState canonical;
    const auto id = sampler_->pick({space_.ended_with, static_cast<std::size_t>(n_vocab)},
                                   static_cast<std::uint64_t>(context_.n_tokens()), context_.tokens());
    if (!id || *id >= n_vocab_) return i;
    to[i] = *id;
    context_.append(*id);
  }
  return to.size();
}

std::int64_t DraftPace::n_wanted(double cost) {
  if (pause_ > 0) {
    --pause_;
    return 0;
  }
  if (right_ >= cost) return std::min(length_, most_);
  pause_ = kPause;
  right_ = std::min(1.0, cost);  // the next try is one guess, and its result decides
  length_ = 1;
  return 0;
}

void DraftPace::saw(std::int64_t n_guessed, std::int64_t n_right) {
  if (n_guessed == 0) return;
  right_ += (static_cast<double>(n_right) / static_cast<double>(n_guessed) - right_) / 8;
  length_ = n_right == n_guessed ? std::min(most_, 2 * length_) : n_right + 1;
}

}  // namespace hearth::engine
