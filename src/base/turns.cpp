// Enters: threads that want the same thing. Leaves: one at a time, in the order in which they asked.
#include "turns.h"

#include <unistd.h>

namespace hearth {

Turns::Turns() : owner_(getpid()) {}

bool Turns::forked() const { return owner_ != getpid(); }

void Turns::take() {
  if (forked()) return after_fork_.lock();
  std::unique_lock<std::mutex> lock(mutex_);
  const std::uint64_t ticket = next_++;
  changed_.wait(lock, [&] { return serving_ == ticket; });
}

void Turns::give() {
  if (forked()) return after_fork_.unlock();
  const std::lock_guard<std::mutex> lock(mutex_);
  ++serving_;
  changed_.notify_all();
}

void Turns::wait_for_first(std::chrono::milliseconds longest) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, longest, [&] { return closed_ || serving_ > 0; });
}

void Turns::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace hearth
