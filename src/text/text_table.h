// Enters: texts, numbered from 0. Leaves: the number of a text, the lowest where several are equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text_hash.h"

namespace hearth::text {

/// Open addressing, at most half full; a part of the hash beside each number spares most looks at texts.
class TextTable {
 public:
  TextTable() = default;

  explicit TextTable(std::span<const std::string_view> texts) {
    std::size_t n_slots = 16;
    while (n_slots < 2 * texts.size()) n_slots *= 2;
    slots_.resize(n_slots);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::uint64_t hash = TextHash()(texts[i]);
      Slot& slot = slots_[index(texts[i], hash, texts)];
      if (slot.number < 0) slot = {tag(hash), static_cast<std::int32_t>(i)};
    }
  }

  /// -1 where no text is equal. `texts`: those it was made of.
  std::int32_t find(std::string_view text, std::span<const std::string_view> texts) const {
    if (slots_.empty()) return -1;
    return slots_[index(text, TextHash()(text), texts)].number;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t number = -1;
  };

  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  /// Where the text is, or would be.
  std::size_t index(std::string_view text, std::uint64_t hash, std::span<const std::string_view> texts) const {
    std::size_t i = static_cast<std::size_t>(hash) & (slots_.size() - 1);
    while (slots_[i].number >= 0 &&
           (slots_[i].tag != tag(hash) || texts[static_cast<std::size_t>(slots_[i].number)] != text)) {
      i = (i + 1) & (slots_.size() - 1);
    }
    return i;
  }

  std::vector<Slot> slots_;
};

}  // namespace hearth::text
