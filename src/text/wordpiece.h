// Enters: a word, or a vocabulary of model "bert". Leaves: WordPiece: the longest piece, again and again.
#pragma once

#include <hearth/result.hpp>
#include <memory>

#include "token_trie.h"
#include "tokenizer.h"

namespace hearth::text {

/// The pieces that may begin a word and those that may go on with it. The texts must outlive it.
class WordPieces {
 public:
  struct Parts {
    std::vector<TokenTrie::Entry> begin, inside;
    std::int32_t unknown = -1;
    std::size_t max_characters = 100;  // of a word; a longer one is unknown (Devlin et al. 2018, their tokenizer)
  };

  explicit WordPieces(Parts parts);

  /// Appends the pieces of a word, or the unknown token where they do not cover it.
  void append(std::string_view word, std::vector<std::int32_t>& ids) const;

 private:
  bool append_pieces(std::string_view word, std::vector<std::int32_t>& ids) const;

  TokenTrie begin_, inside_;
  std::int32_t unknown_;
  std::size_t max_characters_;
};

/// BERT as GGUF files have it: a piece that begins a word is written with U+2581 before it, one that goes on without.
/// Text is lowered and letters lose their accents, unless the vocabulary says otherwise, punctuation and CJK ideographs stand alone, controls are dropped. As
/// in the reference a letter becomes the first code point of its decomposition, and an accent that the text spells
/// apart stays; a byte that is no UTF-8 is dropped like U+FFFD. Differences from the reference:
/// - A word of more than 100 characters is the unknown token, as in the tokenizers such models are trained with.
/// - Control, unknown and unused tokens never come out of a text.
/// The vocabulary must outlive what is made. Errors: no unknown token.
Result<std::unique_ptr<const Algorithm>> make_wordpiece(const Vocab& vocab);

}  // namespace hearth::text
