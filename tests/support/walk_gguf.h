// Enters: a parsed GGUF file. Leaves: a number that depends on everything the file gives, so that every view is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gguf_reader.h"

namespace hearth::gguf {

inline std::uint64_t walk(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

inline std::uint64_t walk(std::uint64_t hash, std::string_view text) {
  return walk(hash, std::as_bytes(std::span(text)));
}

/// Calls every reading function on every key and touches every byte; never 0.
inline std::uint64_t walk(const File& file) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const KeyValue& pair : file.metadata()) {
    hash = walk(walk(hash, pair.key), pair.payload);
    for (const std::string_view text : pair.strings) hash = walk(hash, text);
    if (const auto value = file.get_uint(pair.key)) hash ^= *value;
    if (const auto value = file.get_float(pair.key)) hash += *value > 0 ? 1 : 0;
    if (const auto value = file.optional_bool(pair.key)) hash += **value ? 1 : 0;
    if (const auto value = file.get_string(pair.key)) hash = walk(hash, *value);
    if (const auto values = file.get_strings(pair.key)) hash += values->size();
    if (const auto values = file.get_floats(pair.key)) hash = walk(hash, std::as_bytes(std::span(*values)));
    if (const auto values = file.get_ints(pair.key)) hash = walk(hash, std::as_bytes(std::span(*values)));
    hash += file.find(pair.key) == &pair ? 1 : 0;
  }
  for (const Tensor& tensor : file.tensors()) {
    hash = walk(walk(hash, tensor.name), tensor.data);
    hash += file.find_tensor(tensor.name) == &tensor ? tensor.type->id : 0;
  }
  return hash | 1;
}

}  // namespace hearth::gguf
