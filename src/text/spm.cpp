// Enters: text without special tokens. Leaves: the ids that SentencePiece's BPE gives it; and each token's bytes.
#include "spm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "byte_tokens.h"
#include "marked_words.h"
#include "merger.h"
#include "space_mark.h"
#include "try.h"
#include "utf8.h"
#include "word_cache.h"

namespace hearth::text {
namespace {

class Spm final : public Algorithm {
 public:
  static Result<std::unique_ptr<const Algorithm>> make(const Vocab& vocab);

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override;
  void append_piece(std::int32_t id, std::string& bytes) const override;
  std::size_t added_prefix(std::int32_t id) const override;

  // The rules of Merger: characters merge into whatever is a piece, whichever way it is put together.
  FirstSymbol first(std::string_view rest) const;
  Pair pair(std::string_view both, std::int32_t, std::int32_t) const;
  std::size_t n_ranks() const { return n_ranks_; }

 private:
  explicit Spm(const Vocab& vocab) : vocab_(vocab), bytes_(vocab) {}
  void rank_pieces();
  std::int32_t find_piece(std::string_view text) const;
  std::size_t word_end(std::string_view text, std::size_t begin) const;
  Result<void> append_word(std::string_view word, Merger<Spm>& merger, std::vector<std::int32_t>& ids) const;

  const Vocab& vocab_;
  ByteTokens bytes_;
  std::vector<std::uint32_t> ranks_;  // [n_vocab] 0 for the best score, the same for equal ones
  std::size_t n_ranks_ = 0;
  bool crosses_words_ = false;  // a token spans the border of two words
};

Result<std::unique_ptr<const Algorithm>> Spm::make(const Vocab& vocab) {
  auto spm = std::unique_ptr<Spm>(new Spm(vocab));
  HEARTH_CHECK(spm->bytes_.read_spelled());
  spm->rank_pieces();
  for (std::int32_t id = 0; id < vocab.size() && !spm->crosses_words_; ++id) {
    spm->crosses_words_ = next_marked_word(vocab.token(id), 0) < vocab.token(id).size();
  }
  return std::unique_ptr<const Algorithm>(std::move(spm));
}

/// NaN counts as the worst score: it would not order.
void Spm::rank_pieces() {
  const auto score = [&](std::int32_t id) {
    const float given = vocab_.score(id);
    return std::isnan(given) ? -std::numeric_limits<float>::infinity() : given;
  };
  std::vector<std::int32_t> best_first(static_cast<std::size_t>(vocab_.size()));
  std::iota(best_first.begin(), best_first.end(), 0);
  std::sort(best_first.begin(), best_first.end(), [&](auto a, auto b) { return score(a) > score(b); });
  ranks_.resize(best_first.size());
  for (std::size_t i = 0; i < best_first.size(); ++i) {
    if (i == 0 || score(best_first[i - 1]) > score(best_first[i])) ++n_ranks_;
    ranks_[static_cast<std::size_t>(best_first[i])] = static_cast<std::uint32_t>(n_ranks_ - 1);
  }
}

/// The token that a text may merge into, -1 for none.
std::int32_t Spm::find_piece(std::string_view text) const {
  const std::int32_t id = vocab_.find(text);
  return id >= 0 && is_text(vocab_.type(id)) && vocab_.type(id) != TokenType::byte ? id : -1;
}

FirstSymbol Spm::first(std::string_view rest) const {
  const Utf8Step step = utf8_step(rest);
  const std::size_t length = step.state == Utf8::valid ? step.length : 1;
  return {length, find_piece(rest.substr(0, length))};
}

Pair Spm::pair(std::string_view both, std::int32_t, std::int32_t) const {
  const std::int32_t id = find_piece(both);
  return id < 0 ? Pair() : Pair{ranks_[static_cast<std::size_t>(id)], id};
}

Result<void> Spm::append_word(std::string_view word, Merger<Spm>& merger, std::vector<std::int32_t>& ids) const {
  Result<void> result;
  merger.run(word, [&](std::string_view text, std::int32_t id) {
    if (id >= 0) {
      ids.push_back(id);
    } else if (result) {
      result = bytes_.append(text, ids);
    }
  });
  return result;
}

Result<void> Spm::encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const {
  std::string marked(first && vocab_.add_space_prefix() ? space_mark : "");
  HEARTH_CHECK(mark_spaces(text, marked));
  std::vector<std::uint32_t> ends;
  for (std::size_t end = 0; end < marked.size(); ends.push_back(static_cast<std::uint32_t>(end))) {
    end = word_end(marked, end);
  }
  Merger<Spm> merger(*this);
  return append_words(marked, ends, ids,
                      [&](std::string_view word, auto& out) { return append_word(word, merger, out); });
}

/// How much is merged at once. No merge can reach over a border that no token spans, so words come out as the whole
/// text would.
std::size_t Spm::word_end(std::string_view text, std::size_t begin) const {
  return crosses_words_ ? text.size() : next_marked_word(text, begin);
}

void Spm::append_piece(std::int32_t id, std::string& bytes) const {
  if (vocab_.type(id) == TokenType::byte) {
    bytes.push_back(static_cast<char>(*byte_of(vocab_.token(id))));
  } else {
    append_unmarked(vocab_.token(id), bytes);
  }
}

/// A user-defined token is found before any space is added, so a space it begins with is the text's own.
std::size_t Spm::added_prefix(std::int32_t id) const {
  const TokenType type = vocab_.type(id);
  if (!vocab_.add_space_prefix() || type == TokenType::user_defined || type == TokenType::byte) return 0;
  return vocab_.token(id).substr(0, space_mark.size()) == space_mark ? 1 : 0;
}

}  // namespace

Result<std::unique_ptr<const Algorithm>> make_spm(const Vocab& vocab) { return Spm::make(vocab); }

}  // namespace hearth::text
