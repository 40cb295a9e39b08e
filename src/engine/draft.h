// Enters: a text. Leaves: guesses of the tokens that come next. A guess costs time when it is wrong, and never a bit.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "context.h"
#include "sampler.h"

namespace hearth::engine {

/// What followed the last place where the text's end stood before (prompt lookup): up to n tokens, written to `to`.
std::size_t look_up(std::span<const std::int32_t> tokens, std::span<std::int32_t> to);

/// A smaller model with the same vocabulary, but for up to 128 tokens at its end, that follows a text.
class DraftModel {
 public:
  /// Errors: it writes no text; the vocabularies differ; what a context of its own cannot have, or has no room for.
  static Result<std::unique_ptr<DraftModel>> make(std::shared_ptr<const LoadedModel> model, const Context& target);
  /// None where only memory is short, for who is to answer by now: the same answer takes longer, and its n_drafted tells.
  static Result<std::unique_ptr<DraftModel>> make_if_it_fits(std::shared_ptr<const LoadedModel> model,
                                                             const Context& target);

  /// A text of up to `n_more` tokens beyond those that it knows will be chosen like this: so are the guesses, with the same random
  /// numbers at the same positions.
  void begin(const sample::Sampler& sampler, std::int64_t n_more) {
    sampler_ = sampler;
    context_.make_room(n_more);
  }

  /// Up to to.size() guesses; none while it reads what it has not seen, a chunk a call, none where the text has a token that it
  /// does not know, and none where it fails: whatever happens to a draft, the model itself decides.
  std::size_t guess(std::span<const std::int32_t> tokens, std::span<std::int32_t> to);

  /// Of one guess, in steps of the model that is guessed for.
  double cost() const { return cost_; }

 private:
  DraftModel(Context context, model::Workspace space, double cost, std::int64_t n_vocab)
      : context_(std::move(context)), space_(std::move(space)), cost_(cost), n_vocab_(n_vocab) {}
  bool read(std::int64_t n);

  Context context_;
  model::Workspace space_;
  double cost_;
  std::int64_t n_vocab_;  // of the model that it guesses for
  std::optional<sample::Sampler> sampler_;
  std::vector<model::Row> rows_;
};

/// How many guesses a pass gets. They are made while the share of them that comes true pays for what they cost, and tried again
/// now and then; it looks at tokens alone, not at clocks, so a call repeated makes the same guesses.
class DraftPace {
 public:
  explicit DraftPace(std::int64_t most) : most_(most) {}

  /// `cost`: of a guess and its row, in steps.
  std::int64_t n_wanted(double cost);
  void saw(std::int64_t n_guessed, std::int64_t n_right);

 private:
  static constexpr std::int64_t kPause = 64;  // tokens without guesses once they did not pay
  std::int64_t most_, length_ = 4, pause_ = 0;
  double right_ = 1;  // share of the guesses that came true: a running mean
};

}  // namespace hearth::engine
