// Enters: bytes for a path. Leaves: the complete file under that path, or the path untouched and an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>

namespace hearth {

/// Writes beside `path` and renames at the end, so nobody ever sees half a file and an old file survives every error. The new one has
/// the old one's permissions, or without one what the user's umask gives.
/// Destroyed without `commit`, it removes what it wrote.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  Result<void> write(std::span<const std::byte> bytes);
  std::uint64_t bytes_written() const { return written_; }

  /// Flushes to the disk, gives the file its name and flushes that.
  Result<void> commit();

 private:
  AtomicFile() = default;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
};

}  // namespace hearth
