// Enters: work. Leaves: the exit status of a forked child that does it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace hearth::test {

/// The exit status of body() in a forked child, which never returns into the test runner; one that hangs ends by a signal.
template <class Body> int status_in_child(Body body) {
  constexpr unsigned kSeconds = 100;  // sanitizers are slow
  const pid_t child = fork();
  if (child == 0) {
    alarm(kSeconds);
    _exit(body());
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  INFO("wait status " << status);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace hearth::test
