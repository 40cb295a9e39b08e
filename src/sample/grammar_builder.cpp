// Enters: expressions over characters. Leaves: a Grammar. What GBNF, JSON Schema and regular expressions have in common.
#include "grammar_builder.h"

#include <algorithm>
#include <array>

#include "escape.h"
#include "saturating.h"
#include "try.h"

namespace hearth::sample {
namespace {

/// Nodes that a class takes: any character takes 8, each border inside a multi-byte character three more at most.
std::uint64_t nodes_of(const CharacterSet& set) {
  constexpr std::size_t usual = 4;
  return 9 + 6 * (std::max(set.ranges().size(), usual) - usual);
}

}  // namespace

Error too_complex(std::string_view where, std::string_view what) {
  return Error(Status::unsupported, "the grammar is too complex: " + std::string(what) + "; " + std::string(where) +
                                        "; use fewer or smaller repetitions and rules");
}

GrammarBuilder::Expr GrammarBuilder::add(Term term) {
  terms_.push_back(term);
  return static_cast<Expr>(terms_.size() - 1);
}

GrammarBuilder::Expr GrammarBuilder::literal(std::string_view bytes) {
  const auto begin = static_cast<std::uint32_t>(bytes_.size());
  bytes_ += bytes;
  return add({Kind::literal, begin, static_cast<std::uint32_t>(bytes.size()), 0, bytes.size()});
}

GrammarBuilder::Expr GrammarBuilder::characters(CharacterSet set) {
  const std::uint64_t size = nodes_of(set);
  n_ranges_ += set.ranges().size();
  sets_.push_back(std::move(set));
  return add({Kind::characters, static_cast<std::uint32_t>(sets_.size() - 1), 0, 0, size});
}

/// What has so many terms inside each other becomes a rule, which others only call.
GrammarBuilder::Expr GrammarBuilder::not_deep(Expr part) {
  return terms_[part].depth < deepest ? part : shared("part of a rule", part);
}

GrammarBuilder::Expr GrammarBuilder::add_list(Kind kind, std::vector<Expr> parts) {
  for (Expr& part : parts) part = not_deep(part);
  Term term{kind, static_cast<std::uint32_t>(parts_.size()), static_cast<std::uint32_t>(parts.size()), 0, 1};
  for (const Expr part : parts) {
    term.size = saturating_add(term.size, terms_[part].size);
    term.depth = std::max(term.depth, terms_[part].depth + 1);
  }
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  return add(term);
}

GrammarBuilder::Expr GrammarBuilder::sequence(std::vector<Expr> parts) {
  return parts.size() == 1 ? parts.front() : add_list(Kind::sequence, std::move(parts));
}

GrammarBuilder::Expr GrammarBuilder::choice(std::vector<Expr> parts) {
  if (parts.empty()) return nothing();
  return parts.size() == 1 ? parts.front() : add_list(Kind::choice, std::move(parts));
}

GrammarBuilder::Expr GrammarBuilder::one_of(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return one_of_sorted(texts, 0, texts.size(), 0);
}

/// Texts [begin, end) agree in their first `depth` bytes; what follows those.
GrammarBuilder::Expr GrammarBuilder::one_of_sorted(const std::vector<std::string>& texts, std::size_t begin,
                                                   std::size_t end, std::size_t depth) {
  constexpr std::size_t longest_shared =
      64;  // beginnings longer than this are not shared: texts may be long, the stack is not
  std::vector<Expr> alternatives;
  if (begin < end && texts[begin].size() == depth) alternatives.push_back(empty()), ++begin;
  while (begin < end) {
    std::size_t group_end = begin + 1;
    while (group_end < end && texts[group_end][depth] == texts[begin][depth]) ++group_end;
    const std::string_view rest = std::string_view(texts[begin]).substr(depth);
    if (group_end == begin + 1 || depth >= longest_shared) {
      for (; begin < group_end; ++begin) alternatives.push_back(literal(std::string_view(texts[begin]).substr(depth)));
    } else {
      alternatives.push_back(sequence({literal(rest.substr(0, 1)), one_of_sorted(texts, begin, group_end, depth + 1)}));
      begin = group_end;
    }
  }
  return choice(std::move(alternatives));
}

GrammarBuilder::Expr GrammarBuilder::repeat(Expr part, std::uint32_t least, std::optional<std::uint32_t> most) {
  part = not_deep(part);
  const std::uint64_t copies = most ? *most : std::uint64_t{least} + 1;
  const std::uint64_t size = saturating_multiply(copies, terms_[part].size + 1);
  return add({Kind::repeat, least, most.value_or(endless), part, size, terms_[part].depth + 1});
}

GrammarBuilder::Expr GrammarBuilder::call(RuleId rule) { return add({Kind::call, rule, 0, 0, 1}); }

RuleId GrammarBuilder::declare(std::string name) {
  names_.push_back(std::move(name));
  definitions_.push_back(0);
  return static_cast<RuleId>(names_.size() - 1);
}

GrammarBuilder::Expr GrammarBuilder::shared(std::string name, Expr expression) {
  const RuleId rule = declare(std::move(name));
  define(rule, expression);
  return call(rule);
}

/// Writes nodes from the end of a rule to its start: every node knows where it goes on when it is made.
class Emitter {
 public:
  Emitter(const GrammarBuilder& builder, Grammar& grammar) : builder_(builder), grammar_(grammar) {}

