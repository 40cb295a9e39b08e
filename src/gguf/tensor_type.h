// Enters: a GGUF tensor type id. Leaves: its name and block size. Every id the format ever had is a row here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth::gguf {

/// One row of the table in GGUF.md: `block_bytes` bytes hold `block_elements` consecutive elements of dims[0].
struct TensorType {
  std::uint32_t id;
  std::string_view name;         // "Q4_K"
  std::uint32_t block_elements;  // 0 for ids that were removed from the format
  std::uint32_t block_bytes;
};

std::span<const TensorType> tensor_types();

/// nullptr when the id is unknown; a removed id is found, with block_elements 0.
const TensorType* find_tensor_type(std::uint32_t id);

/// Why a tensor of this id cannot be read: removed from the format, an ik_llama.cpp extension, or unknown. Empty if it
/// can.
std::string refusal(std::uint32_t id);

/// Bytes of a tensor; nullopt when dims[0] is not a multiple of the block or the count does not fit 64 bits.
std::optional<std::uint64_t> tensor_bytes(const TensorType& type, const std::array<std::uint64_t, 4>& dims);

}  // namespace hearth::gguf
