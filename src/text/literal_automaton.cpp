// Enters: literals, then bytes. Leaves: states that know every literal ending at the byte.
#include "literal_automaton.h"

namespace hearth::text {

LiteralAutomaton::State LiteralAutomaton::child(State state, char byte) const {
  if (state == start) return first_[static_cast<unsigned char>(byte)];
  State next = nodes_[state].child;
  while (next != start && nodes_[next].byte != byte) next = nodes_[next].sibling;
  return next;
}

LiteralAutomaton::State LiteralAutomaton::add_child(State parent, char byte) {
  const State added = static_cast<State>(nodes_.size());
  Node node;
  node.byte = byte;
  node.depth = nodes_[parent].depth + 1;
  node.sibling = nodes_[parent].child;
  nodes_.push_back(node);
  nodes_[parent].child = added;
  if (parent == start) first_[static_cast<unsigned char>(byte)] = added;
  return added;
}

void LiteralAutomaton::add(std::string_view literal, std::int32_t value) {
  if (literal.empty()) return;
  State state = start;
  for (char byte : literal) {
    const State next = child(state, byte);
    state = next != start ? next : add_child(state, byte);
  }
  if (nodes_[state].value < 0) nodes_[state].value = value;
}

/// Breadth first, so that a node's fail, which is shorter, is complete before the node asks it.
void LiteralAutomaton::link() {
  std::vector<State> queue{start};
  queue.reserve(nodes_.size());
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const State parent = queue[i];
    for (State node = nodes_[parent].child; node != start; node = nodes_[node].sibling) {
      const State fail = parent == start ? start : step(nodes_[parent].fail, nodes_[node].byte);
      nodes_[node].fail = fail;
      nodes_[node].shorter = longest_match(fail);
      queue.push_back(node);
    }
  }
}

LiteralAutomaton::State LiteralAutomaton::step(State state, char byte) const {
  for (;;) {
    const State next = child(state, byte);
    if (next != start || state == start) return next;
    state = nodes_[state].fail;
  }
}

}  // namespace hearth::text
