// Enters: text and stop strings. Leaves: the text up to the first of them.
#include "stop_matcher.h"

#include <utility>

namespace hearth::text {

StopMatcher::StopMatcher(std::span<const std::string> stops) {
  for (std::size_t i = 0; i < stops.size(); ++i) stops_.add(stops[i], static_cast<std::int32_t>(i));
  stops_.link();
}

std::string_view StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  text_.erase(0, std::exchange(n_out_, 0));  // at once: the next may find no memory
  text_.reserve(text_.size() + text.size());
  for (char byte : text) {
    text_.push_back(byte);
    state_ = stops_.step(state_, byte);
    const auto match = stops_.longest_match(state_);
    if (match == LiteralAutomaton::start) continue;
    stopped_ = static_cast<std::size_t>(stops_.value(match));
    n_out_ = text_.size() - stops_.depth(match);
    text_.resize(n_out_);
    return text_;
  }
  n_out_ = text_.size() - stops_.depth(state_);
  return std::string_view(text_).substr(0, n_out_);
}

std::string_view StopMatcher::flush() {
  state_ = LiteralAutomaton::start;
  text_.erase(0, n_out_);
  n_out_ = text_.size();
  return text_;
}

}  // namespace hearth::text
