// Enters: a vocabulary. Leaves: the token of each byte, for text that has no token of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <hearth/result.hpp>
#include <string_view>
#include <vector>

#include "vocab.h"

namespace hearth::text {

/// The vocabulary must outlive it.
class ByteTokens {
 public:
  explicit ByteTokens(const Vocab& vocab) : vocab_(vocab) { ids_.fill(-1); }

  /// Takes the tokens of type byte, the first where several spell the same. Error: one that is not <0x00> to <0xFF>.
  Result<void> read_spelled();

  void set(std::uint8_t byte, std::int32_t id) { ids_[byte] = id; }

  /// [256] by byte, -1 for none.
  const std::array<std::int32_t, 256>& ids() const { return ids_; }
  bool complete() const { return std::find(ids_.begin(), ids_.end(), -1) == ids_.end(); }

  /// Appends the tokens of the bytes of `text`, or one unknown token where a byte has none. Error: no unknown token.
  Result<void> append(std::string_view text, std::vector<std::int32_t>& ids) const;

 private:
  const Vocab& vocab_;
  std::array<std::int32_t, 256> ids_{};  // -1 for none
};

}  // namespace hearth::text
