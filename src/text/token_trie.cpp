// Enters: texts with ids. Leaves: a trie of them, laid out breadth first.
#include "token_trie.h"

#include <algorithm>
#include <cstring>

namespace hearth::text {

TokenTrie::TokenTrie(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  struct Pending {
    std::size_t begin, end, depth;  // entries that share their first `depth` bytes
  };
  std::vector<Pending> level{{0, entries.size(), 0}}, next;
  bytes_.push_back(0);
  for (; !level.empty(); level = std::move(next), next.clear()) {
    // Nodes of a level are numbered before their children, so children of neighbours are neighbours.
    for (Pending range : level) {
      const bool ends_here = range.begin < range.end && entries[range.begin].text.size() == range.depth;
      ids_.push_back(ends_here ? entries[range.begin].id : -1);
      children_.push_back(static_cast<Node>(bytes_.size()));
      while (range.begin < range.end && entries[range.begin].text.size() == range.depth) ++range.begin;
      while (range.begin < range.end) {
        const char byte = entries[range.begin].text[range.depth];
        std::size_t end = range.begin + 1;
        while (end < range.end && entries[end].text[range.depth] == byte) ++end;
        bytes_.push_back(byte);
        next.push_back({range.begin, end, range.depth + 1});
        range.begin = end;
      }
    }
  }
  children_.push_back(static_cast<Node>(bytes_.size()));
}

TokenTrie::Node TokenTrie::step(Node node, char byte) const {
  const Node first = children_[node];
  const std::size_t n = children_[node + 1] - first;
  const void* found = n == 0 ? nullptr : std::memchr(bytes_.data() + first, byte, n);
  return found ? static_cast<Node>(static_cast<const char*>(found) - bytes_.data()) : none;
}

TokenTrie::Match TokenTrie::longest(std::string_view text) const {
  Match match;
  Node node = root;
  for (std::size_t i = 0;; ++i) {
    if (ids_[node] >= 0) match = {i, ids_[node]};
    if (i == text.size()) return match;
    node = step(node, text[i]);
    if (node == none) return match;
  }
}

}  // namespace hearth::text
