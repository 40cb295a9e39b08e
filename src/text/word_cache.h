// Enters: words of one text and the ids they became. Leaves: the ids again when the word comes again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text_hash.h"

namespace hearth::text {

/// Texts repeat their words, so most need no merging. A word's ids are read back from the output itself; a newer word
/// takes the place of an older one with the same slot. Lives as long as one encode call, and no longer than its text.
class WordCache {
 public:
  /// `bytes`: of the text that the words come from.
  explicit WordCache(std::size_t bytes) {
    std::size_t slots = 16;
    while (slots < max_slots && slots * 64 < bytes) slots *= 2;
    slots_.resize(slots);
  }

  /// Appends the ids of `word` if it was remembered.
  bool recall(std::string_view word, std::vector<std::int32_t>& ids) {
    slot_ = &slots_[TextHash()(word) & (slots_.size() - 1)];
    if (slot_->word != word || word.empty()) return false;
    const std::size_t end = ids.size();
    ids.resize(end + slot_->n_ids);
    std::copy_n(ids.begin() + slot_->first_id, slot_->n_ids, ids.begin() + static_cast<std::ptrdiff_t>(end));
    return true;
  }

  /// After recall said no: the word's ids are those from `begin` on.
  void remember(std::string_view word, std::size_t begin, const std::vector<std::int32_t>& ids) {
    *slot_ = {word, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(ids.size() - begin)};
  }

 private:
  static constexpr std::size_t max_slots = std::size_t{1} << 16;  // 1.5 MiB: what a core has nearby

  struct Slot {
    std::string_view word;
    std::uint32_t first_id = 0, n_ids = 0;
  };
  std::vector<Slot> slots_;
  Slot* slot_ = nullptr;
};

}  // namespace hearth::text
