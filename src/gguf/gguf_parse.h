// Enters: the bytes of one GGUF file. Leaves: its header, metadata and tensor table, each checked before the next is
// read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf_cursor.h"
#include "gguf_reader.h"

namespace hearth::gguf {

inline constexpr std::uint64_t header_bytes = 24;
inline constexpr std::uint64_t smallest_key_value = 14;    // 8 length + 1 key + 4 type + 1 value
inline constexpr std::uint64_t smallest_tensor_info = 25;  // 8 length + 1 name + 4 n_dims + 4 type + 8 offset
inline constexpr std::uint64_t max_key_bytes = 65535;
inline constexpr std::uint64_t max_tensor_name_bytes = 64;
inline constexpr std::uint32_t max_dims = 4;
inline constexpr std::uint64_t default_alignment = 32;
inline constexpr std::uint64_t min_alignment = 8;
inline constexpr std::uint64_t max_alignment = 65536;
inline constexpr std::string_view alignment_key = "general.alignment";

/// Rounds up to a power of two; the caller knows that the sum fits.
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

constexpr bool is_alignment(std::uint64_t value) {
  return value >= min_alignment && value <= max_alignment && std::has_single_bit(value);
}

struct Header {
  std::uint32_t version = 0;
  std::uint64_t n_tensors = 0;
  std::uint64_t n_keys = 0;
};

/// One file's directory: views into its bytes.
struct Directory {
  std::uint32_t version = 0;
  std::uint64_t alignment = default_alignment;
  std::vector<KeyValue> metadata;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> keys_by_name;
  std::vector<std::size_t> tensors_by_name;
};

Result<Header> read_header(Cursor& in);
Result<KeyValue> read_key_value(Cursor& in, std::uint64_t index);
Result<void> read_metadata(Cursor& in, std::uint64_t n_keys, Directory& out);
Result<void> read_tensor_table(Cursor& in, std::uint64_t n_tensors, Directory& out);

Result<Directory> parse_directory(std::span<const std::byte> bytes, const std::string& path);

}  // namespace hearth::gguf
