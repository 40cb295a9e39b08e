// Enters: work. Leaves: the work done by a team of threads: an own small pool, or the host's OpenMP team.
#include "parallel.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "elapsed.h"
#include "float_state.h"
#include "host.h"
#include "try.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif
#ifdef HEARTH_OPENMP
#include <omp.h>
#endif

namespace hearth {
namespace {

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `word` is no longer `old`. A pause takes tens of nanoseconds, so the spin lasts some microseconds: long enough
// for members that finish together, short enough that a member whose core was taken does not burn the others'.
void wait_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  constexpr int kSpins = 256;
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    pause_briefly();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

Error thread_refused(const std::system_error& failure, const std::string& which) {
  return Error(Status::io, "the system refused to start " + which + " (" + failure.code().message() +
                               "); thread pool; ask for fewer threads");
}

}  // namespace

/// How many members take part. One leaves when members are queued for processors for a good part of their time, and is tried again
/// every now and then. At most half leave: where all processors are taken, fewer members win nothing.
class Attendance {
 public:
  explicit Attendance(int members) : all_(members), present_(members), threads_(static_cast<std::size_t>(members)) {}

  /// On a member's own thread, before it waits to be called.
  void enlist(int index) { threads_[static_cast<std::size_t>(index)] = this_thread(); }

  /// How many take part in the region that begins, the caller's thread being member 0.
  int begin() {
    const auto now = Clock::now();
    const int caller = this_thread();
    if (threads_[0].exchange(caller) != caller) watching_ = false;
    if (present_ < all_ && now >= next_try_) {
      ++present_;
      trying_ = true;
      watching_ = false;
    }
    if (!watching_) {
      watching_ = true;
      since_ = now;
      queued_ = queued();
    }
    return present_;
  }

  void end() {
    const double seconds = seconds_since(since_);
    if (seconds < kWatch) return;
    watching_ = false;
    if (queued() - queued_ > kShare * seconds && present_ > (all_ + 1) / 2) {
      --present_;
      pause_ = trying_ ? std::min(2 * pause_, kLongestPause) : kShortestPause;
      next_try_ = Clock::now() + pause_;
    }
    trying_ = false;
  }

 private:
  static constexpr double kWatch = 0.05;  // seconds before anything is said of them
  static constexpr double kShare = 0.25;  // of them; a program that never rests takes half of a member's, or more
  static constexpr std::chrono::milliseconds kShortestPause{250}, kLongestPause{2000};

  double queued() const {
    double seconds = 0.0;
    for (int i = 0; i < present_; ++i) seconds += seconds_queued(threads_[static_cast<std::size_t>(i)]);
    return seconds;
  }

  int all_, present_;
  std::vector<std::atomic<int>> threads_;
  bool watching_ = false, trying_ = false;
  Clock::time_point since_, next_try_;
  double queued_ = 0.0;
  std::chrono::milliseconds pause_ = kShortestPause;
};

struct Worker::Shared {
  struct alignas(64) Counter {
    std::atomic<std::int64_t> next{0};
  };
  explicit Shared(int n_members) : claimed(static_cast<std::size_t>(n_members)) {}
  std::vector<Counter> claimed;  // pieces taken of each share of the loop under way
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<std::uint32_t> generation{0};  // of the barrier
};

std::int64_t Worker::claim(int share) {
  return shared_.claimed[static_cast<std::size_t>(share)].next.fetch_add(1, std::memory_order_relaxed);
}

void Worker::barrier() {
  const std::uint32_t generation = shared_.generation.load(std::memory_order_relaxed);
  if (shared_.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 < count_)
    return wait_change(shared_.generation, generation);
  shared_.arrived.store(0, std::memory_order_relaxed);
  for (Shared::Counter& counter : shared_.claimed) counter.next.store(0, std::memory_order_relaxed);
  // Sequentially consistent: notify_all() looks whether anybody sleeps, and on x86 a store that only releases may still be under
  // way then, so that one who falls asleep just now would be missed for ever.
  shared_.generation.store(generation + 1, std::memory_order_seq_cst);
  shared_.generation.notify_all();
}

struct Team::State {
  explicit State(int members)
      : n_threads(members), shared(members), attendance(members), calls(static_cast<std::size_t>(members)) {}
  struct alignas(64) Calls {
    std::atomic<std::uint32_t> made{0};  // a change calls a member to a region, or ends it
  };
  int n_threads;
  pid_t owner = 0;
  std::mutex one_region, after_fork;  // the second where the first may be held by a thread that the child lacks
  Worker::Shared shared;
  Attendance attendance;
  std::vector<Calls> calls;
  std::vector<std::thread> threads;
  bool stop = false;
  int n_present = 0;  // in the region under way
  Call call = nullptr;
  void* object = nullptr;

