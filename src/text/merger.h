// Enters: a word and the rules of its pairs. Leaves: the symbols that are left when no pair may merge any more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <string_view>
#include <vector>

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

  /// A stretch of a long word that is one symbol now; the symbol after it begins where it ends.
  struct Symbol {
    std::uint32_t length = 0;          // 0: merged into the one before
    std::uint32_t prev = 0;            // where the symbol before begins; of the first symbol its own place
    std::int32_t id = -1;              // as the rules name it, -1 for none
    std::uint32_t rank = Pair::never;  // of the pair it makes with the symbol after it
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

  std::uint32_t after(std::uint32_t at) const { return at + symbols_[at].length; }

  Pair pair_at(std::uint32_t left) const {
    const std::uint32_t right = after(left);
    if (right >= word_.size()) return {};
    const std::uint32_t length = symbols_[left].length + symbols_[right].length;
    return rules_.pair(word_.substr(left, length), symbols_[left].id, symbols_[right].id);
  }

  /// Remembers what the symbol at `left` may do with the one after it. What was remembered of it before is stale from
  /// here on, and known by its rank.
  void rank_long(std::uint32_t left) {
    const std::uint32_t rank = pair_at(left).rank;
    symbols_[left].rank = rank;
    if (rank == Pair::never) return;
    if (queue_of_[rank] == 0) {
      met_.push_back(rank);
      if (queues_.size() < met_.size()) queues_.emplace_back();
      queue_of_[rank] = static_cast<std::uint32_t>(met_.size());
    }
    Places& places = queues_[queue_of_[rank] - 1];
    if (places.empty()) ranks_.push(rank);
    places.push(left);
  }

  void apply(std::uint32_t left) {
    const std::int32_t merged = pair_at(left).id;
    const std::uint32_t right = after(left);
    symbols_[left].length += symbols_[right].length;
    symbols_[left].id = merged;
    symbols_[right].length = 0;
    const std::uint32_t next = after(left), prev = symbols_[left].prev;
    if (next < word_.size()) symbols_[next].prev = left;
    if (prev != left) rank_long(prev);
    rank_long(left);
  }

  template <class Emit> void run_long(Emit& emit) {
    symbols_.assign(word_.size(), Symbol());
    queue_of_.resize(rules_.n_ranks());
    std::uint32_t prev = 0;
    for (std::uint32_t at = 0; at < word_.size();) {
      const FirstSymbol symbol = rules_.first(word_.substr(at));
      symbols_[at] = {static_cast<std::uint32_t>(symbol.length), prev, symbol.id, Pair::never};
      prev = at;
      at += static_cast<std::uint32_t>(symbol.length);
    }
    for (std::uint32_t at = 0; at < word_.size(); at = after(at)) rank_long(at);
    while (!ranks_.empty()) {
      const std::uint32_t rank = ranks_.top();
      Places& places = queues_[queue_of_[rank] - 1];
      const std::uint32_t left = places.pop();
      if (places.empty()) ranks_.pop();
      if (symbols_[left].length != 0 && symbols_[left].rank == rank) apply(left);
    }
    for (const std::uint32_t rank : met_) queue_of_[rank] = 0;
    met_.clear();
    for (std::uint32_t at = 0; at < word_.size(); at = after(at)) {
      emit(word_.substr(at, symbols_[at].length), symbols_[at].id);
    }
  }

  const Rules& rules_;
  std::string_view word_;
  std::array<Short, short_word + 1> short_;
  std::vector<Symbol> symbols_;          // [bytes of word], by first byte
  std::vector<std::uint32_t> queue_of_;  // [n_ranks] 1 + index in queues_, 0 for none
  std::vector<std::uint32_t> met_;       // the ranks of this word
  std::vector<Places> queues_;           // [ranks of the longest word so far] empty between words
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ranks_;  // whose places are not empty
};

}  // namespace hearth::text
