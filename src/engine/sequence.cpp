// Enters: tokens. Leaves: logits and text: one conversation, alone with its model.
#include "sequence.h"

#include <algorithm>

#include "progress.h"
#include "try.h"

namespace hearth::engine {

Result<std::unique_ptr<Sequence>> Sequence::make(std::shared_ptr<const LoadedModel> model,
                                                 const SessionOptions& options,
                                                 std::shared_ptr<const LoadedModel> draft) {
  HEARTH_TRY(Context context, Context::make(std::move(model), options));
  return make(std::move(context), std::move(draft));
}

Result<std::unique_ptr<Sequence>> Sequence::make(Context context, std::shared_ptr<const LoadedModel> draft) {
  std::unique_ptr<Sequence> sequence(new Sequence(std::move(context), std::move(draft)));
  if (sequence->draft_) {  // now: what no answer could guess with is refused here
    HEARTH_TRY(sequence->drafter_, DraftModel::make(sequence->draft_, sequence->context_));
  }
  HEARTH_CHECK(sequence->make_space(session_logits(sequence->context_.chunk())));
  return sequence;
}

std::unique_ptr<Sequence> Sequence::fork() const { return std::unique_ptr<Sequence>(new Sequence(context_, draft_)); }

Result<void> Sequence::truncate(std::int64_t n) {
  if (n < 0 || n > n_past())
    return Error(Status::invalid_argument, "the text cannot be cut to " + std::to_string(n) +
                                               " positions; truncate; use 0 to " + std::to_string(n_past()));
  context_.keep(n);
  return {};
}

Result<void> Sequence::make_space(std::int64_t n_logits) {
  const model::Config& c = context_.model().config();
  if (space_.n_rows() != 0) return space_.more_logits(c, n_logits);
  HEARTH_TRY(space_, model::Workspace::make(c, context_.chunk(), n_logits, context_.model().placement()));
  return {};
}

std::span<const float> Sequence::logits(std::int64_t n_rows) const {
  return {space_.ended_with, static_cast<std::size_t>(n_rows * context_.model().config().n_vocab)};
}

Result<std::vector<std::int32_t>> prompt_ids(const LoadedModel& model, std::string_view prompt,
                                             std::span<const std::int32_t> before) {
  const text::Vocab& vocab = model.tokenizer().vocab();
  const bool begins = before.empty() || model.tokenizer().keeps_text_start(before.back());
  HEARTH_TRY(auto ids, model.tokenizer().encode(prompt, {.add_special = before.empty(), .begins = begins}));
  if (!ids.empty() && before.empty() && vocab.add_eos() && vocab.special().eos == ids.back())
    ids.pop_back();  // the text goes on
  return ids;
}

Result<Reply> Sequence::generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text) {
  HEARTH_TRY(const auto ids, prompt_ids(context_.model(), prompt, context_.tokens()));
  return generate_from(ids, options, on_text);
}

Result<Reply> Sequence::generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                      const OnText& on_text) {
  return answer(ids, n_past(), options, on_text);
}

// After `ids`, which are appended to the text; its first n_before tokens are not the prompt's.
Result<Reply> Sequence::answer(std::span<const std::int32_t> ids, std::int64_t n_before, const GenerateOptions& options,
                               const OnText& on_text) {
  HEARTH_TRY(Chooser chooser, Chooser::make(context_.model(), options));
  HEARTH_CHECK(make_space(std::min(1 + options.n_draft, context_.chunk())));
  if (draft_ && !drafter_ && options.n_draft > 0) {
    HEARTH_TRY(drafter_, DraftModel::make_if_it_fits(draft_, context_));
  }
  HEARTH_TRY(auto generation,
             Generation::start(context_, ids, n_before, std::move(chooser), options, on_text, drafter_.get()));
  return run(*generation, options.short_passes && watched(options));
}

Result<Reply> Sequence::generate_after(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                       const OnText& on_text) {
  HEARTH_CHECK(context_.check_length(static_cast<std::int64_t>(ids.size())));
  const auto own = context_.tokens();
  const auto common = std::mismatch(ids.begin(), ids.end(), own.begin(), own.end()).first - ids.begin();
  context_.keep(common);
  return answer(ids.subspan(static_cast<std::size_t>(common)), 0, options, on_text);
}

// `soon`: somebody may want to know or to cancel, so passes are short.
Result<Reply> Sequence::run(Generation& generation, bool soon) {
  while (!generation.done()) {
    rows_.clear();
    const std::int64_t most = soon ? length_.n_rows(context_.chunk()) : context_.chunk();
    const auto start = Clock::now();
    auto done = generation.plan(most, rows_);
    if (done) done = compute(context_.model(), generation, rows_, space_);
    if (done) {
      length_.saw(generation.n_rows(), seconds_since(start));
      done = generation.take(space_, 0);
    }
    if (!done) return std::move(done).error();
  }
  return generation.finish();
}

// One pass over at most a chunk of tokens that follow the computed ones.
Result<void> Sequence::pass(std::span<const std::int32_t> ids, bool wants_logits) {
  rows_.clear();
  std::int64_t at = context_.n_computed();
  for (const std::int32_t id : ids) rows_.push_back(context_.row(at++, id, wants_logits));
  return context_.model().forward(rows_, space_);
}

Result<void> Sequence::evaluate(std::span<const std::int32_t> ids,
                                const std::function<bool(std::span<const float>)>& on_logits) {
  constexpr std::int64_t kLogitsBytes = 64 << 20;  // more rows of logits than this are not worth their memory
  const std::int64_t n_vocab = context_.model().config().n_vocab, chunk = context_.chunk();
  HEARTH_CHECK(context_.check_ids(ids));
  HEARTH_CHECK(context_.check_length(n_past() + static_cast<std::int64_t>(ids.size())));
  const std::int64_t most = std::clamp<std::int64_t>(kLogitsBytes / (n_vocab * 4), 1, chunk);
  HEARTH_CHECK(make_space(most));
  while (context_.n_computed() < n_past()) {  // a token generated last, or what a window had dropped
    const auto unread = context_.tokens().subspan(static_cast<std::size_t>(context_.n_computed()));
    const auto next = unread.first(std::min(unread.size(), static_cast<std::size_t>(chunk)));
    HEARTH_CHECK(pass(next, false));
    context_.computed(static_cast<std::int64_t>(next.size()));
  }
  while (!ids.empty()) {
    const std::size_t n = std::min(ids.size(), static_cast<std::size_t>(most));
    HEARTH_CHECK(pass(ids.first(n), true));
    context_.append(ids.first(n));
    context_.computed(static_cast<std::int64_t>(n));
    const std::span<const float> all = logits(static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      if (on_logits(all.subspan(i * static_cast<std::size_t>(n_vocab), static_cast<std::size_t>(n_vocab)))) continue;
      context_.keep(n_past() - static_cast<std::int64_t>(n - 1 - i));  // what was not handed out was not appended
      return {};
    }
    ids = ids.subspan(n);
  }
  return {};
}

}  // namespace hearth::engine
