// Enters: what a text must look like. Leaves: which tokens may come next, as the text grows.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grammar_state.h"
#include "token_masks.h"

namespace hearth::sample {

/// Where a grammar begins: behind the first of `texts` that is complete, and none is in reasoning. That is from `reasoning_opens`,
/// at a text's begin, white space aside, until `reasoning_closes`; the first empty: the text begins inside. Both empty: there is
/// none.
struct Triggers {
  std::vector<std::string> texts{};
  std::string reasoning_opens{}, reasoning_closes{};
};

/// At most one of the first three. With triggers the text is free until one of them comes; what follows it is the
/// grammar's, and the text may end before any came.
struct ConstraintText {
  std::optional<std::string> grammar{}, json_schema{}, regex{};
  Triggers triggers{};
};

/// nullptr where nothing is asked for. What cannot be kept is an error: no text is ever left unconstrained.
Result<std::shared_ptr<const Grammar>> compile(const ConstraintText& text);

/// Free text, then a trigger, then `grammar`; or free text alone.
Result<std::shared_ptr<const Grammar>> after_triggers(const Grammar& grammar, const Triggers& triggers);

class Constraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const GrammarTokens> tokens)
      : state_(std::move(grammar)), tokens_(tokens), masks_(std::move(tokens)) {}

  /// Bit id % 64 of word id / 64; valid until the next call. Errors: no token of the vocabulary goes on with the text;
  /// a state beyond the limits.
  Result<std::span<const std::uint64_t>> mask();

  /// The token that was chosen. Error, and no change: one that the mask forbids.
  Result<void> accept(std::int32_t id);

  /// The text may end here.
  bool can_end() const { return state_.can_end(); }

  // To go on from elsewhere, a draft's beginning for one: a state is a value.
  const GrammarState& state() const { return state_; }
  void go_to(GrammarState state) { state_ = std::move(state); }

 private:
  GrammarState state_;
  std::shared_ptr<const GrammarTokens> tokens_;
  TokenMasks masks_;
};

}  // namespace hearth::sample
