// Enters: a text. Leaves: its stretches of plain text and the special tokens spelled out between them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "literal_automaton.h"
#include "vocab.h"

namespace hearth::text {

/// A stretch of plain text (id -1), or one special token.
struct Fragment {
  std::string_view text;
  std::int32_t id = -1;
};

/// Finds user-defined tokens, and control and unknown ones where asked, before any algorithm sees the text.
class SpecialTokens {
 public:
  explicit SpecialTokens(const Vocab& vocab);

  /// Longer tokens are found first, in the whole text, then shorter ones in what is left, each from left to right.
  /// Parts that come back are views of `text`, which is shorter than 4 GiB. Near-linear in the text.
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  struct Rule {
    bool control = false;       // only with parse_special
    bool strips_right = false;  // eats the white space after it
  };
  struct Found {
    std::uint32_t begin;
    LiteralAutomaton::State match;
  };
  struct Taken {
    std::uint32_t begin, end, stripped_end;
    std::int32_t id;
  };

  const Rule& rule(LiteralAutomaton::State match) const;
  LiteralAutomaton::State allowed(LiteralAutomaton::State match, bool parse_special) const;
  std::vector<Found> longest_at_each_byte(std::string_view text, bool parse_special) const;
  std::vector<Taken> choose(std::string_view text, std::vector<Found> found, bool parse_special) const;

  // Literals are stored backwards and texts read from their end: a state then knows every token that begins at a byte.
  LiteralAutomaton backwards_;
  std::vector<std::int32_t> ids_;  // [special tokens], the automaton's values index both
  std::vector<Rule> rules_;        // [special tokens]
};

}  // namespace hearth::text
