// Enters: a call's words. Leaves: its work done, or an error; what every subcommand of `hearth` is.
#pragma once

#include <CLI/CLI.hpp>
#include <hearth/result.hpp>
#include <memory>

#include "console.h"

namespace hearth::cli {

/// One subcommand, used once: declared, parsed, run.
class Command {
 public:
  virtual ~Command() = default;

  /// Adds its options. Whatever is wrong with their values is thrown as CLI::ValidationError while they are parsed.
  virtual void declare(CLI::App& app) = 0;

  virtual Result<void> run(Console& console) = 0;
};

std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_chat();
std::unique_ptr<Command> make_replay();
std::unique_ptr<Command> make_tokenize();
std::unique_ptr<Command> make_render();
std::unique_ptr<Command> make_eval();
std::unique_ptr<Command> make_embed();
std::unique_ptr<Command> make_plan();
std::unique_ptr<Command> make_inspect();
std::unique_ptr<Command> make_check();
std::unique_ptr<Command> make_convert();
std::unique_ptr<Command> make_info();
std::unique_ptr<Command> make_bench();

}  // namespace hearth::cli
