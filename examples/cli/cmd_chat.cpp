// Enters: what a person says, with -p or line by line. Leaves: what the model answers, through its own chat template.
#include <unistd.h>

#include <hearth/tools.hpp>
#include <limits>

#include "command.h"
#include "constraint_options.h"
#include "options.h"
#include "printable.h"
#include "receipt_option.h"
#include "sampling_options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

/// Standard input, a line at a time, without its newline.
class InputLines {
 public:
  /// nullopt at the end; the last line may lack its newline.
  Result<std::optional<std::string>> next() {
    for (;;) {
      if (const std::size_t end = read_.find('\n', searched_); end != std::string::npos) {
        std::string line = read_.substr(0, end);
        read_.erase(0, end + 1);
        searched_ = 0;
        return std::optional(std::move(line));
      }
      searched_ = read_.size();
      if (ended_) return read_.empty() ? std::optional<std::string>() : std::optional(std::exchange(read_, {}));
      char buffer[65536];
      const ssize_t got = read_some(STDIN_FILENO, buffer);
      if (got < 0) return Error(Status::io, "standard input cannot be read; chat; give the text with -p");
      if (read_.size() + static_cast<std::size_t>(got) > kMaxTextBytes)
        return Error(Status::invalid_argument, "a line is longer than 256 MiB; standard input; give a shorter one");
      ended_ = got == 0;
      read_.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  std::string read_;
  std::size_t searched_ = 0;  // bytes of it without a newline
  bool ended_ = false;
};

class Chat : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::optional);
    add_text(app, "-p", "TEXT", text_, "one turn with this text; without it each line of standard input is one");
    add_text(app, "--system", "TEXT", system_, "a message before the first turn, from the system");
    add_text(app, "--template", "FILE", template_, "a Jinja chat template, instead of the model's own");
    add_number(app, "-n", options_.generate.max_tokens, std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
               "tokens at most an answer (default: to its end)");
    add_texts(app, "--stop", "TEXT", options_.generate.stop, "end an answer before this text; may be given again");
    sampling_.declare(app, options_.generate.sampling);
    constraint_.declare(app, options_.generate);
    add_choice(
        app, "--overflow", {"error", "drop-oldest"}, overflow_,
        "what a conversation longer than the context gets: error (default)|drop-oldest: its oldest turns are left out");
    receipt_.declare(app);
    app.callback([this] {
      model_.settle();
      if (receipt_.given() && !text_) throw CLI::ValidationError("--receipt is of one turn: give its text with -p");
    });
  }

  Result<void> run(Console& console) override {
    if (auto ready = read_template(); !ready) return ready.error();
    if (auto ready = constraint_.read(options_.generate); !ready) return ready.error();
    auto inputs = constraint_.files();
    inputs.push_back(template_.value_or(""));
    if (auto ready = receipt_.check(inputs); !ready) return ready.error();
    if (overflow_ == "drop-oldest") options_.overflow = Overflow::drop_oldest_turns;
    auto options = model_.session_options();
    if (!options) return options.error();
    auto model = model_.open();
    if (!model) return model.error();
    auto sampling = sampling_.over(model->info());
    if (!sampling) return sampling.error();
    options_.generate.sampling = *sampling;
    options_.generate.cancelled = interrupted;  // tokens may come for long without any text of theirs
    options_.generate.short_passes = false;     // while a prompt is read in, Ctrl-C ends the program at once
    advice_ = sampling_.advice(model->info());
    if (!template_ && model_.mmap())  // said before anybody types, where the file need not be read again for it
      if (auto source = tools::chat_template(model->info().path); !source) return source.error();
    auto session = model->session(*options);
    if (!session) return session.error();
    if (system_) messages_.push_back({.role = "system", .content = *system_});
    if (text_) return turn(*model, *session, *text_, console);
    if (::isatty(STDIN_FILENO)) console.note("say something, end with Ctrl-D");
    for (InputLines lines;;) {
      auto line = lines.next();
      if (!line) return line.error();
      if (!*line) return {};
      if ((*line)->empty()) continue;
      if (auto done = turn(*model, *session, **line, console); !done || console.output_failed() || interrupted())
        return done;
    }
  }

 private:
  Result<void> read_template() {
    if (!template_) return {};
    auto source = read_text_file(*template_);
    if (!source) return source.error();
    if (source->empty())  // which to the library means the model's own
      return Error(Status::invalid_argument, "the chat template is empty; --template " + in_quotes(*template_) +
                                                 "; give another file, or leave --template out");
    options_.chat_template = std::move(*source);
    return {};
  }

  /// An answer and a newline. No tools are offered, so it has no calls.
  Result<void> turn(const Model& model, Session& session, const std::string& text, Console& console) {
    messages_.push_back({.role = "user", .content = text});
    std::optional<Interruptible> from_now_on;
    auto reply = session.chat(messages_, options_, [&](std::string_view piece) {
      if (!from_now_on) from_now_on.emplace();
      return !interrupted() && console.write(piece);
    });
    if (!reply) return reply.error();
    if (!console.write("\n")) return {};  // nobody reads on, so nobody is told anything
    if (const std::string advice = std::exchange(advice_, {}); !advice.empty()) console.note(advice);
    if (reply->parse_error) console.note("part of the reply is not understood: " + *reply->parse_error);
    if (reply->n_dropped_messages > 0)
      console.note("messages left out because the context is full: " + std::to_string(reply->n_dropped_messages));
    if (reply->generation.finish == Finish::context_full) console.note("the context is full");
    if (messages_.size() < 3) console.note("context " + std::to_string(session.n_ctx()));  // once, where nothing failed
    messages_.push_back({.role = "assistant", .content = reply->content, .reasoning = reply->reasoning});
    return receipt_.write(model, session, options_, *reply, console);
  }

  ModelRun model_;
  std::optional<std::string> text_, system_, template_;
  SamplingChoice sampling_;
  std::string advice_;  // said once, after the first answer
  std::string overflow_ = "error";
  ChatOptions options_;
  ConstraintOptions constraint_;
  ReceiptOption receipt_;
  std::vector<ChatMessage> messages_;
};

}  // namespace

std::unique_ptr<Command> make_chat() { return std::make_unique<Chat>(); }

}  // namespace hearth::cli
