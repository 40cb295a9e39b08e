// Enters: text without special tokens. Leaves: the ids that WordPiece gives it; and each token's bytes.
#include "wordpiece.h"

#include "characters.h"
#include "space_mark.h"

namespace hearth::text {
namespace {

class Bert final : public Algorithm {
 public:
  Bert(const Vocab& vocab, WordPieces::Parts parts) : vocab_(vocab), pieces_(std::move(parts)) {}

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override;

  void append_piece(std::int32_t id, std::string& bytes) const override { append_unmarked(vocab_.token(id), bytes); }

  std::size_t added_prefix(std::int32_t id) const override {
    return vocab_.type(id) == TokenType::normal && vocab_.token(id).starts_with(space_mark) ? 1 : 0;
  }

 private:
  const Vocab& vocab_;
  WordPieces pieces_;
};

Result<void> Bert::encode(std::string_view text, bool, std::vector<std::int32_t>& ids) const {
  constexpr std::int32_t replacement = 0xfffd;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) pieces_.append(word, ids);
    word.clear();
  };
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.length);
    const std::int32_t code = vocab_.strip_accents() ? base_letter(character.code) : character.code;
    const bool stands_alone = is_bert_punctuation(code) || is_bert_ideograph(code);
    if (stands_alone || is_white_space(code)) end_word();
    const bool dropped = code == Character::no_code || code == replacement || is_control(code);
    if (is_white_space(code) || dropped) continue;
    append_utf8(word, vocab_.lowercase() ? lower(code) : code);
    if (stands_alone) end_word();
  }
  end_word();
  return {};
}

std::size_t count_characters(std::string_view text) {
  std::size_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(first_character(text).length);
  return n;
}

}  // namespace

WordPieces::WordPieces(Parts parts)
    : begin_(std::move(parts.begin)),
      inside_(std::move(parts.inside)),
      unknown_(parts.unknown),
      max_characters_(parts.max_characters) {}

void WordPieces::append(std::string_view word, std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  if (count_characters(word) <= max_characters_ && append_pieces(word, ids)) return;
  ids.resize(before);
  ids.push_back(unknown_);
}

bool WordPieces::append_pieces(std::string_view word, std::vector<std::int32_t>& ids) const {
  const TokenTrie* pieces = &begin_;
  while (!word.empty()) {
    const TokenTrie::Match match = pieces->longest(word);
    if (match.id < 0) return false;
    ids.push_back(match.id);
    word.remove_prefix(match.length);
    pieces = &inside_;
  }
  return true;
}

Result<std::unique_ptr<const Algorithm>> make_wordpiece(const Vocab& vocab) {
  if (!vocab.special().unk) {
    return Error(Status::malformed, "tokenizer.ggml.unknown_token_id is missing, a tokenizer of model bert needs it; " +
                                        vocab.where() + "; add the id");
  }
  WordPieces::Parts parts;
  parts.unknown = *vocab.special().unk;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    const TokenType type = vocab.type(id);
    if (type != TokenType::normal && type != TokenType::user_defined) continue;
    const std::string_view text = vocab.token(id);
    if (text.starts_with(space_mark)) parts.begin.push_back({text.substr(space_mark.size()), id});
    else if (!text.empty()) parts.inside.push_back({text, id});
  }
  return std::unique_ptr<const Algorithm>(std::make_unique<Bert>(vocab, std::move(parts)));
}

}  // namespace hearth::text
