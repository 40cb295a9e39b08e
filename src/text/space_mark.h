// Enters: text, or a token's spelling. Leaves: the same with spaces written as U+2581, or read back from it.
#pragma once

#include <algorithm>
#include <hearth/result.hpp>
#include <limits>
#include <string>
#include <string_view>

namespace hearth::text {

constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581, SentencePiece's visible space

/// Appends `text` with a mark for each space. Error: 2 GiB or more of it.
inline Result<void> mark_spaces(std::string_view text, std::string& marked) {
  const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  const std::size_t length = marked.size() + text.size() + (space_mark.size() - 1) * spaces;
  if (length > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return Error(Status::invalid_argument, "the text has " + std::to_string(length) +
                                               " bytes once its spaces are U+2581; encode takes up to 2147483647; "
                                               "cut it into parts");
  }
  marked.reserve(length);
  for (char c : text) c == ' ' ? marked.append(space_mark) : marked.append(1, c);
  return {};
}

/// Appends `spelled` with a space for each mark.
inline void append_unmarked(std::string_view spelled, std::string& text) {
  for (std::size_t mark; (mark = spelled.find(space_mark)) != std::string_view::npos;) {
    text.append(spelled.substr(0, mark)).push_back(' ');
    spelled.remove_prefix(mark + space_mark.size());
  }
  text.append(spelled);
}

}  // namespace hearth::text
