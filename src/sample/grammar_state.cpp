// Enters: a grammar and bytes. Leaves: where in the grammar a text is, as a value: copy it to come back to it.
#include "grammar_state.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "escape.h"

namespace hearth::sample {
namespace {

// Places that are no node: the end of the text, and the end of the rule in the unknown frame.
constexpr NodeId text_end = UINT32_MAX, frame_end = UINT32_MAX - 1;
constexpr NodeId no_place = UINT32_MAX - 2;    // of the state that stands for too many
constexpr NodeId returns_of = UINT32_MAX - 3;  // all to which the end of a rule in that frame goes back

constexpr std::uint64_t place(NodeId node, StateGraph::Frame frame) { return std::uint64_t{node} << 32 | frame; }
constexpr NodeId node_of(std::uint64_t place) { return static_cast<NodeId>(place >> 32); }
constexpr StateGraph::Frame frame_of(std::uint64_t place) { return static_cast<StateGraph::Frame>(place); }

void sort_unique(std::vector<std::uint64_t>& places) {
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
}

/// In order and each once: equal sets become equal lists.
std::vector<std::uint32_t> in_words(std::vector<std::uint64_t> places) {
  sort_unique(places);
  std::vector<std::uint32_t> words;
  for (const std::uint64_t p : places) words.push_back(node_of(p)), words.push_back(frame_of(p));
  return words;
}

/// Room for `n` more, so that adding them cannot fail; it grows as it does by itself.
template <class T> void make_room(std::vector<T>& to, std::size_t n) {
  if (to.capacity() - to.size() < n) to.reserve(std::max(2 * to.capacity(), to.size() + n));
}

}  // namespace

std::size_t WordLists::Hash::operator()(const std::vector<std::uint32_t>& words) const {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint32_t word : words) hash = (hash ^ word) * 0x9E3779B97F4A7C15u, hash ^= hash >> 29;
  return static_cast<std::size_t>(hash);
}

std::pair<WordLists::Id, bool> WordLists::add(std::vector<std::uint32_t> words) {
  make_room(lists_, 1);
  const auto [at, added] = ids_.try_emplace(std::move(words), static_cast<Id>(lists_.size()));
  if (added) {
    lists_.push_back(&at->first);
    words_ += at->first.size() + 16;  // what the tables take besides
  }
  return {at->second, added};
}

/// All places that a set of places leads to without a byte.
struct StateGraph::Closure {
  StateGraph& graph;
  std::vector<std::uint64_t> work{};
  std::unordered_set<std::uint64_t> seen{};
  std::map<std::pair<std::uint32_t, RuleId>, std::vector<std::uint64_t>> callers{};  // by order of rules
  std::map<std::vector<std::uint64_t>, Frame> frames{};  // by what callers want to go back to
  std::vector<std::uint64_t> found{};
  std::uint32_t peak = 0;

  /// False where there are too many.
  bool run(const std::vector<std::uint64_t>& seeds) {
    for (const std::uint64_t seed : seeds) go(node_of(seed), frame_of(seed));
    for (;;) {
      while (!work.empty()) {
        const std::uint64_t next = work.back();
        work.pop_back();
        visit(next);
        if (seen.size() > GrammarLimits::configurations) return false;
      }
      if (callers.empty()) return true;
      const RuleId rule = callers.begin()->first.second;
      const Frame frame = frame_for(std::move(callers.begin()->second));
      callers.erase(callers.begin());
      go(graph.grammar_->rules[rule].start, frame);
    }
  }

 private:
  /// Frames that stand for what they go back to are looked into here, each once: a rule may have many last calls.
  Frame frame_for(std::vector<std::uint64_t> returns) {
    sort_unique(returns);
    const auto [at, added] = frames.try_emplace(std::move(returns));
    if (added) {
      std::vector<std::uint64_t> places;
      for (const std::uint64_t to : at->first) {
        if (node_of(to) != returns_of) places.push_back(to);
        else for_each_return(frame_of(to), [&](NodeId back, Frame outer) { places.push_back(place(back, outer)); });
      }
      at->second = graph.add_frame(in_words(std::move(places)));
    }
    return at->second;
  }

  void go(NodeId node, Frame frame) {
    if (node < frame_end) {
      const std::uint32_t need = graph.grammar_->need[node];
      if (need == Grammar::never) return;
      peak = std::max(peak, graph.depths_[frame] + need);
      if (graph.depths_[frame] + need > GrammarLimits::depth) return;
    }
    if (seen.insert(place(node, frame)).second) work.push_back(place(node, frame));
  }

  void visit(std::uint64_t at) {
    const Frame frame = frame_of(at);
    if (node_of(at) >= frame_end) return found.push_back(at);
    const Grammar& g = *graph.grammar_;
    const Grammar::Node& node = g.nodes[node_of(at)];
    switch (node.kind) {
      case Grammar::Kind::bytes:
        return found.push_back(at);
      case Grammar::Kind::choice:
        for (std::uint32_t e = node.a; e < node.b; ++e) go(g.edges[e].target, frame);
        return;
      case Grammar::Kind::end:
        return for_each_return(frame, [&](NodeId back, Frame outer) { go(back, outer); });
      case Grammar::Kind::call:
        return call(node, frame);
    }
  }

  /// The last call of a rule takes the rule's own place: a list that calls itself for its rest stays as deep as it is.
  void call(const Grammar::Node& node, Frame frame) {
    const Grammar::Rule& rule = graph.grammar_->rules[node.a];
    const bool last = graph.grammar_->nodes[node.b].kind == Grammar::Kind::end;
    callers[{rule.order, node.a}].push_back(place(last ? returns_of : node.b, frame));
    if (rule.nullable) go(node.b, frame);
  }

