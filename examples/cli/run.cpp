// Enters: a prompt. Leaves: the text that a model goes on with, piece by piece, and one line about how that went.
#include <cstdio>
#include <limits>

#include "command.h"
#include "constraint_options.h"
#include "options.h"
#include "receipt_option.h"
#include "sampling_options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

const char* in_words(Finish finish) {
  switch (finish) {
    case Finish::end_of_text:
      return "end of text";
    case Finish::stop_string:
      return "stop text";
    case Finish::max_tokens:
      return "as many tokens as asked for";
    case Finish::context_full:
      return "context full";
    case Finish::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string rate(std::size_t tokens, double seconds) {
  char text[64];
  if (seconds <= 0) return "";
  std::snprintf(text, sizeof text, " at %.1f tok/s", static_cast<double>(tokens) / seconds);
  return text;
}

std::string truth(const Model& model, const Session& session, const SamplingOptions& sampling, const Reply& reply) {
  char hash[20];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(reply.logits_hash));
  const ModelInfo& info = model.info();
  const auto n_prompt = static_cast<std::size_t>(reply.n_prompt);
  return "prompt " + std::to_string(n_prompt) + " tokens" + rate(n_prompt, reply.prefill_seconds) + "; generated " +
         std::to_string(reply.tokens.size()) + rate(reply.tokens.size(), reply.decode_seconds) + "; context " +
         std::to_string(session.n_ctx()) + "; threads " + std::to_string(info.threads) + "; isa " + info.isa +
         "; weights " + (info.weights == Weights::repacked ? "repacked" : "file") + "; sampling " +
         steps_in_words(sampling) + (sampling.temp > 0 ? "; seed " + std::to_string(sampling.seed) : "") + "; logits " +
         hash + "; ended: " + in_words(reply.finish);
}

class Run : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::optional);
    prompt_.declare(app, TextInput::Otherwise::standard_input);
    add_number(app, "-n", generate_.max_tokens, std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
               "tokens at most (default: to the end of the text or the context)");
    add_flag(app, "--echo", generate_.echo, "print the prompt too");
    add_texts(app, "--stop", "TEXT", generate_.stop, "end before this text; may be given again");
    sampling_.declare(app, generate_.sampling);
    constraint_.declare(app, generate_);
    receipt_.declare(app);
    app.callback([this] { model_.settle(); });
  }

  Result<void> run(Console& console) override {
    if (auto ready = constraint_.read(generate_); !ready) return ready.error();
    auto inputs = constraint_.files();
    inputs.push_back(prompt_.file());
    if (auto ready = receipt_.check(inputs); !ready) return ready.error();
    auto options = model_.session_options();
    if (!options) return options.error();
    auto model = model_.open();
    if (!model) return model.error();
    auto sampling = sampling_.over(model->info());
    if (!sampling) return sampling.error();
    generate_.sampling = *sampling;
    generate_.cancelled = interrupted;  // tokens may come for long without any text of theirs
    generate_.short_passes = false;     // while a prompt is read in, Ctrl-C ends the program at once
    auto session = model->session(*options);
    if (!session) return session.error();
    auto prompt = prompt_.read(console);
    if (!prompt) return prompt.error();
    auto reply = generate(*session, *prompt, console);
    if (!reply) return reply.error();
    if (console.output_failed()) return {};
    if (const std::string advice = sampling_.advice(model->info()); !advice.empty()) console.note(advice);
    console.note(truth(*model, *session, generate_.sampling, *reply));
    return receipt_.write(*model, *session, generate_, *reply, console);
  }

 private:
  Result<Reply> generate(Session& session, const std::string& prompt, Console& console) const {
    // Nothing looks at Ctrl-C while the prompt is read in, so until the first piece it ends the program at once.
    std::optional<Interruptible> from_now_on;
    return session.generate(prompt, generate_, [&](std::string_view piece) {
      if (!from_now_on) from_now_on.emplace();
      return !interrupted() && console.write(piece);
    });
  }

  ModelRun model_;
  TextInput prompt_;
  SamplingChoice sampling_;
  GenerateOptions generate_;
  ConstraintOptions constraint_;
  ReceiptOption receipt_;
};

}  // namespace

std::unique_ptr<Command> make_run() { return std::make_unique<Run>(); }

}  // namespace hearth::cli
