// Enters: a receipt's text. Leaves: its JSON values: few, not deep, each key once; token ids at four bytes each.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

/// A value of a receipt. Numbers keep their spelling, so no digit is lost before it is known what they are for.
struct ReceiptNode {
  enum class Kind { null, flag, number, text, list, object };
  Kind kind = Kind::null;
  bool flag = false;
  std::string text;                // a number's digits, or a text
  std::vector<std::int32_t> ids;   // of a list: its whole numbers from 0 to 2^31 - 1 …
  std::vector<ReceiptNode> items;  // … and its other values; an object's values
  std::vector<std::string> keys;   // an object's

  const ReceiptNode* find(std::string_view key) const;
};

inline constexpr std::size_t kMaxReceiptBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxReceiptValues = 100000;  // token ids do not count
inline constexpr std::size_t kMaxReceiptDepth = 8;

/// The error of a receipt of so many bytes.
Error too_long_receipt(std::uint64_t n_bytes, const std::string& where);

/// Refuses what is no JSON, with the byte, what is over a limit, and a key that comes twice.
Result<ReceiptNode> parse_receipt_tree(std::string_view text, const std::string& where);

/// How all that is wrong with a receipt is said; `where`: its file, or "receipt".
Error bad_receipt(const std::string& what, const std::string& where);

}  // namespace hearth::engine
