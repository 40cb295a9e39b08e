// Enters: a path. Leaves: the file's bytes, mapped (default) or read into memory; the only door to files being read.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <span>
#include <string>

namespace hearth {

/// Fills `to` from the start of `descriptor`: retries EINTR, continues short reads, and an early end is an error.
/// `read_call` is a parameter so that tests can make the system fail.
/// `on_read`, where there is one, is told after each piece how much of all came; its error ends the reading.
using ReadCall = ssize_t (*)(int descriptor, void* to, std::size_t bytes, off_t at);
using OnRead = std::function<Result<void>(std::size_t done, std::size_t all)>;
Result<void> read_fully(int descriptor, std::span<std::byte> to, const std::string& path, ReadCall read_call,
                        const OnRead& on_read = {});

/// What a file's bytes are remembered by: whoever changes them changes one of these.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, bytes = 0;
  std::int64_t modified = 0,
               changed = 0;  // nanoseconds since 1970: of the bytes, and of the bytes or anything about the file

  bool operator==(const FileStamp&) const = default;
};

/// A whole regular file as read-only bytes. Opening refuses directories, FIFOs, devices and sockets at once
/// (it never blocks), sizes come from fstat of the descriptor that is mapped, and a rename during loading changes
/// nothing. A mapped file that another process cuts short faults on access (documented); `Access::read` is immune.
class MappedFile {
 public:
  enum class Access { map, read };

  /// `on_read`: of Access::read.
  static Result<MappedFile> open(const std::string& path, Access access = Access::map, const OnRead& on_read = {});

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  bool mapped() const { return access_ == Access::map; }
  /// As it was when the file was opened, of the very descriptor whose bytes these are.
  const FileStamp& stamp() const { return stamp_; }

  /// Tells the system that these bytes will not be read again soon; a no-op for Access::read.
  void release(std::span<const std::byte> bytes) const;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  FileStamp stamp_;
  Access access_ = Access::map;
};

}  // namespace hearth
