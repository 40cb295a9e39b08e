// Enters: -p, -f or standard input. Leaves: the text, byte for byte.
#include "text_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

Error read_error(int code, const std::string& from, const char* advice) {
  return Error(code == ENOENT ? Status::not_found : Status::io,
               std::generic_category().message(code) + "; reading " + from + "; " + advice);
}

Error too_long(const std::string& from) {
  return Error(Status::invalid_argument, "the text is longer than " + std::to_string(kMaxTextBytes) +
                                             " bytes; reading " + from + "; give a shorter one");
}

Result<std::string> read_all(int descriptor, const std::string& from, const char* advice) {
  struct stat info {};
  std::string text;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) {
    if (static_cast<std::size_t>(info.st_size) > kMaxTextBytes) return too_long(from);
    text.reserve(static_cast<std::size_t>(info.st_size));
  }
  char buffer[65536];
  for (;;) {
    const ssize_t got = read_some(descriptor, buffer);
    if (got < 0) return read_error(errno, from, advice);
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > kMaxTextBytes) return too_long(from);
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, const char* advice) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return read_error(errno, in_quotes(path), advice);
  auto text = read_all(descriptor, in_quotes(path), advice);
  ::close(descriptor);
  return text;
}

void TextInput::declare(CLI::App& app, Otherwise otherwise) {
  const char* without = otherwise == Otherwise::standard_input ? "; without -p and -f, standard input" : "";
  CLI::Option* text = add_text(app, "-p", "TEXT", text_, std::string("the text") + without);
  add_text(app, "-f", "FILE", file_, "a file that holds the text, up to 256 MiB")->excludes(text);
}

Result<std::string> TextInput::read(Console& console) const {
  if (text_) return *text_;
  if (file_) return read_text_file(*file_, kGiveFileOrText);
  if (::isatty(STDIN_FILENO)) console.note("type the text, end it with Ctrl-D");
  return read_all(STDIN_FILENO, "standard input", kGiveFileOrText);
}

}  // namespace hearth::cli
