// Enters: text from a model or a file. Leaves: the same text, with what a terminal would act upon shown as escapes.
#pragma once

#include <string>
#include <string_view>

namespace hearth::cli {

enum class Lines { keep, escape };

/// Controls, invalid UTF-8 and characters that reorder a line become \n, \x1b, \u{202e}; `Lines::keep` leaves newlines and
/// tabs as they are, for text that has lines of its own.
std::string printable(std::string_view text, Lines lines);

/// The same in single quotes and at most about 64 bytes, for messages.
std::string in_quotes(std::string_view text);

}  // namespace hearth::cli
