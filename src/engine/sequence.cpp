// Enters: tokens. Leaves: logits and text: one conversation with its KV cache.
#include "sequence.h"

#include <algorithm>

#include "dry_breaks.h"
#include "elapsed.h"
#include "float_state.h"
#include "hash.h"
#include "sampler.h"
#include "stop_matcher.h"
#include "stream_decoder.h"
#include "try.h"

namespace hearth::engine {
namespace {

/// With what the settings ask of this model alone: the tokens that break a repetition.
Result<sample::Sampler> make_sampler(const LoadedModel& model, const SamplingOptions& sampling) {
  HEARTH_CHECK(sample::validate(sampling));
  std::vector<std::uint64_t> breaks;
  if (sample::has_dry(sampling)) {
    HEARTH_TRY(breaks, dry_breaks(model.tokenizer(), sampling.dry_breakers));
  }
  return sample::Sampler::from(sampling, std::move(breaks), model.kernels());
}

/// nullopt where the text may be any.
Result<std::optional<sample::Constraint>> constraint_of(const LoadedModel& model, const GenerateOptions& o) {
  HEARTH_TRY(auto grammar, sample::compile({o.grammar, o.json_schema, o.regex, o.grammar_triggers}));
  if (!grammar) return std::optional<sample::Constraint>();
  return std::optional(sample::Constraint(std::move(grammar), model.grammar_tokens()));
}

/// The space before a text's first word is dropped only where the text begins: with --echo, or when nothing but BOS came before.
text::StreamDecoder::Begin begins_text(const text::Tokenizer& tokenizer, std::span<const std::int32_t> before) {
  for (const std::int32_t id : before)
    if (!tokenizer.keeps_text_start(id)) return text::StreamDecoder::Begin::inside_text;
  return text::StreamDecoder::Begin::text;
}

/// Tokens in, whole characters out: to the reply and to the caller, up to the first stop string.
class TextOut {
 public:
  TextOut(const text::Tokenizer& tokenizer, text::StreamDecoder::Begin begin, const GenerateOptions& options,
          const OnText& on_text, Reply& reply)
      : vocab_(tokenizer.vocab()),
        decoder_(tokenizer, begin),
        stops_(options.stop),
        special_(options.special),
        on_text_(on_text),
        reply_(reply) {}

  /// False when the text is over: `reply.finish` says why.
  bool push(std::int32_t id) { return emit(stops_.push(text_of(id))) && !stopped(); }
  void flush() {
    if (emit(stops_.push(decoder_.flush())) && !stopped()) emit(stops_.flush());
  }
  bool emit(const std::string& piece) {
    if (piece.empty()) return true;
    reply_.text += piece;
    if (!on_text_ || on_text_(piece)) return true;
    reply_.finish = Finish::cancelled;
    return false;
  }

 private:
  bool stopped() {
    if (stops_.stopped()) reply_.finish = Finish::stop_string;
    return stops_.stopped().has_value();
  }
  std::string text_of(std::int32_t id) {
    const bool spelled = special_ && vocab_.type(id) == text::TokenType::control;
    return spelled ? decoder_.flush() + std::string(vocab_.token(id)) : decoder_.push(id);
  }
  const text::Vocab& vocab_;
  text::StreamDecoder decoder_;
  text::StopMatcher stops_;
  bool special_;
  const OnText& on_text_;
  Reply& reply_;
};

}  // namespace

Result<std::unique_ptr<Sequence>> Sequence::make(std::shared_ptr<const LoadedModel> model,
                                                 const SessionOptions& options) {
  HEARTH_CHECK(model->check_generates());
  const model::Config& c = model->config();
  const kernels::KvType type = kv_type(options.kv);
  if (options.n_ctx < 0 || options.n_ctx > c.n_ctx_train)
    return Error(Status::invalid_argument,
                 "a context of " + std::to_string(options.n_ctx) + " was asked for, the model was trained for " +
                     std::to_string(c.n_ctx_train) + " positions; --ctx; choose 1 to " + std::to_string(c.n_ctx_train));
  HEARTH_CHECK(check_chunk(options.chunk));
  const std::int64_t n_ctx = options.n_ctx != 0 ? options.n_ctx : fitting_context(c, type, options.chunk);

  const std::int64_t chunk = std::min(options.chunk, n_ctx);
  HEARTH_TRY(auto cache, model::KvCache::make(c, type, n_ctx, chunk));
  std::unique_ptr<Sequence> sequence(new Sequence(std::move(model), std::move(cache), chunk));
  HEARTH_TRY(sequence->space_, model::Workspace::make(c, chunk, 1));
  return sequence;
}

void Sequence::reset() {
  n_past_ = cache_.truncate(0);
  last_row_ = kNoRow;
  tokens_.clear();
}

std::span<const float> Sequence::logits(std::int64_t row) const {
  const auto n_vocab = static_cast<std::size_t>(model_->config().n_vocab);
  return {space_.logits.data() + static_cast<std::size_t>(row) * n_vocab, n_vocab};
}

Result<void> Sequence::check_ids(std::span<const std::int32_t> ids) const {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= model_->config().n_vocab)
      return Error(Status::invalid_argument, "token " + std::to_string(ids[i]) + " is not in the vocabulary; index " +
                                                 std::to_string(i) + "; ids are 0 to " +
                                                 std::to_string(model_->config().n_vocab - 1));
  return {};
}

