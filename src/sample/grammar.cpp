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

/// The least solution, smaller values first improving larger ones until nothing changes. `value` of a node gets that of
/// the one that has changed: where any edge will do, no other can be better than before.
template <class Value>
void settle(const Grammar& g, const Dependents& dependents, std::vector<std::uint32_t>& values, Value value) {
  std::vector<NodeId> changed, next;
  for (NodeId n = 0; n < g.nodes.size(); ++n)
    if (g.nodes[n].kind == Grammar::Kind::end) values[n] = 0, changed.push_back(n);
  for (; !changed.empty(); changed.swap(next), next.clear()) {
    for (const NodeId node : changed) {
      dependents.of(node, [&](NodeId dependent) {
        const std::uint32_t better = value(g.nodes[dependent], values[node]);
        if (better >= values[dependent]) return;
        values[dependent] = better;
        next.push_back(dependent);
      });
    }
  }
}

void find_needs(Grammar& g, const Dependents& dependents) {
  g.need.assign(g.nodes.size(), Grammar::never);
  settle(g, dependents, g.need, [&](const Grammar::Node& node, std::uint32_t changed) {
    if (node.kind != Grammar::Kind::call) return changed;
    const std::uint32_t inside = g.need[g.rules[node.a].start], after = g.need[node.b];
    if (inside == Grammar::never || after == Grammar::never) return Grammar::never;
    const bool last = g.nodes[node.b].kind == Grammar::Kind::end;  // such a call takes its caller's place
    return last ? inside : std::max(inside + 1, after);
  });
}

void find_nullable(Grammar& g, const Dependents& dependents) {
  std::vector<std::uint32_t> values(g.nodes.size(), Grammar::never);  // 0: the rule may end without a further byte
  settle(g, dependents, values, [&](const Grammar::Node& node, std::uint32_t changed) {
    if (node.kind == Grammar::Kind::bytes) return Grammar::never;
    if (node.kind == Grammar::Kind::choice) return changed;
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

Result<void> check_end(const Grammar& g, RuleId rule) {
  if (g.need[g.rules[rule].start] != Grammar::never) return {};
  return Error(Status::invalid_argument, "no text can end it; rule " + escape(g.rules[rule].name) +
                                             "; give it an alternative that does not come back to it");
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

Result<void> analyse(Grammar& g, std::span<const RuleId> must_end) {
  const Dependents dependents(g);
  find_needs(g, dependents);
  find_nullable(g, dependents);
  HEARTH_CHECK(order_rules(g));
  for (const RuleId rule : must_end) HEARTH_CHECK(check_end(g, rule));
  HEARTH_CHECK(check_end(g, g.root));
  const Grammar::Rule& root = g.rules[g.root];
  if (g.need[root.start] > GrammarLimits::depth)
    return too_complex(
        "rule " + escape(root.name),
        "its shortest text has rules more than " + std::to_string(GrammarLimits::depth) + " deep inside each other");
  find_byte_classes(g);
  return {};
}

}  // namespace hearth::sample
