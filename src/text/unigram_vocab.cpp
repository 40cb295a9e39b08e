// Enters: text without special tokens, and a vocabulary of model "t5". Leaves: the ids that SentencePiece's Unigram
// gives it; and each token's bytes.
#include "byte_tokens.h"
#include "characters.h"
#include "charsmap.h"
#include "marked_words.h"
#include "normalizer.h"
#include "space_mark.h"
#include "try.h"
#include "unigram.h"

namespace hearth::text {
namespace {

class Unigram final : public Algorithm {
 public:
  Unigram(const Vocab& vocab, Charsmap charsmap, UnigramModel::Parts parts)
      : vocab_(vocab), charsmap_(std::move(charsmap)), model_(std::move(parts)) {
    for (std::int32_t id = 0; id < vocab.size(); ++id) {
      crosses_words_ = crosses_words_ || next_marked_word(vocab.token(id), 0) < vocab.token(id).size();
    }
  }

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override;
  void append_piece(std::int32_t id, std::string& bytes) const override;
  std::size_t added_prefix(std::int32_t id) const override;

 private:
  std::string normalized(std::string_view text, bool first) const;

  const Vocab& vocab_;
  Charsmap charsmap_;
  UnigramModel model_;
  bool crosses_words_ = false;  // a token spans the border of two words
};

/// Where white space is removed, one space is kept between words and none at the ends; a text of nothing else is empty
/// and gets no prefix. One that goes on, not `first`, has no beginning.
std::string Unigram::normalized(std::string_view text, bool first) const {
  const bool merge = vocab_.remove_extra_whitespaces();
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  bool after_space = merge && first;
  const auto put = [&](std::string_view piece) {
    for (char c : piece) {
      if (c == ' ' && after_space) continue;
      if (out.empty() && first && vocab_.add_space_prefix()) out.append(space_mark);
      c == ' ' ? out.append(space_mark) : out.append(1, c);
      after_space = merge && c == ' ';
    }
  };
  while (!text.empty() && out.size() <= max_normalized) {  // more is refused, and need not be made
    Charsmap::Match match = charsmap_.longest(text);
    if (match.length == 0) {
      const Character character = first_character(text);
      const bool sound = character.code != Character::no_code;
      match = {character.length, sound ? text.substr(0, character.length) : std::string_view("\xef\xbf\xbd")};
    }
    put(match.replacement);
    text.remove_prefix(match.length);
  }
  while (merge && out.ends_with(space_mark)) out.resize(out.size() - space_mark.size());
  return out;
}

Result<void> Unigram::encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const {
  const std::string marked = normalized(text, first);
  HEARTH_CHECK(check_normalized(marked.size()));
  UnigramModel::Run run{ids};
  for (std::size_t begin = 0, end; begin < marked.size(); begin = end) {
    end = crosses_words_ ? marked.size() : next_marked_word(marked, begin);
    HEARTH_CHECK(model_.append(std::string_view(marked).substr(begin, end - begin), run));
  }
  return {};
}

void Unigram::append_piece(std::int32_t id, std::string& bytes) const {
  const std::string_view text = vocab_.token(id);
  if (vocab_.type(id) == TokenType::byte) bytes.push_back(static_cast<char>(*byte_of(text)));
  else append_unmarked(text, bytes);
}

std::size_t Unigram::added_prefix(std::int32_t id) const {
  return vocab_.type(id) == TokenType::normal && vocab_.add_space_prefix() && vocab_.token(id).starts_with(space_mark)
             ? 1
             : 0;
}

}  // namespace

Result<std::unique_ptr<const Algorithm>> make_unigram(const Vocab& vocab) {
  constexpr double unknown_penalty = 10;  // SentencePiece's
  UnigramModel::Parts parts;
  parts.where = vocab.where();
  parts.unknown = vocab.special().unk;
  ByteTokens bytes(vocab);
  HEARTH_CHECK(bytes.read_spelled());
  if (bytes.complete()) parts.bytes = bytes.ids();
  HEARTH_TRY(Charsmap charsmap, Charsmap::parse(vocab.charsmap(), vocab.where()));
  double worst = 0;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    const TokenType type = vocab.type(id);
    const bool plain = type == TokenType::normal;
    if (!plain && type != TokenType::user_defined) continue;
    parts.pieces.push_back({vocab.token(id), plain ? vocab.score(id) : 0.0, id});
    if (plain && vocab.score(id) < worst) worst = vocab.score(id);
  }
  parts.unknown_score = worst - unknown_penalty;
  parts.sums_in_f32 = true;
  return std::unique_ptr<const Algorithm>(std::make_unique<Unigram>(vocab, std::move(charsmap), std::move(parts)));
}

}  // namespace hearth::text
