// Enters: threads that want the same thing. Leaves: one at a time, in the order in which they asked.
#include "turns.h"

#include <unistd.h>

namespace hearth {

Turns::Turns() : owner_(getpid()), line_(std::make_unique<Line>()) {}

Turns::~Turns() {
  if (forked()) static_cast<void>(line_.release());  // its end would wait for those who stand in line, and are not here
}

bool Turns::forked() const { return owner_ != getpid(); }

void Turns::take() {
  if (forked()) return after_fork_.lock();
  std::unique_lock<std::mutex> lock(line_->mutex);
  const std::uint64_t ticket = line_->next++;
  line_->changed.wait(lock, [&] { return line_->serving == ticket; });
}

void Turns::give() {
  if (forked()) return after_fork_.unlock();
  const std::lock_guard<std::mutex> lock(line_->mutex);
  ++line_->serving;
  line_->changed.notify_all();
}

void Turns::wait_for_first(std::chrono::milliseconds longest) {
  if (forked()) return;
  std::unique_lock<std::mutex> lock(line_->mutex);
  line_->changed.wait_for(lock, longest, [&] { return line_->closed || line_->serving > 0; });
}

void Turns::close() {
  if (forked()) return;
  const std::lock_guard<std::mutex> lock(line_->mutex);
  line_->closed = true;
  line_->changed.notify_all();
}

}  // namespace hearth
