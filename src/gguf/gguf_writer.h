// Enters: metadata and tensors, one after the other. Leaves: a GGUF v3 file, written whole or not at all, or its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf_reader.h"

namespace hearth::gguf {

/// The value type that a C++ type is stored as.
template <class T> constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return ValueType::u8;
  else if constexpr (std::is_same_v<T, std::int8_t>) return ValueType::i8;
  else if constexpr (std::is_same_v<T, std::uint16_t>) return ValueType::u16;
  else if constexpr (std::is_same_v<T, std::int16_t>) return ValueType::i16;
  else if constexpr (std::is_same_v<T, std::uint32_t>) return ValueType::u32;
  else if constexpr (std::is_same_v<T, std::int32_t>) return ValueType::i32;
  else if constexpr (std::is_same_v<T, std::uint64_t>) return ValueType::u64;
  else if constexpr (std::is_same_v<T, std::int64_t>) return ValueType::i64;
  else if constexpr (std::is_same_v<T, float>) return ValueType::f32;
  else if constexpr (std::is_same_v<T, double>) return ValueType::f64;
  else static_assert(!sizeof(T), "GGUF has no value type for this C++ type");
}

/// Collects a file. Adding never fails: the first mistake (a duplicate key, bytes that do not fit a shape, ...) is kept
/// and is what `write` and `to_bytes` return, so that callers check once.
class Writer {
 public:
  /// Gives a tensor's bytes when they are written; the span is used before the next tensor is asked for.
  using Source = std::function<Result<std::span<const std::byte>>()>;

  explicit Writer(std::uint64_t alignment = 32);

  /// A scalar, with the value type of T: add("llama.block_count", std::uint32_t{2}).
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(std::string_view key, T value) { add_value(key, value_type_of<T>(), std::as_bytes(std::span(&value, 1))); }
  void add(std::string_view key, std::string_view text);
  void add(std::string_view key, const char* text) { add(key, std::string_view(text)); }

  /// An array of numbers: add_array<float>("tokenizer.ggml.scores", scores).
  template <class T>
  requires std::is_arithmetic_v<T>
  void add_array(std::string_view key, std::span<const T> values) {
    add_packed_array(key, value_type_of<T>(), values.size(), std::as_bytes(values));
  }
  void add_array(std::string_view key, std::span<const std::string_view> values);
  void add_array(std::string_view key, std::span<const std::string> values);

  /// A pair of another file, as it is. general.alignment is passed over: it is the constructor's.
  void copy(const KeyValue& pair);

  /// Shapes as GGUF has them: dims[0] is the row, 1 to 4 of them. The bytes must live until the file is written.
  void add_tensor(std::string_view name, std::uint32_t type, std::span<const std::uint64_t> dims,
                  std::span<const std::byte> bytes);
  /// The same for bytes that are made only when their turn comes.
  void add_tensor(std::string_view name, std::uint32_t type, std::span<const std::uint64_t> dims, Source source);

  /// Writes beside `path` and renames; after an error nothing is left behind and an old file is untouched.
  Result<void> write(const std::string& path) const;
  Result<std::vector<std::byte>> to_bytes() const;

 private:
  struct Entry {
    std::string name;
    std::uint64_t bytes = 0;
    Source source;
  };
  using Sink = std::function<Result<void>(std::span<const std::byte>)>;

  void add_value(std::string_view key, ValueType type, std::span<const std::byte> payload);
  void add_packed_array(std::string_view key, ValueType element, std::uint64_t count,
                        std::span<const std::byte> payload);
  bool begin_key(std::string_view key, ValueType type);
  void mistake(std::string what, std::string_view kind, std::string_view name);
  Result<void> write_to(const Sink& sink) const;

  std::uint64_t alignment_;
  std::optional<Error> mistake_;
  std::uint64_t n_keys_ = 0;
  std::vector<std::byte> metadata_;      // as in the file
  std::vector<std::byte> tensor_table_;  // as in the file
  std::uint64_t data_bytes_ = 0;
  std::vector<Entry> tensors_;
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace hearth::gguf
