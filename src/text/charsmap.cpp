// Enters: SentencePiece's precompiled_charsmap. Leaves: a checked trie of replacements.
#include "charsmap.h"

#include <algorithm>

#include "try.h"

namespace hearth::text {
namespace {

// A unit of Darts' double array: the label in the low byte (bit 31 set: a value instead), bit 8: a value hangs here,
// bit 9: the offset from bit 10 on counts in 256s.
std::uint32_t label(std::uint32_t unit) { return unit & (0x80000000u | 0xff); }
bool has_value(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7fffffff; }

// The array grows in blocks, so that a node's 256 children lie within it wherever the node does.
constexpr std::size_t block_units = 256;
constexpr std::size_t max_units = std::size_t{1} << 20;  // 17 times Unicode's compatibility normalization
constexpr std::size_t max_rule_bytes = 64, max_replacement_bytes = 256;

Error malformed_charsmap(std::string what, const std::string& where) {
  return Error(Status::malformed,
               "precompiled_charsmap " + std::move(what) + "; " + where + "; convert the model again");
}

std::uint32_t read_u32(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<std::uint32_t>(at[i]);
  return value;
}

}  // namespace

/// The node behind the unit at `place`: where its children's places are counted from.
std::uint32_t Charsmap::enter(std::uint32_t place) const { return place ^ offset(units_[place]); }

std::string_view Charsmap::replacement(std::uint32_t node) const {
  return std::string_view(replacements_).substr(value(units_[node])).data();  // up to the NUL
}

/// The value that hangs at the unit, if one does, is a replacement that ends.
Result<void> Charsmap::check_value(std::uint32_t place, const std::string& where) const {
  if (!has_value(units_[place])) return {};
  const std::uint32_t node = enter(place);
  if (value(units_[node]) >= replacements_.size()) {
    return malformed_charsmap("has a replacement outside its " + std::to_string(replacements_.size()) + " bytes",
                              where);
  }
  if (replacement(node).size() <= max_replacement_bytes) return {};
  return malformed_charsmap("has a replacement of more than 256 bytes", where);
}

/// Walks all that a text can reach, depth first, each unit once: writers share equal ends between rules, so a unit may
/// be met again, but never on the way to itself.
Result<void> Charsmap::check(const std::string& where) const {
  enum : std::uint8_t { unseen = 0, open = 255 };
  std::vector<std::uint8_t> longest_below(units_.size(), unseen);  // bytes of the longest rest of a rule, plus 1
  struct Visit {
    std::uint32_t place, byte;
    std::uint8_t longest;
  };
  std::vector<Visit> path;
  const auto enter_unit = [&](std::uint32_t place) -> Result<void> {
    if (enter(place) >= units_.size()) {
      return malformed_charsmap("leads outside its trie of " + std::to_string(units_.size()), where);
    }
    if (path.size() > max_rule_bytes) return malformed_charsmap("has a rule of more than 64 bytes", where);
    path.push_back({place, 0, 1});
    longest_below[place] = open;
    return check_value(place, where);
  };
  HEARTH_CHECK(enter_unit(0));
  while (!path.empty()) {
    Visit& visit = path.back();
    if (visit.byte == 256) {
      const Visit done = visit;
      path.pop_back();
      longest_below[done.place] = done.longest;
      if (!path.empty()) path.back().longest = std::max<std::uint8_t>(path.back().longest, done.longest + 1);
      continue;
    }
    const std::uint32_t byte = visit.byte++, child = enter(visit.place) ^ byte;
    if (label(units_[child]) != byte || child == 0) continue;
    const std::uint8_t below = longest_below[child];
    if (below == open)
      return malformed_charsmap("has a trie that refers to itself at unit " + std::to_string(child), where);
    if (below == unseen) {
      HEARTH_CHECK(enter_unit(child));
    } else if (path.size() + below - 1 > max_rule_bytes) {
      return malformed_charsmap("has a rule of more than 64 bytes", where);
    } else {
      visit.longest = std::max<std::uint8_t>(visit.longest, below + 1);
    }
  }
  return {};
}

Result<Charsmap> Charsmap::parse(std::span<const std::byte> bytes, const std::string& where) {
  Charsmap map;
  if (bytes.empty()) return map;
  const std::size_t trie_bytes = bytes.size() < 4 ? 0 : read_u32(bytes.data());
  constexpr std::size_t block_bytes = 4 * block_units;
  if (bytes.size() < 4 || trie_bytes > bytes.size() - 4 || trie_bytes < block_bytes || trie_bytes % block_bytes != 0 ||
      trie_bytes / 4 > max_units) {
    return malformed_charsmap("has " + std::to_string(bytes.size()) + " bytes and a trie of " +
                                  std::to_string(trie_bytes) +
                                  ", a trie has 1024 to 4194304 bytes in steps of 1024 and lies within",
                              where);
  }
  map.units_.reserve(trie_bytes / 4);
  for (std::size_t i = 0; i < trie_bytes; i += 4) map.units_.push_back(read_u32(bytes.data() + 4 + i));
  const auto rest = bytes.subspan(4 + trie_bytes);
  map.replacements_.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (map.replacements_.empty() || map.replacements_.back() != '\0') {
    return malformed_charsmap("ends inside a replacement", where);
  }
  HEARTH_CHECK(map.check(where));
  return map;
}

template <class Stop> Charsmap::Match Charsmap::match(std::string_view text, Stop stop) const {
  Match match;
  if (units_.empty()) return match;
  std::uint32_t node = enter(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t byte = static_cast<unsigned char>(text[i]);
    const std::uint32_t child = node ^ byte;
    if (label(units_[child]) != byte || child == 0) break;
    node = enter(child);
    if (!has_value(units_[child])) continue;
    match = {i + 1, replacement(node)};
    if (stop()) break;
  }
  return match;
}

Charsmap::Match Charsmap::longest(std::string_view text) const {
  return match(text, [] { return false; });
}

Charsmap::Match Charsmap::shortest(std::string_view text) const {
  return match(text, [] { return true; });
}

}  // namespace hearth::text
