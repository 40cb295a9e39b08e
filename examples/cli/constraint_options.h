// Enters: --grammar, --json-schema, --regex and --grammar-trigger. Leaves: what a generated text must look like.
#pragma once

#include <CLI/CLI.hpp>
#include <hearth/hearth.hpp>
#include <optional>
#include <string>
#include <vector>

namespace hearth::cli {

class ConstraintOptions {
 public:
  /// Triggers and the regular expression go into `generate` while the call is parsed.
  void declare(CLI::App& app, GenerateOptions& generate);
  /// Reads the files that the call names.
  Result<void> read(GenerateOptions& generate) const;
  /// Those files; empty: none.
  std::vector<std::string> files() const { return {grammar_.value_or(""), json_schema_.value_or("")}; }

 private:
  std::optional<std::string> grammar_, json_schema_;
};

}  // namespace hearth::cli
