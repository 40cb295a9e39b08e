// Enters: a model. Leaves: how fast it loads, reads a prompt and decodes, as text or JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <hearth/tools.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options.h"

namespace hearth::cli {
namespace {

std::string hash_text(std::uint64_t hash) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

class Bench : public Command {
 public:
  void declare(CLI::App& app) override {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    model_.declare(app, ModelFile::Need::optional);
    add_number(app, "-p", options_.n_prompt, std::int64_t{0}, kMost, "prompt tokens");
    add_number(app, "-n", options_.n_generate, std::int64_t{0}, kMost, "tokens to decode");
    add_numbers(app, "--batch", options_.batches, 1, 256, "sequences decoded together; of a list, each in turn");
    add_numbers(app, "--depth", options_.depths, 0, kMost,
                "positions before the first decoded one; a list like --batch");
    add_number(app, "--reps", options_.reps, 1, 1000, "rounds; medians are reported");
    add_flag(app, "--json", json_, "one JSON object");
    app.callback([this] { model_.settle(); });
  }

  Result<void> run(Console& console) override {
    auto session = model_.session_options();
    if (!session) return session.error();
    const auto start = std::chrono::steady_clock::now();
    auto model = model_.open();
    if (!model) return model.error();
    const double load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (auto fits = check_context(session->n_ctx, model->info().n_ctx_train); !fits) return fits;
    auto report = tools::bench(*model, *session, options_);
    if (!report) return report.error();
    const Outcome outcome{*report, load_ms, load_ms + report->first_pass_ms};
    console.write(json_ ? as_json(model->info(), outcome) : as_text(model->info(), outcome));
    return {};
  }

 private:
  /// --ctx, where it is given, bounds every run as it bounds a session.
  Result<void> check_context(std::int64_t n_ctx, std::int64_t n_ctx_train) const {
    if (n_ctx == 0) return {};
    if (n_ctx > n_ctx_train)
      return Error(Status::invalid_argument,
                   "a context of " + std::to_string(n_ctx) + " was asked for, the model was trained for " +
                       std::to_string(n_ctx_train) + " positions; --ctx; choose 1 to " + std::to_string(n_ctx_train));
    const std::int64_t deepest = *std::max_element(options_.depths.begin(), options_.depths.end());
    const std::int64_t longest = std::max(options_.n_prompt, deepest + options_.n_generate);
    if (longest <= n_ctx) return {};
    return Error(Status::context_full, "a run takes " + std::to_string(longest) + " positions, the context holds " +
                                           std::to_string(n_ctx) +
                                           "; bench; ask for a larger --ctx, or a smaller -p, -n or --depth");
  }

  struct Outcome {
    const tools::BenchReport& report;
    double load_ms, first_token_ms;  // both from opening the file
  };

  std::string as_json(const ModelInfo& model, const Outcome& outcome) const {
    const tools::BenchReport& r = outcome.report;
    nlohmann::ordered_json runs = nlohmann::ordered_json::array();
    for (const tools::BenchRun& run : r.runs)
      runs.push_back({{"batch", run.batch},
                      {"depth", run.depth},
                      {"decode_tps", run.decode_tps},
                      {"pct_of_read_peak", run.pct_of_read_peak},
                      {"logits", hash_text(run.logits_hash)}});
    const tools::BenchRun& first = r.runs.front();
    nlohmann::ordered_json object = {{"prefill_tps", r.prefill_tps},
                                     {"decode_tps", first.decode_tps},
                                     {"load_ms", outcome.load_ms},
                                     {"first_token_ms", outcome.first_token_ms},
                                     {"peak_rss_bytes", r.peak_rss_bytes},
                                     {"read_gbps", r.read_gbps},
                                     {"pct_of_read_peak", first.pct_of_read_peak},
                                     {"n_prompt", options_.n_prompt},
                                     {"n_generate", options_.n_generate},
                                     {"batch", first.batch},
                                     {"depth", first.depth},
                                     {"reps", options_.reps},
                                     {"threads", model.threads},
                                     {"isa", model.isa},
                                     {"weights", model.weights == Weights::repacked ? "repacked" : "file"},
                                     {"weights_bytes", model.weights_bytes},
                                     {"logits", hash_text(first.logits_hash)},
                                     {"runs", std::move(runs)}};
    return object.dump() + "\n";
  }

  static std::string as_text(const ModelInfo& model, const Outcome& outcome) {
    const tools::BenchReport& r = outcome.report;
    char line[256];
    std::snprintf(line, sizeof line,
                  "prefill %.1f tok/s; load %.0f ms; first token %.0f ms; peak memory %.0f MB; memory read %.1f GB/s; "
                  "threads %d; isa %s\n",
                  r.prefill_tps, outcome.load_ms, outcome.first_token_ms, static_cast<double>(r.peak_rss_bytes) / 1e6,
                  r.read_gbps, model.threads, model.isa.c_str());
    std::string text = line;
    for (const tools::BenchRun& run : r.runs) {
      char peak[48] = "";
      if (run.pct_of_read_peak > 0)
        std::snprintf(peak, sizeof peak, " (%.0f%% of the read peak)", run.pct_of_read_peak);
      std::snprintf(line, sizeof line, "decode %.2f tok/s%s; batch %lld; depth %lld; logits %s\n", run.decode_tps, peak,
                    static_cast<long long>(run.batch), static_cast<long long>(run.depth),
                    hash_text(run.logits_hash).c_str());
      text += line;
    }
    return text;
  }

  ModelRun model_;
  tools::BenchOptions options_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_bench() { return std::make_unique<Bench>(); }

}  // namespace hearth::cli