  template <class Visit> void for_each_return(Frame frame, Visit visit_return) const {
    const auto words = graph.frames_[frame];
    for (std::size_t i = 0; i < words.size(); i += 2) visit_return(words[i], words[i + 1]);
  }
};

StateGraph::StateGraph(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)), n_classes_(grammar_->n_classes()) {
  add_state({}, 0);
  add_state({no_place, 0}, 0);
  frames_.add({text_end, root_frame});
  frames_.add({frame_end, unknown_frame});
  depths_ = {0, 0};
  start_ = close({place(grammar_->rules[grammar_->root].start, root_frame)});
}

StateGraph::Frame StateGraph::add_frame(std::vector<std::uint32_t> returns) {
  std::uint32_t depth = 0;
  for (std::size_t i = 0; i < returns.size(); i += 2) {
    // The end of the text or of the unknown frame comes back to no rule.
    if (returns[i] < frame_end) depth = std::max(depth, depths_[returns[i + 1]] + 1);
  }
  make_room(depths_, 1);
  const auto [frame, added] = frames_.add(std::move(returns));
  if (added) depths_.push_back(depth);
  return frame;
}

StateGraph::State StateGraph::add_state(std::vector<std::uint32_t> places, std::uint32_t peak) {
  Info info;
  info.is_free = !places.empty();
  for (std::size_t i = 0; i < places.size(); i += 2) {
    info.can_end |= places[i] == text_end;
    info.can_leave |= places[i] == frame_end;
    info.is_free &= places[i] >= grammar_->free_begin;  // the end of the text too
  }
  info.is_free &= grammar_->free_begin != Grammar::never;
  make_room(infos_, 1);
  make_room(next_, n_classes_);
  const auto [state, added] = states_.add(std::move(places));
  if (added) {
    infos_.push_back(info);
    next_.resize(next_.size() + n_classes_, state <= overflow ? state : unknown_);
  }
  infos_[state].peak = std::max(infos_[state].peak, peak);
  return state;
}

StateGraph::State StateGraph::close(const std::vector<std::uint64_t>& seeds) {
  constexpr std::size_t most_words = std::size_t{32} << 20;
  Closure closure{*this};
  if (memory_words() > most_words || !closure.run(seeds)) return overflow;
  return add_state(in_words(std::move(closure.found)), closure.peak);
}

StateGraph::State StateGraph::make_step(State state, std::uint8_t byte_class) {
  const std::uint8_t byte = grammar_->class_byte[byte_class];
  std::vector<std::uint64_t> seeds;
  const auto at = places(state);
  for (std::size_t i = 0; i < at.size(); i += 2) {
    if (at[i] >= frame_end) continue;
    const Grammar::Node& node = grammar_->nodes[at[i]];
    for (std::uint32_t e = node.a; e < node.b; ++e) {
      const Grammar::Edge& edge = grammar_->edges[e];
      if (byte >= edge.low && byte <= edge.high) seeds.push_back(place(edge.target, at[i + 1]));
    }
  }
  const State next = seeds.empty() ? dead : close(seeds);
  next_[state * n_classes_ + byte_class] = next;
  return next;
}

StateGraph::State StateGraph::after(Frame frame) {
  std::vector<std::uint64_t> seeds;
  const auto words = frames_[frame];
  for (std::size_t i = 0; i < words.size(); i += 2) seeds.push_back(place(words[i], words[i + 1]));
  return close(seeds);
}

StateGraph::State StateGraph::translate(const StateGraph& from, State state) {
  std::unordered_map<Frame, Frame> here{{root_frame, root_frame}, {unknown_frame, unknown_frame}};
  const auto moved = [&](std::span<const std::uint32_t> words) {
    std::vector<std::uint64_t> places;
    for (std::size_t i = 0; i < words.size(); i += 2) places.push_back(place(words[i], here.at(words[i + 1])));
    return in_words(std::move(places));
  };
  // Outer frames first, with an explicit stack: frames lie as deep inside each other as the text nests.
  std::vector<Frame> open;
  const auto open_missing = [&](std::span<const std::uint32_t> words) {
    const std::size_t before = open.size();
    for (std::size_t i = 0; i < words.size(); i += 2)
      if (here.find(words[i + 1]) == here.end()) open.push_back(words[i + 1]);
    return open.size() > before;
  };
  open_missing(from.places(state));
  while (!open.empty()) {
    const Frame frame = open.back();
    if (open_missing(from.frames_[frame])) continue;
    open.pop_back();
    if (here.find(frame) == here.end()) here[frame] = add_frame(moved(from.frames_[frame]));
  }
  return add_state(moved(from.places(state)), from.infos_[state].peak);
}

Error state_overflow(const Grammar& grammar) {
  return too_complex(
      "rule " + escape(grammar.rules[grammar.root].name),
      "a text may be in more than " + std::to_string(GrammarLimits::configurations) + " places of it at once");
}

GrammarState::GrammarState(std::shared_ptr<const Grammar> grammar)
    : graph_(std::make_shared<StateGraph>(std::move(grammar))), state_(graph_->start()) {}

Result<bool> GrammarState::accept(std::string_view bytes) {
  StateGraph::State at = state_;
  for (const char byte : bytes) {
    at = graph_->step(at, static_cast<std::uint8_t>(byte));
    if (at == StateGraph::overflow) return state_overflow(graph_->grammar());
    if (at == StateGraph::dead) return false;
  }
  state_ = at;
  return true;
}

void GrammarState::renew_if_large() {
  constexpr std::size_t large = std::size_t{8} << 20;  // words: 32 MiB
  if (graph_->memory_words() <= large) return;
  auto fresh = std::make_shared<StateGraph>(graph_->shared_grammar());
  state_ = fresh->translate(*graph_, state_);
  graph_ = std::move(fresh);
}

}  // namespace hearth::sample
