// Enters: a grammar and bytes. Leaves: where in the grammar a text is, as a value: copy it to come back to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar.h"

namespace hearth::sample {

/// Numbers lists of words: equal lists get equal numbers.
class WordLists {
 public:
  WordLists() = default;
  WordLists(const WordLists&) = delete;
  WordLists& operator=(const WordLists&) = delete;
  using Id = std::uint32_t;
  /// The number, and whether the list is new. Without memory it throws and adds nothing.
  std::pair<Id, bool> add(std::vector<std::uint32_t> words);
  std::span<const std::uint32_t> operator[](Id id) const { return *lists_[id]; }
  std::size_t size() const { return lists_.size(); }
  std::size_t words() const { return words_; }

 private:
  struct Hash {
    std::size_t operator()(const std::vector<std::uint32_t>& words) const;
  };
  std::unordered_map<std::vector<std::uint32_t>, Id, Hash> ids_;
  std::vector<const std::vector<std::uint32_t>*> lists_;
  std::size_t words_ = 0;
};

/// The automaton with its calls resolved, one state after the other as texts ask for them. A state is a set of places:
/// (node, frame), where a frame says to which places the end of the running rule goes back. Calls of a rule at the
/// same byte share one frame, so that an ambiguous grammar has no more states than an Earley parser has items.
/// Numbers of states and frames are this object's own. One thread at a time. What throws for want of memory leaves all as it was,
/// or with more states that nobody has asked for yet.
class StateGraph {
 public:
  using State = std::uint32_t;
  using Frame = std::uint32_t;
  static constexpr State dead = 0;
  static constexpr State overflow = 1;       // what would take more places or memory than the limits allow
  static constexpr Frame root_frame = 0;     // its end is the end of the text
  static constexpr Frame unknown_frame = 1;  // its end is all that is known about it

  explicit StateGraph(std::shared_ptr<const Grammar> grammar);

  const Grammar& grammar() const { return *grammar_; }
  const std::shared_ptr<const Grammar>& shared_grammar() const { return grammar_; }
  State start() const { return start_; }

  /// `dead` where no text of the grammar goes on so. A step from `overflow` stays there.
  State step(State state, std::uint8_t byte) {
    const State next = next_[state * n_classes_ + grammar_->byte_class[byte]];
    return next != unknown_ ? next : make_step(state, grammar_->byte_class[byte]);
  }

  bool can_end(State state) const { return infos_[state].can_end; }
  /// The rule that began in `unknown_frame` can be over here.
  bool can_leave(State state) const { return infos_[state].can_leave; }
  /// Whether the text is outside the grammar proper: no trigger has come yet.
  bool is_free(State state) const { return infos_[state].is_free; }
  /// How deep rules may have to go below `unknown_frame`, in what was looked at to get to the state.
  std::uint32_t peak(State state) const { return infos_[state].peak; }

  std::span<const std::uint32_t> places(State state) const { return states_[state]; }  // node, frame, node, frame, …
  std::uint32_t depth(Frame frame) const { return depths_[frame]; }
  State from_places(std::vector<std::uint32_t> places) { return add_state(std::move(places), 0); }  // sorted
  State after(Frame frame);  // where the end of a rule in that frame goes on

  std::size_t memory_words() const { return states_.words() + frames_.words() + next_.size(); }
  /// The same state in this graph.
  State translate(const StateGraph& from, State state);

 private:
  struct Info {
    bool can_end = false, can_leave = false, is_free = false;
    std::uint32_t peak = 0;
  };
  struct Closure;
  static constexpr State unknown_ = UINT32_MAX;

  State make_step(State state, std::uint8_t byte_class);
  State close(const std::vector<std::uint64_t>& seeds);
  State add_state(std::vector<std::uint32_t> places, std::uint32_t peak);
  Frame add_frame(std::vector<std::uint32_t> returns);

  std::shared_ptr<const Grammar> grammar_;
  std::size_t n_classes_;
  WordLists states_, frames_;
  std::vector<State> next_;            // [states, classes]
  std::vector<Info> infos_;            // [states]
  std::vector<std::uint32_t> depths_;  // [frames]
  State start_ = dead;
};

/// A place in a text of the grammar. Copies are cheap and independent.
class GrammarState {
 public:
  explicit GrammarState(std::shared_ptr<const Grammar> grammar);

  /// False, and no change, where no text of the grammar goes on with these bytes. Error: a state too complex.
  Result<bool> accept(std::string_view bytes);
  bool can_end() const { return graph_->can_end(state_); }
  bool is_free() const { return graph_->is_free(state_); }

  // For token masks, which are kept by the graph's numbers.
  StateGraph& graph() const { return *graph_; }
  const std::shared_ptr<StateGraph>& shared_graph() const { return graph_; }
  StateGraph::State id() const { return state_; }
  /// A graph that has grown too large is left to the copies that still use it.
  void renew_if_large();

 private:
  std::shared_ptr<StateGraph> graph_;
  StateGraph::State state_;
};

/// The error of a state that takes too many places at once.
Error state_overflow(const Grammar& grammar);

}  // namespace hearth::sample
