// Enters: results and messages. Leaves: results on stdout, messages on stderr, and whether Ctrl-C or a closed pipe came between.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

namespace hearth::cli {

/// The program's three standard streams. Nothing is buffered, so there is nothing left to flush when the program ends.
class Console {
 public:
  /// Opens whichever standard stream is closed onto /dev/null, so that no later file takes its number; ignores SIGPIPE and SIGXFSZ;
  /// catches Ctrl-C.
  Console();

  /// Result text: raw bytes to a pipe or file; to a terminal with its control sequences shown, not acted upon. False once
  /// stdout has failed; the first failure is kept and later text is dropped. After Ctrl-C no reader is waited for: what it does not
  /// take at once is given up, which counts as a failure.
  bool write(std::string_view text);

  /// One line for people, on stderr.
  void note(std::string_view line);
  /// "error: " and the message, in one line.
  void error(std::string_view message);

  bool output_failed() const { return output_error_ != 0; }
  bool reader_left() const;
  std::string output_message() const;

 private:
  bool output_is_terminal_ = false, messages_on_terminal_ = false, at_line_start_ = true;
  int output_error_ = 0;
};

/// While one lives, the first Ctrl-C only sets a flag that the work looks at; the second one, and any Ctrl-C outside, ends
/// the program at once with 130.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
};

bool interrupted();

/// read(2) that waits for input, from a stream that does not wait by itself too.
ssize_t read_some(int descriptor, std::span<char> buffer);

inline constexpr int kExitInterrupted = 130;

}  // namespace hearth::cli
