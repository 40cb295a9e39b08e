// Enters: expressions over characters. Leaves: a Grammar. What GBNF, JSON Schema and regular expressions have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "character_set.h"
#include "grammar.h"

namespace hearth::sample {

/// Expressions are numbers: each may stand in several places. Nesting is bounded by those who build them.
class GrammarBuilder {
 public:
  using Expr = std::uint32_t;

  Expr empty() { return literal({}); }
  Expr nothing() { return characters({}); }  // no text at all
  Expr literal(std::string_view bytes);
  Expr characters(CharacterSet set);
  Expr sequence(std::vector<Expr> parts);
  Expr choice(std::vector<Expr> parts);
  /// Any of the texts; they share their beginnings, so that many of them cost little.
  Expr one_of(std::vector<std::string> texts);
  Expr repeat(Expr part, std::uint32_t least, std::optional<std::uint32_t> most);
  Expr optional(Expr part) { return repeat(part, 0, 1); }
  Expr call(RuleId rule);

  RuleId declare(std::string name);
  void define(RuleId rule, Expr expression) { definitions_[rule] = expression; }
  /// A rule for an expression that is used in several places.
  Expr shared(std::string name, Expr expression);

  /// Error: there is more already than a grammar can have. For those whose input is small and what it asks for is not.
  Result<void> fits(std::string_view where) const;
  /// Error, besides: `root`, or a rule of `must_end`, has no text.
  Result<std::shared_ptr<const Grammar>> build(RuleId root, std::span<const RuleId> must_end = {}) const;

 private:
  friend class Emitter;
  enum class Kind : std::uint8_t { literal, characters, sequence, choice, repeat, call };
  struct Term {
    Kind kind;
    std::uint32_t a = 0, b = 0;  // an index and a count, or the bounds of a repetition
    Expr part = 0;               // what is repeated
    std::uint64_t size = 0;      // nodes that it takes, saturating
    std::uint32_t depth = 1;     // terms inside each other
  };
  static constexpr std::uint32_t endless = UINT32_MAX;
  static constexpr std::uint32_t deepest = 256;  // what a small stack bears

  Expr add(Term term);
  Expr add_list(Kind kind, std::vector<Expr> parts);
  Expr not_deep(Expr part);
  Expr one_of_sorted(const std::vector<std::string>& texts, std::size_t begin, std::size_t end, std::size_t depth);

  std::vector<Term> terms_;
  std::vector<Expr> parts_;
  std::vector<CharacterSet> sets_;
  std::size_t n_ranges_ = 0;  // of all sets
  std::string bytes_;
  std::vector<std::string> names_;
  std::vector<Expr> definitions_;
};

}  // namespace hearth::sample
