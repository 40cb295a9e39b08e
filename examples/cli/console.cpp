// Enters: results and messages. Leaves: results on stdout, messages on stderr, and whether Ctrl-C or a closed pipe came between.
#include "console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "printable.h"

namespace hearth::cli {
namespace {

// A signal handler can reach nothing but globals.
volatile std::sig_atomic_t g_interrupted = 0;
volatile std::sig_atomic_t g_interruptible = 0;

void on_interrupt(int) {
  if (!g_interruptible || g_interrupted) ::_exit(kExitInterrupted);
  g_interrupted = 1;
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

/// A closed stream becomes one on which its use fails, as it would have failed before.
void keep_number(int descriptor, int mode) {
  if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", mode);
}

/// Whether a read or write that failed is to be tried again: a signal came, or the stream is one that does not wait.
bool passes(int code) { return code == EINTR || code == EAGAIN; }

/// Waits until a stream can be read or written. False once Ctrl-C was heard: then nobody is waited for.
bool wait_for(int descriptor, short events) {
  pollfd stream{descriptor, events, 0};
  for (;;) {
    const int n = ::poll(&stream, 1, interrupted() ? 0 : -1);
    if (n > 0 || (n < 0 && errno != EINTR)) return true;  // what is wrong with the stream, its use will say
    if (interrupted()) return false;
  }
}

/// 0, or the errno of the failure.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    if (!wait_for(descriptor, POLLOUT)) return EINTR;
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put < 0 && !passes(errno)) return errno;
    if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
  }
  return 0;
}

}  // namespace

Console::Console() {
  keep_number(STDIN_FILENO, O_WRONLY);
  keep_number(STDOUT_FILENO, O_RDONLY);
  keep_number(STDERR_FILENO, O_RDONLY);
  output_is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  messages_on_terminal_ = ::isatty(STDERR_FILENO) == 1;
  set_handler(SIGPIPE, SIG_IGN);
  set_handler(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  set_handler(SIGINT, on_interrupt);
}

bool Console::write(std::string_view text) {
  if (output_error_ != 0) return false;
  if (!text.empty()) at_line_start_ = text.back() == '\n';
  output_error_ =
      output_is_terminal_ ? write_all(STDOUT_FILENO, printable(text, Lines::keep)) : write_all(STDOUT_FILENO, text);
  return output_error_ == 0;
}

void Console::note(std::string_view line) {
  std::string text = printable(line, Lines::escape) + '\n';
  if (output_is_terminal_ && messages_on_terminal_ && !at_line_start_) text.insert(0, 1, '\n');
  at_line_start_ = true;
  write_all(STDERR_FILENO, text);
}

void Console::error(std::string_view message) { note("error: " + std::string(message)); }

bool Console::reader_left() const { return output_error_ == EPIPE; }

std::string Console::output_message() const {
  return std::generic_category().message(output_error_) +
         "; writing standard output; free space there or send it elsewhere";
}

Interruptible::Interruptible() { g_interruptible = 1; }
Interruptible::~Interruptible() { g_interruptible = 0; }

bool interrupted() { return g_interrupted != 0; }

ssize_t read_some(int descriptor, std::span<char> buffer) {
  while (wait_for(descriptor, POLLIN)) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got >= 0 || !passes(errno)) return got;
  }
  errno = EINTR;
  return -1;
}

}  // namespace hearth::cli
