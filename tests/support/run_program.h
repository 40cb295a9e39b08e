// Enters: a program, its arguments, its standard input. Leaves: what it wrote and how it ended.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"

extern char** environ;

namespace hearth::test {

struct Outcome {
  std::string out, err;
  int exit_code = -1;  // -1: a signal ended it
};

struct Call {
  std::vector<std::string> arguments;
  std::optional<std::string> input;                        // without: /dev/null
  std::vector<std::string> environment;                    // "NAME=value", besides this process's own
  std::function<void(pid_t, std::string_view out)> watch;  // after each piece of output
  bool close_input = false, close_output = false;          // started without that descriptor
  bool leave_output = false;                               // nobody reads its stdout
};

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  ~Pipe() { close(0), close(1); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close(int end) {
    if (ends_[static_cast<std::size_t>(end)] >= 0) ::close(ends_[static_cast<std::size_t>(end)]);
    ends_[static_cast<std::size_t>(end)] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// False at the end of the pipe.
inline bool drain(int from, std::string& into) {
  char buffer[65536];
  const ssize_t got = ::read(from, buffer, sizeof buffer);
  if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

inline void collect(Pipe& out, Pipe& err, Outcome& outcome, const std::function<void(std::string_view)>& watch) {
  std::array<pollfd, 2> open{pollfd{out.read_end(), POLLIN, 0}, pollfd{err.read_end(), POLLIN, 0}};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    if (::poll(open.data(), open.size(), -1) < 0) continue;
    if (open[0].revents && !drain(open[0].fd, outcome.out)) open[0].fd = -1;
    if (open[1].revents && !drain(open[1].fd, outcome.err)) open[1].fd = -1;
    if (watch) watch(outcome.out);
  }
}

inline std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// Input longer than a pipe holds is not for this: it is written before the output is read.
inline Outcome run_program(const std::string& program, Call call) {
  Pipe in, out, err;
  if (call.leave_output) out.close(0);  // before the program starts: it may be done sooner than a reader can leave
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (call.input) posix_spawn_file_actions_adddup2(&actions, in.read_end(), 0);
  else posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (call.close_input) posix_spawn_file_actions_addclose(&actions, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end(), 1);
  if (call.close_output) posix_spawn_file_actions_addclose(&actions, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end(), 2);

  std::vector<std::string> arguments = {program}, environment;
  arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
  for (char** entry = environ; *entry; ++entry)
    if (std::string_view(*entry).rfind("HEARTH_", 0) != 0) environment.emplace_back(*entry);
  environment.insert(environment.end(), call.environment.begin(), call.environment.end());
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, program.c_str(), &actions, nullptr, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  REQUIRE(failed == 0);
  in.close(0), out.close(1), err.close(1);
  if (call.input)
    REQUIRE(::write(in.write_end(), call.input->data(), call.input->size()) ==
            static_cast<ssize_t>(call.input->size()));
  in.close(1);

  Outcome outcome;
  collect(out, err, outcome, [&](std::string_view text) {
    if (call.watch) call.watch(child, text);
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

}  // namespace hearth::test
