// Enters: tokens. Leaves: logits and text: one conversation with its KV cache.
#include "sequence.h"

#include <algorithm>

#include "elapsed.h"
#include "float_state.h"
#include "hash.h"
#include "sampler.h"
#include "stop_matcher.h"
#include "stream_decoder.h"
#include "try.h"

namespace hearth::engine {
namespace {

sample::Settings sampler_settings(const SamplingOptions& o) {
  sample::Settings s;
  s.temp = o.temp;
  s.top_k = o.top_k;
  s.top_p = o.top_p;
  s.min_p = o.min_p;
  s.repeat_penalty = o.repeat_penalty;
  s.repeat_last = o.repeat_last == -1 ? INT32_MAX : o.repeat_last;
  s.seed = o.seed;
  return s;
}

/// The space before a text's first word is dropped only where the text begins: with --echo, or when nothing but BOS came before.
text::StreamDecoder::Begin begins_text(const text::Tokenizer& tokenizer, std::span<const std::int32_t> before) {
  for (const std::int32_t id : before)
    if (!tokenizer.keeps_text_start(id)) return text::StreamDecoder::Begin::inside_text;
  return text::StreamDecoder::Begin::text;
}

bool wants_end(const GenerateOptions& options) { return options.cancel && options.cancel->load(); }

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
  const model::Config& c = model->config();
  const kernels::KvType type = kv_type(options.kv);
  HEARTH_TRY(const std::int64_t n_ctx, choose_context(c, options));
  HEARTH_CHECK(check_session_fits(c, options, n_ctx));
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

// `goes_on` hears how many are read, before each pass and at the end.
Result<void> Sequence::prefill(std::span<const std::int32_t> ids, const OnPrompt& goes_on) {
  const auto n_all = static_cast<std::int64_t>(ids.size());
  for (;;) {
    if (goes_on && !goes_on(n_all - static_cast<std::int64_t>(ids.size()), n_all))
      return Error(Status::cancelled, "the call was cancelled; reading the prompt; nothing was changed");
    if (ids.empty()) return {};
    const std::size_t n = std::min(ids.size(), static_cast<std::size_t>(chunk_));
    HEARTH_CHECK(pass(ids.first(n), n == ids.size() ? Wanted::last : Wanted::none));
    ids = ids.subspan(n);
  }
}

// All tokens in the cache and the last one's logits at hand. Logits that are gone are computed again: the same bits.
Result<void> Sequence::catch_up(const OnPrompt& goes_on) {
  const auto n = static_cast<std::int64_t>(tokens_.size());
  if (n_past_ == n && last_row_ == kNoRow) n_past_ = cache_.truncate(n_past_ - 1);
  return prefill(std::span(tokens_).subspan(static_cast<std::size_t>(n_past_)), goes_on);
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
  HEARTH_TRY(auto sampler, sample::Sampler::from(sampler_settings(options.sampling)));
  if (options.max_tokens < -1)
    return Error(Status::invalid_argument, "max_tokens is " + std::to_string(options.max_tokens) +
                                               "; generation; use 0 or more, or -1 for no limit");
  if (ids.empty() && tokens_.empty())
    return Error(Status::invalid_argument,
                 "the prompt is empty and the model starts no text by itself (it has no BOS); prompt; give some text");
  HEARTH_CHECK(fits(tokens_.size() + ids.size()));
  const std::size_t n_before = tokens_.size();
  tokens_.insert(tokens_.end(), ids.begin(), ids.end());

  Reply reply;
  reply.n_prompt = static_cast<std::int64_t>(ids.size());
  const auto start = Clock::now();
  const auto reads_on = [&](std::int64_t n_read, std::int64_t n_prompt) {
    return !wants_end(options) && (!options.on_prompt || options.on_prompt(n_read, n_prompt));
  };
  if (auto filled = catch_up(reads_on); !filled) {
    keep(static_cast<std::int64_t>(n_before));  // a prompt that failed or was cancelled changes nothing
    if (filled.error().status() != Status::cancelled) return std::move(filled).error();
    reply.finish = Finish::cancelled;
    return reply;
  }
  reply.prefill_seconds = seconds_since(start);

  const text::Tokenizer& tokenizer = model_->tokenizer();
  const std::size_t n_shown_from = options.echo ? n_before : tokens_.size();
  TextOut out(tokenizer, begins_text(tokenizer, std::span(tokens_).first(n_shown_from)), options, on_text, reply);
  const bool goes_on =
      !options.echo || std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) { return out.push(id); });
  const auto decode_start = Clock::now();
  if (goes_on) HEARTH_CHECK(decode(sampler, options, reply, [&](std::int32_t id) { return out.push(id); }));
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

// Token after token until the text ends, the context is full, `max_tokens` are made or `shown` says that it is over.
template <class Shown>
Result<void> Sequence::decode(sample::Sampler& sampler, const GenerateOptions& options, Reply& reply, Shown shown) {
  for (std::int64_t n = 0; options.max_tokens < 0 || n < options.max_tokens; ++n) {
    if (wants_end(options)) {
      reply.finish = Finish::cancelled;
      return {};
    }
    if (n_past() >= n_ctx()) {
      reply.finish = Finish::context_full;
      return {};
    }
    HEARTH_CHECK(catch_up());
    HEARTH_TRY(const std::int32_t id, pick(sampler));
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

Result<std::int32_t> Sequence::pick(sample::Sampler& sampler) const {
  const FloatState canonical;  // sampling is arithmetic too; the caller's state is back for the callback
  return sampler.pick(last_logits(), tokens_.size(), tokens_);
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
