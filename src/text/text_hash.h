// Enters: bytes. Leaves: a hash of them, eight bytes a step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth::text {

/// The product's high half holds what every bit of `x` did to it; folding brings that down to where tables look.
inline std::uint64_t mix(std::uint64_t x) {
  x *= 0x9e3779b97f4a7c15u;
  return x ^ (x >> 32);
}

struct TextHash {
  std::size_t operator()(std::string_view text) const {
    std::uint64_t hash = text.size();
    while (text.size() > 8) {
      hash = mix(hash ^ load(text.data(), 8));
      text.remove_prefix(8);
    }
    return static_cast<std::size_t>(mix(hash ^ load(text.data(), text.size())));
  }

 private:
  static std::uint64_t load(const char* bytes, std::size_t n) {
    std::uint64_t word = 0;
    if (n != 0) std::memcpy(&word, bytes, n);
    return word;
  }
};

}  // namespace hearth::text
