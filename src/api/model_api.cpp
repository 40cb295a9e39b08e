// The C++ border for running models: thin, and nothing thrown crosses it.
#include <algorithm>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>
#include <vector>

#include "chat_turn.h"
#include "elapsed.h"
#include "embedding.h"
#include "guarded.h"
#include "host.h"
#include "model_impl.h"
#include "perplexity.h"
#include "progress.h"
#include "session_file.h"
#include "session_impl.h"
#include "speed.h"
#include "try.h"

namespace hearth {

Result<Model> Model::open(const std::string& path, const ModelOptions& options) {
  return guarded([&]() -> Result<Model> {
    HEARTH_TRY(auto model, engine::LoadedModel::open(path, options));
    return Model(std::make_shared<Impl>(Impl{std::move(model)}));
  });
}

Result<Session> Model::session(const SessionOptions& options) const {
  return guarded([&]() -> Result<Session> {
    HEARTH_TRY(auto sequence,
               engine::Sequence::make(impl_->model, options, options.draft ? options.draft->impl()->model : nullptr));
    return Session(std::make_unique<Session::Impl>(Session::Impl{std::move(sequence), {}}));
  });
}

Result<Session> Model::restore(const std::string& path, const CallOptions& options) const {
  return guarded([&]() -> Result<Session> {
    HEARTH_TRY(auto saved, engine::restore_session(impl_->model, path, options));
    HEARTH_TRY(auto sequence, engine::Sequence::make(std::move(saved.context)));
    return Session(std::make_unique<Session::Impl>(Session::Impl{std::move(sequence), std::move(saved.conversation)}));
  });
}

Result<std::vector<float>> Model::embed(std::string_view text, const EmbedOptions& options) const {
  return guarded([&]() -> Result<std::vector<float>> {
    HEARTH_TRY(const auto ids, impl_->model->tokenizer().encode(text, {.add_special = true}));
    return embed_from(ids, options);
  });
}

Result<std::vector<float>> Model::embed_from(std::span<const std::int32_t> ids, const EmbedOptions& options) const {
  return guarded([&]() -> Result<std::vector<float>> {
    const std::vector<std::int32_t> one[] = {{ids.begin(), ids.end()}};
    std::vector<float> embedding;
    HEARTH_CHECK(engine::embed(*impl_->model, one, options, [&](std::span<const float> values) {
      embedding.assign(values.begin(), values.end());
      return true;
    }));
    return embedding;
  });
}

Result<void> Model::embed(std::span<const std::string> texts, const EmbedOptions& options,
                          const OnEmbedding& on_embedding) const {
  return guarded([&]() -> Result<void> {
    std::vector<std::vector<std::int32_t>> all;
    for (const std::string& text : texts) {
      HEARTH_TRY(auto ids, impl_->model->tokenizer().encode(text, {.add_special = true}));
      all.push_back(std::move(ids));
    }
    return engine::embed(*impl_->model, all, options, on_embedding);
  });
}

const ModelInfo& Model::info() const { return impl_->model->info(); }

KvMemory Model::kv_memory() const {
  const engine::LoadedModel& model = *impl_->model;
  return {model.pool()->budget(), model.pool()->bytes_taken(), model.prefixes().n_pages()};
}

Result<std::vector<std::int32_t>> Model::tokenize(std::string_view text, bool special, bool parse) const {
  return guarded([&] { return impl_->model->tokenizer().encode(text, {special, parse}); });
}

Result<std::string> Model::detokenize(std::span<const std::int32_t> ids) const {
  return guarded([&] { return impl_->model->tokenizer().decode(ids); });
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Reply> Session::generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text) {
  return guarded([&] { return impl_->sequence->generate(prompt, options, on_text); });
}

Result<Reply> Session::generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                     const OnText& on_text) {
  return guarded([&] { return impl_->sequence->generate_from(ids, options, on_text); });
}

Result<ChatReply> Session::chat(std::string_view text, const OnText& on_text) {
  return guarded([&] { return chat(text, ChatOptions(), on_text); });
}

Result<ChatReply> Session::chat(std::string_view text, const ChatOptions& options, const OnText& on_text) {
  return guarded([&] {
    std::vector<ChatMessage> messages = impl_->conversation;
    messages.push_back({.role = "user", .content = std::string(text)});
    return chat(messages, options, on_text);
  });
}

Result<ChatReply> Session::chat(std::span<const ChatMessage> messages, const ChatOptions& options,
                                const OnText& on_text) {
  return guarded([&]() -> Result<ChatReply> {
    engine::Sequence::TextBefore before(*impl_->sequence);
    HEARTH_TRY(ChatReply reply, engine::answer(*impl_->sequence, messages, options, on_text));
    std::vector<ChatMessage> conversation(messages.begin(), messages.end());  // whole before it becomes the session's
    conversation.push_back(
        {.role = "assistant", .content = reply.content, .reasoning = reply.reasoning, .tool_calls = reply.tool_calls});
    impl_->conversation = std::move(conversation);
    before.let_go();
    return reply;
  });
}

Result<void> Session::evaluate(std::span<const std::int32_t> ids,
                               const std::function<bool(std::span<const float>)>& on_logits) {
  return guarded([&] { return impl_->sequence->evaluate(ids, on_logits); });
}