  NodeId end() { return node({Grammar::Kind::end}); }

  NodeId emit(GrammarBuilder::Expr expression, NodeId next) {
    const GrammarBuilder::Term& term = builder_.terms_[expression];
    switch (term.kind) {
      case GrammarBuilder::Kind::literal:
        for (std::uint32_t i = term.b; i-- > 0;) {
          const auto byte = static_cast<std::uint8_t>(builder_.bytes_[term.a + i]);
          next = bytes({{next, byte, byte}});
        }
        return next;
      case GrammarBuilder::Kind::characters:
        return characters(builder_.sets_[term.a].ranges(), next);
      case GrammarBuilder::Kind::sequence:
        for (std::uint32_t i = term.b; i-- > 0;) next = emit(builder_.parts_[term.a + i], next);
        return next;
      case GrammarBuilder::Kind::choice: {
        std::vector<Grammar::Edge> ways;
        for (std::uint32_t i = 0; i < term.b; ++i) ways.push_back({emit(builder_.parts_[term.a + i], next)});
        return with_edges(Grammar::Kind::choice, ways);
      }
      case GrammarBuilder::Kind::repeat:
        return repeat(term, next);
      case GrammarBuilder::Kind::call:
        return node({Grammar::Kind::call, term.a, next});
    }
    return next;
  }

 private:
  NodeId node(Grammar::Node made) {
    grammar_.nodes.push_back(made);
    return static_cast<NodeId>(grammar_.nodes.size() - 1);
  }
  NodeId with_edges(Grammar::Kind kind, const std::vector<Grammar::Edge>& edges) {
    const auto begin = static_cast<std::uint32_t>(grammar_.edges.size());
    grammar_.edges.insert(grammar_.edges.end(), edges.begin(), edges.end());
    return node({kind, begin, static_cast<std::uint32_t>(grammar_.edges.size())});
  }
  NodeId bytes(const std::vector<Grammar::Edge>& edges) { return with_edges(Grammar::Kind::bytes, edges); }

  NodeId repeat(const GrammarBuilder::Term& term, NodeId next) {
    NodeId at = next;
    if (term.b == GrammarBuilder::endless) {
      at = with_edges(Grammar::Kind::choice, {{next}, {next}});
      const std::uint32_t first_edge = grammar_.nodes[at].a;
      const NodeId body = emit(term.part, at);
      grammar_.edges[first_edge].target = body;
    } else {
      for (std::uint32_t i = term.a; i < term.b; ++i)
        at = with_edges(Grammar::Kind::choice, {{emit(term.part, at)}, {next}});
    }
    for (std::uint32_t i = 0; i < term.a; ++i) at = emit(term.part, at);
    return at;
  }

