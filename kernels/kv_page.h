// Enters: a cache type and a head's size. Leaves: where a page of 64 positions holds each key and value; the only place that
// knows a page's bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "blocks.h"

namespace hearth::kernels {

enum class KvType : std::uint8_t { f32, f16, q8_0 };

/// One row per type. A scaled type holds codes, and one f16 scale for each 32 consecutive d of a position.
struct KvInfo {
  KvType type;
  const char* name;
  std::int64_t bytes;  // of an element
  bool scaled;
};

inline constexpr std::array kKvTypes = {
    KvInfo{KvType::f32, "f32", 4, false},
    KvInfo{KvType::f16, "f16", 2, false},
    KvInfo{KvType::q8_0, "q8_0", 1, true},
};

constexpr const KvInfo& kv_info(KvType type) { return kKvTypes[static_cast<std::size_t>(type)]; }

/// Whether heads of that size can be stored so: groups of 32 lie inside a head.
constexpr bool kv_fits(KvType type, std::int64_t head_dim) { return !kv_info(type).scaled || head_dim % kBlock == 0; }

/// Where the scales of one head's keys (or values) begin in a page: behind its elements.
constexpr std::size_t kv_scales_offset(KvType type, std::int64_t head_dim) {
  return static_cast<std::size_t>(kPage * head_dim * kv_info(type).bytes);
}

/// Bytes of one head's keys (or values) in a page.
constexpr std::size_t kv_head_bytes(KvType type, std::int64_t head_dim) {
  const std::size_t elements = kv_scales_offset(type, head_dim);
  return kv_info(type).scaled ? elements + static_cast<std::size_t>(kPage * head_dim / kBlock) * 2 : elements;
}

/// Keys lie as [4 groups of 16 positions][head_dim][16 positions], values as [64 positions][head_dim]. A latent lies as a key.
constexpr std::int64_t key_index(std::int64_t slot, std::int64_t d, std::int64_t head_dim) {
  return (slot / 16 * head_dim + d) * 16 + slot % 16;
}
constexpr std::int64_t value_index(std::int64_t slot, std::int64_t d, std::int64_t head_dim) {
  return slot * head_dim + d;
}

/// Scales of keys lie as [4 groups of 16 positions][head_dim/32][16 positions], those of values as [head_dim/32][64 positions].
constexpr std::int64_t key_scale_index(std::int64_t slot, std::int64_t d, std::int64_t head_dim) {
  return key_index(slot, d / kBlock, head_dim / kBlock);
}
constexpr std::int64_t value_scale_index(std::int64_t slot, std::int64_t d) { return d / kBlock * kPage + slot; }

/// Zeroes what one head's keys, or values, have of the positions from `slot` on.
inline void kv_forget(std::byte* head, KvType type, std::int64_t head_dim, bool keys, std::int64_t slot) {
  const auto bytes = static_cast<std::size_t>(kv_info(type).bytes);
  std::byte* const scales = head + kv_scales_offset(type, head_dim);
  for (; slot < kPage; ++slot)
    for (std::int64_t d = 0; d < head_dim; ++d) {
      const std::int64_t at = keys ? key_index(slot, d, head_dim) : value_index(slot, d, head_dim);
      std::fill_n(head + static_cast<std::size_t>(at) * bytes, bytes, std::byte{0});
      if (!kv_info(type).scaled || d % kBlock != 0) continue;
      const std::int64_t scale = keys ? key_scale_index(slot, d, head_dim) : value_scale_index(slot, d);
      std::fill_n(scales + scale * 2, 2, std::byte{0});
    }
}

}  // namespace hearth::kernels
