// Enters: texts. Leaves: a vector for each: the last hidden rows of a forward pass, pooled and normalised.
#include "embedding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "elapsed.h"
#include "escape.h"
#include "float_state.h"
#include "pass_length.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

/// "<arch>.pooling_type", by number; what comes after these is no way to embed a text.
constexpr std::array kPoolings = {Pooling::none, Pooling::mean, Pooling::cls, Pooling::last};

Result<Pooling> settle(const LoadedModel& model, Pooling asked) {
  const std::int64_t type = model.config().pooling_type;
  if (asked != Pooling::model) return asked;
  if (type >= 0 && type < static_cast<std::int64_t>(kPoolings.size())) return kPoolings[static_cast<std::size_t>(type)];
  const std::string found = type < 0 ? "the file does not say how its model's rows become an embedding"
                                     : "the file's pooling type is " + std::to_string(type) + ", a classifier's";
  return Error(type < 0 ? Status::invalid_argument : Status::unsupported,
               found + "; '" + std::string(model.config().arch->name) + ".pooling_type' of " +
                   escape(model.info().path, shown_path_bytes) + "; choose a pooling: mean, cls, last or none");
}

Result<std::int64_t> longest_text(const model::Config& config, std::int64_t n_ctx) {
  if (n_ctx >= 0 && n_ctx <= config.n_ctx_train) return n_ctx != 0 ? n_ctx : config.n_ctx_train;
  return Error(Status::invalid_argument,
               "texts of " + std::to_string(n_ctx) + " tokens were asked for, the model was trained for " +
                   std::to_string(config.n_ctx_train) + "; --ctx; choose 1 to " + std::to_string(config.n_ctx_train));
}

/// Each text has a token at least and not more than `most`, and all of them are tokens.
Result<void> check(const model::Config& config, std::span<const std::vector<std::int32_t>> texts, std::int64_t most) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string where = "text " + std::to_string(i + 1) + " of " + std::to_string(texts.size());
    const auto n = static_cast<std::int64_t>(texts[i].size());
    if (n == 0)
      return Error(Status::invalid_argument,
                   "the text is empty and the model adds no tokens of its own; " + where + "; give some text");
    if (n > most)
      return Error(Status::context_full, "the text is " + std::to_string(n) + " tokens long, the context holds " +
                                             std::to_string(most) + "; " + where +
                                             "; shorten it or embed its parts (the model allows " +
                                             std::to_string(config.n_ctx_train) + ")");
    for (const std::int32_t id : texts[i])
      if (id < 0 || id >= config.n_vocab)
        return Error(Status::invalid_argument, "token " + std::to_string(id) + " is not in the vocabulary; " + where +
                                                   "; ids are 0 to " + std::to_string(config.n_vocab - 1));
  }
  return {};
}

/// Texts in, embeddings out in the same order. Each pass takes as many rows as fit: of several texts, and of a causal model's
/// text perhaps a part; an encoder's text is never divided, since each of its rows sees all others.
class Embedder {
 public:
  static Result<std::unique_ptr<Embedder>> make(const LoadedModel& model, const EmbedOptions& options, Pooling pooling,
                                                std::int64_t n_rows, std::int64_t n_tokens,
                                                const OnEmbedding& on_embedding) {
    std::unique_ptr<Embedder> made(new Embedder(model, options, pooling, n_tokens, on_embedding));
    HEARTH_CHECK(made->progress_.goes_on());
    HEARTH_TRY(made->space_, model::Workspace::make(model.config(), n_rows, 0, model.placement()));
    return made;
  }

