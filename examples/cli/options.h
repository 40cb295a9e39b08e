// Enters: options' texts. Leaves: checked values, and models and sessions opened as they say; shared by the subcommands.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <hearth/hearth.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

// Each declares one option. A value that does not fit, in whole and in range, is a usage error; so is an option given twice.
CLI::Option* add_text(CLI::App& app, const std::string& name, const char* type, std::optional<std::string>& value,
                      const std::string& help);
/// One that means nothing when it is empty, so that it then is an error.
CLI::Option* add_word(CLI::App& app, const std::string& name, const char* type, std::optional<std::string>& value,
                      const std::string& help);
CLI::Option* add_texts(CLI::App& app, const std::string& name, const char* type, std::vector<std::string>& values,
                       const std::string& help);
/// Texts that may be empty, one or more after each time the option is given.
CLI::Option* add_any_texts(CLI::App& app, const std::string& name, const char* type, std::vector<std::string>& values,
                           const std::string& help);
CLI::Option* add_flag(CLI::App& app, const std::string& name, bool& value, const std::string& help);
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::vector<std::string> choices, std::string& value,
                        const std::string& help);
CLI::Option* add_ids(CLI::App& app, const std::string& name, std::optional<std::vector<std::int32_t>>& ids,
                     const std::string& help);
/// T: int, std::int64_t or float.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, T lowest, T highest, const std::string& help);
/// One number or more: N,N,…
CLI::Option* add_numbers(CLI::App& app, const std::string& name, std::vector<std::int64_t>& values, std::int64_t lowest,
                         std::int64_t highest, const std::string& help);

/// The whole text as a number in range, or CLI::ValidationError. T: int, float or std::uint64_t.
template <class T> T parse_number(const std::string& name, std::string_view text, T lowest, T highest);

/// A variable of the environment; null where it is not set or empty.
const char* environment(const char* name);

/// A model file, named or bundled.
class ModelFile {
 public:
  enum class Need { optional, required };
  void declare(CLI::App& app, Need need);

  /// A path to open: the one given, or the bundled model's.
  Result<std::string> path() const;
  bool named() const { return model_.has_value(); }
  bool mmap() const { return !no_mmap_; }

 private:
  std::optional<std::string> model_;
  bool no_mmap_ = false;
};

/// --pre: a pre-tokenizer in place of the file's.
void add_pre(CLI::App& app, std::optional<std::string>& name);

/// --isa, or HEARTH_ISA.
class IsaChoice {
 public:
  void declare(CLI::App& app);
  /// Reads the environment for what the call left open; after parsing.
  void settle();
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// A model file and how to run it: --threads --isa --weights --device --gpu-layers --cpu-moe --ctx --kv --chunk --pre.
class ModelRun {
 public:
  void declare(CLI::App& app, ModelFile::Need need);
  void settle();

  Result<std::string> path() const { return file_.path(); }
  bool named() const { return file_.named(); }
  ModelOptions model_options() const;
  Result<Model> open() const;
  bool mmap() const { return file_.mmap(); }
  /// `default_n_ctx`: for a call without --ctx; 0 leaves it to the library.
  Result<SessionOptions> session_options(std::int64_t default_n_ctx = 0) const;

 private:
  ModelFile file_;
  IsaChoice isa_;
  int threads_ = 0;
  std::string weights_ = "auto", kv_ = "f16", device_ = "cpu", gpu_layers_ = "all";
  bool cpu_moe_ = false;
  std::int64_t n_ctx_ = 0, chunk_ = 512;
  std::optional<std::string> pre_;
};

}  // namespace hearth::cli
