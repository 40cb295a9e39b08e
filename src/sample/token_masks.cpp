// Enters: a vocabulary's texts, and places in a grammar. Leaves: which tokens a text may go on with, a bit for each.
#include "token_masks.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace hearth::sample {
namespace {

void allow(TokenMasks::Mask& mask, std::int32_t id) {
  const auto bit = static_cast<std::size_t>(id);
  mask[bit / 64] |= std::uint64_t{1} << bit % 64;
}

}  // namespace

GrammarTokens::GrammarTokens(std::vector<std::string_view> text, std::vector<std::string_view> control,
                             std::vector<std::int32_t> ends)
    : text_(std::move(text)), control_(std::move(control)), ends_(std::move(ends)) {
  // Longer than any real token: depths fit, and nothing is lost, since such a token is only never proposed.
  constexpr std::size_t longest = std::numeric_limits<std::uint16_t>::max() - 1;
  for (const std::int32_t end : ends_)
    text_[static_cast<std::size_t>(end)] = control_[static_cast<std::size_t>(end)] = {};
  for (std::size_t id = 0; id < text_.size(); ++id) {
    if (!text_[id].empty() && text_[id].size() <= longest) ids_.push_back(static_cast<std::int32_t>(id));
    if (!control_[id].empty()) controls_.push_back(static_cast<std::int32_t>(id));
  }
  std::sort(ids_.begin(), ids_.end(), [&](std::int32_t a, std::int32_t b) {
    const int order = this->text(a).compare(this->text(b));
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<std::uint32_t> path;  // the node of each byte of the last text
  std::string_view last;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const std::string_view next = this->text(ids_[i]);
    const auto common = static_cast<std::size_t>(
        std::mismatch(next.begin(), next.end(), last.begin(), last.end()).first - next.begin());
    for (; path.size() > common; path.pop_back()) nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
    for (std::size_t d = common; d < next.size(); ++d) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      // Ids of a text belong to the node of its last byte, which is made last.
      nodes_.push_back(
          {0, static_cast<std::uint32_t>(i), static_cast<std::uint16_t>(d), static_cast<std::uint8_t>(next[d])});
    }
    deepest_ = std::max(deepest_, next.size());
    last = next;
  }
  for (const std::uint32_t open : path) nodes_[open].skip = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({0, static_cast<std::uint32_t>(ids_.size())});
}

/// Reads all texts of a trie at once, leaving out what no text of the grammar begins with.
class TrieWalk {
 public:
  TrieWalk(const GrammarTokens& tokens, StateGraph& graph) : t_(tokens), graph_(graph), at_(tokens.deepest_ + 1) {}

  static constexpr std::size_t endless = SIZE_MAX;
  static constexpr std::uint32_t whole = UINT32_MAX;
  enum class Outcome { done, overflow, out_of_budget };

  /// From `start`, which stands before the children of trie node `below`. `exits`, where asked for: see RulePlace.
  Outcome run(StateGraph::State start, std::uint32_t below, TokenMasks::Mask& mask, std::size_t budget = endless,
              std::vector<std::uint32_t>* exits = nullptr) {
    const std::size_t begin = below == whole ? 0 : below + 1u;
    const std::size_t end = below == whole ? t_.nodes_.size() - 1 : t_.nodes_[below].skip;
    at_[below == whole ? 0u : t_.nodes_[below].depth + 1u] = start;
    peak_ = graph_.peak(start);
    for (std::size_t i = begin; i < end;) {
      if (budget-- == 0) return Outcome::out_of_budget;
      const GrammarTokens::Node& node = t_.nodes_[i];
      const StateGraph::State state = graph_.step(at_[node.depth], node.byte);
      if (state <= StateGraph::overflow) {
        if (state == StateGraph::overflow) return Outcome::overflow;
        i = node.skip;
        continue;
      }
      at_[node.depth + 1u] = state;
      for (std::uint32_t k = node.first_id; k < t_.nodes_[i + 1].first_id; ++k) allow(mask, t_.ids_[k]);
      if (exits) {
        peak_ = std::max(peak_, graph_.peak(state));
        if (graph_.can_leave(state) && node.skip > i + 1) exits->push_back(static_cast<std::uint32_t>(i));
      }
      ++i;
    }
    return Outcome::done;
  }
  std::uint32_t peak() const { return peak_; }

 private:
  const GrammarTokens& t_;
  StateGraph& graph_;
  std::vector<StateGraph::State> at_;  // by depth
  std::uint32_t peak_ = 0;
};

Result<std::span<const std::uint64_t>> TokenMasks::of(const GrammarState& state) {
  if (state.shared_graph() != graph_) {
    masks_.clear();
    rules_.clear();
    graph_ = state.shared_graph();
  }
  const auto found = masks_.find(state.id());
  if (found != masks_.end()) {
    found->second.used = ++clock_;
    return std::span<const std::uint64_t>(found->second.mask);
  }
  make_room(masks_, most_bytes / 2);
  Kept kept{Mask(tokens_->mask_words()), ++clock_};
  if (!make(*graph_, state.id(), kept.mask)) return state_overflow(graph_->grammar());
  allow_controls(state, kept.mask);
  if (state.can_end())
    for (const std::int32_t id : tokens_->ends()) allow(kept.mask, id);
  return std::span<const std::uint64_t>(masks_.emplace(state.id(), std::move(kept)).first->second.mask);
}

/// Most states allow few tokens: a short walk finds them. Where it gets long, what the rule alone says is worth keeping.
bool TokenMasks::make(StateGraph& graph, StateGraph::State state, Mask& mask) {
  constexpr std::size_t short_walk = 8192;
  TrieWalk walk(*tokens_, graph);
  const auto outcome = walk.run(state, TrieWalk::whole, mask, short_walk);
  if (outcome != TrieWalk::Outcome::out_of_budget) return outcome == TrieWalk::Outcome::done;
  std::fill(mask.begin(), mask.end(), 0);
  return by_rules(graph, state, mask);
}

/// The tokens that each running rule allows by itself, and those that begin with its end and go on with what follows it.
bool TokenMasks::by_rules(StateGraph& graph, StateGraph::State state, Mask& mask) {
  const std::vector<std::uint32_t> places(graph.places(state).begin(), graph.places(state).end());
  std::vector<StateGraph::Frame> frames;
  for (std::size_t i = 1; i < places.size(); i += 2) frames.push_back(places[i]);
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  // Each takes a walk of its own, or two: where they are many, one through all that they allow together is shorter.
  constexpr std::size_t most_frames = 16;
  if (frames.size() > most_frames)
    return TrieWalk(*tokens_, graph).run(state, TrieWalk::whole, mask) == TrieWalk::Outcome::done;
  for (const StateGraph::Frame frame : frames) {
    std::vector<std::uint32_t> local, own;
    for (std::size_t i = 0; i < places.size(); i += 2) {
      if (places[i + 1] != frame || places[i] >= graph.grammar().nodes.size())
        continue;  // the text's end reads nothing
      local.insert(local.end(), {places[i], StateGraph::unknown_frame});
      own.insert(own.end(), {places[i], frame});
    }
    TrieWalk walk(*tokens_, graph);
    const RulePlace* rule = rule_place(graph, graph.from_places(std::move(local)));
    if (!rule) return false;
    if (!rule->useful || graph.depth(frame) + rule->peak > GrammarLimits::depth) {
      if (walk.run(graph.from_places(std::move(own)), TrieWalk::whole, mask) != TrieWalk::Outcome::done) return false;
      continue;
    }
    for (std::size_t w = 0; w < mask.size(); ++w) mask[w] |= rule->mask[w];
    const StateGraph::State after = rule->exits.empty() ? StateGraph::dead : graph.after(frame);
    if (after == StateGraph::overflow) return false;
    for (const std::uint32_t exit : rule->exits)
      if (walk.run(after, exit, mask) != TrieWalk::Outcome::done) return false;
  }
  return true;
}

/// nullptr where the state takes too many places.
TokenMasks::RulePlace* TokenMasks::rule_place(StateGraph& graph, StateGraph::State state) {
  constexpr std::size_t most_exits = 16384;
  const auto found = rules_.find(state);
  if (found != rules_.end()) {
    found->second.used = ++clock_;
    return &found->second;
  }
  make_room(rules_, most_bytes / 2);
  RulePlace place{Mask(tokens_->mask_words())};
  place.used = ++clock_;
  TrieWalk walk(*tokens_, graph);
  if (walk.run(state, TrieWalk::whole, place.mask, TrieWalk::endless, &place.exits) != TrieWalk::Outcome::done)
    return nullptr;
  place.peak = walk.peak();
  place.useful = place.exits.size() <= most_exits;
  if (!place.useful) place.exits.clear();
  return &rules_.emplace(state, std::move(place)).first->second;
}

/// Control tokens are nothing that a grammar can spell; before a trigger they may come, and one may be it.
void TokenMasks::allow_controls(const GrammarState& state, Mask& mask) const {
  if (!state.is_free()) return;
  for (const std::int32_t id : tokens_->controls()) {
    GrammarState after = state;
    if (const auto goes_on = after.accept(tokens_->control(id)); goes_on && *goes_on) allow(mask, id);
  }
}

/// The one used longest ago goes: there are few, and making one costs far more than looking through them.
template <class Map> void TokenMasks::make_room(Map& map, std::size_t share) {
  const std::size_t most = std::max<std::size_t>(share / (tokens_->mask_words() * 8 + 1), 16);
  if (map.size() < most) return;
  map.erase(std::min_element(map.begin(), map.end(),
                             [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

}  // namespace hearth::sample
