// Enters: text from a file, a path or a peer. Leaves: one printable line, safe to show in a message or on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

/// How much of a path a message shows; other untrusted text is cut at the default of `escape`.
inline constexpr std::size_t shown_path_bytes = 256;

/// Sound, printable UTF-8 stays as it is. Controls, invalid bytes, quotes, backslashes and the characters that reorder
/// or break a line become escapes: \n, \x1b, \u{202e}. Shows at most `max_bytes`, then "... (N bytes)".
std::string escape(std::string_view text, std::size_t max_bytes = 64);

/// Characters that terminals and log readers act upon: controls, line separators, what sets or overrides the direction of
/// a line, the BOM.
bool acts_on_terminal(std::uint32_t code);

/// The lowest so many hexadecimal digits of a number.
void append_hex(std::string& out, std::uint32_t value, int n_digits);

/// A path as messages show it: escaped, in single quotes.
std::string quoted_path(std::string_view path);

}  // namespace hearth
