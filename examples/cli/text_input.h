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

/// What to do about a text that cannot be read where -p could give it.
inline constexpr const char* kGiveFileOrText = "give a readable file, or the text with -p";

/// `advice`: what to do about a file that cannot be read.
Result<std::string> read_text_file(const std::string& path, const char* advice = "give a readable file");

/// A call's text, from exactly one place.
class TextInput {
 public:
  enum class Otherwise { standard_input, nothing };
  void declare(CLI::App& app, Otherwise otherwise);

  bool given() const { return text_.has_value() || file_.has_value(); }
  /// The file that it is read from, which may be the one behind standard input; empty: none.
  std::string file() const { return text_ ? "" : file_.value_or("/dev/stdin"); }
  Result<std::string> read(Console& console) const;

 private:
  std::optional<std::string> text_, file_;
};

}  // namespace hearth::cli
