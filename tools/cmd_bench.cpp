// Enters: a model. Leaves: how fast it loads, reads a prompt and decodes, as text or JSON.
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
    add_number(app, "--batch", options_.batch, std::int64_t{1}, std::int64_t{256}, "sequences decoded together");
    add_number(app, "--depth", options_.depth, std::int64_t{0}, kMost, "positions before the first decoded one");
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
    auto report = tools::bench(*model, *session, options_);
    if (!report) return report.error();
    console.write(json_ ? as_json(*model, *report, load_ms) : as_text(*model, *report, load_ms));
    return {};
  }

 private:
  std::string as_json(const Model& model, const tools::BenchReport& r, double load_ms) const {
    nlohmann::ordered_json object = {{"prefill_tps", r.prefill_tps},
                                     {"decode_tps", r.decode_tps},
                                     {"load_ms", load_ms},
                                     {"first_token_ms", r.first_token_ms},
                                     {"peak_rss_bytes", r.peak_rss_bytes},
                                     {"read_gbps", r.read_gbps},
                                     {"pct_of_read_peak", r.pct_of_read_peak},
                                     {"n_prompt", options_.n_prompt},
                                     {"n_generate", options_.n_generate},
                                     {"batch", options_.batch},
                                     {"depth", options_.depth},
                                     {"reps", options_.reps},
                                     {"threads", model.info().threads},
                                     {"isa", model.info().isa},
                                     {"weights", model.info().weights == Weights::repacked ? "repacked" : "file"},
                                     {"logits", hash_text(r.logits_hash)}};
    return object.dump() + "\n";
  }

  static std::string as_text(const Model& model, const tools::BenchReport& r, double load_ms) {
    char text[512];
    std::snprintf(text, sizeof text,
                  "prefill %.1f tok/s; decode %.2f tok/s (%.0f%% of %.1f GB/s); load %.0f ms; first token %.0f ms; "
                  "peak memory %.0f MB; "
                  "threads %d; isa %s; logits %s\n",
                  r.prefill_tps, r.decode_tps, r.pct_of_read_peak, r.read_gbps, load_ms, r.first_token_ms,
                  static_cast<double>(r.peak_rss_bytes) / 1e6, model.info().threads, model.info().isa.c_str(),
                  hash_text(r.logits_hash).c_str());
    return text;
  }

  ModelRun model_;
  tools::BenchOptions options_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_bench() { return std::make_unique<Bench>(); }

}  // namespace hearth::cli
