// Enters: a chat template, a model's or a file's, and its variables as JSON. Leaves: the prompt that it renders.
#include <hearth/tools.hpp>

#include "bundled_model.h"
#include "command.h"
#include "options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

/// Whether the variables offer tools: some models have a template of their own for that. The renderer is asked, which reads them
/// within its limits.
Result<bool> has_tools(const std::string& context) {
  auto answer = tools::render(
      "{{ tools is defined and tools is sequence and tools is not string and tools is not mapping }}", context);
  if (!answer) return answer.error();
  return *answer == "True";
}

class Render : public Command {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "MODEL", "FILE", model_, "a .gguf file whose own template is meant");
    add_text(app, "--template", "FILE", template_, "a Jinja template in a file of its own")->excludes("MODEL");
    add_text(app, "--context", "FILE", context_,
             "its variables, a JSON object: messages, tools, add_generation_prompt, …")
        ->required();
    add_word(app, "--now", "TIME", now_, "what strftime_now sees: 2026-11-22T09:30:00 (default: now)");
    add_flag(app, "--no-mmap", no_mmap_, "read the model file into memory instead of mapping it");
    app.callback([this] {
      if (!model_ && !template_) throw CLI::ValidationError("MODEL or --template FILE is required");
    });
  }

  Result<void> run(Console& console) override {
    auto context = read_text_file(*context_);
    if (!context) return context.error();
    auto source = template_ ? read_text_file(*template_) : model_template(*context);
    if (!source) return source.error();
    auto prompt = tools::render(*source, *context, now_.value_or(""));
    if (!prompt) return prompt.error();
    console.write(*prompt);
    return {};
  }

 private:
  Result<std::string> model_template(const std::string& context) const {
    auto path = find_model(*model_);
    if (!path) return path.error();
    auto with_tools = has_tools(context);
    if (!with_tools) return with_tools.error();
    return tools::chat_template(*path, *with_tools, !no_mmap_);
  }

  std::optional<std::string> model_, template_, context_, now_;
  bool no_mmap_ = false;
};

}  // namespace

std::unique_ptr<Command> make_render() { return std::make_unique<Render>(); }

}  // namespace hearth::cli
