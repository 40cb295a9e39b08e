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

template <class Word> inline std::uint64_t load_word(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Up to 16 bytes as two numbers: of texts of one length, different ones are different. The loads overlap where the
/// text does not fill them, so that none has a length that varies.
struct ShortText {
  static constexpr std::size_t most = 16;
  std::uint64_t low = 0, high = 0;

  explicit ShortText(std::string_view text) {
    const std::size_t n = text.size();
    const char* bytes = text.data();
    const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(bytes[i])}; };
    if (n >= 8) {
      low = load_word<std::uint64_t>(bytes);
      high = load_word<std::uint64_t>(bytes + n - 8);
    } else if (n >= 4) {
      low = load_word<std::uint32_t>(bytes);
      high = load_word<std::uint32_t>(bytes + n - 4);
    } else if (n != 0) {
      low = byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16;
    }
  }
};

struct TextHash {
  std::size_t operator()(std::string_view text) const {
    std::uint64_t hash = text.size();
    for (; text.size() > ShortText::most; text.remove_prefix(8)) {
      hash = mix(hash ^ load_word<std::uint64_t>(text.data()));
    }
    const ShortText rest(text);
    return static_cast<std::size_t>(mix(mix(hash ^ rest.high) ^ rest.low));
  }
};

}  // namespace hearth::text
