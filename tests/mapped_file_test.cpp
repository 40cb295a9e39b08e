// Enters: paths and system failures, rows G45, G47, G48 and G49 of BADINPUT.md. Leaves: the file's bytes or a clear
// error.
#include "mapped_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "support/catch.hpp"
#include "support/raw_gguf.h"

namespace mapped_file_test {

using namespace hearth;
using hearth::gguf::require_refusal;
using hearth::gguf::TemporaryFolder;
using hearth::gguf::write_bytes;

namespace {

constexpr MappedFile::Access both[] = {MappedFile::Access::map, MappedFile::Access::read};

void require_open_refused(const std::string& path, std::initializer_list<std::string_view> fragments, Status status) {
  for (const auto access : both) {
    const auto file = MappedFile::open(path, access);
    REQUIRE_FALSE(file);
    require_refusal(file.error(), fragments);
    CHECK(static_cast<int>(file.error().status()) == static_cast<int>(status));
  }
}

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

TEST_CASE("a regular file gives its bytes, mapped or read", "[base]") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 100'000}) {
    const auto bytes = pattern(size);
    write_bytes(folder / "f", bytes);
    for (const auto access : both) {
      auto opened = MappedFile::open(folder / "f", access);
      REQUIRE(opened);
      CHECK(equal(opened->bytes(), bytes));
      CHECK(opened->mapped() == (access == MappedFile::Access::map));
      const MappedFile moved = std::move(*opened);
      CHECK(equal(moved.bytes(), bytes));
      CHECK(moved.path() == folder / "f");
      MappedFile assigned;
      assigned = MappedFile();
      CHECK(assigned.bytes().empty());
    }
  }
}

TEST_CASE("G45 what is not a regular file is refused at once", "[base]") {
  const TemporaryFolder folder;
  require_open_refused(folder.path().string(), {"this is a directory", folder.path().string()}, Status::io);
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  require_open_refused(folder / "fifo", {"this is a FIFO"}, Status::io);
  require_open_refused("/dev/zero", {"this is a device", "/dev/zero"}, Status::io);

  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder / "sock").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  require_open_refused(folder / "sock", {"this is a socket"}, Status::io);
  ::close(listener);
}

TEST_CASE("G45 paths that lead nowhere are refused with the cause and the way out", "[base]") {
  const TemporaryFolder folder;
  require_open_refused("", {"the path is empty"}, Status::invalid_argument);
  require_open_refused(std::string("a\0b", 3), {"NUL", "a\\x00b"}, Status::invalid_argument);
  require_open_refused(folder / "none", {"No such file", "check the path"}, Status::not_found);
  require_open_refused(folder / "two\nlines", {"two\\nlines"}, Status::not_found);
  require_open_refused(folder / std::string(4096, 'x'), {"File name too long", "use a shorter path"}, Status::io);
  REQUIRE(::symlink("b", (folder / "a").c_str()) == 0);
  REQUIRE(::symlink("a", (folder / "b").c_str()) == 0);
  require_open_refused(folder / "a", {"symbolic links"}, Status::io);
  write_bytes(folder / "secret", pattern(8));
  REQUIRE(::chmod((folder / "secret").c_str(), 0) == 0);
  if (::geteuid() != 0) require_open_refused(folder / "secret", {"Permission denied", "read permission"}, Status::io);
}

TEST_CASE("a file from a year that 64 bits of nanoseconds do not reach is a file like any other", "[base]") {
  const TemporaryFolder folder;
  const std::string path = folder / "later";
  write_bytes(path, pattern(100));
  const timespec later{10'413'792'000, 0};  // 2300
  const timespec times[] = {later, later};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  CHECK(MappedFile::open(path, MappedFile::Access::map));
}

TEST_CASE("G47 a sparse 1 TiB file costs only what is read", "[base]") {
  const TemporaryFolder folder;
  const auto head = gguf::RawGguf().header(1, 0).tensor("t", {8}, 0, 0).pad().fill(32, 0x3f);
  write_bytes(folder / "sparse", head);
  if (::truncate((folder / "sparse").c_str(), off_t{1} << 40) != 0) return;  // this file system has no sparse files
  const auto file = gguf::File::open(folder / "sparse");
  REQUIRE(file);
  CHECK(file->file_bytes() == std::uint64_t{1} << 40);
  CHECK(file->find_tensor("t")->data[0] == std::byte{0x3f});
}

TEST_CASE("G48 a file replaced while open keeps the bytes that were opened", "[base]") {
  const TemporaryFolder folder;
  const auto old_bytes = pattern(5000), new_bytes = pattern(100);
  for (const auto access : both) {
    write_bytes(folder / "f", old_bytes);
    const auto file = MappedFile::open(folder / "f", access);
    REQUIRE(file);
    write_bytes(folder / "g", new_bytes);
    std::filesystem::rename(folder / "g", folder / "f");
    CHECK(equal(file->bytes(), old_bytes));
  }
}

TEST_CASE("G49 short reads and EINTR are retried, EIO and an early end are errors", "[base]") {
  static const auto source = pattern(10'000);
  const auto stuttering = [](int, void* to, std::size_t bytes, off_t at) -> ssize_t {
    static int calls = 0;
    if (++calls % 3 == 0) {
      errno = EINTR;
      return -1;
    }
    const std::size_t count = std::min<std::size_t>(bytes, 77);
    std::memcpy(to, source.data() + at, count);
    return static_cast<ssize_t>(count);
  };
  std::vector<std::byte> to(source.size());
  REQUIRE(read_fully(-1, to, "f", stuttering));
  CHECK(to == source);

  const auto broken =
      read_fully(-1, to, "f", [](int, void*, std::size_t, off_t) -> ssize_t { return errno = EIO, -1; });
  REQUIRE_FALSE(broken);
  require_refusal(broken.error(), {"Input/output error", "reading 'f'", "the disk failed"});
  const auto ended =
      read_fully(-1, to, "f", [](int, void*, std::size_t, off_t at) -> ssize_t { return at == 0 ? 5 : 0; });
  REQUIRE_FALSE(ended);
  require_refusal(ended.error(), {"became shorter", "5 of 10000 bytes"});
}

TEST_CASE("G49 a file that cannot be mapped is out of memory, not a crash", "[base]") {
  const std::string path = "/dev/shm/hearth-test-" + std::to_string(::getpid());
  {
    std::ofstream create(path);
    if (!create) return;  // no tmpfs here
  }
  if (::truncate(path.c_str(), off_t{1} << 60) == 0) {
    for (const auto access : both) {
      const auto file = MappedFile::open(path, access);
      REQUIRE_FALSE(file);
      CHECK(file.error().status() == Status::out_of_memory);
      require_refusal(file.error(), {"1152921504606846976 bytes"});
    }
  }
  ::unlink(path.c_str());
}

TEST_CASE("release drops whole pages and keeps the bytes readable", "[base]") {
  const TemporaryFolder folder;
  const auto bytes = pattern(50'000);
  write_bytes(folder / "f", bytes);
  for (const auto access : both) {
    const auto file = MappedFile::open(folder / "f", access);
    REQUIRE(file);
    file->release(file->bytes());
    file->release(file->bytes().subspan(100, 10));
    file->release({});
    file->release(bytes);  // somebody else's memory is left alone
    CHECK(equal(file->bytes(), bytes));
  }
  CHECK(bytes == pattern(50'000));
}

}  // namespace mapped_file_test
