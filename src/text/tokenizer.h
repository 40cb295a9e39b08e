// Enters: text, or token ids. Leaves: token ids, or text, as the model's vocabulary and algorithm say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "special_tokens.h"
#include "vocab.h"

namespace hearth::text {

struct EncodeOptions {
  bool add_special = false;    ///< put BOS before and EOS after, as the vocabulary says
  bool parse_special = false;  ///< text that spells a control token becomes it; never for what a user typed
  bool begins = true;  ///< no other text stands before this one: a space goes in front where the vocabulary says so
};

/// What one tokenizing algorithm brings: a file of its own and a row in tokenizer.cpp. It may keep a reference to the
/// vocabulary it was made from.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Appends the ids of `text`, which holds no special token. `first`: nothing, or a special token, stands before it.
  virtual Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const = 0;

  /// Appends the bytes that a token stands for; only asked for tokens that are text.
  virtual void append_piece(std::int32_t id, std::string& bytes) const = 0;

  /// A tokenizer.json says itself where special tokens are found and what goes around a text. Its algorithm does the
  /// whole of Tokenizer::encode, and says so.
  virtual Result<bool> encode_whole(std::string_view, EncodeOptions, std::vector<std::int32_t>&) const { return false; }

  /// How many bytes at the front of the token's piece were put there by encode when the token is the first of a text.
  virtual std::size_t added_prefix(std::int32_t id) const = 0;
};

/// Immutable, so any number of threads may use it. The file it came from must outlive it.
class Tokenizer {
 public:
  static Result<Tokenizer> from(const gguf::File& file, VocabOptions options = {});
  static Result<Tokenizer> from(Vocab vocab);

  /// With an algorithm that is none of the table's; `make` is called with the vocabulary where it stays.
  using MakeAlgorithm = std::function<Result<std::unique_ptr<const Algorithm>>(const Vocab& vocab)>;
  static Result<Tokenizer> from(Vocab vocab, const MakeAlgorithm& make);

  /// Total on any bytes: NUL, invalid UTF-8, 16 MiB of one letter. Errors: 2 GiB of text; an unknown character in a
  /// vocabulary that has neither bytes nor an unknown token.
  Result<std::vector<std::int32_t>> encode(std::string_view text, EncodeOptions options = {}) const;

  /// The pieces joined; control and unknown tokens give nothing. An id outside the vocabulary is an error.
  Result<std::string> decode(std::span<const std::int32_t> ids) const;

  /// The bytes of a token inside a text; none of a control or unknown token, or of an id outside the vocabulary.
  std::string_view piece(std::int32_t id) const;

  /// The same at the start of a text, where the space that encode put before the first word is left out.
  std::string_view first_piece(std::int32_t id) const;

  /// Whether a text still counts as not begun after this token: control tokens are no part of it.
  bool keeps_text_start(std::int32_t id) const;

  const Vocab& vocab() const { return *vocab_; }

 private:
  Tokenizer(std::unique_ptr<const Vocab> vocab, std::unique_ptr<const Algorithm> algorithm);

  std::unique_ptr<const Vocab> vocab_;  // on the heap: the algorithm refers to it while the Tokenizer moves
  std::unique_ptr<const Algorithm> algorithm_;
  SpecialTokens special_;
  std::string piece_bytes_;              // all pieces, one after the other
  std::vector<std::size_t> piece_ends_;  // [n_vocab] where each ends
};

}  // namespace hearth::text
