// Enters: the "model" of a tokenizer.json, of type BPE. Leaves: byte pair encoding by its merges.
#include "characters.h"
#include "escape.h"
#include "hf_model.h"
#include "merger.h"
#include "pair_table.h"
#include "try.h"
#include "vocab.h"
#include "word_cache.h"

namespace hearth::text {
namespace {

class HfBpe final : public HfModel {
 public:
  static Result<std::unique_ptr<const HfModel>> make(const JsonNode& node, const HfVocabulary& vocabulary);

  Result<void> append(const Pieces& pieces, std::vector<std::int32_t>& ids) const override;

  /// The rules of Merger for one word: the first and the last character may be spelled differently from others.
  struct Rules {
    const HfBpe& bpe;
    std::string_view word;

    FirstSymbol first(std::string_view rest) const;
    Pair pair(std::string_view, std::int32_t left, std::int32_t right) const { return bpe.pairs_.find(left, right); }
    std::size_t n_ranks() const { return bpe.n_merges_; }
  };

 private:
  HfBpe(const HfVocabulary& vocabulary, std::size_t n_merges)
      : vocabulary_(vocabulary), n_merges_(n_merges), pairs_(n_merges) {}

  Result<void> read_merges(const JsonNode& node);
  void append_word(Rules& rules, Merger<Rules>& merger, std::vector<std::int32_t>& ids) const;
  bool append_bytes(std::string_view text, std::vector<std::int32_t>& ids) const;

  const HfVocabulary& vocabulary_;
  std::size_t n_merges_;
  PairTable pairs_;
  std::string inside_prefix_, end_suffix_;  // continuing_subword_prefix, end_of_word_suffix
  bool fuse_unknown_ = false, whole_words_ = false;
};

/// "left right", or ["left", "right"] in newer files.
std::pair<std::string_view, std::string_view> merge_parts(const nlohmann::json& merge) {
  if (merge.is_string()) {
    const std::string_view both = *merge.get_ptr<const std::string*>();
    const std::size_t space = both.find(' ');
    if (space == std::string_view::npos) return {};
    return {both.substr(0, space), both.substr(space + 1)};
  }
  if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) return {};
  return {*merge[0].get_ptr<const std::string*>(), *merge[1].get_ptr<const std::string*>()};
}

/// Backwards: of equal merges the last one counts, and the table keeps the first that it is given.
Result<void> HfBpe::read_merges(const JsonNode& node) {
  std::string both;
  for (std::size_t rank = n_merges_; rank-- > 0;) {
    const auto [left, right] = merge_parts(node.value()[rank]);
    const std::int32_t left_id = vocabulary_.find(left), right_id = vocabulary_.find(right);
    const bool continues = !inside_prefix_.empty() && right.starts_with(inside_prefix_);
    both.assign(left).append(continues ? right.substr(inside_prefix_.size()) : right);
    const std::int32_t id = vocabulary_.find(both);
    if (left.empty() || right.empty() || left_id < 0 || right_id < 0 || id < 0) {
      return node.malformed("has at index " + std::to_string(rank) + " \"" + escape(left) + "\" and \"" +
                            escape(right) + "\", two tokens that make a third are needed");
    }
    pairs_.add(left_id, right_id, {static_cast<std::uint32_t>(rank), id});
  }
  return {};
}

Result<std::unique_ptr<const HfModel>> HfBpe::make(const JsonNode& node, const HfVocabulary& vocabulary) {
  const JsonNode merges = node["merges"];
  if (!merges.value().is_array()) return merges.malformed("is no array, one of merges is needed");
  if (!node["dropout"].is_null() && node["dropout"].value() != 0.0) {
    return node["dropout"].unsupported("is set: such merging is random");
  }
  auto bpe = std::unique_ptr<HfBpe>(new HfBpe(vocabulary, merges.value().size()));
  HEARTH_TRY(bpe->inside_prefix_, node["continuing_subword_prefix"].text_or(""));
  HEARTH_TRY(bpe->end_suffix_, node["end_of_word_suffix"].text_or(""));
  HEARTH_TRY(bpe->fuse_unknown_, node["fuse_unk"].flag_or(false));
  HEARTH_TRY(bpe->whole_words_, node["ignore_merges"].flag_or(false));
  HEARTH_CHECK(bpe->read_merges(merges));
  return std::unique_ptr<const HfModel>(std::move(bpe));
}

FirstSymbol HfBpe::Rules::first(std::string_view rest) const {
  const std::size_t length = first_character(rest).length;
  const bool is_first = rest.size() == word.size(), is_last = rest.size() == length;
  const bool bare = (is_first || bpe.inside_prefix_.empty()) && (!is_last || bpe.end_suffix_.empty());
  if (bare) return {length, bpe.vocabulary_.find(rest.substr(0, length))};
  std::string spelled = is_first ? std::string() : bpe.inside_prefix_;
  spelled.append(rest.substr(0, length));
  if (is_last) spelled.append(bpe.end_suffix_);
  return {length, bpe.vocabulary_.find(spelled)};
}

bool HfBpe::append_bytes(std::string_view text, std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  for (char c : text) {
    const std::int32_t id = vocabulary_.find(byte_text(static_cast<std::uint8_t>(c)));
    if (id < 0) {
      ids.resize(before);
      return false;
    }
    ids.push_back(id);
  }
  return true;
}

/// A character that is no token is its bytes, else the unknown token, else nothing.
void HfBpe::append_word(Rules& rules, Merger<Rules>& merger, std::vector<std::int32_t>& ids) const {
  const std::int32_t whole = whole_words_ ? vocabulary_.find(rules.word) : -1;
  if (whole >= 0) {
    ids.push_back(whole);
    return;
  }
  bool after_unknown = false;
  merger.run(rules.word, [&](std::string_view text, std::int32_t id) {
    const bool unknown = id < 0 && !(vocabulary_.byte_fallback && append_bytes(text, ids));
    if (id >= 0) ids.push_back(id);
    if (unknown && vocabulary_.unknown >= 0 && !(after_unknown && fuse_unknown_)) ids.push_back(vocabulary_.unknown);
    after_unknown = unknown;
  });
}

Result<void> HfBpe::append(const Pieces& pieces, std::vector<std::int32_t>& ids) const {
  WordCache cache(pieces.text);
  Rules rules{*this, {}};
  Merger<Rules> merger(rules);
  for (std::size_t i = 0; i < pieces.spans.size(); ++i) {
    rules.word = pieces[i];
    const WordCache::Ticket ticket = cache.ask(rules.word);
    if (cache.recall(ticket, ids)) continue;
    const std::size_t first_id = ids.size();
    append_word(rules, merger, ids);
    cache.remember(ticket, first_id, ids);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<const HfModel>> read_bpe(const JsonNode& node, HfVocabulary& vocabulary) {
  HEARTH_TRY(vocabulary.byte_fallback, node["byte_fallback"].flag_or(false));
  return HfBpe::make(node, vocabulary);
}

}  // namespace hearth::text
