// Enters: texts with ids, then a text byte by byte. Leaves: which of them the text begins with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::text {

/// Nine bytes a node: children lie side by side, and where a node's end the next node's begin.
class TokenTrie {
 public:
  struct Entry {
    std::string_view text;
    std::int32_t id = -1;
  };
  struct Match {
    std::size_t length = 0;
    std::int32_t id = -1;  // -1: nothing matches
  };
  using Node = std::uint32_t;
  static constexpr Node root = 0, none = UINT32_MAX;

  TokenTrie() : TokenTrie(std::vector<Entry>()) {}

  /// Of equal texts the first keeps its id.
  explicit TokenTrie(std::vector<Entry> entries);

  /// The node one byte further, `none` where no text goes on so.
  Node step(Node node, char byte) const;

  /// The id of the text that ends at the node, -1 where none does.
  std::int32_t id(Node node) const { return ids_[node]; }

  /// The longest text that `text` begins with; an empty one counts.
  Match longest(std::string_view text) const;

 private:
  std::vector<Node> children_;     // [nodes + 1] the first child of each
  std::vector<std::int32_t> ids_;  // [nodes]
  std::vector<char> bytes_;        // [nodes] the step from the parent
};

}  // namespace hearth::text
