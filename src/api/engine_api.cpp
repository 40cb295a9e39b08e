// The C++ border of the engine: its thread, and callbacks that may throw.
#include <unistd.h>

#include <hearth/hearth.hpp>
#include <memory>
#include <optional>

#include "guarded.h"
#include "model_impl.h"
#include "parallel.h"
#include "scheduler.h"
#include "sequence.h"
#include "try.h"

namespace hearth {

/// What a callback threw becomes the error of its own request.
struct Heard {
  std::optional<Error> error;

  /// `callback` that answers `when_thrown`, and keeps the error, once it has thrown.
  template <class... Arguments>
  static std::function<bool(Arguments...)> by(std::shared_ptr<Heard> heard, std::function<bool(Arguments...)> callback,
                                              bool when_thrown) {
    if (!callback) return {};
    return [heard = std::move(heard), callback = std::move(callback), when_thrown](Arguments... arguments) {
      auto said = guarded([&]() -> Result<bool> { return callback(arguments...); });
      if (said) return *said;
      heard->error = std::move(said).error();
      return when_thrown;
    };
  }
};

class Request::Impl {
 public:
  std::shared_ptr<engine::Job> job;
  std::shared_ptr<Heard> heard;  // written by the engine's thread before the job is done
};

Result<Reply> Request::wait() const {
  return guarded([&]() -> Result<Reply> {
    Result<Reply> reply = impl_->job->wait();
    if (impl_->heard->error) return *impl_->heard->error;
    return reply;
  });
}

bool Request::done() const { return impl_->job->done(); }
void Request::cancel() { impl_->job->cancel(); }

class Engine::Impl {
 public:
  explicit Impl(std::unique_ptr<engine::Scheduler> made) : scheduler(std::move(made)) {}
  ~Impl() {
    if (forked()) {  // the thread is not here, and what it held or waited for can neither be taken nor ended
      static_cast<void>(scheduler.release());
      return;
    }
    scheduler->close();
    thread.reset();  // waits for the pass under way; nobody works on what is left
    scheduler->fail_all(
        error_from(Status::cancelled, "the engine was closed before the request was done", "; request; start another"));
  }
  bool step() {
    const auto goes_on = guarded([&]() -> Result<bool> { return scheduler->step(); });
    if (goes_on) return *goes_on;
    scheduler->fail_all(goes_on.error());
    return true;
  }

  bool forked() const { return owner != getpid(); }

  const pid_t owner = getpid();
  std::unique_ptr<engine::Scheduler> scheduler;
  std::unique_ptr<Background> thread;  // last, so that it ends first
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::start(const Model& model, const EngineOptions& options) {
  return guarded([&]() -> Result<Engine> {
    const std::shared_ptr<const Model>& draft = options.session.draft;
    HEARTH_TRY(auto scheduler,
               engine::Scheduler::make(model.impl()->model, draft ? draft->impl()->model : nullptr, options));
    auto impl = std::make_unique<Impl>(std::move(scheduler));
    HEARTH_TRY(impl->thread, Background::start([raw = impl.get()] { return raw->step(); }));
    return Engine(std::move(impl));
  });
}

Result<Request> Engine::submit(std::string_view prompt, const GenerateOptions& options, const OnText& on_text) {
  return guarded([&]() -> Result<Request> {
    HEARTH_TRY(const auto ids, engine::prompt_ids(impl_->scheduler->model(), prompt, {}));
    return submit_from(ids, options, on_text);
  });
}

Result<Request> Engine::submit_from(std::span<const std::int32_t> ids, const GenerateOptions& options,
                                    const OnText& on_text) {
  return guarded([&]() -> Result<Request> {
    if (impl_->forked())
      return Error(Status::unsupported,
                   "the engine's thread is in the parent process; request; start an engine after the fork");
    auto heard = std::make_shared<Heard>();
    auto request =
        std::make_shared<Request::Impl>(Request::Impl{nullptr, heard});  // all memory before anybody works on it
    GenerateOptions guarded_options = options;
    guarded_options.on_progress = Heard::by(heard, options.on_progress, false);
    guarded_options.cancelled = Heard::by(heard, options.cancelled, true);
    HEARTH_TRY(request->job, impl_->scheduler->submit({ids.begin(), ids.end()}, std::move(guarded_options),
                                                      Heard::by(heard, on_text, false)));
    return Request(std::move(request));
  });
}

}  // namespace hearth