Result<Session> Session::fork() const {
  return guarded([&]() -> Result<Session> {
    return Session(std::make_unique<Impl>(Impl{impl_->sequence->fork(), impl_->conversation}));
  });
}

Result<void> Session::truncate(std::int64_t n) {
  return guarded([&] { return impl_->sequence->truncate(n); });
}

Result<void> Session::save(const std::string& path, const CallOptions& options) const {
  return guarded([&] { return engine::save_session(impl_->sequence->context(), impl_->conversation, path, options); });
}

std::int64_t Session::n_ctx() const { return impl_->sequence->n_ctx(); }
std::int64_t Session::n_past() const { return impl_->sequence->n_past(); }
void Session::reset() {
  impl_->sequence->reset();
  impl_->conversation.clear();
}

namespace tools {

Result<Perplexity> perplexity(const Model& model, std::string_view text, const SessionOptions& session,
                              const CallOptions& options) {
  return guarded([&]() -> Result<Perplexity> {
    SessionOptions alone = session;
    alone.reuse = false;  // nobody begins with a window of this text
    HEARTH_TRY(auto sequence, engine::Sequence::make(model.impl()->model, alone));
    Sha256 hash;
    HEARTH_TRY(const engine::Score score,
               engine::score_text(
                   *model.impl()->model, *sequence, text,
                   [&](std::span<const float> logits) { hash.update(std::as_bytes(logits)); }, options));
    return Perplexity{score.n_tokens, score.nll, score.perplexity(), hash.hex()};
  });
}

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

Result<void> check(const BenchOptions& o) {
  constexpr std::int64_t kMost = INT32_MAX;
  const auto all = [](const std::vector<std::int64_t>& numbers, std::int64_t lowest, std::int64_t highest) {
    return !numbers.empty() &&
           std::all_of(numbers.begin(), numbers.end(), [&](std::int64_t n) { return n >= lowest && n <= highest; });
  };
  if (all({o.n_prompt, o.n_generate}, 0, kMost) && all(o.batches, 1, 256) && all(o.depths, 0, kMost) &&
      all({o.reps}, 1, 1000))
    return {};
  return Error(Status::invalid_argument,
               "prompt, generated, batch, depth or repetitions are out of range; bench; batch is 1 to 256, reps 1 to "
               "1000, the others 0 to 2^31-1");
}

}  // namespace

Result<BenchReport> bench(const Model& model, const SessionOptions& session, const BenchOptions& o) {
  return guarded([&]() -> Result<BenchReport> {
    HEARTH_CHECK(check(o));
    const engine::LoadedModel& loaded = *model.impl()->model;
    const kernels::KvType kv = engine::kv_type(session.kv);
    const CallOptions heard{.cancelled =
                                o.cancelled};  // progress is told between measurements, and takes none of their time
    const std::size_t n_rounds = static_cast<std::size_t>(o.reps), n_runs = o.batches.size() * o.depths.size();
    Progress progress(o, 1 + n_rounds * (1 + n_runs), "; bench; start it again");
    const auto measured = [&] { return progress.add(1), progress.goes_on(); };
    HEARTH_CHECK(progress.goes_on());
    BenchReport report;
    const auto start = Clock::now();
    HEARTH_CHECK(engine::measure_speed(loaded, kv, session.chunk, 1, 0, 1, 0, heard));
    report.first_pass_ms = 1000 * seconds_since(start);
    loaded.settle();
    HEARTH_CHECK(measured());
    for (const std::int64_t batch : o.batches)
      for (const std::int64_t depth : o.depths) report.runs.push_back({batch, depth});
    std::vector<double> prefill;
    std::vector<std::vector<double>> decode(report.runs.size());
    // The runs take turns: a machine whose speed drifts does the same to all of them.
    for (int r = 0; r < o.reps; ++r) {
      HEARTH_TRY(const engine::Speed prompt,
                 engine::measure_speed(loaded, kv, session.chunk, o.n_prompt, 0, 1, 0, heard));
      prefill.push_back(prompt.prefill_seconds);
      HEARTH_CHECK(measured());
      for (std::size_t i = 0; i < report.runs.size(); ++i) {
        BenchRun& run = report.runs[i];
        HEARTH_TRY(const engine::Speed speed,
                   engine::measure_speed(loaded, kv, session.chunk, 0, o.n_generate, run.batch, run.depth, heard));
        decode[i].push_back(speed.decode_seconds);
        run.logits_hash = speed.logits_hash;
        HEARTH_CHECK(measured());
      }
    }
    report.peak_rss_bytes = peak_resident_bytes();  // before the read peak's own large buffer
    HEARTH_TRY(const MachineInfo machine, machine_info());
    report.read_gbps = machine.read_gbps;
    if (o.n_prompt > 0) report.prefill_tps = static_cast<double>(o.n_prompt) / median(prefill);
    for (std::size_t i = 0; o.n_generate > 0 && i < report.runs.size(); ++i) {
      const double steps = static_cast<double>(o.n_generate) / median(decode[i]);
      report.runs[i].decode_tps = steps * static_cast<double>(report.runs[i].batch);
      if (machine.read_gbps > 0 && loaded.info().device == "cpu")  // a device reads its own memory
        report.runs[i].pct_of_read_peak =
            100 * steps * static_cast<double>(loaded.step_bytes(report.runs[i].batch)) / (machine.read_gbps * 1e9);
    }
    return report;
  });
}

}  // namespace tools

}  // namespace hearth
