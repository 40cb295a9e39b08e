// Enters: what one caller asks of an engine. Leaves: its reply, when it is there.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <hearth/hearth.hpp>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "generation.h"

namespace hearth::engine {

/// Shared by who waits for it and the engine that works on it. Both may come from any thread.
class Job {
 public:
  Job(std::vector<std::int32_t> ids, Chooser chooser, GenerateOptions options, OnText on_text)
      : ids_(std::move(ids)),
        chooser_(std::move(chooser)),
        options_(std::move(options)),
        on_text_(std::move(on_text)) {}

  const std::vector<std::int32_t>& ids() const { return ids_; }
  Chooser take_chooser() { return std::move(chooser_); }  // once, by who works on it
  const GenerateOptions& options() const { return options_; }
  const OnText& on_text() const { return on_text_; }

  void cancel() { cancel_.store(true, std::memory_order_relaxed); }
  /// Who gave options.cancelled is asked too.
  bool cancelled() const {
    return cancel_.load(std::memory_order_relaxed) || (options_.cancelled && options_.cancelled());
  }

  void finish(Result<Reply> reply) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reply_.emplace(std::move(reply));
    changed_.notify_all();
  }
  bool done() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reply_.has_value();
  }
  /// In a forked child nobody works on it.
  Result<Reply> wait() const {
    if (owner_ != getpid())
      return Error(Status::cancelled,
                   "the engine's thread is in the parent process; request; start an engine after the fork");
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return reply_.has_value(); });
    return *reply_;
  }

 private:
  const pid_t owner_ = getpid();
  const std::vector<std::int32_t> ids_;
  Chooser chooser_;
  const GenerateOptions options_;
  const OnText on_text_;
  std::atomic<bool> cancel_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<Result<Reply>> reply_;
};

}  // namespace hearth::engine
