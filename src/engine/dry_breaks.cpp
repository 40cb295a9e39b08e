// Enters: texts that no repetition goes across. Leaves: the tokens that hold one.
#include "dry_breaks.h"

#include "escape.h"
#include "literal_automaton.h"

namespace hearth::engine {
namespace {

using text::LiteralAutomaton;

/// All texts, looked for together: an engine's other requests wait meanwhile.
class Breakers {
 public:
  explicit Breakers(std::span<const std::string> texts) : found_(texts.size()) {
    for (std::size_t i = 0; i < texts.size(); ++i) all_.add(texts[i], static_cast<std::int32_t>(i));
    all_.link();
  }

  /// Whether a token's text holds one.
  bool in(std::string_view piece) {
    bool any = false;
    LiteralAutomaton::State state = LiteralAutomaton::start;
    for (const char c : piece) {
      state = all_.step(state, c);
      auto match = all_.longest_match(state);
      any |= match != LiteralAutomaton::start;
      for (; match != LiteralAutomaton::start && !found(match); match = all_.shorter_match(match))
        found_[static_cast<std::size_t>(all_.value(match))] = true;  // with it, those that it ends with
    }
    return any;
  }

  /// Whether one of the texts was in any piece.
  bool was_found(std::string_view text) const {
    LiteralAutomaton::State state = LiteralAutomaton::start;
    for (const char c : text) state = all_.step(state, c);
    return state != LiteralAutomaton::start && found(state);
  }

 private:
  bool found(LiteralAutomaton::State match) const { return found_[static_cast<std::size_t>(all_.value(match))]; }

  LiteralAutomaton all_;
  std::vector<bool> found_;  // [texts], of equal ones the first
};

}  // namespace

Result<std::vector<std::uint64_t>> dry_breaks(const text::Tokenizer& tokenizer, std::span<const std::string> texts) {
  Breakers breakers(texts);
  const auto n_vocab = static_cast<std::size_t>(tokenizer.vocab().size());
  std::vector<std::uint64_t> bits((n_vocab + 63) / 64);
  for (std::size_t id = 0; id < n_vocab; ++id)
    if (breakers.in(tokenizer.piece(static_cast<std::int32_t>(id)))) bits[id / 64] |= std::uint64_t{1} << id % 64;
  for (const std::string& text : texts)
    if (text.size() != 1 && !breakers.was_found(text))
      return Error(Status::invalid_argument, "no token of the model holds the breaker '" + escape(text, 64) +
                                                 "'; dry_breakers; give a shorter text, or none");
  return bits;
}

}  // namespace hearth::engine
