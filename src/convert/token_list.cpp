// Enters: tokens with their ids. Leaves: the arrays of a GGUF vocabulary.
#include "token_list.h"

#include <algorithm>
#include <utility>

#include "escape.h"

namespace hearth::convert {

TokenList::TokenList(std::uint64_t n_vocab, std::string where)
    : where_(std::move(where)),
      texts_(n_vocab),
      scores_(n_vocab, -10000.0f),
      types_(n_vocab, static_cast<std::int32_t>(text::TokenType::unused)) {
  for (std::uint64_t id = 0; id < n_vocab; ++id) texts_[id] = "[PAD" + std::to_string(id) + "]";
}

Result<void> TokenList::put(std::uint64_t id, std::string text, text::TokenType type, float score) {
  if (id >= size())
    return Error(Status::malformed, "token '" + escape(text) + "' has id " + std::to_string(id) +
                                        ", the embedding has " + std::to_string(size()) + " rows; " + where_ +
                                        "; see that the tokenizer belongs to the weights");
  texts_[id] = std::move(text);
  scores_[id] = score;
  types_[id] = static_cast<std::int32_t>(type);
  return {};
}

void TokenList::put_added(std::uint64_t id, std::string text, text::TokenType type, float score) {
  if (id >= size()) left_out_.insert_or_assign(id, std::move(text));
  else static_cast<void>(put(id, std::move(text), type, score));
}

std::vector<std::string> TokenList::left_out() const {
  std::vector<std::string> texts;
  for (const auto& [id, text] : left_out_) texts.push_back(text);
  return texts;
}

std::int64_t TokenList::find(std::string_view text) const {
  const auto at = std::find(texts_.begin(), texts_.end(), text);
  return at == texts_.end() ? -1 : at - texts_.begin();
}

void TokenList::write(std::string_view model, bool with_scores, Metadata& metadata) {
  metadata.set("tokenizer.ggml.model", std::string(model));
  metadata.set("tokenizer.ggml.tokens", std::exchange(texts_, {}));
  if (with_scores) metadata.set("tokenizer.ggml.scores", std::exchange(scores_, {}));
  metadata.set("tokenizer.ggml.token_type", std::exchange(types_, {}));
}

}  // namespace hearth::convert
