// Enters: work. Leaves: the work done by a team of threads; the only file that starts or joins threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <memory>

namespace hearth {

/// One member's view of a parallel region. Every member runs the same code; loops share their iterations out as members
/// come for them, so a busy neighbour costs only its share. What a member computes never depends on who it is.
class Worker {
 public:
  int index() const { return index_; }
  int count() const { return count_; }

  /// Everybody calls it; returns when all have arrived. Spins for microseconds, then sleeps.
  void barrier();

  /// body(begin, end) over 0 <= begin < end <= n in pieces of up to `grain`; returns when all pieces are done everywhere.
  /// A member first takes the pieces of its own share one after the other (what it reads lies together), then others' leftovers.
  template <class Body> void loop(std::int64_t n, std::int64_t grain, Body&& body) {
    const std::int64_t pieces = (n + grain - 1) / grain;
    for (int turn = 0; turn < count_; ++turn) {
      const int share = (index_ + turn) % count_;
      const std::int64_t last = pieces * (share + 1) / count_;
      for (std::int64_t piece; (piece = pieces * share / count_ + claim(share)) < last;)
        body(piece * grain, (piece + 1) * grain < n ? (piece + 1) * grain : n);
    }
    barrier();
  }

  /// body() on one member; returns when it is done everywhere.
  template <class Body> void once(Body&& body) {
    if (index_ == 0) body();
    barrier();
  }

 private:
  friend class Team;
  struct Shared;
  Worker(Shared& shared, int index, int count) : shared_(shared), index_(index), count_(count) {}
  std::int64_t claim(int share);  // 0, 1, 2, … until the next barrier

  Shared& shared_;
  int index_, count_;
};

/// A fixed set of threads, the caller's included. Failing to start one is an error. After a fork the child's team works with
/// the calling thread alone: slower, the same bits. One region at a time; a second caller waits.
///
/// Everybody waits for a member whose processor another program has taken in the middle of a piece. Where that happens all the
/// time up to half of the members sit out for a while; Worker::count() says how many take part in a region.
class Team {
 public:
  /// Who takes part in a region. Where its pieces are long and many, all should: what a member does between being queued is worth more
  /// than the wait for its last piece.
  enum class Members : bool { present, all };

  static Result<std::unique_ptr<Team>> start(int n_threads);

  /// Whether a team may have so many threads.
  static Result<void> check(int n_threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const;

  /// body(Worker&) on every member that takes part, in the floating-point state of ARITHMETIC.md; returns when all have finished.
  template <class Body> void run(Body&& body, Members members = Members::present) {
    run_erased([](void* object, Worker& worker) { (*static_cast<std::remove_reference_t<Body>*>(object))(worker); },
               &body, members);
  }

 private:
  using Call = void (*)(void* object, Worker& worker);
  struct State;
  explicit Team(std::unique_ptr<State> state);
  void run_erased(Call call, void* object, Members members);

  std::unique_ptr<State> state_;
};

/// A thread of its own that works through a job in steps.
class Background {
 public:
  /// Calls step() until it returns false. Failing to start the thread is an error.
  static Result<std::unique_ptr<Background>> start(std::function<bool()> step);

  /// Waits for the step under way; the rest is not done. In a forked child there is no thread to wait for.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  struct State;
  explicit Background(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth
