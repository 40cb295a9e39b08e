// Enters: a prompt that stands at the end of a text, and options. Leaves: the reply, pass by pass.
#include "generation.h"

#include <algorithm>
#include <utility>

#include "dry_breaks.h"
#include "float_state.h"
#include "hash.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

/// With what the settings ask of this model alone: the tokens that break a repetition.
Result<sample::Sampler> make_sampler(const LoadedModel& model, const SamplingOptions& sampling) {
  HEARTH_CHECK(sample::validate(sampling));
  HEARTH_CHECK(sample::check_ids(sampling, static_cast<std::size_t>(model.config().n_vocab)));
  std::vector<std::uint64_t> breaks;
  if (sample::has_dry(sampling)) {
    HEARTH_TRY(breaks, dry_breaks(model.tokenizer(), sampling.dry_breakers));
  }
  return sample::Sampler::from(sampling, std::move(breaks), model.kernels());
}

/// None where the text may be any.
Result<std::optional<sample::Constraint>> make_constraint(const LoadedModel& model, const GenerateOptions& o) {
  HEARTH_TRY(auto grammar,
             sample::compile(
                 {o.grammar, o.json_schema, o.regex, {o.grammar_triggers, o.reasoning_opens, o.reasoning_closes}}));
  if (!grammar) return std::optional<sample::Constraint>();
  return std::optional(sample::Constraint(std::move(grammar), model.grammar_tokens()));
}

Result<void> check_options(const GenerateOptions& options) {
  if (options.max_tokens < -1)
    return Error(Status::invalid_argument, "max_tokens is " + std::to_string(options.max_tokens) +
                                               "; generation; use 0 or more, or -1 for no limit");
  if (options.logprobs < -1)
    return Error(Status::invalid_argument,
                 "logprobs is " + std::to_string(options.logprobs) + "; generation; use 0 or more, or -1 for none");
  if (options.n_draft < 0 || options.n_draft > Generation::kMostGuesses)
    return Error(Status::invalid_argument, "n_draft is " + std::to_string(options.n_draft) + "; generation; use 0 to " +
                                               std::to_string(Generation::kMostGuesses));
  return {};
}

}  // namespace

Result<Chooser> Chooser::make(const LoadedModel& model, const GenerateOptions& options) {
  const FloatState canonical;  // settings and a schema's bounds are numbers too
  HEARTH_CHECK(check_options(options));
  HEARTH_TRY(auto sampler, make_sampler(model, options.sampling));
  HEARTH_TRY(auto constraint, make_constraint(model, options));
  return Chooser{std::move(sampler), std::move(constraint)};
}

Generation::Generation(Context& context, Chooser chooser, GenerateOptions options, OnText on_text, DraftModel* draft)
    : context_(context),
      options_(std::move(options)),
      on_text_(std::move(on_text)),
      draft_(draft),
      guess_cost_(context.model().row_cost() + (draft ? draft->cost() : 0)),
      pace_(options_.n_draft),
      chooser_(std::move(chooser)) {}

Result<std::unique_ptr<Generation>> Generation::start(Context& context, std::span<const std::int32_t> ids,
                                                      std::int64_t n_before, Chooser chooser, GenerateOptions options,
                                                      OnText on_text, DraftModel* draft) {
  HEARTH_CHECK(context.check_ids(ids));
  if (ids.empty() && context.n_tokens() == 0)
    return Error(Status::invalid_argument,
                 "the prompt is empty and the model starts no text by itself (it has no BOS); prompt; give some text");
  const std::int64_t n_after = context.n_tokens() + static_cast<std::int64_t>(ids.size());
  HEARTH_CHECK(context.check_length(n_after));

  std::unique_ptr<Generation> g(
      new Generation(context, std::move(chooser), std::move(options), std::move(on_text), draft));
  g->n_text_before_ = context.n_tokens();
  const std::int64_t most = context.n_ctx() - n_after, wanted = g->options_.max_tokens;
  const std::int64_t n_more = static_cast<std::int64_t>(ids.size()) + (wanted < 0 ? most : std::min(wanted, most));
  context.make_room(n_more);
  if (draft) draft->begin(g->chooser_.sampler, n_more + kMostGuesses);
  context.append(ids);
  context.reuse();
  g->reply_.n_prompt = n_after - n_before;
  g->reply_.n_reused = std::max<std::int64_t>(0, context.n_computed() - n_before);
  return g;
}

