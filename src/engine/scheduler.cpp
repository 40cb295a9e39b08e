// Enters: requests, from any thread. Leaves: their replies, computed together.
#include "scheduler.h"

#include <algorithm>
#include <new>
#include <utility>

#include "guarded.h"
#include "try.h"

namespace hearth::engine {
namespace {

Result<void> check(const EngineOptions& o) {
  constexpr std::int64_t kMostParallel = 256, kMostQueued = 1 << 20;
  if (o.n_parallel < 1 || o.n_parallel > kMostParallel)
    return Error(Status::invalid_argument, "n_parallel is " + std::to_string(o.n_parallel) + "; engine; use 1 to " +
                                               std::to_string(kMostParallel));
  if (o.n_queue < 0 || o.n_queue > kMostQueued)
    return Error(Status::invalid_argument,
                 "n_queue is " + std::to_string(o.n_queue) + "; engine; use 0 to " + std::to_string(kMostQueued));
  return {};
}

/// The error, or two words that need no memory: whoever waits must hear of it.
Error copy_of(const Error& error) noexcept {
  try {
    return error;
  } catch (const std::bad_alloc&) {
    return {Status::out_of_memory, "out of memory"};
  }
}

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::make(std::shared_ptr<const LoadedModel> model,
                                                   std::shared_ptr<const LoadedModel> draft,
                                                   const EngineOptions& options) {
  HEARTH_CHECK(check(options));
  HEARTH_CHECK(check_chunk(options.session.chunk));
  std::unique_ptr<Scheduler> s(new Scheduler(std::move(model), std::move(draft), options));
  SessionOptions& session = s->options_.session;
  if (session.n_ctx == 0)
    session.n_ctx = fitting_context(s->model_->config(), kv_type(session.kv), session.chunk,
                                    s->model_->kv_budget().divided(options.n_parallel), s->model_->placement());
  HEARTH_TRY(const Context context, Context::make(s->model_, session));  // what no request could have is refused now
  session.chunk = context.chunk();
  const model::PlacedBytes one = model::KvCache::bytes(s->model_->config(), context.cache().type(), context.n_ctx(),
                                                       context.chunk(), s->model_->placement());
  HEARTH_CHECK(s->model_->pool()->could_hold(one.times(static_cast<std::uint64_t>(options.n_parallel)).total()));
  if (s->draft_) HEARTH_CHECK(DraftModel::make(s->draft_, context));
  const PassRoom room = engine_room(context.chunk(), options.n_parallel);
  HEARTH_TRY(s->space_, model::Workspace::make(s->model_->config(), room.rows, room.logits, s->model_->placement()));
  s->active_.reserve(static_cast<std::size_t>(options.n_parallel));  // what is nobody's own must not fail
  s->rows_.reserve(static_cast<std::size_t>(room.rows));
  return s;
}

Result<std::shared_ptr<Job>> Scheduler::submit(std::vector<std::int32_t> ids, GenerateOptions options, OnText on_text) {
  HEARTH_TRY(Chooser chooser, Chooser::make(*model_, options));  // here: nobody else waits for a long grammar
  auto job = std::make_shared<Job>(std::move(ids), std::move(chooser), std::move(options), std::move(on_text));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return Error(Status::cancelled, "the engine was closed; request; start another");
  if (n_unfinished_ >= options_.n_parallel + options_.n_queue)
    return Error(Status::busy, "the engine has " + std::to_string(options_.n_parallel) + " requests at work and " +
                                   std::to_string(options_.n_queue) +
                                   " waiting; request; try again later or ask for a longer n_queue");
  queue_.push_back(job);
  ++n_unfinished_;
  changed_.notify_all();
  return job;
}

void Scheduler::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool Scheduler::step() {
  if (!admit()) return false;
  plan();
  pass();
  std::erase_if(active_, [](const std::unique_ptr<Active>& a) { return a->job->done(); });
  return true;
}

// Waits for work, and begins as many requests as may run together; false once closed.
bool Scheduler::admit() {
  const auto is_full = [&] { return static_cast<std::int64_t>(active_.size()) >= options_.n_parallel; };
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !queue_.empty() || !active_.empty(); });
  lock.unlock();
  drop_cancelled();
  lock.lock();
  while (!closed_ && !queue_.empty() && !is_full()) {
    const std::shared_ptr<Job> job = queue_.front();
    lock.unlock();
    if (auto begun = guarded([&] { return begin(job); })) active_.push_back(std::move(*begun));
    else end(*job, std::move(begun).error());
    lock.lock();
    queue_.pop_front();
  }
  return !closed_;
}

