// Enters: text without special tokens. Leaves: the ids that SentencePiece's BPE gives it; and each token's bytes.
#include "spm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "escape.h"
#include "try.h"
#include "utf8.h"

namespace hearth::text {
namespace {

constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581, SentencePiece's visible space

/// Where the word after the one at `begin` starts: at the first mark that follows something else.
std::size_t next_word(std::string_view text, std::size_t begin) {
  std::size_t at = text.find(space_mark, begin + 1);
  while (at != std::string_view::npos && text.substr(0, at).ends_with(space_mark)) at = text.find(space_mark, at + 1);
  return std::min(at, text.size());
}

/// A stretch of the text that is one symbol now; the symbol after it begins where it ends.
struct Symbol {
  std::uint32_t length = 0;  // 0: merged into the one before
  std::uint32_t prev = 0;    // where the symbol before begins; of the first symbol its own place
  std::int32_t id = -1;      // the token it spells, -1 for none
};

/// Two neighbours that spell a token. Stale once the symbol at `left` and the one after it no longer cover `length`.
struct Merge {
  float score;
  std::uint32_t left;
  std::uint32_t length;
  std::int32_t id;

  /// Heap order: the best score on top, the leftmost of equals.
  bool operator<(const Merge& other) const {
    return score < other.score || (score == other.score && left > other.left);
  }
};

class Spm final : public Algorithm {
 public:
  static Result<std::unique_ptr<const Algorithm>> make(const Vocab& vocab);

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override;
  void append_piece(std::int32_t id, std::string& bytes) const override;
  std::size_t added_prefix(std::int32_t id) const override;

  /// The token that a text may merge into, -1 for none.
  std::int32_t find_piece(std::string_view text) const;

  /// A score that orders: NaN counts as the worst.
  float rank(std::int32_t id) const {
    const float score = vocab_.score(id);
    return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
  }

 private:
  explicit Spm(const Vocab& vocab) : vocab_(vocab) { bytes_.fill(-1); }
  std::size_t word_end(std::string_view text, std::size_t begin) const;
  Result<void> append_unmerged(std::string_view character, std::vector<std::int32_t>& ids) const;

  const Vocab& vocab_;
  std::array<std::int32_t, 256> bytes_{};  // [byte] its token, -1 for none
  std::size_t longest_ = 0;                // bytes of the longest token
  bool crosses_words_ = false;             // a token spans the border of two words
};

/// Merges one text after the other: n log n in a text's length, whatever the order of the scores.
class Merger {
 public:
  explicit Merger(const Spm& spm) : spm_(spm) {}

  /// Symbols at the places where one begins. Valid until the next run.
  const std::vector<Symbol>& run(std::string_view text);

 private:
  void split_characters();
  bool propose(std::uint32_t left);
  void apply(const Merge& merge);
  std::uint32_t next(std::uint32_t left) const { return left + symbols_[left].length; }

  const Spm& spm_;
  std::string_view text_;
  std::vector<Symbol> symbols_;  // [bytes of text], by first byte
  std::vector<Merge> heap_;
};

void Merger::split_characters() {
  std::uint32_t prev = 0;
  for (std::uint32_t at = 0; at < text_.size();) {
    const Utf8Step step = utf8_step(text_.substr(at));
    const std::uint32_t length = step.state == Utf8::valid ? static_cast<std::uint32_t>(step.length) : 1;
    symbols_[at] = {length, prev, spm_.find_piece(text_.substr(at, length))};
    prev = at;
    at += length;
  }
}

/// Remembers the merge of the symbol at `left` with the one after it, if that spells a token.
bool Merger::propose(std::uint32_t left) {
  const std::uint32_t right = next(left);
  if (right >= text_.size()) return false;
  const std::uint32_t length = symbols_[left].length + symbols_[right].length;
  const std::int32_t id = spm_.find_piece(text_.substr(left, length));
  if (id < 0) return false;
  heap_.push_back({spm_.rank(id), left, length, id});
  return true;
}

void Merger::apply(const Merge& merge) {
  const std::uint32_t right = next(merge.left);
  symbols_[right].length = 0;
  symbols_[merge.left].length = merge.length;
  symbols_[merge.left].id = merge.id;
  const std::uint32_t after = next(merge.left);
  if (after < text_.size()) symbols_[after].prev = merge.left;
  if (propose(merge.left)) std::push_heap(heap_.begin(), heap_.end());
  const std::uint32_t before = symbols_[merge.left].prev;
  if (before != merge.left && propose(before)) std::push_heap(heap_.begin(), heap_.end());
}

const std::vector<Symbol>& Merger::run(std::string_view text) {
  text_ = text;
  symbols_.resize(std::max(symbols_.size(), text.size()));
  split_characters();
  for (std::uint32_t at = 0; at < text_.size(); at = next(at)) propose(at);
  std::make_heap(heap_.begin(), heap_.end());
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    const Merge merge = heap_.back();
    heap_.pop_back();
    const Symbol& left = symbols_[merge.left];
    const bool whole = left.length != 0 && left.length < merge.length;
    if (whole && left.length + symbols_[next(merge.left)].length == merge.length) apply(merge);
  }
  return symbols_;
}

Result<std::unique_ptr<const Algorithm>> Spm::make(const Vocab& vocab) {
  auto spm = std::unique_ptr<Spm>(new Spm(vocab));
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    const std::string_view text = vocab.token(id);
    spm->longest_ = std::max(spm->longest_, text.size());
    spm->crosses_words_ = spm->crosses_words_ || next_word(text, 0) < text.size();
    if (vocab.type(id) != TokenType::byte) continue;
    const std::optional<std::uint8_t> byte = byte_of(text);
    if (!byte) {
      return Error(Status::malformed, "token " + std::to_string(id) + " has type byte (6) and reads \"" + escape(text) +
                                          "\", a byte reads <0x00> to <0xFF>; tokenizer.ggml.tokens in " +
                                          vocab.where() + "; convert the model again");
    }
    if (spm->bytes_[*byte] < 0) spm->bytes_[*byte] = id;
  }
  return std::unique_ptr<const Algorithm>(std::move(spm));
}

