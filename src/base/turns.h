// Enters: threads that want the same thing. Leaves: one at a time, in the order in which they asked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace hearth {

/// A lock that is fair: who gives it back and asks again stands behind all who wait. A child made by fork has none of the
/// threads that may have held it or waited for it, so there it begins anew.
class Turns {
 public:
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(turns) { turns_.take(); }
    ~Turn() { turns_.give(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

  Turns();
  ~Turns();

  /// Waits until somebody's turn has ended, or close(), or so long; not in a forked child.
  void wait_for_first(std::chrono::milliseconds longest);

  /// Nobody needs to wait for a first turn any more.
  void close();

  /// Whether this is a child made by fork: nobody else takes a turn here.
  bool forked() const;

 private:
  struct Line {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t next = 0, serving = 0;  // tickets: the next to hand out, the one whose turn it is
    bool closed = false;
  };
  void take();
  void give();

  pid_t owner_;
  std::unique_ptr<Line> line_;
  std::mutex after_fork_;
};

}  // namespace hearth