// A prompt that is being read: what is done of it is told, and whoever wants it no more is heard.
Result<void> Generation::goes_on_reading() const {
  const auto n_left = static_cast<double>(context_.n_tokens() - context_.n_computed());
  const double done = std::max(0.0, 1 - n_left / static_cast<double>(std::max<std::int64_t>(1, reply_.n_prompt)));
  return goes_on(options_, done, "; reading the prompt in; nothing was changed");
}

Result<void> Generation::plan(std::int64_t most, std::vector<model::Row>& rows) {
  if (!answering_) HEARTH_CHECK(goes_on_reading());
  if (context_.n_computed() == context_.n_tokens())
    context_.keep_computed(context_.n_tokens() - 1);  // logits that are gone are computed again: the same bits
  const std::int64_t from = context_.n_computed(), pending = context_.n_tokens() - from;
  n_own_ = std::min(pending, most);
  n_guesses_ = 0;
  wants_logits_ = n_own_ == pending;
  if (answering_) plan_guesses(most - n_own_);
  HEARTH_CHECK(context_.reserve(from, n_own_));
  if (!context_.reserve(from + n_own_, n_guesses_)) n_guesses_ = 0;  // a guess is worth no error
  for (std::int64_t i = 0; i < n_own_; ++i)
    rows.push_back(context_.row(from + i, context_.tokens()[static_cast<std::size_t>(from + i)], false));
  if (wants_logits_) rows.back() = wanting(rows.back().index, rows.back().token);
  for (std::int64_t i = 0; i < n_guesses_; ++i)
    rows.push_back(wanting(from + n_own_ + i, guesses_[static_cast<std::size_t>(i)]));
  return {};
}

/// A row that the next token follows. A device may choose that where nothing but the settings has a say in it.
model::Row Generation::wanting(std::int64_t index, std::int32_t token) const {
  model::Row row = context_.row(index, token, true);
  if (!chooser_.constraint && options_.logprobs < 0)
    row.draw = chooser_.sampler.draw_at(static_cast<std::uint64_t>(index + 1));
  return row;
}

void Generation::plan_guesses(std::int64_t most) {
  most = std::min({most, pace_.n_wanted(guess_cost_), context_.n_ctx() - context_.n_tokens()});
  if (options_.max_tokens >= 0)  // the pass makes one token more than its guesses
    most = std::min(most, options_.max_tokens - static_cast<std::int64_t>(reply_.tokens.size()) - 1);
  if (most <= 0) return;
  const auto to = std::span(guesses_).first(static_cast<std::size_t>(most));
  n_guesses_ =
      static_cast<std::int64_t>(draft_ ? draft_->guess(context_.tokens(), to) : look_up(context_.tokens(), to));
}

bool Generation::give_up_guesses() {
  if (n_guesses_ == 0) return false;
  context_.drop_guesses();
  pace_.saw(n_guesses_, 0);
  reply_.n_drafted += n_guesses_;
  n_guesses_ = 0;
  return true;
}

Result<void> Generation::take(model::Workspace& space, std::int64_t first) {
  context_.computed(n_own_);
  if (!wants_logits_) return {};
  if (!answering_) {
    HEARTH_CHECK(goes_on_reading());
    begin_answer();
  }
  std::int64_t n_right = 0;
  while (!done_) {
    HEARTH_TRY(const std::int32_t id, chosen(space, first + n_right));
    HEARTH_TRY(const bool goes_on, go_on(id));
    done_ = !goes_on;
    if (done_ || n_right == n_guesses_ || context_.tokens().back() != guesses_[static_cast<std::size_t>(n_right)])
      break;
    context_.computed(1);  // the guess came true, so the pass has computed what follows it
    ++n_right;
  }
  if (n_guesses_ != 0) {
    context_.drop_guesses();
    pace_.saw(n_guesses_, n_right);
    reply_.n_drafted += n_guesses_;
    reply_.n_accepted += n_right;
  }
  if (!done_) return {};
  HEARTH_TRY(const std::span<const float> last, space.logits(context_.model().config(), first + n_right));
  reply_.logits_hash = fnv1a(last);
  return {};
}

// The prompt is read: its text comes first where that is asked for.
void Generation::begin_answer() {
  answering_ = true;
  constexpr std::size_t kBytes = 16;  // of a token: more than most have, and few texts have more in the mean
  reply_.tokens.reserve(context_.room());
  reply_.text.reserve(kBytes * context_.room());
  reply_.prefill_seconds = seconds_since(start_);
  const auto before = static_cast<std::size_t>(n_text_before_);
  const auto ids = context_.tokens().subspan(before);
  const text::Tokenizer& tokenizer = context_.model().tokenizer();
  auto begin = begins_text(tokenizer, options_.echo ? context_.tokens().first(before) : context_.tokens());
  if (chooser_.constraint && !options_.echo)
    begin = text::StreamDecoder::Begin::inside_text;  // every byte is the grammar's
  out_ = std::make_unique<TextOut>(tokenizer, begin, options_, on_text_, reply_);
  if (options_.echo) done_ = !std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) { return out_->push(id); });
  answer_start_ = Clock::now();
  done_ = done_ || is_over();
}

bool Generation::is_over() {
  if (options_.cancelled && options_.cancelled()) {
    reply_.finish = Finish::cancelled;
    return true;
  }
  if (options_.max_tokens >= 0 && static_cast<std::int64_t>(reply_.tokens.size()) >= options_.max_tokens)
    reply_.finish = Finish::max_tokens;
  else if (context_.n_tokens() >= context_.n_ctx()) reply_.finish = Finish::context_full;
  else return false;
  return true;
}

Result<std::int32_t> Generation::pick(std::span<const float> logits) {
  const FloatState canonical;  // sampling is arithmetic too; the caller's state is back for the callback
  std::span<const std::uint64_t> allowed;
  if (chooser_.constraint) {
    HEARTH_TRY(allowed, chooser_.constraint->mask());
  }
  HEARTH_TRY(const std::int32_t id, chooser_.sampler.pick(logits, static_cast<std::uint64_t>(context_.n_tokens()),
                                                          context_.tokens(), allowed));
  if (options_.logprobs >= 0) {
    HEARTH_TRY(TokenLogprobs found, chooser_.sampler.logprobs(logits, id, static_cast<std::size_t>(options_.logprobs)));
    reply_.logprobs.push_back(std::move(found));
  }
  return id;
}

Result<std::int32_t> Generation::chosen(model::Workspace& space, std::int64_t row) {
  if (!space.drawn.empty()) return space.drawn[static_cast<std::size_t>(row)];
  HEARTH_TRY(const std::span<const float> logits, space.logits(context_.model().config(), row));
  return pick(logits);
}

// The text goes on with a token; false when it is over.
Result<bool> Generation::go_on(std::int32_t id) {
  if (chooser_.constraint) HEARTH_CHECK(chooser_.constraint->accept(id));
  context_.append(id);
  reply_.tokens.push_back(id);
  if (context_.model().tokenizer().vocab().ends_text(id)) {
    reply_.finish = Finish::end_of_text;
    return false;
  }
  return out_->push(id) && !is_over();
}

Generation::~Generation() {
  if (!answering_ && !done_) context_.keep(n_text_before_);
}

Reply Generation::finish() {
  if (answering_) reply_.decode_seconds = seconds_since(answer_start_);
  if (out_ && reply_.finish != Finish::cancelled && reply_.finish != Finish::stop_string) out_->flush();
  return std::move(reply_);
}

Result<void> compute(const LoadedModel& model, Generation& generation, std::span<const model::Row> rows,
                     model::Workspace& space) {
  auto done = model.forward(rows, space);
  if (done || done.error().status() != Status::non_finite || !generation.give_up_guesses()) return done;
  return model.forward(rows.first(static_cast<std::size_t>(generation.n_rows())), space);
}

}  // namespace hearth::engine
