// Enters: the words of a call. Leaves: an exit code: 0 done, 1 could not be done, 2 the call is wrong, 130 after Ctrl-C.
#include <algorithm>
#include <array>
#include <hearth/tools.hpp>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "command.h"
#include "printable.h"

namespace hearth::cli {
namespace {

constexpr int kExitDone = 0, kExitFailed = 1, kExitUsage = 2;

struct Row {
  const char* name;
  const char* summary;
  std::unique_ptr<Command> (*make)();
};
constexpr std::array kCommands = {
    Row{"run", "complete a text", make_run},
    Row{"chat", "talk through the model's chat template", make_chat},
    Row{"replay", "run a receipt again and compare", make_replay},
    Row{"tokenize", "text to token ids, or back", make_tokenize},
    Row{"render", "the prompt that a chat template makes", make_render},
    Row{"eval", "logits or perplexity of a text", make_eval},
    Row{"embed", "vectors of texts", make_embed},
    Row{"plan", "what running a model will take", make_plan},
    Row{"inspect", "what a model file holds", make_inspect},
    Row{"check", "whether a model file is sound", make_check},
    Row{"convert", "a Hugging Face model folder to a model file", make_convert},
    Row{"info", "what this build and machine are", make_info},
    Row{"bench", "how fast a model runs here", make_bench},
};

std::string version() {
  const auto info = tools::machine_info(false);
  return "hearth " + (info ? info->version : std::string("of unknown version"));
}

std::string version_line() { return version() + "\n"; }

/// "--name=" lacks its value, and CLI11 would take the next word for it. "--" ends a list of values that is open, or the options.
void check_values(const CLI::App& app, std::span<char* const> words) {
  const auto option = [&](const std::string& word) {
    return word.starts_with('-') ? app.get_option_no_throw(word) : nullptr;
  };
  bool in_list = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--" && !std::exchange(in_list, false)) return;
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const CLI::Option* const named = option(word.substr(0, equals));
    if (!named) continue;
    if (equals + 1 == word.size()) throw CLI::ArgumentMismatch(word + " has no value");
    const int most = equals == std::string::npos ? named->get_items_expected_max() : 0;
    in_list = most > 1;
    if (most > 0) ++i;  // the next word is its value, however it looks
  }
}

int usage_error(Console& console, const CLI::App& app, const std::string& what) {
  std::string call = "hearth";
  for (const CLI::App* command : app.get_subcommands()) call += " " + command->get_name();
  console.error(what + "; " + call + "; see " + call + " --help");
  return kExitUsage;
}

/// A reader that closes stdout wants no more, so it gets no message either.
int exit_code(Console& console, const Result<void>& done) {
  if (interrupted()) return kExitInterrupted;
  if (console.reader_left()) return kExitFailed;
  if (console.output_failed()) return console.error(console.output_message()), kExitFailed;
  if (!done) return console.error(done.error().message()), kExitFailed;
  return kExitDone;
}

int program(Console& console, int argc, char** argv) {
  const std::span<char* const> words(argv, static_cast<std::size_t>(argc));
  CLI::App app("Runs quantized transformer models on the machine in front of you.", "hearth");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_line);
  std::array<CLI::App*, kCommands.size()> apps{};
  std::array<std::unique_ptr<Command>, kCommands.size()> commands;
  for (std::size_t i = 0; i < kCommands.size(); ++i) {
    apps[i] = app.add_subcommand(kCommands[i].name, kCommands[i].summary);
    commands[i] = kCommands[i].make();
    commands[i]->declare(*apps[i]);
    apps[i]->preparse_callback([app = apps[i], words](std::size_t n_left) { check_values(*app, words.last(n_left)); });
  }
  const auto is_first_word = [&](const Row& row) { return std::string_view(row.name) == words[1]; };
  if (argc > 1 && words[1][0] != '-' && std::none_of(kCommands.begin(), kCommands.end(), is_first_word))
    return usage_error(console, app, version() + " has no command " + in_quotes(words[1]));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    console.write(app.help());
    return exit_code(console, {});
  } catch (const CLI::CallForVersion&) {
    console.write(version_line());
    return exit_code(console, {});
  } catch (const CLI::ParseError& wrong) {
    return usage_error(console, app, wrong.what());
  }
  for (std::size_t i = 0; i < kCommands.size(); ++i)
    if (apps[i]->parsed()) return exit_code(console, commands[i]->run(console));
  return usage_error(console, app, "no command given");
}

}  // namespace
}  // namespace hearth::cli

int main(int argc, char** argv) {
  hearth::cli::Console console;
  try {
    return hearth::cli::program(console, argc, argv);
  } catch (const std::bad_alloc&) {
    console.error("out of memory; hearth; free memory or ask for less");
  } catch (const std::exception& defect) {
    console.error(std::string(defect.what()) + "; hearth; this is a defect, please report the call");
  }
  return hearth::cli::kExitFailed;
}
