// Enters: text and stop strings. Leaves: the text up to the first of them.
#include "stop_matcher.h"

#include <utility>

namespace hearth::text {

StopMatcher::StopMatcher(std::span<const std::string> stops) {
  for (std::size_t i = 0; i < stops.size(); ++i) stops_.add(stops[i], static_cast<std::int32_t>(i));
  stops_.link();
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  std::string out = std::exchange(held_, {});
  for (char byte : text) {
    out.push_back(byte);
    state_ = stops_.step(state_, byte);
    const auto match = stops_.longest_match(state_);
    if (match == LiteralAutomaton::start) continue;
    stopped_ = static_cast<std::size_t>(stops_.value(match));
    out.resize(out.size() - stops_.depth(match));
    return out;
  }
  held_ = out.substr(out.size() - stops_.depth(state_));
  out.resize(out.size() - held_.size());
  return out;
}

std::string StopMatcher::flush() {
  state_ = LiteralAutomaton::start;
  return std::exchange(held_, {});
}

}  // namespace hearth::text