std::int32_t Spm::find_piece(std::string_view text) const {
  if (text.size() > longest_) return -1;
  const std::int32_t id = vocab_.find(text);
  if (id < 0) return -1;
  const TokenType type = vocab_.type(id);
  const bool reserved = type == TokenType::control || type == TokenType::unknown || type == TokenType::byte;
  return reserved ? -1 : id;
}

Result<void> Spm::encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const {
  const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  const std::size_t length = text.size() + (space_mark.size() - 1) * spaces + space_mark.size();
  if (length > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return Error(Status::invalid_argument, "the text has " + std::to_string(length) +
                                               " bytes once its spaces are U+2581; encode takes up to 2147483647; "
                                               "cut it into parts");
  }
  std::string marked;
  marked.reserve(length);
  if (first && vocab_.add_space_prefix()) marked.append(space_mark);
  for (char c : text) c == ' ' ? marked.append(space_mark) : marked.append(1, c);

  Merger merger(*this);
  for (std::size_t begin = 0, end; begin < marked.size(); begin = end) {
    end = word_end(marked, begin);
    const std::string_view word = std::string_view(marked).substr(begin, end - begin);
    const std::vector<Symbol>& symbols = merger.run(word);
    for (std::size_t at = 0; at < word.size(); at += symbols[at].length) {
      if (symbols[at].id >= 0) {
        ids.push_back(symbols[at].id);
      } else {
        HEARTH_CHECK(append_unmerged(word.substr(at, symbols[at].length), ids));
      }
    }
  }
  return {};
}

/// How much is merged at once. No merge can reach over a border that no token spans, so words come out as the whole
/// text would, with a queue that stays in the cache.
std::size_t Spm::word_end(std::string_view text, std::size_t begin) const {
  return crosses_words_ ? text.size() : next_word(text, begin);
}

/// A character that is no token: its bytes, or one unknown token where a byte has none.
Result<void> Spm::append_unmerged(std::string_view character, std::vector<std::int32_t>& ids) const {
  const auto token = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
  const auto missing = std::find_if(character.begin(), character.end(), [&](char c) { return token(c) < 0; });
  if (missing == character.end()) {
    for (char c : character) ids.push_back(token(c));
    return {};
  }
  if (vocab_.special().unk) {
    ids.push_back(*vocab_.special().unk);
    return {};
  }
  return Error(Status::unsupported,
               "\"" + escape(character) +
                   "\" is no token, and the vocabulary has neither its bytes nor an unknown token; " + vocab_.where() +
                   "; leave it out of the text");
}

void Spm::append_piece(std::int32_t id, std::string& bytes) const {
  std::string_view text = vocab_.token(id);
  if (vocab_.type(id) == TokenType::byte) {
    bytes.push_back(static_cast<char>(*byte_of(text)));
    return;
  }
  for (std::size_t mark; (mark = text.find(space_mark)) != std::string_view::npos;) {
    bytes.append(text.substr(0, mark)).push_back(' ');
    text.remove_prefix(mark + space_mark.size());
  }
  bytes.append(text);
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