  Result<void> add(std::span<const std::int32_t> ids) {
    const auto n = static_cast<std::int64_t>(ids.size());
    const bool divisible = model_.config().causal;
    const std::int64_t n_pass = std::min(n, most());
    const model::PlacedBytes bytes =
        model::KvCache::bytes(model_.config(), kv_type(options_.kv), n, n_pass, model_.placement());
    HEARTH_CHECK(make_room(n, bytes));
    HEARTH_TRY(auto cache, model::KvCache::make(model_.config(), kv_type(options_.kv), n, n_pass, model_.pool_apart()));
    texts_.push_back(std::make_unique<Text>(Text{std::move(cache), Pool(pooling_, n), n, bytes}));
    for (std::int64_t i = 0; i < n && !stopped_; ++i) {
      const bool full = divisible ? room() <= 0 : i == 0 && room() < n;
      if (full && !rows_.empty()) HEARTH_CHECK(run());
      Text& text = *texts_.back();
      rows_.push_back({&text.cache, i, ids[static_cast<std::size_t>(i)], text.pool.wants(i)});
      readers_.push_back(&text);
    }
    return {};
  }

  /// A pass over the rows at hand. Texts that have seen their last row leave.
  Result<void> run() {
    const auto n_rows = static_cast<std::int64_t>(rows_.size());
    const auto start = Clock::now();
    HEARTH_CHECK(model_.forward(rows_, space_, model::Head::hidden));
    length_.saw(n_rows, seconds_since(start));
    progress_.add(static_cast<std::uint64_t>(n_rows));
    HEARTH_CHECK(progress_.goes_on());
    const auto dim = static_cast<std::size_t>(model_.config().dim);
    const float* hidden = space_.ended_with;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      Text& text = *readers_[i];
      if (rows_[i].wants_logits) {
        const FloatState canonical;
        text.pool.add({hidden, dim});
        hidden += dim;
      }
      if (rows_[i].index + 1 == text.n_rows) HEARTH_CHECK(finish(text));
      if (stopped_) break;
    }
    std::erase_if(texts_, [&](const auto& text) { return text->done; });
    rows_.clear();
    readers_.clear();
    found_ = model::PlacedBytes(model_.placement());
    return {};
  }

  bool stopped() const { return stopped_; }

 private:
  struct Text {
    model::KvCache cache;
    Pool pool;
    std::int64_t n_rows;
    model::PlacedBytes bytes;  // of the whole cache
    bool done = false;
  };

  Embedder(const LoadedModel& model, const EmbedOptions& options, Pooling pooling, std::int64_t n_tokens,
           const OnEmbedding& on_embedding)
      : model_(model),
        options_(options),
        pooling_(pooling),
        on_embedding_(on_embedding),
        progress_(options, static_cast<std::uint64_t>(n_tokens), "; embedding; embed the texts again"),
        found_(model.placement()) {}

  std::int64_t most() const { return space_.n_rows(); }
  std::int64_t room() const {
    const std::int64_t n = watched(options_) ? length_.n_rows(most()) : most();
    return n - static_cast<std::int64_t>(rows_.size());
  }

  /// Texts whose rows wait for a pass have asked for their memory too, and most of them have none of it yet. Where there is not enough
  /// for one more, they are computed without it and give back what they had. The system, which may take as long to answer as a short
  /// text to be computed, is asked for several texts at once.
  Result<void> make_room(std::int64_t n_positions, const model::PlacedBytes& bytes) {
    constexpr std::uint64_t kAtOnce = 8;
    model::PlacedBytes all = bytes;
    for (const auto& text : texts_) all.add(text->bytes);
    if (all.within(found_)) return {};
    for (const std::uint64_t n : {kAtOnce, std::uint64_t{1}}) {
      model::PlacedBytes wanted = all.times(n);
      if (shortage_of(wanted, model_.placement(), model_.spoken_for())) continue;
      found_ = std::move(wanted);
      return {};
    }
    if (!rows_.empty()) HEARTH_CHECK(run());
    return stopped_ ? Result<void>() : model_.make_room(n_positions, bytes);
  }

  Result<void> finish(Text& text) {
    text.done = true;
    HEARTH_TRY(const std::vector<float> embedding, embedding_of(text.pool));
    stopped_ = on_embedding_ && !on_embedding_(embedding);
    return {};
  }

  Result<std::vector<float>> embedding_of(Pool& pool) const {
    const FloatState canonical;  // pooling is arithmetic too; the caller's state is back for the callback
    std::vector<float> embedding = pool.take();
    const auto dim = static_cast<std::size_t>(model_.config().dim);
    for (std::size_t at = 0; options_.normalise && at < embedding.size(); at += dim)
      if (!normalise(model_.kernels(), std::span(embedding).subspan(at, dim)))
        return Error(Status::non_finite, "an embedding's length is not finite; normalising; check the file");
    return embedding;
  }

  const LoadedModel& model_;
  const EmbedOptions& options_;
  Pooling pooling_;
  const OnEmbedding& on_embedding_;
  Progress<EmbedOptions> progress_;
  PassLength length_;
  model::Workspace space_;
  std::vector<std::unique_ptr<Text>> texts_;  // whose rows are not all through
  model::PlacedBytes found_;                  // what the system had left while the next pass's texts came
  std::vector<model::Row> rows_;              // of the next pass
  std::vector<Text*> readers_;                // [rows]: whose each is
  bool stopped_ = false;
};

}  // namespace

