// Enters: ranges of code points. Leaves: sets of them, in order and apart, without surrogates.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace hearth::sample {

struct CharacterRange {
  std::uint32_t first, last;
  friend bool operator==(CharacterRange, CharacterRange) = default;
};

class CharacterSet {
 public:
  static constexpr std::uint32_t highest = 0x10ffff;

  CharacterSet() = default;
  CharacterSet(std::initializer_list<CharacterRange> ranges) {
    for (const CharacterRange r : ranges) add(r.first, r.last);
  }
  static CharacterSet all() { return {{0, highest}}; }

  void add(std::uint32_t first, std::uint32_t last);
  void add(const CharacterSet& other);
  CharacterSet complement() const;
  CharacterSet minus(const CharacterSet& other) const;
  bool contains(std::uint32_t code) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<CharacterRange>& ranges() const { return ranges_; }

 private:
  std::vector<CharacterRange> ranges_;
};

/// A character that UTF-8 can spell: no surrogate, nothing above U+10FFFF.
constexpr bool is_character(std::uint32_t code) {
  return code <= CharacterSet::highest && (code < 0xd800 || code > 0xdfff);
}

}  // namespace hearth::sample