  void serve(int index) {
    FloatState canonical;
    attendance.enlist(index);
    const std::atomic<std::uint32_t>& made = calls[static_cast<std::size_t>(index)].made;
    for (std::uint32_t seen = 0;;) {
      wait_change(made, seen);
      seen = made.load(std::memory_order_acquire);
      if (stop) return;
      take_part(call, object, Worker(shared, index, n_present));
    }
  }

  // A member that left early would leave the others waiting for it: an exception, of which no body has any, ends the program.
  static void take_part(Call call, void* object, Worker worker) noexcept {
    call(object, worker);
    worker.barrier();
  }

  void call_members(int n) {
    for (int i = 1; i < n; ++i) {
      std::atomic<std::uint32_t>& made = calls[static_cast<std::size_t>(i)].made;
      made.fetch_add(1, std::memory_order_seq_cst);
      made.notify_one();
    }
  }
};

Team::Team(std::unique_ptr<State> state) : state_(std::move(state)) {}

int Team::size() const { return state_->n_threads; }

Result<void> Team::check(int n_threads) {
  if (n_threads >= 1 && n_threads <= kMostThreads) return {};
  return Error(Status::invalid_argument, "threads is " + std::to_string(n_threads) + "; it must be 1 to " +
                                             std::to_string(kMostThreads) + "; choose a number in that range");
}

Result<std::unique_ptr<Team>> Team::start(int n_threads) {
  HEARTH_CHECK(check(n_threads));
  auto state = std::make_unique<State>(n_threads);
  state->owner = getpid();
  std::unique_ptr<Team> team(new Team(std::move(state)));
#ifndef HEARTH_OPENMP
  try {
    for (int i = 1; i < n_threads; ++i)
      team->state_->threads.emplace_back([s = team->state_.get(), i] { s->serve(i); });
  } catch (const std::system_error& failure) {
    return thread_refused(
        failure, "thread " + std::to_string(team->state_->threads.size() + 1) + " of " + std::to_string(n_threads));
  }
#endif
  return team;
}

Team::~Team() {
  if (state_->owner != getpid()) {  // a forked child: the threads do not exist there, and neither joining nor detaching
    static_cast<void>(
        state_.release());  // them is defined (a new thread may have their stacks by now), so they are left behind
    return;
  }
  state_->stop = true;
  state_->call_members(state_->n_threads);
  for (std::thread& thread : state_->threads) thread.join();
}

void Team::run_erased(Call call, void* object, [[maybe_unused]] Members members) {
  State& s = *state_;
  const bool forked = s.owner != getpid();
  std::lock_guard<std::mutex> only(forked ? s.after_fork : s.one_region);
  FloatState canonical;
  if (forked) {
    Worker::Shared shared(1);
    Worker alone(shared, 0, 1);
    return call(object, alone);
  }
  if (s.n_threads == 1) {
    Worker alone(s.shared, 0, 1);
    return call(object, alone);
  }
#ifdef HEARTH_OPENMP
#pragma omp parallel num_threads(s.n_threads)
  {
    FloatState member;
    State::take_part(call, object, Worker(s.shared, omp_get_thread_num(), omp_get_num_threads()));
  }
#else
  s.call = call;
  s.object = object;
  const bool all = members == Members::all;
  s.n_present = all ? s.n_threads : s.attendance.begin();
  s.call_members(s.n_present);
  State::take_part(call, object, Worker(s.shared, 0, s.n_present));
  if (!all) s.attendance.end();
#endif
}

struct Background::State {
  pid_t owner = getpid();
  std::atomic<bool> stop{false};
  std::thread thread;
};

Background::Background(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Background>> Background::start(std::function<bool()> step) {
  std::unique_ptr<Background> background(
      new Background(std::make_unique<State>()));  // a thread begins owned, or not at all
  State* const state = background->state_.get();
  try {
    state->thread = std::thread([s = state, step = std::move(step)] {
      while (!s->stop.load(std::memory_order_relaxed) && step()) {
      }
    });
  } catch (const std::system_error& failure) {
    return thread_refused(failure, "the background thread");
  }
  return background;
}

Background::~Background() {
  if (state_->owner != getpid()) {
    static_cast<void>(state_.release());  // as a Team's threads are
    return;
  }
  state_->stop = true;
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace hearth
