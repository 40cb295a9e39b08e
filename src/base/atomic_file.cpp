// Enters: bytes for a path. Leaves: the complete file under that path, or the path untouched and an error.
#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "escape.h"

namespace hearth {
namespace {

Error write_error(int code, std::string_view doing, const std::string& path) {
  const std::string_view advice = code == ENOSPC || code == EDQUOT ? "free disk space"
                                  : code == EACCES || code == EPERM || code == EROFS
                                      ? "choose a folder this user may write to"
                                  : code == ENOENT ? "create the folder first"
                                                   : "check the path and the file system";
  const Status status = code == ENOENT ? Status::not_found : Status::io;
  return {status, std::generic_category().message(code) + "; " + std::string(doing) + " " + quoted_path(path) + "; " +
                      std::string(advice)};
}

/// So that the name outlives a loss of power too. Some file systems refuse: the file is there all the same.
void sync_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

constexpr mode_t kPermissions = 0777;

/// Nothing is asked of a file system that gives what is wanted by itself: some refuse to change any.
bool permit(int descriptor, mode_t wanted) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 &&
         ((info.st_mode & kPermissions) == wanted || ::fchmod(descriptor, wanted) == 0);
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return Error(Status::invalid_argument,
                 "the path is empty or holds a NUL byte; creating " + quoted_path(path) + "; give a path without it");
  struct stat info {};
  const bool replaces = ::stat(path.c_str(), &info) == 0;
  if (replaces && !S_ISREG(info.st_mode))
    return Error(Status::io,
                 "the path exists and is not a regular file; creating " + quoted_path(path) + "; choose another name");
  AtomicFile file;
  file.path_ = path;
  const mode_t wanted = replaces ? info.st_mode & kPermissions : 0666;
  const std::string stem = path + ".tmp-" + std::to_string(::getpid()) + "-";
  for (int attempt = 0; attempt < 100; ++attempt) {
    file.temporary_ = stem + std::to_string(attempt);
    // O_EXCL and not mkstemp: the file gets the permissions of the user's umask.
    file.descriptor_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, wanted);
    if (file.descriptor_ < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (file.descriptor_ < 0 || (replaces && !permit(file.descriptor_, wanted))) break;
    return file;
  }
  return write_error(errno, "creating", path);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(other.written_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(written_, other.written_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t largest_write = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), std::min(largest_write, bytes.size()));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return write_error(errno, "writing", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    written_ += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return write_error(errno, "writing", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return write_error(errno, "renaming to", path_);
  ::close(std::exchange(descriptor_, -1));
  sync_folder(path_);
  return {};
}

}  // namespace hearth
