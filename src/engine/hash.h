// Enters: floats. Leaves: FNV-1a (64 bits) of their bits, the same on every machine.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace hearth::engine {

inline std::uint64_t fnv1a(std::span<const float> values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >> shift & 0xff)) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace hearth::engine