Result<void> Sequence::fits(std::size_t n_tokens) const {
  const auto total = static_cast<std::int64_t>(n_tokens);
  if (total <= n_ctx()) return {};
  return Error(Status::context_full, "the text is " + std::to_string(total) + " tokens long, the context holds " +
                                         std::to_string(n_ctx()) +
                                         "; prompt; shorten it or ask for a larger context (the model allows " +
                                         std::to_string(model_->config().n_ctx_train) + ")");
}

// One forward pass over at most a chunk of tokens.
Result<void> Sequence::pass(std::span<const std::int32_t> ids, Wanted wanted) {
  std::vector<model::Row> rows;
  for (std::size_t i = 0; i < ids.size(); ++i)
    rows.push_back({&cache_, n_past_ + static_cast<std::int64_t>(i), ids[i],
                    wanted == Wanted::all || (wanted == Wanted::last && i + 1 == ids.size())});
  last_row_ = kNoRow;  // a pass that fails has overwritten what was there
  HEARTH_CHECK(model_->forward(rows, space_));
  n_past_ += static_cast<std::int64_t>(ids.size());
  if (wanted != Wanted::none) last_row_ = wanted == Wanted::all ? static_cast<std::int64_t>(ids.size()) - 1 : 0;
  return {};
}

// Forgets positions from n_kept on; they are written again by what comes next, as are those that the cache then lacks.
void Sequence::keep(std::int64_t n_kept) {
  n_past_ = cache_.truncate(std::min(n_past_, n_kept));
  tokens_.resize(static_cast<std::size_t>(n_kept));
  last_row_ = kNoRow;
}

Result<void> Sequence::prefill(std::span<const std::int32_t> ids) {
  while (!ids.empty()) {
    const std::size_t n = std::min(ids.size(), static_cast<std::size_t>(chunk_));
    HEARTH_CHECK(pass(ids.first(n), n == ids.size() ? Wanted::last : Wanted::none));
    ids = ids.subspan(n);
  }
  return {};
}

// All tokens in the cache and the last one's logits at hand. Logits that are gone are computed again: the same bits.
Result<void> Sequence::catch_up() {
  const auto n = static_cast<std::int64_t>(tokens_.size());
  if (n_past_ == n && last_row_ == kNoRow) n_past_ = cache_.truncate(n_past_ - 1);
  return prefill(std::span(tokens_).subspan(static_cast<std::size_t>(n_past_)));
}

Result<Reply> Sequence::generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text) {
  HEARTH_TRY(auto ids, model_->tokenizer().encode(prompt, {.add_special = tokens_.empty()}));
  const text::Vocab& vocab = model_->tokenizer().vocab();
  if (!ids.empty() && tokens_.empty() && vocab.add_eos() && vocab.special().eos == ids.back())
    ids.pop_back();  // the text goes on
  return generate_from(ids, options, on_text);
}

Result<Reply> Sequence::generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                      const OnText& on_text) {
  HEARTH_CHECK(check_ids(ids));
  HEARTH_TRY(auto sampler, make_sampler(*model_, options.sampling));
  HEARTH_TRY(auto constraint, constraint_of(*model_, options));
  if (options.max_tokens < -1)
    return Error(Status::invalid_argument, "max_tokens is " + std::to_string(options.max_tokens) +
                                               "; generation; use 0 or more, or -1 for no limit");
  if (options.logprobs < -1)
    return Error(Status::invalid_argument,
                 "logprobs is " + std::to_string(options.logprobs) + "; generation; use 0 or more, or -1 for none");
  if (ids.empty() && tokens_.empty())
    return Error(Status::invalid_argument,
                 "the prompt is empty and the model starts no text by itself (it has no BOS); prompt; give some text");
  HEARTH_CHECK(fits(tokens_.size() + ids.size()));
  const std::size_t n_before = tokens_.size();
  tokens_.insert(tokens_.end(), ids.begin(), ids.end());

  Reply reply;
  reply.n_prompt = static_cast<std::int64_t>(ids.size());
  const auto start = Clock::now();
  if (auto filled = catch_up(); !filled) {
    keep(static_cast<std::int64_t>(n_before));  // a failed prompt changes nothing
    return std::move(filled).error();
  }
  reply.prefill_seconds = seconds_since(start);

  const text::Tokenizer& tokenizer = model_->tokenizer();
  const std::size_t n_shown_from = options.echo ? n_before : tokens_.size();
  auto begin = begins_text(tokenizer, std::span(tokens_).first(n_shown_from));
  if (constraint && !options.echo) begin = text::StreamDecoder::Begin::inside_text;  // every byte is the grammar's
  TextOut out(tokenizer, begin, options, on_text, reply);
  const bool goes_on =
      !options.echo || std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) { return out.push(id); });
  const auto decode_start = Clock::now();
  if (goes_on)
    HEARTH_CHECK(decode(sampler, constraint ? &*constraint : nullptr, options, reply,
                        [&](std::int32_t id) { return out.push(id); }));
  reply.decode_seconds = seconds_since(decode_start);
  if (reply.finish != Finish::cancelled && reply.finish != Finish::stop_string) out.flush();
  reply.logits_hash = fnv1a(last_logits());
  return reply;
}

