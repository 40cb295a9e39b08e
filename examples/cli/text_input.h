// Enters: -p, -f or standard input. Leaves: the text, byte for byte.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <hearth/result.hpp>
#include <optional>
#include <string>

#include "console.h"

namespace hearth::cli {

/// The largest text taken from a file or standard input: 256 MiB. NUL bytes are text like any other.
inline constexpr std::size_t kMaxTextBytes = std::size_t{256} << 20;

Result<std::string> read_text_file(const std::string& path);

/// A call's text, from exactly one place.
class TextInput {
 public:
  enum class Otherwise { standard_input, usage_error, nothing };
  void declare(CLI::App& app, Otherwise otherwise);

  bool given() const { return text_.has_value() || file_.has_value(); }
  /// Throws CLI::ValidationError for a call without a text where it must have one; after parsing.
  void settle() const;
  Result<std::string> read(Console& console) const;

 private:
  Otherwise otherwise_ = Otherwise::usage_error;
  std::optional<std::string> text_, file_;
};

}  // namespace hearth::cli
