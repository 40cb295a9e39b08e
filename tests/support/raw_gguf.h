// Enters: fields of a GGUF file, sound or not. Leaves: their bytes, unchecked, and the checks every refusal must pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "gguf_reader.h"

namespace hearth::gguf {

/// Bytes in the order they are given; nothing is checked, so that any malformed file can be built.
class RawGguf {
 public:
  template <class T> RawGguf& number(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  RawGguf& text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  RawGguf& string(std::string_view value) { return number(std::uint64_t{value.size()}).text(value); }
  RawGguf& zeros(std::size_t count) { return fill(count, 0); }
  RawGguf& fill(std::size_t count, unsigned char value) {
    bytes_.insert(bytes_.end(), count, std::byte{value});
    return *this;
  }
  RawGguf& pad(std::size_t alignment = 32, unsigned char value = 0) {
    return fill((alignment - bytes_.size() % alignment) % alignment, value);
  }

  RawGguf& header(std::uint64_t n_tensors, std::uint64_t n_keys, std::uint32_t version = 3) {
    return text("GGUF").number(version).number(n_tensors).number(n_keys);
  }
  RawGguf& key(std::string_view name, std::uint32_t type) { return string(name).number(type); }
  RawGguf& key(std::string_view name, ValueType type) { return key(name, static_cast<std::uint32_t>(type)); }
  RawGguf& array(std::string_view name, std::uint32_t element, std::uint64_t count) {
    return key(name, ValueType::array).number(element).number(count);
  }
  RawGguf& tensor(std::string_view name, std::initializer_list<std::uint64_t> dims, std::uint32_t type,
                  std::uint64_t offset) {
    string(name).number(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) number(dim);
    return number(type).number(offset);
  }

  std::size_t size() const { return bytes_.size(); }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  operator std::span<const std::byte>() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// The file must be refused in one line of at least three parts that holds every fragment.
inline void require_refusal(const Error& error, std::initializer_list<std::string_view> fragments) {
  const std::string& message = error.message();
  INFO(message);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
  for (const std::string_view fragment : fragments) {
    INFO("fragment: " << fragment);
    CHECK(message.find(fragment) != std::string::npos);
  }
}

inline void require_refused(std::span<const std::byte> bytes, std::initializer_list<std::string_view> fragments,
                            Status status = Status::malformed) {
  // A copy on the heap of exactly this size: one byte too far is a sanitizer report.
  const std::vector<std::byte> exact(bytes.begin(), bytes.end());
  const auto file = File::parse(exact, "test.gguf");
  REQUIRE_FALSE(file);
  require_refusal(file.error(), fragments);
  CHECK(static_cast<int>(file.error().status()) == static_cast<int>(status));
}

inline File require_loads(std::span<const std::byte> bytes) {
  auto file = File::parse(bytes, "test.gguf");
  INFO((file ? std::string() : file.error().message()));
  REQUIRE(file);
  return std::move(*file);
}

/// A folder that disappears with its contents.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

}  // namespace hearth::gguf
