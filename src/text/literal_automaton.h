// Enters: a set of literals, then a text byte by byte. Leaves: after each byte, which literals end there and how much
// of one has begun (Aho and Corasick 1975).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::text {

/// Linear in the text whatever the literals are: the reason to have it instead of a search for each.
class LiteralAutomaton {
 public:
  using State = std::uint32_t;
  static constexpr State start = 0;  // also "none" where a match is asked for

  LiteralAutomaton() : nodes_(1) {}

  /// Adds a literal. An empty one is ignored; of equal ones the first keeps its value.
  void add(std::string_view literal, std::int32_t value);

  /// Call once, after the last add and before the first step.
  void link();

  State step(State state, char byte) const;

  /// Length of the longest beginning of a literal that the text ends with here.
  std::size_t depth(State state) const { return nodes_[state].depth; }

  /// The state of the longest literal that ends here, and of the next shorter one; `start` where there is none.
  State longest_match(State state) const { return nodes_[state].value >= 0 ? state : nodes_[state].shorter; }
  State shorter_match(State match) const { return nodes_[match].shorter; }
  std::int32_t value(State match) const { return nodes_[match].value; }

 private:
  struct Node {
    State child = start, sibling = start;  // the trie: first child, next child of the same parent
    State fail = start;                    // the longest proper suffix that is a beginning too
    State shorter = start;                 // the longest proper suffix that is a whole literal
    std::uint32_t depth = 0;
    std::int32_t value = -1;  // of the literal that ends here
    char byte = 0;
  };

  State child(State state, char byte) const;
  State add_child(State parent, char byte);

  std::vector<Node> nodes_;
  std::array<State, 256> first_{};  // children of the start: most bytes of a text are decided here
};

}  // namespace hearth::text