bool Pool::wants(std::int64_t row) const {
  if (how_ == Pooling::cls) return row == 0;
  return how_ != Pooling::last || row + 1 == n_rows_;
}

void Pool::add(std::span<const float> row) {
  if (how_ != Pooling::mean || values_.empty()) {
    values_.insert(values_.end(), row.begin(), row.end());
    return;
  }
  for (std::size_t i = 0; i < row.size(); ++i) values_[i] = values_[i] + row[i];
}

std::vector<float> Pool::take() {
  if (how_ == Pooling::mean)
    for (float& value : values_) value = value / static_cast<float>(n_rows_);
  return std::move(values_);
}

bool normalise(const kernels::KernelTable& table, std::span<float> v) {
  const auto n = static_cast<std::int64_t>(v.size());
  float squares = 0;  // a row of weights times itself
  table.formats[kernels::format_index(kernels::Format::f32)].matmul_file({.weights = std::as_bytes(v).data(),
                                                                          .n_rows = 1,
                                                                          .k = n,
                                                                          .x = v.data(),
                                                                          .x_stride = n,
                                                                          .n_tokens = 1,
                                                                          .y = &squares,
                                                                          .y_stride = 1,
                                                                          .row_end = 1});
  if (!std::isfinite(squares)) return false;
  if (squares != 0) table.scale(v.data(), 1.0f / std::sqrt(squares), n);
  return true;
}

Result<void> embed(const LoadedModel& model, std::span<const std::vector<std::int32_t>> texts,
                   const EmbedOptions& options, const OnEmbedding& on_embedding) {
  HEARTH_TRY(const Pooling pooling, settle(model, options.pooling));
  HEARTH_CHECK(check_chunk(options.chunk));
  HEARTH_TRY(const std::int64_t most, longest_text(model.config(), options.n_ctx));
  HEARTH_CHECK(check(model.config(), texts, most));
  std::int64_t longest = 0, total = 0;
  for (const std::vector<std::int32_t>& ids : texts) {
    longest = std::max(longest, static_cast<std::int64_t>(ids.size()));
    total += static_cast<std::int64_t>(ids.size());
  }
  if (total == 0) return {};
  const std::int64_t n_rows = model.config().causal ? options.chunk : std::max(options.chunk, longest);
  HEARTH_TRY(auto embedder, Embedder::make(model, options, pooling, std::min(n_rows, total), total, on_embedding));
  for (const std::vector<std::int32_t>& ids : texts) {
    HEARTH_CHECK(embedder->add(ids));
    if (embedder->stopped()) return {};
  }
  return embedder->run();
}

}  // namespace hearth::engine
