// Enters: a piece of text, or a vocabulary of model "t5". Leaves: the segmentation with the best sum of scores.
#pragma once

#include <array>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "token_trie.h"
#include "tokenizer.h"

namespace hearth::text {

/// A unigram model (Kudo 2018) without any idea of normalization or spaces. Linear in the text: no piece is longer than
/// 256 bytes, where SentencePiece trains up to 16 characters.
class UnigramModel {
 public:
  static constexpr std::size_t max_piece_bytes = 256;

  struct Piece {
    std::string_view text;
    double score;
    std::int32_t id;
  };
  struct Parts {
    std::vector<Piece> pieces;  // longer ones never come out
    double unknown_score = 0;   // of a character that no piece is
    std::optional<std::int32_t> unknown;
    std::optional<std::array<std::int32_t, 256>> bytes;  // used for such a character instead
    bool sums_in_f32 = false;                            // as SentencePiece does; else f64, as Hugging Face
    std::string where;                                   // names the source in errors
  };

  /// What one encode keeps between words.
  struct Run {
    std::vector<std::int32_t>& ids;
    double score = 0;            // of what was appended before: f32 sums round by it
    bool after_unknown = false;  // neighbours that are unknown become one token
    struct Best {
      double score = 0;
      std::uint32_t begin = 0;
      std::int32_t id = unreached;
    };
    std::vector<Best> best;             // [bytes + 1] of the text's beginnings
    std::vector<std::uint32_t> places;  // where the chosen pieces end
  };

  /// The texts may go once it is made.
  explicit UnigramModel(Parts parts);

  /// Appends the ids of `text`. Error: an unknown character where there is neither an unknown token nor bytes.
  Result<void> append(std::string_view text, Run& run) const;

 private:
  static constexpr std::int32_t unreached = -2, unknown_character = -1;

  void search(std::string_view text, Run& run) const;
  Result<void> append_unknown(std::string_view character, Run& run) const;

  TokenTrie trie_;              // its ids are places in scores_ and ids_
  std::vector<double> scores_;  // [pieces]
  std::vector<std::int32_t> ids_;
  Parts parts_;  // without the pieces
};

/// SentencePiece's Unigram as GGUF files have it: precompiled_charsmap, white space as remove_extra_whitespaces and
/// add_space_prefix say, spaces become U+2581, then the best sum of scores, of equals the one whose last piece is longest. An
/// unknown character costs 10 more than the worst piece; neighbours become one token, or their bytes where all 256 are
/// there. A byte that is no UTF-8 is read as U+FFFD. Control, unknown, unused and byte tokens never come out of the
/// search. Equal sums are told apart by how f32 rounds them, so they are added up as the reference does, from the
/// text's first word on; but where its sums reach 2^16 and lose the hundredths, these begin again at the next word.
/// The vocabulary must outlive what is made. Errors: a damaged charsmap; a byte token not spelled <0xXX>.
Result<std::unique_ptr<const Algorithm>> make_unigram(const Vocab& vocab);

}  // namespace hearth::text
