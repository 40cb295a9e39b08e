// Enters: words of one text and the ids they became. Leaves: the ids again when the word comes again.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text_hash.h"

namespace hearth::text {

/// Texts repeat their words, so most need no merging. Short words and short lists of ids lie in the slot itself; longer
/// ones are read back from the text and from the output. A newer word takes the place of an older one with the same
/// slot. Lives as long as one encode call, and no longer than its text.
class WordCache {
 public:
  /// `bytes`: of the text that the words come from.
  explicit WordCache(std::size_t bytes) {
    std::size_t slots = 16;
    while (slots < max_slots && slots * 64 < bytes) slots *= 2;
    slots_.resize(slots);
  }

  /// Appends the ids of `word`, which is not empty, if it was remembered.
  bool recall(std::string_view word, std::vector<std::int32_t>& ids) {
    wanted_ = key_of(word);
    const std::uint64_t hash = mix(mix(wanted_.high ^ wanted_.length) ^ wanted_.low);
    slot_ = &slots_[static_cast<std::size_t>(hash) & (slots_.size() - 1)];
    if (slot_->key != wanted_ || (slot_->text && word != std::string_view(slot_->text, word.size()))) return false;
    const std::size_t end = ids.size();
    ids.resize(end + slot_->n_ids);
    const std::int32_t* known = slot_->n_ids > few ? ids.data() + slot_->first_id : slot_->ids.data();
    for (std::size_t i = 0; i < slot_->n_ids; ++i) ids[end + i] = known[i];
    return true;
  }

  /// After recall said no: the word's ids are those from `begin` on.
  void remember(std::string_view word, std::size_t begin, const std::vector<std::int32_t>& ids) {
    slot_->key = wanted_;
    slot_->text = word.size() > ShortText::most ? word.data() : nullptr;
    slot_->first_id = static_cast<std::uint32_t>(begin);
    slot_->n_ids = static_cast<std::uint32_t>(ids.size() - begin);
    if (slot_->n_ids <= few) std::copy(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end(), slot_->ids.begin());
  }

 private:
  static constexpr std::size_t max_slots = std::size_t{1} << 18;
  static constexpr std::size_t few = 4;

  struct Key {
    std::uint64_t low = 0, high = 0;  // the bytes of a short word, the hash of a longer one
    std::size_t length = 0;
    bool operator==(const Key&) const = default;
  };
  struct Slot {
    Key key;
    const char* text = nullptr;  // of a word that is not short
    std::uint32_t first_id = 0, n_ids = 0;
    std::array<std::int32_t, few> ids{};
  };

  static Key key_of(std::string_view word) {
    if (word.size() > ShortText::most) return {TextHash()(word), 0, word.size()};
    const ShortText bytes(word);
    return {bytes.low, bytes.high, word.size()};
  }

  std::vector<Slot> slots_;
  Slot* slot_ = nullptr;  // of the word that recall was asked for last
  Key wanted_;
};

}  // namespace hearth::text