  /// UTF-8 byte by byte: one node for the first byte, more for those that follow, shared where any may.
  NodeId characters(const std::vector<CharacterRange>& ranges, NodeId next) {
    struct Length {
      std::uint32_t first, last, lead;
      unsigned n_more;
    };
    constexpr Length lengths[] = {
        {0, 0x7f, 0, 0}, {0x80, 0x7ff, 0xc0, 1}, {0x800, 0xffff, 0xe0, 2}, {0x10000, 0x10ffff, 0xf0, 3}};
    any_ = {next, never, never, never};
    std::vector<Grammar::Edge> edges;
    for (const Length& length : lengths)
      step(clipped(ranges, length.first, length.last), length.n_more, length.lead, edges);
    return bytes(edges);
  }

  static std::vector<CharacterRange> clipped(const std::vector<CharacterRange>& ranges, std::uint32_t first,
                                             std::uint32_t last) {
    std::vector<CharacterRange> kept;
    for (const CharacterRange r : ranges)
      if (r.first <= last && r.last >= first) kept.push_back({std::max(r.first, first), std::min(r.last, last)});
    return kept;
  }

  /// Edges of one byte: `n_more` follow, six bits each; `base` is added to the bits above those.
  void step(const std::vector<CharacterRange>& ranges, unsigned n_more, std::uint32_t base,
            std::vector<Grammar::Edge>& edges) {
    const unsigned shift = 6 * n_more;
    const auto add = [&](std::uint32_t low, std::uint32_t high, NodeId target) {
      edges.push_back({target, static_cast<std::uint8_t>(base + low), static_cast<std::uint8_t>(base + high)});
    };
    std::uint32_t done = 0;  // leading values below this have their edge
    for (const CharacterRange r : ranges) {
      for (std::uint32_t value = std::max(r.first >> shift, done); value <= r.last >> shift; ++value) {
        const std::uint32_t first = value << shift, last = first + (1u << shift) - 1;
        if (r.first <= first && r.last >= last) {
          const std::uint32_t end = (r.last + 1) >> shift;  // all values before it are whole
          add(value, end - 1, any(n_more));
          value = end - 1;
        } else {
          std::vector<CharacterRange> inside = clipped(ranges, first, last);
          for (CharacterRange& part : inside) part = {part.first - first, part.last - first};
          std::vector<Grammar::Edge> further;
          step(inside, n_more - 1, 0x80, further);
          add(value, value, bytes(further));
        }
        done = value + 1;
      }
    }
  }

  NodeId any(unsigned n_more) {
    if (any_[n_more] == never) any_[n_more] = bytes({{any(n_more - 1), 0x80, 0xbf}});
    return any_[n_more];
  }

  static constexpr NodeId never = UINT32_MAX;
  const GrammarBuilder& builder_;
  Grammar& grammar_;
  std::array<NodeId, 4> any_{};  // what reads so many bytes that only continue a character
};

Result<void> GrammarBuilder::fits(std::string_view where) const {
  constexpr std::size_t most = 2 * GrammarLimits::states;  // some terms take no state
  if (terms_.size() <= most && bytes_.size() <= most && n_ranges_ <= most) return {};
  return too_complex(where, "it takes more than " + std::to_string(GrammarLimits::states) + " states");
}

Result<std::shared_ptr<const Grammar>> GrammarBuilder::build(RuleId root, std::span<const RuleId> must_end) const {
  std::uint64_t size = 0;
  for (std::size_t r = 0; r < names_.size(); ++r) {
    size = saturating_add(size, saturating_add(terms_[definitions_[r]].size, 1));
    if (size > GrammarLimits::states)
      return too_complex("rule " + escape(names_[r]),
                         "it takes more than " + std::to_string(GrammarLimits::states) + " states");
  }
  auto grammar = std::make_shared<Grammar>();
  Emitter emitter(*this, *grammar);
  for (std::size_t r = 0; r < names_.size(); ++r) {
    const NodeId start = emitter.emit(definitions_[r], emitter.end());
    grammar->rules.push_back({names_[r], start});
  }
  grammar->root = root;
  HEARTH_CHECK(analyse(*grammar, must_end));
  return std::shared_ptr<const Grammar>(std::move(grammar));
}

}  // namespace hearth::sample
