// Enters: pieces and a pattern. Leaves: the pieces cut where the pattern matches.
#include "pieces.h"

#include <algorithm>

#include "characters.h"
#include "try.h"
#include "utf8.h"

namespace hearth::text {
namespace {

void append_stretch(std::size_t begin, std::size_t end, bool matched, std::vector<Stretch>& out) {
  if (end > begin) out.push_back({begin, end, matched});
}

/// Joins neighbours where `joins(left, right)`.
template <class Joins> void join(std::vector<Stretch>& stretches, Joins joins) {
  std::size_t n = 0;
  bool last_matched = false;  // of the stretch as it was before it was joined
  for (const Stretch& stretch : stretches) {
    if (n != 0 && joins(last_matched, stretch.matched)) stretches[n - 1].end = stretch.end;
    else stretches[n++] = stretch;
    last_matched = stretch.matched;
  }
  stretches.resize(n);
}

void apply(SplitBehavior behavior, std::vector<Stretch>& stretches) {
  switch (behavior) {
    case SplitBehavior::removed:
      std::erase_if(stretches, [](const Stretch& stretch) { return stretch.matched; });
      break;
    case SplitBehavior::isolated:
      break;
    case SplitBehavior::merged_with_previous:
      join(stretches, [](bool left, bool right) { return !left && right; });
      break;
    case SplitBehavior::merged_with_next:
      join(stretches, [](bool left, bool right) { return left && !right; });
      break;
    case SplitBehavior::contiguous:
      join(stretches, [](bool left, bool right) { return left == right; });
      break;
  }
}

}  // namespace

Result<void> ClassPattern::stretches(std::string_view piece, std::vector<Stretch>& out) const {
  std::size_t done = 0;
  for (std::size_t at = 0; at < piece.size();) {
    const Character character = first_character(piece.substr(at));
    const std::size_t end = at + character.length;
    if (holds_(character.code)) {
      append_stretch(done, at, false, out);
      append_stretch(at, end, true, out);
      done = end;
    }
    at = end;
  }
  append_stretch(done, piece.size(), false, out);
  return {};
}

Result<void> LiteralPattern::stretches(std::string_view piece, std::vector<Stretch>& out) const {
  std::size_t done = 0;
  while (!literal_.empty()) {
    const std::size_t at = piece.find(literal_, done);
    if (at == std::string_view::npos) break;
    append_stretch(done, at, false, out);
    append_stretch(at, at + literal_.size(), true, out);
    done = at + literal_.size();
  }
  append_stretch(done, piece.size(), false, out);
  return {};
}

Result<void> RegexPattern::stretches(std::string_view piece, std::vector<Stretch>& out) const {
  Regex::Memory memory;
  for (std::size_t base = 0; base < piece.size();) {
    const std::string_view valid = piece.substr(base, valid_utf8(piece.substr(base)));
    std::size_t done = 0;
    while (done < valid.size()) {
      HEARTH_TRY(const std::optional<Match> match, regex_.find(valid, done, memory));
      if (!match || match->begin < done || match->end <= match->begin)
        break;  // \K may move a match's ends past each other
      append_stretch(base + done, base + match->begin, false, out);
      append_stretch(base + match->begin, base + match->end, true, out);
      done = match->end;
    }
    append_stretch(base + done, base + valid.size(), false, out);
    base += valid.size();
    if (base < piece.size()) append_stretch(base, base + 1, false, out), ++base;
  }
  return {};
}

Result<void> split_pieces(Pieces& pieces, const Pattern& pattern, SplitBehavior behavior, bool invert) {
  std::vector<Pieces::Span> spans;
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < pieces.spans.size(); ++i) {
    stretches.clear();
    HEARTH_CHECK(pattern.stretches(pieces[i], stretches));
    for (Stretch& stretch : stretches) stretch.matched = stretch.matched != invert;
    apply(behavior, stretches);
    const std::size_t base = pieces.spans[i].begin;
    for (const Stretch& stretch : stretches) spans.push_back({base + stretch.begin, base + stretch.end});
  }
  pieces.spans = std::move(spans);
  return {};
}

}  // namespace hearth::text
