// Enters: the sampling options of a call. Leaves: SamplingOptions.
#pragma once

#include <CLI/CLI.hpp>
#include <hearth/hearth.hpp>
#include <string>

namespace hearth::cli {

/// The sampling options of a subcommand, over its own defaults.
class SamplingChoice {
 public:
  /// Every range is the library's. `--seed random` draws one from the system.
  void declare(CLI::App& app, const SamplingOptions& defaults);

  /// What the call says; with `--sampling model`, what the model recommends where the call says nothing.
  Result<SamplingOptions> over(const ModelInfo& model) const;

  /// A line about what the model recommends, or about the part of it that is not understood; empty: nothing to say.
  std::string advice(const ModelInfo& model) const;

 private:
  bool given(const std::string& name) const;

  const CLI::App* app_ = nullptr;
  SamplingOptions options_;
  std::vector<std::string> breakers_;
  std::string source_;
};

/// "draw" or "top_k > temp > draw": the steps in the order they run in.
std::string steps_in_words(const SamplingOptions& sampling);

}  // namespace hearth::cli
