// Enters: text with SentencePiece's visible spaces. Leaves: the same with spaces; where its words begin.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::text {

inline constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581

/// Appends `text` with every mark turned into a space.
inline void append_unmarked(std::string_view text, std::string& bytes) {
  for (std::size_t mark; (mark = text.find(space_mark)) != std::string_view::npos;) {
    bytes.append(text.substr(0, mark)).push_back(' ');
    text.remove_prefix(mark + space_mark.size());
  }
  bytes.append(text);
}

/// Where the word after the one at `begin` starts: at the first mark that follows something else.
inline std::size_t next_word(std::string_view text, std::size_t begin) {
  std::size_t at = text.find(space_mark, begin + 1);
  while (at != std::string_view::npos && text.substr(0, at).ends_with(space_mark)) at = text.find(space_mark, at + 1);
  return std::min(at, text.size());
}

}  // namespace hearth::text
