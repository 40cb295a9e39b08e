// Enters: text without special tokens. Leaves: the ids that byte pair encoding gives it; and each token's bytes.
#include "bpe.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "byte_letters.h"
#include "byte_tokens.h"
#include "escape.h"
#include "merger.h"
#include "pair_table.h"
#include "pre_tokenizer.h"
#include "space_mark.h"
#include "try.h"
#include "utf8.h"
#include "word_cache.h"

namespace hearth::text {
namespace {

class Bpe final : public Algorithm {
 public:
  static Result<std::unique_ptr<const Algorithm>> make(const Vocab& vocab);

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override;
  void append_piece(std::int32_t id, std::string& bytes) const override;
  std::size_t added_prefix(std::int32_t) const override { return 0; }

  // The rules of Merger. A symbol is a token's id, or an id above them all for a part of merges that is no token.
  FirstSymbol first(std::string_view rest) const;
  Pair pair(std::string_view, std::int32_t left, std::int32_t right) const { return pairs_.find(left, right); }
  std::size_t n_ranks() const { return vocab_.merges().size(); }

 private:
  Bpe(const Vocab& vocab, PreTokenizerTraits traits, PreTokenizer pre)
      : vocab_(vocab), traits_(traits), pre_(std::move(pre)), bytes_(vocab), pairs_(vocab.merges().size()) {}

  Result<void> read_merges();
  std::int32_t symbol(std::string_view spelled, std::unordered_map<std::string, std::int32_t>& others) const;
  std::int32_t find_token(std::string_view spelled) const;
  std::int32_t whole_word(std::string_view word) const;
  Result<void> append_word(std::string_view word, Merger<Bpe>& merger, std::vector<std::int32_t>& ids) const;

