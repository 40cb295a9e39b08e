// Enters: pairs of symbols with what they merge into. Leaves: that, for two symbols, in one look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "merger.h"
#include "text_hash.h"

namespace hearth::text {

/// Open addressing, at most half full.
class PairTable {
 public:
  explicit PairTable(std::size_t n_pairs) {
    std::size_t slots = 16;
    while (slots < 2 * n_pairs) slots *= 2;
    slots_.resize(slots);
  }

  /// Of equal pairs the first stays.
  void add(std::int32_t left, std::int32_t right, Pair pair) {
    Slot& slot = slots_[index(key(left, right))];
    if (slot.key == none) slot = {key(left, right), pair};
  }

  Pair find(std::int32_t left, std::int32_t right) const { return slots_[index(key(left, right))].pair; }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};  // two symbols that are none: no pair has it

  struct Slot {
    std::uint64_t key = none;
    Pair pair;
  };

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }

  /// Where the key is, or would be.
  std::size_t index(std::uint64_t key) const {
    std::size_t i = static_cast<std::size_t>(mix(key)) & (slots_.size() - 1);
    while (slots_[i].key != key && slots_[i].key != none) i = (i + 1) & (slots_.size() - 1);
    return i;
  }

  std::vector<Slot> slots_;
};

}  // namespace hearth::text
