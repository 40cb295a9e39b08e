// Enters: a file's bytes. Leaves: numbers, strings and spans read one after the other; every error says where it stood.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <hearth/result.hpp>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace hearth::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are read by memcpy");

inline constexpr std::string_view damaged = "the file is damaged or not GGUF, fetch it again";
inline constexpr std::string_view cut_short = "the file is cut short, fetch it again";

/// A position in a file's bytes and the thing being read there: "key 3 'general.name'", "tensor 0 'output.weight'".
/// Nothing is read past the end; lengths are compared with what remains before they are used.
class Cursor {
 public:
  /// `file` is how messages name the file (see quoted_path).
  Cursor(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  /// From here on errors speak of row `index` of the keys or tensors; `name` joins as soon as it is read.
  void enter(std::string_view kind, std::uint64_t index);
  void set_name(std::string_view name) { name_ = name; }
  void enter_element(std::uint64_t index) { element_ = index; }
  void leave_element() { element_ = no_element; }

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return bytes_.size() - position_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& file() const { return file_; }

  Result<std::span<const std::byte>> take(std::uint64_t count, std::string_view field);
  Result<std::string_view> string(std::string_view field, std::uint64_t max_bytes);

  template <class T> Result<T> number(std::string_view field) {
    if (remaining() < sizeof(T)) return too_short(sizeof(T), field, position_);
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  /// "what; field of key 3 'name' at byte `at` of file; advice".
  Error error(std::string_view what, std::string_view field, std::uint64_t at, std::string_view advice = damaged,
              Status status = Status::malformed) const;

 private:
  static constexpr std::uint64_t no_element = std::numeric_limits<std::uint64_t>::max();

  Error too_short(std::uint64_t needed, std::string_view field, std::uint64_t at) const;

  std::span<const std::byte> bytes_;
  std::string file_;
  std::uint64_t position_ = 0;
  std::string_view kind_;
  std::uint64_t index_ = 0;
  std::string_view name_;
  std::uint64_t element_ = no_element;
};

/// What messages call a file's bytes: "8 bytes", "1 byte".
std::string bytes_text(std::uint64_t count);

}  // namespace hearth::gguf