  const Vocab& vocab_;
  const PreTokenizerTraits traits_;
  const PreTokenizer pre_;
  ByteTokens bytes_;
  PairTable pairs_;
  std::array<std::int32_t, 256> byte_symbols_{};  // of byte-level vocabularies
};

Result<std::unique_ptr<const Algorithm>> Bpe::make(const Vocab& vocab) {
  const std::string_view name = vocab.pre();
  const PreTokenizerRow* row = find_pre_tokenizer(name);
  if (!row) {
    return Error(Status::unsupported, "\"" + escape(name) +
                                          "\" is no pre-tokenizer known here; tokenizer.ggml.pre of " + vocab.where() +
                                          "; the nearest name is \"" + std::string(nearest_pre_tokenizer(name)) +
                                          "\": if the model splits its text so, say --pre NAME");
  }
  HEARTH_TRY(PreTokenizer pre, PreTokenizer::make(*row));
  auto bpe = std::unique_ptr<Bpe>(new Bpe(vocab, row->traits, std::move(pre)));
  HEARTH_CHECK(bpe->read_merges());
  if (!row->traits.byte_level) HEARTH_CHECK(bpe->bytes_.read_spelled());
  return std::unique_ptr<const Algorithm>(std::move(bpe));
}

/// The symbol of a spelling; a new one is made for what is no token.
std::int32_t Bpe::symbol(std::string_view spelled, std::unordered_map<std::string, std::int32_t>& others) const {
  const std::int32_t token = find_token(spelled);
  if (token >= 0) return token;
  return others.try_emplace(std::string(spelled), vocab_.size() + static_cast<std::int32_t>(others.size()))
      .first->second;
}

Result<void> Bpe::read_merges() {
  std::unordered_map<std::string, std::int32_t> others;
  std::string letter;
  for (unsigned b = 0; b < 256; ++b) {
    letter.clear();
    append_byte_letter(static_cast<std::uint8_t>(b), letter);
    byte_symbols_[b] = symbol(letter, others);
    if (traits_.byte_level) bytes_.set(static_cast<std::uint8_t>(b), find_token(letter));
  }
  std::string both;
  for (std::size_t rank = 0; rank < vocab_.merges().size(); ++rank) {
    const std::string_view merge = vocab_.merges()[rank];
    const std::size_t space = merge.find(' ');
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = space == std::string_view::npos ? std::string_view() : merge.substr(space + 1);
    if (left.empty() || right.empty() || right.find(' ') != std::string_view::npos) {
      return Error(Status::malformed, "tokenizer.ggml.merges has \"" + escape(merge.substr(0, 64)) + "\" at index " +
                                          std::to_string(rank) + ", a merge is two parts with one space between; " +
                                          vocab_.where() + "; convert the model again");
    }
    both.assign(left).append(right);
    const std::int32_t left_symbol = symbol(left, others), right_symbol = symbol(right, others);
    pairs_.add(left_symbol, right_symbol, {static_cast<std::uint32_t>(rank), symbol(both, others)});
  }
  return {};
}

/// The token that a spelling may merge into, -1 for none. User-defined tokens are spelled as text, not in letters for
/// bytes: DeepSeek's "\u00f5" is that character and not the byte 0xf5.
std::int32_t Bpe::find_token(std::string_view spelled) const {
  const std::int32_t id = vocab_.find(spelled);
  if (id < 0 || !is_text(vocab_.type(id))) return -1;
  return traits_.byte_level && vocab_.type(id) == TokenType::user_defined ? -1 : id;
}

FirstSymbol Bpe::first(std::string_view rest) const {
  if (traits_.byte_level) return {1, byte_symbols_[static_cast<unsigned char>(rest[0])]};
  const Utf8Step step = utf8_step(rest);
  const std::size_t length = step.state == Utf8::valid ? step.length : 1;
  return {length, find_token(rest.substr(0, length))};
}

/// The token that a word is as a whole, where merges do not matter; -1 for none.
std::int32_t Bpe::whole_word(std::string_view word) const {
  if (!traits_.byte_level)
    return word[0] == '\n' ? find_token(word) : -1;  // Gemma's runs of line ends are never merged
  if (!traits_.ignore_merges || word.size() > vocab_.longest()) return -1;
  std::string spelled;
  for (char c : word) append_byte_letter(static_cast<std::uint8_t>(c), spelled);
  return find_token(spelled);
}

Result<void> Bpe::append_word(std::string_view word, Merger<Bpe>& merger, std::vector<std::int32_t>& ids) const {
  if (const std::int32_t id = whole_word(word); id >= 0) {
    ids.push_back(id);
    return {};
  }
  Result<void> result;
  merger.run(word, [&](std::string_view text, std::int32_t id) {
    if (id >= 0 && id < vocab_.size()) {
      ids.push_back(id);
    } else if (result) {
      result = bytes_.append(text, ids);
    }
  });
  return result;
}

Result<void> Bpe::encode(std::string_view text, bool, std::vector<std::int32_t>& ids) const {
  std::string marked;
  if (!traits_.byte_level) {
    HEARTH_CHECK(mark_spaces(text, marked));
    text = marked;
  }
  std::vector<std::uint32_t> ends;
  ends.reserve(text.size() / 4);
  HEARTH_CHECK(pre_.split(text, ends));
  Merger<Bpe> merger(*this);
  return append_words(text, ends, ids,
                      [&](std::string_view word, auto& out) { return append_word(word, merger, out); });
}

void Bpe::append_piece(std::int32_t id, std::string& bytes) const {
  const std::string_view text = vocab_.token(id);
  if (vocab_.type(id) == TokenType::user_defined) {  // written as text
    bytes.append(text);
  } else if (vocab_.type(id) == TokenType::byte && !traits_.byte_level) {
    bytes.push_back(static_cast<char>(*byte_of(text)));
  } else if (!traits_.byte_level) {
    append_unmarked(text, bytes);
  } else {
    append_unlettered(text, bytes);
  }
}

}  // namespace

Result<std::unique_ptr<const Algorithm>> make_bpe(const Vocab& vocab) { return Bpe::make(vocab); }

}  // namespace hearth::text
