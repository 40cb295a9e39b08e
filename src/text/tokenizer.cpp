// Enters: a vocabulary; then text or ids. Leaves: a Tokenizer with the algorithm that the vocabulary names; ids or
// text.
#include "tokenizer.h"

#include <limits>

#include "bpe.h"
#include "escape.h"
#include "spm.h"
#include "try.h"
#include "unigram.h"
#include "wordpiece.h"

namespace hearth::text {
namespace {

/// THE table of algorithms: value of tokenizer.ggml.model, maker.
struct AlgorithmRow {
  std::string_view model;
  Result<std::unique_ptr<const Algorithm>> (*make)(const Vocab& vocab);
};
constexpr AlgorithmRow algorithms[] = {
    {"llama", make_spm}, {"gpt2", make_bpe}, {"gemma4", make_bpe}, {"bert", make_wordpiece}, {"t5", make_unigram},
};

Result<std::unique_ptr<const Algorithm>> make_algorithm(const Vocab& vocab) {
  std::string known;
  for (const AlgorithmRow& row : algorithms) {
    if (row.model == vocab.model()) return row.make(vocab);
    known.append(known.empty() ? "" : ", ").append(row.model);
  }
  return Error(Status::unsupported, "tokenizer.ggml.model is \"" + escape(vocab.model()) + "\", this build runs " +
                                        known + "; " + vocab.where() + "; use a model with one of these tokenizers");
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Vocab> vocab, std::unique_ptr<const Algorithm> algorithm)
    : vocab_(std::move(vocab)), algorithm_(std::move(algorithm)), special_(*vocab_) {
  piece_ends_.reserve(static_cast<std::size_t>(vocab_->size()));
  for (std::int32_t id = 0; id < vocab_->size(); ++id) {
    if (is_text(vocab_->type(id))) algorithm_->append_piece(id, piece_bytes_);
    piece_ends_.push_back(piece_bytes_.size());
  }
}

Result<Tokenizer> Tokenizer::from(const gguf::File& file, VocabOptions options) {
  HEARTH_TRY(Vocab vocab, Vocab::from(file, std::move(options)));
  return from(std::move(vocab));
}

Result<Tokenizer> Tokenizer::from(Vocab vocab) { return from(std::move(vocab), make_algorithm); }

Result<Tokenizer> Tokenizer::from(Vocab vocab, const MakeAlgorithm& make) {
  auto kept = std::make_unique<const Vocab>(std::move(vocab));
  HEARTH_TRY(auto algorithm, make(*kept));
  return Tokenizer(std::move(kept), std::move(algorithm));
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  constexpr std::size_t max_bytes = std::numeric_limits<std::int32_t>::max();
  if (text.size() > max_bytes) {
    return Error(Status::invalid_argument, "the text has " + std::to_string(text.size()) +
                                               " bytes; encode takes up to " + std::to_string(max_bytes) +
                                               "; cut it into parts");
  }
  std::vector<std::int32_t> ids;
  HEARTH_TRY(const bool whole, algorithm_->encode_whole(text, options, ids));
  if (whole) return ids;
  ids.reserve(text.size() / 4);
  if (options.add_special && vocab_->add_bos()) ids.push_back(*vocab_->special().bos);
  bool first = options.begins;
  for (const Fragment& fragment : special_.split(text, options.parse_special)) {
    first = first || fragment.id >= 0;
    if (fragment.id >= 0) {
      ids.push_back(fragment.id);
    } else {
      HEARTH_CHECK(algorithm_->encode(fragment.text, first, ids));
      first = false;
    }
  }
  if (options.add_special && vocab_->add_eos()) ids.push_back(*vocab_->special().eos);
  return ids;
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  bool at_start = true;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!vocab_->contains(ids[i])) {
      return Error(Status::invalid_argument, "token id " + std::to_string(ids[i]) + " at index " + std::to_string(i) +
                                                 " is not in the vocabulary; " + vocab_->where() +
                                                 "; use ids from 0 to " + std::to_string(vocab_->size() - 1));
    }
    text.append(at_start ? first_piece(ids[i]) : piece(ids[i]));
    at_start = at_start && keeps_text_start(ids[i]);
  }
  return text;
}

std::string_view Tokenizer::piece(std::int32_t id) const {
  if (!vocab_->contains(id)) return {};
  const auto i = static_cast<std::size_t>(id);
  const std::size_t begin = i == 0 ? 0 : piece_ends_[i - 1];
  return std::string_view(piece_bytes_).substr(begin, piece_ends_[i] - begin);
}

std::string_view Tokenizer::first_piece(std::int32_t id) const {
  const std::string_view bytes = piece(id);
  return bytes.empty() ? bytes : bytes.substr(algorithm_->added_prefix(id));
}

bool Tokenizer::keeps_text_start(std::int32_t id) const {
  return !vocab_->contains(id) || vocab_->type(id) == TokenType::control;
}

}  // namespace hearth::text
