// Enters: a prompt that stands at the end of a text, and options. Leaves: the reply, pass by pass: which rows the next pass is
// to compute for it, and what becomes of their logits.
#pragma once

#include <array>
#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "constraint.h"
#include "context.h"
#include "draft.h"
#include "elapsed.h"
#include "sampler.h"
#include "text_out.h"

namespace hearth::engine {

/// What chooses a token, and all that it remembers. Only tokens that become part of the text move it on: a guess never does.
struct Chooser {
  /// A grammar may take a while to read. Errors: of options that nothing can be generated with.
  static Result<Chooser> make(const LoadedModel& model, const GenerateOptions& options);

  sample::Sampler sampler;
  std::optional<sample::Constraint> constraint;  // none: any text
};

/// One request. It never runs a pass itself, so that one loop serves a session alone and an engine's many: what it makes does not
/// depend on its company. The context must outlive it.
class Generation {
 public:
  static constexpr std::int64_t kMostGuesses = 15;

  /// Appends `ids` to the context's text. Errors change nothing. `n_before`: tokens of the text that are not the prompt's.
  static Result<std::unique_ptr<Generation>> start(Context& context, std::span<const std::int32_t> ids,
                                                   std::int64_t n_before, Chooser chooser, GenerateOptions options,
                                                   OnText on_text, DraftModel* draft);

  /// A prompt that was not read is forgotten.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  bool done() const { return done_; }
  bool reads_prompt() const { return !answering_; }

  /// The rows of the next pass for it, at most `most`; memory for their pages is taken. Not when done.
  Result<void> plan(std::int64_t most, std::vector<model::Row>& rows);

  /// Rows that the pass under way has for it, and how many of them want logits.
  std::int64_t n_rows() const { return n_own_ + n_guesses_; }
  std::int64_t n_logits() const { return wants_logits_ ? 1 + n_guesses_ : 0; }

  /// After a pass that left the floats, perhaps with a guess: the next is to compute its own rows alone, the first of those that it
  /// had. False where it had no others.
  bool give_up_guesses();

  /// After the pass: what its workspace has for its wanting rows, of which this one's own begin at `first`.
  Result<void> take(model::Workspace& space, std::int64_t first);

  /// Once done.
  Reply finish();

 private:
  Generation(Context& context, Chooser chooser, GenerateOptions options, OnText on_text, DraftModel* draft);
  Result<void> goes_on_reading() const;
  void plan_guesses(std::int64_t most);
  void begin_answer();
  model::Row wanting(std::int64_t index, std::int32_t token) const;
  Result<std::int32_t> pick(std::span<const float> logits);
  Result<std::int32_t> chosen(model::Workspace& space, std::int64_t row);
  Result<bool> go_on(std::int32_t id);
  bool is_over();

  Context& context_;
  const GenerateOptions options_;
  const OnText on_text_;
  DraftModel* const draft_;  // none: guesses are looked up in the text
  const double guess_cost_;  // and its row's, in steps
  DraftPace pace_;
  Reply reply_;
  Chooser chooser_;
  std::unique_ptr<TextOut> out_;  // once the prompt is read

  std::int64_t n_text_before_ = 0;                    // tokens before those that `ids` appended
  std::int64_t n_own_ = 0;                            // rows of the pass under way that compute the text's own tokens
  std::array<std::int32_t, kMostGuesses> guesses_{};  // and those that guess what follows
  std::int64_t n_guesses_ = 0;
  bool wants_logits_ = false, answering_ = false, done_ = false;
  Clock::time_point start_ = Clock::now(), answer_start_{};
};

/// A pass of rows that are one generation's; once more without its guesses where it left the floats: no guess may end a text.
Result<void> compute(const LoadedModel& model, Generation& generation, std::span<const model::Row> rows,
                     model::Workspace& space);

}  // namespace hearth::engine
