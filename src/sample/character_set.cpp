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

}  // namespace hearth::sample
