// Enters: ranges of code points. Leaves: sets of them, in order and apart, without surrogates.
#include "character_set.h"

#include <algorithm>

namespace hearth::sample {

void CharacterSet::add(std::uint32_t first, std::uint32_t last) {
  if (first <= 0xdfff && last >= 0xd800) {  // surrogates are no characters
    if (first < 0xd800) add(first, 0xd7ff);
    if (last > 0xdfff) add(0xe000, last);
    return;
  }
  const auto before = [](CharacterRange r, std::uint32_t code) { return r.last < code; };
  auto at = std::lower_bound(ranges_.begin(), ranges_.end(), first == 0 ? 0 : first - 1, before);
  auto end = at;
  for (; end != ranges_.end() && end->first <= last + 1; ++end) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
  }
  at = ranges_.erase(at, end);
  ranges_.insert(at, {first, last});
}

void CharacterSet::add(const CharacterSet& other) {
  for (const CharacterRange r : other.ranges_) add(r.first, r.last);
}

CharacterSet CharacterSet::complement() const {
  CharacterSet rest;
  std::uint32_t from = 0;
  for (const CharacterRange r : ranges_) {
    if (r.first > from) rest.add(from, r.first - 1);
    from = r.last + 1;
  }
  if (from <= highest) rest.add(from, highest);
  return rest;
}

CharacterSet CharacterSet::minus(const CharacterSet& other) const {
  CharacterSet outside = complement();
  outside.add(other);
  return outside.complement();
}

bool CharacterSet::contains(std::uint32_t code) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](CharacterRange r) { return code >= r.first && code <= r.last; });
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xe0 | code >> 12);
    } else {
      byte(0xf0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3f));
    }
    byte(0x80 | (code >> 6 & 0x3f));
  }
  byte(0x80 | (code & 0x3f));
}

std::optional<Character> first_character(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return Character{lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || !is_character(code)) return {};
  return Character{code, length};
}

}  // namespace hearth::sample
