// Enters: tokens. Leaves: logits and text: one conversation, alone with its model.
#pragma once

#include <cstdint>
#include <functional>
#include <hearth/hearth.hpp>
#include <memory>
#include <span>
#include <vector>

#include "context.h"
#include "draft.h"
#include "generation.h"
#include "pass_length.h"

namespace hearth::engine {

class Sequence {
 public:
  /// `draft`: guesses for it, if there is one. Errors: DraftModel's too, but for memory.
  static Result<std::unique_ptr<Sequence>> make(std::shared_ptr<const LoadedModel> model, const SessionOptions& options,
                                                std::shared_ptr<const LoadedModel> draft = nullptr);

  /// Of a context that is already there.
  static Result<std::unique_ptr<Sequence>> make(Context context, std::shared_ptr<const LoadedModel> draft = nullptr);

  Result<Reply> generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text);
  Result<Reply> generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options, const OnText& on_text);
  /// Generates after exactly these ids: what the sequence has in common with them is kept.
  Result<Reply> generate_after(std::span<const std::int32_t> ids, const GenerateOptions& options,
                               const OnText& on_text);
  Result<void> evaluate(std::span<const std::int32_t> ids,
                        const std::function<bool(std::span<const float>)>& on_logits);

  std::int64_t n_ctx() const { return context_.n_ctx(); }
  std::int64_t n_past() const { return context_.n_tokens(); }
  const Context& context() const { return context_; }

  /// Another conversation that begins like this one; what both have is there once.
  std::unique_ptr<Sequence> fork() const;
  Result<void> truncate(std::int64_t n);
  void reset() { context_.keep(0); }

  /// The sequence's text as it is now, which comes back at the end unless it is let go: positions that were lost meanwhile are
  /// computed again by whatever comes next.
  class TextBefore {
   public:
    explicit TextBefore(Sequence& sequence)
        : context_(sequence.context_), text_(context_.tokens().begin(), context_.tokens().end()) {}
    ~TextBefore() {
      if (kept_) context_.replace(std::move(text_));
    }
    TextBefore(const TextBefore&) = delete;
    TextBefore& operator=(const TextBefore&) = delete;
    void let_go() { kept_ = false; }

   private:
    Context& context_;
    std::vector<std::int32_t> text_;
    bool kept_ = true;
  };

 private:
  explicit Sequence(Context context, std::shared_ptr<const LoadedModel> draft)
      : context_(std::move(context)), draft_(std::move(draft)) {}
  Result<Reply> answer(std::span<const std::int32_t> ids, std::int64_t n_before, const GenerateOptions& options,
                       const OnText& on_text);
  Result<Reply> run(Generation& generation, bool soon);
  Result<void> pass(std::span<const std::int32_t> ids, bool wants_logits);
  Result<void> make_space(std::int64_t n_logits);
  std::span<const float> logits(std::int64_t n_rows) const;

  Context context_;
  std::shared_ptr<const LoadedModel> draft_;
  std::unique_ptr<DraftModel> drafter_;  // once it is needed
  model::Workspace space_;               // a fork's comes with its first pass
  std::vector<model::Row> rows_;
  PassLength length_;
};

/// A prompt's ids behind a text's tokens: BOS first where the model wants one and the text is empty, and no space in front that is
/// not in the prompt where it goes on with other text.
Result<std::vector<std::int32_t>> prompt_ids(const LoadedModel& model, std::string_view prompt,
                                             std::span<const std::int32_t> before);

}  // namespace hearth::engine
