// Enters: rows of floats. Leaves: a NumPy file of them under its name, whole or not at all.
#include "npy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "is_model.h"
#include "printable.h"

namespace hearth::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory, '<f4'");

Error failure(int code, const std::string& path) {
  return Error(Status::io, std::generic_category().message(code) + "; writing " + in_quotes(path) +
                               "; choose a place with room that may be written to");
}

/// NEP 1: magic, version, length, a Python dictionary padded with spaces so that the data begin at a multiple of 64.
std::string header(std::int64_t n_rows, std::int64_t n_columns) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(n_rows) + ", " +
                     std::to_string(n_columns) + "), }";
  constexpr std::size_t before = 10, alignment = 64;
  text.append((alignment - (before + text.size() + 1) % alignment) % alignment, ' ').push_back('\n');
  const auto size = static_cast<unsigned>(text.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 255) + static_cast<char>(size >> 8) + text;
}

}  // namespace

Result<NpyFile> NpyFile::create(const std::string& path, std::int64_t n_rows, std::int64_t n_columns) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return Error(Status::io,
                 "the path exists and is no regular file; writing " + in_quotes(path) + "; choose another name");
  if (is_model(path))
    return Error(Status::invalid_argument,
                 "the file would take a model's place; writing " + in_quotes(path) + "; choose another name");
  // Another attempt: a program of the same number, killed in the middle, may have left a file of that name.
  const std::string stem = path + ".tmp-" + std::to_string(::getpid()) + "-";
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string temporary = stem + std::to_string(attempt);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (descriptor < 0) break;
    NpyFile file(path, std::move(temporary), descriptor);
    if (auto done = file.write(header(n_rows, n_columns)); !done) return done.error();
    return file;
  }
  return failure(errno, path);
}

NpyFile::NpyFile(NpyFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

NpyFile::~NpyFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Result<void> NpyFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failure(errno, path_);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> NpyFile::add_row(std::span<const float> row) {
  return write({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
}

Result<void> NpyFile::commit() {
  if (::fsync(descriptor_) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) return failure(errno, path_);
  ::close(std::exchange(descriptor_, -1));
  return {};
}

}  // namespace hearth::cli
