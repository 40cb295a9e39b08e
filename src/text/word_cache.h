// Enters: words of one text and the ids they became. Leaves: the ids again when the word comes again.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text_hash.h"
#include "try.h"

namespace hearth::text {

/// Texts repeat their words, so most need no merging. A short word with few ids lies whole in its entry; of others the
/// entry says where they are in the text and in the output. Two entries share a cache line: a word found in the second
/// moves to the first, a new one pushes the first back. Lives as long as one encode call, and no longer than its text.
class WordCache {
 public:
  /// `text`: of which the words are parts.
  explicit WordCache(std::string_view text) : text_(text) {
    std::size_t n_lines = 8;
    while (n_lines < max_lines && n_lines * 64 < text.size()) n_lines *= 2;
    lines_.resize(n_lines);
  }

  /// A word, not empty, with its place in the cache, which is on its way from memory when this returns.
  struct Ticket;
  Ticket ask(std::string_view word);

  /// Appends the ids of the word if it was remembered.
  bool recall(const Ticket& ticket, std::vector<std::int32_t>& ids) const;

  /// Keeps a word that was not remembered: its ids are those from `begin` on.
  void remember(const Ticket& ticket, std::size_t begin, const std::vector<std::int32_t>& ids) const;

 private:
  static constexpr std::size_t max_lines = std::size_t{1} << 15;  // 2 MiB: what a core has to itself
  static constexpr std::size_t few = 3;

  struct Entry {
    std::uint64_t low = 0, high = 0;  // a short word's bytes; a longer one's hash, and where in the text it stands
    std::array<std::int32_t, few> ids{};
    std::uint16_t length = 0, n_ids = 0;
  };
  using Line = std::array<Entry, 2>;

  bool holds(const Entry& entry, const Ticket& ticket) const;

  std::string_view text_;
  std::vector<Line> lines_;
};

struct WordCache::Ticket {
  std::string_view word;
  Entry key;
  Line* line;
};

inline bool WordCache::holds(const Entry& entry, const Ticket& ticket) const {
  if (entry.low != ticket.key.low || entry.length != ticket.word.size()) return false;
  if (ticket.word.size() <= ShortText::most) return entry.high == ticket.key.high;
  return text_.substr(static_cast<std::size_t>(entry.high), ticket.word.size()) == ticket.word;
}

inline WordCache::Ticket WordCache::ask(std::string_view word) {
  const bool is_short = word.size() <= ShortText::most;
  const ShortText bytes(is_short ? word : std::string_view());
  Ticket ticket{word, {is_short ? bytes.low : TextHash()(word), bytes.high}, nullptr};
  ticket.key.length = static_cast<std::uint16_t>(word.size());
  const std::uint64_t hash = mix(mix(bytes.high ^ word.size()) ^ ticket.key.low);
  ticket.line = &lines_[static_cast<std::size_t>(hash) & (lines_.size() - 1)];
  __builtin_prefetch(ticket.line);
  return ticket;
}

inline bool WordCache::recall(const Ticket& ticket, std::vector<std::int32_t>& ids) const {
  Line& line = *ticket.line;
  if (!holds(line[0], ticket)) {
    if (!holds(line[1], ticket)) return false;
    std::swap(line[0], line[1]);
  }
  const Entry& entry = line[0];
  const std::size_t end = ids.size();
  ids.resize(end + entry.n_ids);
  const std::int32_t* known = entry.n_ids > few ? ids.data() + entry.ids[0] : entry.ids.data();
  for (std::size_t i = 0; i < entry.n_ids; ++i) ids[end + i] = known[i];
  return true;
}

inline void WordCache::remember(const Ticket& ticket, std::size_t begin, const std::vector<std::int32_t>& ids) const {
  const std::size_t n_ids = ids.size() - begin;
  if (std::max(ticket.word.size(), n_ids) > std::numeric_limits<std::uint16_t>::max()) return;
  Line& line = *ticket.line;
  line[1] = line[0];
  Entry& entry = line[0] = ticket.key;
  entry.n_ids = static_cast<std::uint16_t>(n_ids);
  if (n_ids > few) entry.ids[0] = static_cast<std::int32_t>(begin);
  else std::copy(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end(), entry.ids.begin());
  if (ticket.word.size() > ShortText::most) entry.high = static_cast<std::uint64_t>(ticket.word.data() - text_.data());
}

/// Appends the ids of all words of `text`, which end at `ends`; append(word, ids) is asked for those not remembered. Words
/// are asked for some way ahead, so that memory has time to answer.
template <class Append>
Result<void> append_words(std::string_view text, std::span<const std::uint32_t> ends, std::vector<std::int32_t>& ids,
                          Append&& append) {
  constexpr std::size_t ahead = 8;
  std::array<WordCache::Ticket, ahead> tickets;
  WordCache cache(text);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size() + ahead; ++i) {
    WordCache::Ticket& ticket = tickets[i % ahead];
    if (i >= ahead && !cache.recall(ticket, ids)) {
      const std::size_t first_id = ids.size();
      HEARTH_CHECK(append(ticket.word, ids));
      cache.remember(ticket, first_id, ids);
    }
    if (i < ends.size()) {
      ticket = cache.ask(text.substr(begin, ends[i] - begin));
      begin = ends[i];
    }
  }
  return {};
}

}  // namespace hearth::text
