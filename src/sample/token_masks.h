// Enters: a vocabulary's texts, and places in a grammar. Leaves: which tokens a text may go on with, a bit for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar_state.h"

namespace hearth::sample {

/// What grammars need to know of a vocabulary: immutable, made once for a model. The texts must outlive it.
class GrammarTokens {
 public:
  /// `text`: the bytes a token adds to a text, empty for a control token. `control`: what a control token is called,
  /// empty for others; a trigger may name one. `ends`: tokens that end a text, and are none of its
  /// bytes whatever they are called.
  GrammarTokens(std::vector<std::string_view> text,     // [n_vocab]
                std::vector<std::string_view> control,  // [n_vocab]
                std::vector<std::int32_t> ends);

  std::size_t size() const { return text_.size(); }
  std::size_t mask_words() const { return (text_.size() + 63) / 64; }
  std::string_view text(std::int32_t id) const { return text_[static_cast<std::size_t>(id)]; }
  std::string_view control(std::int32_t id) const { return control_[static_cast<std::size_t>(id)]; }
  std::span<const std::int32_t> ends() const { return ends_; }
  std::span<const std::int32_t> controls() const { return controls_; }

 private:
  friend class TrieWalk;
  /// Of the trie of all texts, in depth-first order: a node's children follow it, and `skip` is where its subtree ends.
  struct Node {
    std::uint32_t skip = 0;
    std::uint32_t first_id = 0;  // in ids_; the next node's is where they end
    std::uint16_t depth = 0;     // of the node that it hangs from
    std::uint8_t byte = 0;
  };

  std::vector<std::string_view> text_, control_;
  std::vector<std::int32_t> ends_, controls_;
  std::vector<Node> nodes_;        // and one more
  std::vector<std::int32_t> ids_;  // in order of their texts
  std::size_t deepest_ = 0;
};

/// Masks of one grammar. What has been worked out is kept: the mask of a state, and what all states have in common that
/// are in the same place of the same rule. One thread at a time.
class TokenMasks {
 public:
  using Mask = std::vector<std::uint64_t>;  // bit id % 64 of word id / 64

  explicit TokenMasks(std::shared_ptr<const GrammarTokens> tokens) : tokens_(std::move(tokens)) {}

  /// Valid until the next call. Tokens that end a text are allowed exactly where the grammar can end.
  Result<std::span<const std::uint64_t>> of(const GrammarState& state);

  std::size_t n_kept() const { return masks_.size() + rules_.size(); }
  static constexpr std::size_t most_bytes = std::size_t{64} << 20;  // of masks that are kept

 private:
  struct Kept {
    Mask mask;
    std::uint64_t used = 0;
  };
  /// What a place in a rule allows, whatever comes after the rule.
  struct RulePlace {
    Mask mask;
    std::vector<std::uint32_t> exits;  // trie nodes at which the rule may be over, with more bytes below them
    bool useful = true;                // few enough exits
    std::uint32_t peak = 0;
    std::uint64_t used = 0;
  };

  bool make(StateGraph& graph, StateGraph::State state, Mask& mask);
  bool by_rules(StateGraph& graph, StateGraph::State state, Mask& mask);
  RulePlace* rule_place(StateGraph& graph, StateGraph::State state);
  void allow_controls(const GrammarState& state, Mask& mask) const;
  template <class Map> void make_room(Map& map, std::size_t share);

  std::shared_ptr<const GrammarTokens> tokens_;
  std::shared_ptr<StateGraph> graph_;  // that the numbers below belong to
  std::unordered_map<StateGraph::State, Kept> masks_;
  std::unordered_map<StateGraph::State, RulePlace> rules_;  // by the state in the unknown frame
  std::uint64_t clock_ = 0;
};

}  // namespace hearth::sample
