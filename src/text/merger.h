// Enters: a word and the rules of its pairs. Leaves: the symbols that are left when no pair may merge any more.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "text_hash.h"
#include "utf8.h"

namespace hearth::text {

/// What two neighbours may become. Lower ranks merge first, the leftmost of equals.
struct Pair {
  static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t rank = never;
  std::int32_t id = -1;
};

/// A symbol before anything merged.
struct FirstSymbol {
  std::size_t length;
  std::int32_t id;
};

/// The places where one rank may merge. They nearly always come in ascending order, so most go in and out of a plain
/// row; the heap beside it keeps any other order at log n a place.
class Places {
 public:
  bool empty() const { return next_ == ascending_.size() && heap_.empty(); }

  void push(std::uint32_t place) {
    if (ascending_.empty() || place >= ascending_.back()) {
      ascending_.push_back(place);
    } else {
      heap_.push_back(place);
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
  }

  /// The leftmost; wants !empty().
  std::uint32_t pop() {
    if (heap_.empty() || (next_ < ascending_.size() && ascending_[next_] <= heap_.front())) {
      const std::uint32_t place = ascending_[next_++];
      if (next_ == ascending_.size()) ascending_.clear(), next_ = 0;
      return place;
    }
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const std::uint32_t place = heap_.back();
    heap_.pop_back();
    return place;
  }

 private:
  std::vector<std::uint32_t> ascending_, heap_;
  std::size_t next_ = 0;  // of ascending_
};

/// Pair merging, as BPE and SentencePiece's BPE define it: n log n in a word's length whatever the ranks, and a plain
/// scan for the short words that texts are made of. Rules must have
///     FirstSymbol first(std::string_view rest) const;                                        // of what is left of a word
///     Pair pair(std::string_view both, std::int32_t left, std::int32_t right) const;         // both: the text of the two
///     std::size_t n_ranks() const;                                                           // ranks are below
template <class Rules> class Merger {
 public:
  explicit Merger(const Rules& rules) : rules_(rules) {}

  /// Calls emit(text, id) for each symbol that is left, in order.
  template <class Emit> void run(std::string_view word, Emit&& emit) {
    word_ = word;
    if (word.size() <= short_word) {
      run_short(emit);
    } else {
      run_long(emit);
    }
  }

 private:
  /// Up to here comparing all ranks for each merge is faster than keeping them in order.
  static constexpr std::size_t short_word = 96;

  struct Short {
    std::uint32_t begin, rank;
    std::int32_t id, merged;
  };

  /// A stretch of a long word that is one symbol now, or was until the one before took it in.
  struct Symbol {
    std::uint32_t begin;       // byte of the word; it ends where the symbol after it begins
    std::uint32_t prev, next;  // numbers of the neighbours; of the first symbol its own; 0 in `next`: taken in
    std::int32_t id;           // as the rules name it, -1 for none
    std::uint32_t rank;        // of the pair it makes with the symbol after it
  };

  struct Met {
    std::uint32_t rank = Pair::never, queue = 0;  // index in queues_
  };

  void rank_short(std::size_t i, std::size_t n) {
    if (i + 1 >= n) {
      short_[i].rank = Pair::never;
      return;
    }
    const std::size_t end = i + 2 < n ? short_[i + 2].begin : word_.size();
    const Pair pair = rules_.pair(word_.substr(short_[i].begin, end - short_[i].begin), short_[i].id, short_[i + 1].id);
    short_[i].rank = pair.rank;
    short_[i].merged = pair.id;
  }

  template <class Emit> void run_short(Emit& emit) {
    std::size_t n = 0;
    for (std::size_t at = 0; at < word_.size(); ++n) {
      const FirstSymbol symbol = rules_.first(word_.substr(at));
      short_[n] = {static_cast<std::uint32_t>(at), Pair::never, symbol.id, -1};
      at += symbol.length;
    }
    for (std::size_t i = 0; i < n; ++i) rank_short(i, n);
    for (;;) {
      std::size_t best = 0;
      for (std::size_t i = 1; i < n; ++i) best = short_[i].rank < short_[best].rank ? i : best;
      if (n == 0 || short_[best].rank == Pair::never) break;
      short_[best].id = short_[best].merged;
      --n;
      for (std::size_t i = best + 1; i < n; ++i) short_[i] = short_[i + 1];  // words are short: no call to memmove
      rank_short(best, n);
      if (best > 0) rank_short(best - 1, n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t end = i + 1 < n ? short_[i + 1].begin : word_.size();
      emit(word_.substr(short_[i].begin, end - short_[i].begin), short_[i].id);
    }
  }

  std::string_view text_from(std::uint32_t first, std::uint32_t last) const {
    return word_.substr(symbols_[first].begin, symbols_[last].begin - symbols_[first].begin);
  }

  Pair pair_at(std::uint32_t left) const {
    const std::uint32_t right = symbols_[left].next;
    if (right == last_) return {};
    return rules_.pair(text_from(left, symbols_[right].next), symbols_[left].id, symbols_[right].id);
  }

  /// Where a rank's queue is written, or would be: open addressing, at most half full.
  std::size_t met_at(std::uint32_t rank) const {
    std::size_t at = mix(rank) & (met_.size() - 1);
    while (met_[at].rank != rank && met_[at].rank != Pair::never) at = (at + 1) & (met_.size() - 1);
    return at;
  }

  /// Remembers what the symbol may do with the one after it. What was remembered of it before is stale from here on, and
  /// known by its rank.
  void rank_long(std::uint32_t left) {
    const std::uint32_t rank = pair_at(left).rank;
    symbols_[left].rank = rank;
    if (rank == Pair::never) return;
    const std::size_t at = met_at(rank);
    if (met_[at].rank != rank) {
      met_[at] = {rank, static_cast<std::uint32_t>(slots_.size())};
      slots_.push_back(at);
      if (queues_.size() < slots_.size()) queues_.emplace_back();
    }
    Places& places = queues_[met_[at].queue];
    if (places.empty()) ranks_.push(rank);
    places.push(left);
  }

  void apply(std::uint32_t left) {
    Symbol& symbol = symbols_[left];
    symbol.id = pair_at(left).id;
    symbol.next = std::exchange(symbols_[symbol.next].next, 0);
    symbols_[symbol.next].prev = left;
    if (symbol.prev != left) rank_long(symbol.prev);
    rank_long(left);
  }

  template <class Emit> void run_long(Emit& emit) {
    symbols_.clear();
    symbols_.reserve(static_cast<std::size_t>(std::count_if(word_.begin(), word_.end(), is_utf8_begin)) + 1);
    for (std::uint32_t at = 0; at < word_.size();) {
      const auto i = static_cast<std::uint32_t>(symbols_.size());
      const FirstSymbol symbol = rules_.first(word_.substr(at));
      symbols_.push_back({at, i == 0 ? 0 : i - 1, i + 1, symbol.id, Pair::never});
      at += static_cast<std::uint32_t>(symbol.length);
    }
    last_ = static_cast<std::uint32_t>(symbols_.size());
    symbols_.push_back({static_cast<std::uint32_t>(word_.size()), last_ - 1, last_, -1, Pair::never});
    // Each merge makes two pairs at most, so the ranks of a word are fewer than three for each of its symbols.
    const std::size_t n_slots = std::bit_ceil(2 * std::min(3 * symbols_.size(), rules_.n_ranks()));
    if (met_.size() < n_slots) met_.assign(n_slots, {});
    for (std::uint32_t i = 0; i < last_; ++i) rank_long(i);
    while (!ranks_.empty()) {
      const std::uint32_t rank = ranks_.top();
      Places& places = queues_[met_[met_at(rank)].queue];
      const std::uint32_t left = places.pop();
      if (places.empty()) ranks_.pop();
      if (symbols_[left].next != 0 && symbols_[left].rank == rank) apply(left);
    }
    for (const std::size_t at : slots_) met_[at] = {};
    slots_.clear();
    for (std::uint32_t i = 0; i < last_; i = symbols_[i].next) {
      emit(text_from(i, symbols_[i].next), symbols_[i].id);
    }
  }

  const Rules& rules_;
  std::string_view word_;
  std::array<Short, short_word + 1> short_;
  std::vector<Symbol> symbols_;     // [symbols of word + 1] the last one stands for the end
  std::uint32_t last_ = 0;          // its number
  std::vector<Met> met_;            // as large as the longest word so far needs it; empty between words
  std::vector<std::size_t> slots_;  // of met_ that this word fills
  std::vector<Places> queues_;      // [ranks of the longest word so far] empty between words
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ranks_;  // whose places are not empty
};

}  // namespace hearth::text
