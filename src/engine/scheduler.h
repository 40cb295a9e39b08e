// Enters: requests, from any thread. Leaves: their replies, computed together: one pass after another, each with rows of all.
#pragma once

#include <condition_variable>
#include <deque>
#include <hearth/hearth.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "generation.h"
#include "job.h"
#include "pass_length.h"

namespace hearth::engine {

/// Whoever decodes has a row in every pass, and guesses while there is room for them; prompts share the rest of it evenly. A
/// reply has the bits that it has alone: rows do not depend on each other, and only clocks decide how prompts are divided.
/// What fails for one request, memory too, ends that one.
class Scheduler {
 public:
  static Result<std::unique_ptr<Scheduler>> make(std::shared_ptr<const LoadedModel> model,
                                                 std::shared_ptr<const LoadedModel> draft,
                                                 const EngineOptions& options);

  /// Errors: what is wrong with the request alone; busy when the queue is full.
  Result<std::shared_ptr<Job>> submit(std::vector<std::int32_t> ids, GenerateOptions options, OnText on_text);

  /// One pass, or a wait for work. False once closed. One thread calls it.
  bool step();

  /// Ends all requests with this error, as they stand. Not while step() is at work.
  void fail_all(const Error& error);

  /// Takes no more requests and lets step() end.
  void close();

  const LoadedModel& model() const { return *model_; }

 private:
  struct Active {
    std::shared_ptr<Job> job;
    Context context;
    std::unique_ptr<DraftModel> draft;
    std::unique_ptr<Generation> generation;
    std::size_t first_row = 0;      // of the pass under way
    std::size_t n_rows = 0;         // 0: none
    std::int64_t first_logits = 0;  // in the order of the rows, which is not that of the requests
  };

  Scheduler(std::shared_ptr<const LoadedModel> model, std::shared_ptr<const LoadedModel> draft,
            const EngineOptions& options)
      : model_(std::move(model)), draft_(std::move(draft)), options_(options) {}
  bool admit();
  void drop_cancelled();
  Result<std::unique_ptr<Active>> begin(std::shared_ptr<Job> job) const;
  void plan();
  void plan(Active& active, std::int64_t most);
  void pass();
  void pass_alone(Active& active);
  void take(Active& active, std::int64_t first_logits);
  void end(Job& job, Result<Reply> reply);

  std::shared_ptr<const LoadedModel> model_, draft_;
  EngineOptions options_;
  model::Workspace space_;
  PassLength length_;
  std::vector<std::unique_ptr<Active>> active_;
  std::vector<model::Row> rows_;
  std::int64_t n_logits_ = 0;  // that those rows want

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::int64_t n_unfinished_ = 0;  // queued and active
  bool closed_ = false;
};

}  // namespace hearth::engine
