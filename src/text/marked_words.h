// Enters: text whose spaces are U+2581. Leaves: where its words begin.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "space_mark.h"

namespace hearth::text {

/// Where the word after the one at `begin` starts: at the first mark that follows something else.
inline std::size_t next_marked_word(std::string_view text, std::size_t begin) {
  std::size_t at = text.find(space_mark, begin + 1);
  while (at != std::string_view::npos && text.substr(0, at).ends_with(space_mark)) at = text.find(space_mark, at + 1);
  return std::min(at, text.size());
}

}  // namespace hearth::text
