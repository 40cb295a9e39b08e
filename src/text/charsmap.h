// Enters: SentencePiece's precompiled_charsmap: u32 bytes of the trie, a Darts double array of u32 units, then the
// replacements, each ended by NUL. Leaves: what the characters at the front of a text become.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::text {

/// Every unit that a text can reach was checked: no cycle, no place outside the array, no replacement without an end.
class Charsmap {
 public:
  struct Match {
    std::size_t length = 0;  // bytes replaced, 0: no rule
    std::string_view replacement;
  };

  Charsmap() = default;

  /// No bytes: no rules. `where` names the source in errors.
  static Result<Charsmap> parse(std::span<const std::byte> bytes, const std::string& where);

  bool empty() const { return units_.empty(); }

  /// SentencePiece replaces by the longest rule that a text begins with, Hugging Face by the shortest.
  Match longest(std::string_view text) const;
  Match shortest(std::string_view text) const;

 private:
  std::uint32_t enter(std::uint32_t place) const;
  std::string_view replacement(std::uint32_t node) const;
  Result<void> check_value(std::uint32_t place, const std::string& where) const;
  Result<void> check(const std::string& where) const;
  template <class Stop> Match match(std::string_view text, Stop stop) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace hearth::text
