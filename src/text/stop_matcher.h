// Enters: generated text, piece by piece. Leaves: the text before the first stop string, none of which ever gets out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "literal_automaton.h"

namespace hearth::text {

/// The stop string that is complete first wins, the longest where several end at the same byte; so the cut does not
/// depend on how the text was divided. What is given out is valid until the next call. Text that may be the beginning of a stop string is held back until that is
/// decided. Given whole characters and stop strings in UTF-8, it gives whole characters. An empty stop string never
/// matches.
class StopMatcher {
 public:
  explicit StopMatcher(std::span<const std::string> stops);

  /// The text that may go out now; nothing any more once stopped.
  std::string_view push(std::string_view text);

  /// At the end of a text: what was held back, which turned out not to be a stop string.
  std::string_view flush();

  /// The index of the stop string that was found.
  std::optional<std::size_t> stopped() const { return stopped_; }

 private:
  LiteralAutomaton stops_;
  LiteralAutomaton::State state_ = LiteralAutomaton::start;
  std::string text_;  // what was given out last, then what may yet become a stop string: exactly the depth of state_
  std::size_t n_out_ = 0;
  std::optional<std::size_t> stopped_;
};

}  // namespace hearth::text