// Who waits in the queue and is cancelled waits no longer. Asked without the lock: an answer may wait for somebody who submits,
// which adds to the end; nobody else takes away.
void Scheduler::drop_cancelled() {
  for (std::size_t i = 0;;) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (i == queue_.size()) return;
    const std::shared_ptr<Job> job = queue_[i];
    lock.unlock();
    if (!job->cancelled()) {
      ++i;
      continue;
    }
    lock.lock();
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    lock.unlock();
    end(*job, error_from(Status::cancelled, "the request was cancelled", "; before its turn; nothing was computed"));
  }
}

Result<std::unique_ptr<Scheduler::Active>> Scheduler::begin(std::shared_ptr<Job> job) const {
  HEARTH_TRY(Context context, Context::make(model_, options_.session));
  auto active = std::make_unique<Active>(Active{std::move(job), std::move(context), nullptr, nullptr});
  GenerateOptions options = active->job->options();
  if (draft_ && options.n_draft > 0) {
    HEARTH_TRY(active->draft, DraftModel::make_if_it_fits(draft_, active->context));
  }
  options.cancelled = [job = active->job.get()] { return job->cancelled(); };
  HEARTH_TRY(active->generation, Generation::start(active->context, active->job->ids(), 0, active->job->take_chooser(),
                                                   std::move(options), active->job->on_text(), active->draft.get()));
  return active;
}

void Scheduler::plan() {
  rows_.clear();
  n_logits_ = 0;
  std::int64_t n_reading = 0;
  for (const auto& a : active_) {
    a->n_rows = 0;
    if (a->generation->reads_prompt()) ++n_reading;
  }
  const auto n_decoding = static_cast<std::int64_t>(active_.size()) - n_reading;
  for (const auto& a : active_)
    if (!a->generation->reads_prompt())
      plan(*a, std::max<std::int64_t>(1, kDecodeRows / static_cast<std::int64_t>(active_.size())));
  std::int64_t left = std::max(n_reading, length_.n_rows(options_.session.chunk) - n_decoding);
  for (const auto& a : active_)
    if (a->generation->reads_prompt()) {
      plan(*a, left / n_reading--);
      left -= static_cast<std::int64_t>(a->n_rows);
    }
}

void Scheduler::plan(Active& a, std::int64_t most) {
  a.first_row = rows_.size();
  auto planned = guarded([&] { return a.generation->plan(most, rows_); });
  if (!planned) {
    rows_.resize(a.first_row);
    return end(*a.job, std::move(planned).error());
  }
  a.n_rows = rows_.size() - a.first_row;
  a.first_logits = n_logits_;
  n_logits_ += a.generation->n_logits();
}

void Scheduler::pass() {
  if (rows_.empty()) return;
  const auto start = Clock::now();
  const auto done = guarded([&] { return model_->forward(rows_, space_); });
  if (!done) {  // somebody's numbers left the floats, or there was no memory: each by itself, and the others go on
    for (const auto& a : active_)
      if (a->n_rows != 0) pass_alone(*a);
    return;
  }
  length_.saw(static_cast<std::int64_t>(rows_.size()), seconds_since(start));
  for (const auto& a : active_)
    if (a->n_rows != 0) take(*a, a->first_logits);
}

void Scheduler::pass_alone(Active& a) {
  auto done =
      guarded([&] { return compute(*model_, *a.generation, std::span(rows_).subspan(a.first_row, a.n_rows), space_); });
  if (done) return take(a, 0);
  end(*a.job, std::move(done).error());
}

void Scheduler::take(Active& a, std::int64_t first_logits) {
  auto reply = guarded([&]() -> Result<std::optional<Reply>> {
    HEARTH_CHECK(a.generation->take(space_, first_logits));
    return a.generation->done() ? std::optional(a.generation->finish()) : std::nullopt;
  });
  if (!reply) return end(*a.job, std::move(reply).error());
  if (*reply) end(*a.job, std::move(**reply));
}

// Counted first: who has a reply may ask again at once.
void Scheduler::end(Job& job, Result<Reply> reply) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --n_unfinished_;
  }
  job.finish(std::move(reply));
}

void Scheduler::fail_all(const Error& error) {
  for (const auto& a : active_)
    if (!a->job->done()) a->job->finish(copy_of(error));
  active_.clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::shared_ptr<Job>& job : queue_) job->finish(copy_of(error));
  queue_.clear();
  n_unfinished_ = 0;
}

}  // namespace hearth::engine
