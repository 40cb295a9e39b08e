// Enters: a token's text. Leaves: the same with SentencePiece's visible space read as a space.
#pragma once

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

}  // namespace hearth::text