Result<Reply> Sequence::generate_after(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                       const OnText& on_text, std::int64_t& n_reused) {
  HEARTH_CHECK(fits(ids.size()));
  const auto common = std::mismatch(ids.begin(), ids.end(), tokens_.begin(), tokens_.end()).first - ids.begin();
  n_reused = std::min<std::int64_t>(common, n_past_);
  keep(common);
  HEARTH_TRY(Reply reply, generate_from(ids.subspan(static_cast<std::size_t>(common)), options, on_text));
  reply.n_prompt = static_cast<std::int64_t>(ids.size());
  return reply;
}

// Token after token until the text ends, the context is full, as many as asked for are made or `shown` says that it is over.
template <class Shown>
Result<void> Sequence::decode(sample::Sampler& sampler, sample::Constraint* constraint, const GenerateOptions& options,
                              Reply& reply, Shown shown) {
  for (std::int64_t n = 0; options.max_tokens < 0 || n < options.max_tokens; ++n) {
    if (n_past() >= n_ctx()) {
      reply.finish = Finish::context_full;
      return {};
    }
    HEARTH_CHECK(catch_up());
    HEARTH_TRY(const std::int32_t id, pick(sampler, constraint, options.logprobs, reply));
    if (constraint) HEARTH_CHECK(constraint->accept(id));
    tokens_.push_back(id);
    reply.tokens.push_back(id);
    if (model_->tokenizer().vocab().ends_text(id)) {
      reply.finish = Finish::end_of_text;
      return {};
    }
    if (!shown(id)) return {};
  }
  reply.finish = Finish::max_tokens;
  return {};
}

Result<std::int32_t> Sequence::pick(sample::Sampler& sampler, sample::Constraint* constraint, std::int32_t n_logprobs,
                                    Reply& reply) const {
  const FloatState canonical;  // sampling is arithmetic too; the caller's state is back for the callback
  std::span<const std::uint64_t> allowed;
  if (constraint) {
    HEARTH_TRY(allowed, constraint->mask());
  }
  HEARTH_TRY(const std::int32_t id, sampler.pick(last_logits(), tokens_.size(), tokens_, allowed));
  if (n_logprobs >= 0) {
    HEARTH_TRY(TokenLogprobs found, sampler.logprobs(last_logits(), id, static_cast<std::size_t>(n_logprobs)));
    reply.logprobs.push_back(std::move(found));
  }
  return id;
}

Result<void> Sequence::evaluate(std::span<const std::int32_t> ids,
                                const std::function<bool(std::span<const float>)>& on_logits) {
  constexpr std::int64_t kLogitsBytes = 64 << 20;  // more rows of logits than this are not worth their memory
  HEARTH_CHECK(check_ids(ids));
  HEARTH_CHECK(fits(tokens_.size() + ids.size()));
  HEARTH_CHECK(prefill(std::span(tokens_).subspan(static_cast<std::size_t>(n_past_))));  // a token generated last
  const std::int64_t most = std::clamp<std::int64_t>(kLogitsBytes / (model_->config().n_vocab * 4), 1, chunk_);
  if (space_.n_logits() < most) {
    last_row_ = kNoRow;
    HEARTH_TRY(space_, model::Workspace::make(model_->config(), chunk_, most));
  }
  while (!ids.empty()) {
    const std::size_t n = std::min(ids.size(), static_cast<std::size_t>(most));
    HEARTH_CHECK(pass(ids.first(n), Wanted::all));
    tokens_.insert(tokens_.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      if (on_logits(logits(static_cast<std::int64_t>(i)))) continue;
      keep(n_past_ -
           static_cast<std::int64_t>(n - 1 - i));  // what was not handed out was not appended, whatever the chunk
      last_row_ = static_cast<std::int64_t>(i);
      return {};
    }
    ids = ids.subspan(n);
  }
  return {};
}

}  // namespace hearth::engine
