// Enters: threads that want the same thing. Leaves: one at a time, in the order in which they asked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hearth {

/// A lock that is fair: who gives it back and asks again stands behind all who wait. A child made by fork has none of the
/// threads that may have held it, so there it begins anew.
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

  /// Waits until somebody's turn has ended, or close(), or so long.
  void wait_for_first(std::chrono::milliseconds longest);

  /// Nobody needs to wait for a first turn any more.
  void close();

 private:
  void take();
  void give();
  bool forked() const;

  pid_t owner_;
  std::mutex mutex_, after_fork_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0, serving_ = 0;  // tickets: the next to hand out, the one whose turn it is
  bool closed_ = false;
};

}  // namespace hearth
