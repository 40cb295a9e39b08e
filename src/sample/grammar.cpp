// Enters: nodes and rules. Leaves: which rules can end and how deep they must go, which come first, which bytes differ.
#include "grammar.h"

#include <algorithm>

#include "escape.h"
#include "try.h"

namespace hearth::sample {
namespace {

/// For each node, those whose values depend on it: nodes that lead to it, and for a rule's start the calls of the rule.
class Dependents {
 public:
  explicit Dependents(const Grammar& g) : begin_(g.nodes.size() + 1) {
    for_each(g, [&](NodeId on, NodeId) { ++begin_[on + 1]; });
    for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    nodes_.resize(begin_.back());
    std::vector<std::uint32_t> at(begin_.begin(), begin_.end() - 1);
    for_each(g, [&](NodeId on, NodeId dependent) { nodes_[at[on]++] = dependent; });
  }
  template <class Visit> void of(NodeId node, Visit visit) const {
    for (std::uint32_t i = begin_[node]; i < begin_[node + 1]; ++i) visit(nodes_[i]);
  }

 private:
  template <class Visit> static void for_each(const Grammar& g, Visit visit) {
    for (NodeId n = 0; n < g.nodes.size(); ++n) {
      const Grammar::Node& node = g.nodes[n];
      if (node.kind == Grammar::Kind::call) {
        visit(g.rules[node.a].start, n);
        visit(node.b, n);
      } else if (node.kind != Grammar::Kind::end) {
        for (std::uint32_t e = node.a; e < node.b; ++e) visit(g.edges[e].target, n);
      }
    }
  }
  std::vector<std::uint32_t> begin_, nodes_;
};

/// The least solution, smaller values first improving larger ones until nothing changes.
template <class Value>
void settle(const Grammar& g, const Dependents& dependents, std::vector<std::uint32_t>& values, Value value) {
  std::vector<NodeId> changed, next;
  for (NodeId n = 0; n < g.nodes.size(); ++n)
    if (g.nodes[n].kind == Grammar::Kind::end) values[n] = 0, changed.push_back(n);
  for (; !changed.empty(); changed.swap(next), next.clear()) {
    for (const NodeId node : changed) {
      dependents.of(node, [&](NodeId dependent) {
        const std::uint32_t better = value(g.nodes[dependent]);
        if (better >= values[dependent]) return;
        values[dependent] = better;
        next.push_back(dependent);
      });
    }
  }
}

std::uint32_t best_way(const Grammar& g, const Grammar::Node& node, const std::vector<std::uint32_t>& values) {
  std::uint32_t best = Grammar::never;
  for (std::uint32_t e = node.a; e < node.b; ++e) best = std::min(best, values[g.edges[e].target]);
  return best;
}

void find_needs(Grammar& g, const Dependents& dependents) {
  g.need.assign(g.nodes.size(), Grammar::never);
  settle(g, dependents, g.need, [&](const Grammar::Node& node) {
    if (node.kind != Grammar::Kind::call) return best_way(g, node, g.need);
    const std::uint32_t inside = g.need[g.rules[node.a].start], after = g.need[node.b];
    if (inside == Grammar::never || after == Grammar::never) return Grammar::never;
    const bool last = g.nodes[node.b].kind == Grammar::Kind::end;  // such a call takes its caller's place
    return last ? inside : std::max(inside + 1, after);
  });
}

void find_nullable(Grammar& g, const Dependents& dependents) {
  std::vector<std::uint32_t> values(g.nodes.size(), Grammar::never);  // 0: the rule may end without a further byte
  settle(g, dependents, values, [&](const Grammar::Node& node) {
    if (node.kind == Grammar::Kind::bytes) return Grammar::never;
    if (node.kind == Grammar::Kind::choice) return best_way(g, node, values);
    return std::max(values[g.rules[node.a].start], values[node.b]);
  });
  for (Grammar::Rule& rule : g.rules) rule.nullable = values[rule.start] == 0;
}

/// For each rule, those that it may call before it reads a byte.
std::vector<std::vector<RuleId>> first_calls(const Grammar& g) {
  std::vector<std::vector<RuleId>> calls(g.rules.size());
  std::vector<bool> seen(g.nodes.size());
  for (RuleId r = 0; r < g.rules.size(); ++r) {
    std::vector<NodeId> work{g.rules[r].start};
    while (!work.empty()) {
      const NodeId n = work.back();
      work.pop_back();
      if (seen[n]) continue;
      seen[n] = true;
      const Grammar::Node& node = g.nodes[n];
      if (node.kind == Grammar::Kind::choice)
        for (std::uint32_t e = node.a; e < node.b; ++e) work.push_back(g.edges[e].target);
      if (node.kind != Grammar::Kind::call) continue;
      calls[r].push_back(node.a);
      if (g.rules[node.a].nullable) work.push_back(node.b);
    }
  }
  return calls;
}

Error left_recursion(const Grammar& g, const std::vector<RuleId>& cycle) {
  constexpr std::size_t most = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(cycle.size(), most); ++i) names += escape(g.rules[cycle[i]].name) + " -> ";
  if (cycle.size() > most) names += "... -> ";
  return Error(Status::unsupported, "left recursion: " + names + escape(g.rules[cycle.front()].name) + "; rule " +
                                        escape(g.rules[cycle.front()].name) +
                                        "; let something be read before the rule comes again");
}

/// Numbers rules so that callers come before what they call first; or names a cycle.
Result<void> order_rules(Grammar& g) {
  const auto calls = first_calls(g);
  enum class Mark : std::uint8_t { none, open, done };
  std::vector<Mark> marks(g.rules.size());
  std::vector<std::size_t> next_call(g.rules.size());
  auto order = static_cast<std::uint32_t>(g.rules.size());
  for (RuleId first = 0; first < g.rules.size(); ++first) {
    if (marks[first] != Mark::none) continue;
    std::vector<RuleId> path{first};
    marks[first] = Mark::open;
    while (!path.empty()) {
      const RuleId r = path.back();
      if (next_call[r] == calls[r].size()) {
        marks[r] = Mark::done;
        g.rules[r].order = --order;
        path.pop_back();
        continue;
      }
      const RuleId called = calls[r][next_call[r]++];
      if (marks[called] == Mark::open)
        return left_recursion(g, {std::find(path.begin(), path.end(), called), path.end()});
      if (marks[called] == Mark::none) marks[called] = Mark::open, path.push_back(called);
    }
  }
  return {};
}

void find_byte_classes(Grammar& g) {
  std::array<bool, 257> begins{};
  begins[0] = true;
  for (const Grammar::Node& node : g.nodes) {
    if (node.kind != Grammar::Kind::bytes) continue;
    for (std::uint32_t e = node.a; e < node.b; ++e) begins[g.edges[e].low] = begins[g.edges[e].high + 1u] = true;
  }
  g.class_byte.clear();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (begins[byte]) g.class_byte.push_back(static_cast<std::uint8_t>(byte));
    g.byte_class[byte] = static_cast<std::uint8_t>(g.class_byte.size() - 1);
  }
}

}  // namespace

Result<void> analyse(Grammar& g, bool all_must_end) {
  const Dependents dependents(g);
  find_needs(g, dependents);
  find_nullable(g, dependents);
  HEARTH_CHECK(order_rules(g));
  for (RuleId r = 0; r < g.rules.size(); ++r) {
    const std::uint32_t need = g.need[g.rules[r].start];
    const std::string name = escape(g.rules[r].name);
    if (need == Grammar::never && (all_must_end || r == g.root))
      return Error(Status::invalid_argument,
                   "no text can end it; rule " + name + "; give it an alternative that does not come back to it");
    if (need > GrammarLimits::depth && r == g.root)
      return too_complex("rule " + name, "its shortest text has rules more than " +
                                             std::to_string(GrammarLimits::depth) + " deep inside each other");
  }
  find_byte_classes(g);
  return {};
}

}  // namespace hearth::sample
