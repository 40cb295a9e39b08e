// Enters: texts, numbered from 0. Leaves: the number of a text, the lowest where several are equal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "text_hash.h"

namespace hearth::text {

/// Open addressing, at most half full; a part of the hash beside each number spares most looks at texts. Texts made so
/// that their hashes meet are put in order instead, or each would be compared to all.
class TextTable {
 public:
  TextTable() = default;

  explicit TextTable(std::span<const std::string_view> texts) {
    std::size_t n_slots = 16;
    while (n_slots < 2 * texts.size()) n_slots *= 2;
    slots_.resize(n_slots);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::uint64_t hash = TextHash()(texts[i]);
      const std::size_t at = index(texts[i], hash, texts);
      if (((at - hash) & (n_slots - 1)) > kLongest) {
        put_in_order(texts);
        return;
      }
      if (slots_[at].number < 0) slots_[at] = {tag(hash), static_cast<std::int32_t>(i)};
    }
  }

  /// -1 where no text is equal. `texts`: those it was made of.
  std::int32_t find(std::string_view text, std::span<const std::string_view> texts) const {
    if (slots_.empty()) return find_in_order(text, texts);
    return slots_[index(text, TextHash()(text), texts)].number;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t number = -1;
  };

  static constexpr std::size_t kLongest = 1024;  // slots looked at: hashes met by chance take tens

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

  void put_in_order(std::span<const std::string_view> texts) {
    slots_.clear();
    in_order_.resize(texts.size());
    std::iota(in_order_.begin(), in_order_.end(), 0);
    std::sort(in_order_.begin(), in_order_.end(), [&](std::int32_t a, std::int32_t b) {
      const int order = texts[static_cast<std::size_t>(a)].compare(texts[static_cast<std::size_t>(b)]);
      return order < 0 || (order == 0 && a < b);
    });
  }

  std::int32_t find_in_order(std::string_view text, std::span<const std::string_view> texts) const {
    const auto text_of = [&](std::int32_t number) { return texts[static_cast<std::size_t>(number)]; };
    const auto found =
        std::lower_bound(in_order_.begin(), in_order_.end(), text,
                         [&](std::int32_t number, std::string_view wanted) { return text_of(number) < wanted; });
    return found != in_order_.end() && text_of(*found) == text ? *found : -1;
  }

  std::vector<Slot> slots_;
  std::vector<std::int32_t> in_order_;  // the numbers, without slots
};

}  // namespace hearth::text
