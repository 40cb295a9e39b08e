// Enters: the parts of a pattern as they are read. Leaves: the expression of each group, and of the whole.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "grammar_builder.h"
#include "pattern_reader.h"

namespace hearth::sample {

/// The groups around the place that is being read, the whole pattern outermost. They lie on the heap: a host's thread may
/// have a small stack.
class OpenGroups {
 public:
  using Expr = GrammarBuilder::Expr;

  explicit OpenGroups(GrammarBuilder& builder) : builder_(builder) {}

  /// How many groups are open inside the whole pattern.
  std::size_t depth() const { return groups_.size() - 1; }
  /// One begins where the reader is. Error: too many are open; `todo` says what to do about it.
  Result<void> open(const PatternReader& in, std::string todo) {
    if (depth() >= GrammarLimits::nesting)
      return in.error("groups are more than " + std::to_string(GrammarLimits::nesting) + " deep inside each other",
                      std::move(todo));
    groups_.push_back({in.position(), {}, {}});
    return {};
  }
  /// Where the innermost one begins.
  std::size_t begin() const { return groups_.back().begin; }

  void add(Expr part) { groups_.back().parts.push_back(part); }
  void end_alternative() {
    Group& group = groups_.back();
    group.alternatives.push_back(builder_.sequence(std::exchange(group.parts, {})));
  }
  /// The innermost one, all its alternatives ended.
  Expr close() {
    const Expr all = builder_.choice(std::move(groups_.back().alternatives));
    groups_.pop_back();
    return all;
  }

 private:
  struct Group {
    std::size_t begin;
    std::vector<Expr> alternatives, parts;
  };

  GrammarBuilder& builder_;
  std::vector<Group> groups_{{0, {}, {}}};
};

}  // namespace hearth::sample
