// Enters: a path. Leaves: the file's bytes, mapped (default) or read into memory; the only door to files being read.
#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "escape.h"
#include "heap.h"
#include "host.h"
#include "try.h"

namespace hearth {
namespace {

/// Closes its descriptor at the end of the scope; the mapping outlives it.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

struct Cause {
  int code;
  Status status;
  std::string_view advice;
};

constexpr Cause causes[] = {
    {ENOENT, Status::not_found, "check the path"},
    {ENOTDIR, Status::not_found, "check the path"},
    {EACCES, Status::io, "grant this user read permission"},
    {EPERM, Status::io, "grant this user read permission"},
    {ELOOP, Status::io, "the path's symbolic links form a loop or are too many: repair them"},
    {ENAMETOOLONG, Status::io, "use a shorter path"},
    {EMFILE, Status::io, "close files or raise the limit of open files (ulimit -n)"},
    {ENFILE, Status::io, "the whole system is out of open files: close some"},
    {ENXIO, Status::io, "give the path of a regular file, this is a socket or a device"},
    {EIO, Status::io, "the disk failed to read: copy the file from a sound source"},
    {ENOMEM, Status::out_of_memory, "free memory or raise the limit of this process"},
};

Error read_error(int code, std::string_view doing, const std::string& path) {
  Cause cause{code, Status::io, "check the path and the file system"};
  for (const Cause& row : causes)
    if (row.code == code) cause = row;
  return {cause.status, std::generic_category().message(code) + "; " + std::string(doing) + " " + quoted_path(path) +
                            "; " + std::string(cause.advice)};
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISSOCK(mode)) return "a socket";
  return "not a file with bytes of its own";
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
                                   static_cast<std::uint64_t>(time.tv_nsec));  // from 2262 on it wraps
}

/// Of a regular file, from the very descriptor that will be mapped.
Result<FileStamp> regular_stamp(int descriptor, const std::string& path) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return read_error(errno, "asking the size of", path);
  if (!S_ISREG(info.st_mode))
    return Error(Status::io, "this is " + std::string(kind_of(info.st_mode)) + "; opening " + quoted_path(path) +
                                 "; give the path of a regular file");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()))
    return read_error(ENOMEM, "mapping", path);
  return FileStamp{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), size,
                   nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

Result<int> open_for_reading(const std::string& path) {
  if (path.empty()) return Error(Status::invalid_argument, "the path is empty; opening a file; give a path");
  if (path.find('\0') != std::string::npos)
    return Error(Status::invalid_argument,
                 "the path holds a NUL byte; opening " + quoted_path(path) + "; give a path without it");
  for (;;) {
    // O_NONBLOCK: opening a FIFO or a device that nobody serves must not wait (CVE-2024-39721).
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor >= 0) return descriptor;
    if (errno != EINTR) return read_error(errno, "opening", path);
  }
}

}  // namespace

Result<void> read_fully(int descriptor, std::span<std::byte> to, const std::string& path, ReadCall read_call,
                        const OnRead& on_read) {
  // Linux moves at most 2 GiB - 4 KiB a call.
  const std::size_t largest_read = on_read ? std::size_t{1} << 24 : std::size_t{1} << 30;
  for (std::size_t done = 0; done < to.size();) {
    const std::size_t wanted = std::min(largest_read, to.size() - done);
    const ssize_t got = read_call(descriptor, to.data() + done, wanted, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_error(errno, "reading", path);
    if (got == 0)
      return Error(Status::io, "the file became shorter while it was read, " + std::to_string(done) + " of " +
                                   std::to_string(to.size()) + " bytes came; reading " + quoted_path(path) +
                                   "; wait for the other process to finish and try again");
    done += static_cast<std::size_t>(got);
    if (on_read) HEARTH_CHECK(on_read(done, to.size()));
  }
  return {};
}

Result<MappedFile> MappedFile::open(const std::string& path, Access access, const OnRead& on_read) {
  HEARTH_TRY(const int number, open_for_reading(path));
  const Descriptor descriptor(number);
  MappedFile file;
  HEARTH_TRY(file.stamp_, regular_stamp(descriptor.get(), path));
  const auto size = static_cast<std::size_t>(file.stamp_.bytes);
  file.path_ = path;
  file.access_ = access;
  if (size == 0) return file;  // mmap refuses length 0

  // Both ways end in a mapping, page-aligned and freed by munmap: of the file itself, or of memory it is read into.
  const bool map = access == Access::map;
  const std::uint64_t left = map ? size : available_memory();  // what is mapped takes no memory that must be there
  if (size > left)
    return Error(Status::out_of_memory, "the file has " + std::to_string(size) + " bytes, " + std::to_string(left) +
                                            " are left; reading " + quoted_path(path) + "; let it be mapped");
  void* const memory = map ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0)
                           : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return read_error(errno, "mapping " + std::to_string(size) + " bytes of", path);
  file.data_ = static_cast<const std::byte*>(memory);
  file.size_ = size;
  if (!map) HEARTH_CHECK(read_fully(descriptor.get(), {static_cast<std::byte*>(memory), size}, path, ::pread, on_read));
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      stamp_(other.stamp_),
      access_(other.access_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(stamp_, other.stamp_);
  std::swap(access_, other.access_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> bytes) const {
  if (!mapped() || data_ == nullptr) return;
  const auto file_begin = reinterpret_cast<std::uintptr_t>(data_);
  const auto asked_begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  let_pages_go(std::max(file_begin, asked_begin), std::min(file_begin + size_, asked_begin + bytes.size()));
}

}  // namespace hearth
