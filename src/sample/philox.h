// Enters: a counter and a key. Leaves: 128 random bits that depend on nothing else (Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC11).
#pragma once

#include <array>
#include <cstdint>

namespace hearth::sample {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Philox4x32 with 10 rounds.
constexpr PhiloxCounter philox4x32(PhiloxCounter c, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};  // Weyl sequence: golden ratio, sqrt(3) - 1
  }
  return c;
}

/// What a random number is drawn for; the last word of the counter. The numbers are part of the arithmetic version.
enum class Draw : std::uint32_t { token = 0, xtc = 1 };

/// A multiple of 2^-24 in [0, 1): one number for each (seed, position, choice, draw).
constexpr float uniform(std::uint64_t seed, std::uint64_t position, std::uint32_t choice, Draw draw) {
  const PhiloxCounter counter{static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32), choice,
                              static_cast<std::uint32_t>(draw)};
  const PhiloxKey key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  return static_cast<float>(philox4x32(counter, key)[0] >> 8) * 0x1p-24f;
}

}  // namespace hearth::sample
