// Enters: token ids, or a text. Leaves: the logits of every position in a NumPy file, or the text's perplexity.
#include <algorithm>
#include <cstdio>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "npy_file.h"
#include "options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

constexpr std::int64_t kDefaultWindow = 512;

std::string as_text(const tools::Perplexity& perplexity) {
  char line[128];
  std::snprintf(line, sizeof line, "perplexity %.4f over %lld tokens (%.4f nats)\n", perplexity.ppl,
                static_cast<long long>(perplexity.n_tokens), perplexity.nll);
  return line;
}

std::string as_json(const tools::Perplexity& perplexity, std::int64_t n_ctx) {
  nlohmann::ordered_json object;
  object["tokens"] = perplexity.n_tokens;
  object["nll"] = perplexity.nll;
  object["ppl"] = perplexity.ppl;
  object["logits_sha256"] = perplexity.logits_sha256;
  object["n_ctx"] = n_ctx;
  return object.dump() + "\n";
}

class Eval : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    text_.declare(app, TextInput::Otherwise::nothing);
    CLI::Option* ids = add_ids(app, "--tokens", ids_, "one pass over these ids, as they are");
    CLI::Option* logits =
        add_text(app, "--logits", "OUT.npy", logits_path_, "where the logits go: float32 [n_tokens, n_vocab]");
    ids->needs(logits)->excludes("-p")->excludes("-f");
    logits->needs(ids);
    add_flag(app, "--json", json_, "one JSON object");
    app.callback([this] {
      model_.settle();
      if (!ids_ && !text_.given())
        throw CLI::ValidationError("--tokens ID,… with --logits OUT.npy, or -f FILE, is required");
    });
  }

  Result<void> run(Console& console) override { return ids_ ? write_logits(console) : score(console); }

 private:
  Result<void> write_logits(Console& console) {
    auto options = model_.session_options();
    if (!options) return options.error();
    auto model = model_.open();
    if (!model) return model.error();
    auto session = model->session(*options);
    if (!session) return session.error();
    const Interruptible from_now_on;  // before there is a file to leave behind
    auto file = NpyFile::create(*logits_path_, static_cast<std::int64_t>(ids_->size()), model->info().n_vocab);
    if (!file) return file.error();
    tools::Sha256 sha256;
    Result<void> written;
    auto done = session->evaluate(*ids_, [&](std::span<const float> logits) {
      sha256.update(std::as_bytes(logits));
      written = file->add_row(logits);
      return written && !interrupted();
    });
    if (!written) return written.error();
    if (!done) return done.error();
    if (interrupted()) return Error(Status::cancelled, "interrupted; evaluating; nothing was written");
    if (auto committed = file->commit(); !committed) return committed.error();
    if (json_)
      console.write(nlohmann::ordered_json{
                        {"tokens", ids_->size()}, {"n_vocab", model->info().n_vocab}, {"logits_sha256", sha256.hex()}}
                        .dump() +
                    "\n");
    return {};
  }

  Result<void> score(Console& console) {
    auto model = model_.open();
    if (!model) return model.error();
    // A model made for less than the default window is scored in windows of its own size; the answer says so.
    auto options = model_.session_options(std::min(kDefaultWindow, model->info().n_ctx_train));
    if (!options) return options.error();
    auto text = text_.read(console);
    if (!text) return text.error();
    auto perplexity = tools::perplexity(*model, *text, *options);
    if (!perplexity) return perplexity.error();
    console.write(json_ ? as_json(*perplexity, options->n_ctx) : as_text(*perplexity));
    return {};
  }

  ModelRun model_;
  TextInput text_;
  std::optional<std::vector<std::int32_t>> ids_;
  std::optional<std::string> logits_path_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_eval() { return std::make_unique<Eval>(); }

}  // namespace hearth::cli
