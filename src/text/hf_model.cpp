// Enters: the "model" of a tokenizer.json. Leaves: its vocabulary and WordPiece or Unigram, or BPE from its own file.
#include "hf_model.h"

#include <algorithm>
#include <array>
#include <limits>

#include "escape.h"
#include "try.h"
#include "unigram.h"
#include "vocab.h"
#include "wordpiece.h"

namespace hearth::text {
namespace {

class HfWordPiece final : public HfModel {
 public:
  explicit HfWordPiece(WordPieces::Parts parts) : pieces_(std::move(parts)) {}

  Result<void> append(const Pieces& pieces, std::vector<std::int32_t>& ids) const override {
    for (std::size_t i = 0; i < pieces.spans.size(); ++i) pieces_.append(pieces[i], ids);
    return {};
  }

 private:
  WordPieces pieces_;
};

class HfUnigram final : public HfModel {
 public:
  explicit HfUnigram(UnigramModel::Parts parts) : model_(std::move(parts)) {}

  Result<void> append(const Pieces& pieces, std::vector<std::int32_t>& ids) const override {
    UnigramModel::Run run{ids};
    for (std::size_t i = 0; i < pieces.spans.size(); ++i) {
      run.after_unknown = false;  // pieces know nothing of each other
      HEARTH_CHECK(model_.append(pieces[i], run));
    }
    return {};
  }

 private:
  UnigramModel model_;
};

/// {"text": id, …}
Result<void> read_vocab_object(const JsonNode& node, HfVocabulary& vocabulary) {
  if (!node.value().is_object()) return node.malformed("is no object, one from text to id is needed");
  for (const auto& [text, id] : node.value().items()) {
    HEARTH_TRY(const std::int32_t number, JsonNode(id, "model.vocab." + escape(text), node.where()).id());
    vocabulary.add(text, number);
  }
  return {};
}

/// [[text, score], …], ids as places
Result<void> read_vocab_array(const JsonNode& node, HfVocabulary& vocabulary) {
  if (!node.value().is_array()) return node.malformed("is no array, one of [text, score] is needed");
  std::int32_t id = 0;
  for (const nlohmann::json& pair : node.value()) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number()) {
      return node.malformed("has at index " + std::to_string(id) + " no [text, score]");
    }
    vocabulary.add(*pair[0].get_ptr<const std::string*>(), id++, pair[1].get<double>());
  }
  return {};
}

Result<void> read_unknown(const JsonNode& node, HfVocabulary& vocabulary) {
  if (node.is_null()) return {};
  HEARTH_TRY(const std::string_view text, node.text());
  vocabulary.unknown = vocabulary.find(text);
  return {};
}

Result<std::unique_ptr<const HfModel>> read_wordpiece(const JsonNode& node, HfVocabulary& vocabulary) {
  HEARTH_CHECK(read_vocab_object(node["vocab"], vocabulary));
  HEARTH_CHECK(read_unknown(node["unk_token"], vocabulary));
  if (vocabulary.unknown < 0) return node["unk_token"].malformed("is no token of the vocabulary");
  HEARTH_TRY(const std::string_view prefix, node["continuing_subword_prefix"].text_or("##"));
  WordPieces::Parts parts;
  parts.unknown = vocabulary.unknown;
  if (!node["max_input_chars_per_word"].is_null()) {
    HEARTH_TRY(const std::int32_t most, node["max_input_chars_per_word"].id());
    parts.max_characters = static_cast<std::size_t>(most);
  }
  for (const HfVocabulary::Entry& entry : vocabulary.entries) {
    if (entry.text.empty()) continue;
    parts.begin.push_back({entry.text, entry.id});
    const bool continues = entry.text.starts_with(prefix) && entry.text.size() > prefix.size();
    if (continues) parts.inside.push_back({entry.text.substr(prefix.size()), entry.id});
  }
  return std::unique_ptr<const HfModel>(std::make_unique<HfWordPiece>(std::move(parts)));
}

Result<std::unique_ptr<const HfModel>> read_unigram(const JsonNode& node, HfVocabulary& vocabulary) {
  constexpr double unknown_penalty = 10;
  HEARTH_CHECK(read_vocab_array(node["vocab"], vocabulary));
  HEARTH_TRY(vocabulary.byte_fallback, node["byte_fallback"].flag_or(false));
  UnigramModel::Parts parts;
  parts.where = node.where();
  if (!node["unk_id"].is_null()) {
    HEARTH_TRY(parts.unknown, node["unk_id"].id());
    if (static_cast<std::size_t>(*parts.unknown) >= vocabulary.entries.size()) {
      return node["unk_id"].malformed("is " + std::to_string(*parts.unknown) + ", the vocabulary has " +
                                      std::to_string(vocabulary.entries.size()) + " tokens");
    }
    vocabulary.unknown = *parts.unknown;
  }
  double worst = std::numeric_limits<double>::max();
  for (const HfVocabulary::Entry& entry : vocabulary.entries) {
    parts.pieces.push_back({entry.text, entry.score, entry.id});
    worst = std::min(worst, entry.score);
  }
  parts.unknown_score = worst - unknown_penalty;
  if (vocabulary.byte_fallback) {
    std::array<std::int32_t, 256> bytes;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      bytes[byte] = vocabulary.find(byte_text(static_cast<std::uint8_t>(byte)));
    }
    if (std::find(bytes.begin(), bytes.end(), -1) == bytes.end()) parts.bytes = bytes;
  }
  return std::unique_ptr<const HfModel>(std::make_unique<HfUnigram>(std::move(parts)));
}

Result<std::unique_ptr<const HfModel>> read_bpe_with_vocab(const JsonNode& node, HfVocabulary& vocabulary) {
  HEARTH_CHECK(read_vocab_object(node["vocab"], vocabulary));
  HEARTH_CHECK(read_unknown(node["unk_token"], vocabulary));
  return read_bpe(node, vocabulary);
}

/// THE table of models of tokenizer.json: "type", a field that tells where old files have no type, maker.
struct ModelRow {
  std::string_view type;
  const char* own_field;
  Result<std::unique_ptr<const HfModel>> (*make)(const JsonNode& node, HfVocabulary& vocabulary);
};
constexpr ModelRow models[] = {
    {"BPE", "merges", read_bpe_with_vocab},
    {"WordPiece", "max_input_chars_per_word", read_wordpiece},
    {"Unigram", "unk_id", read_unigram},
};

}  // namespace

void HfVocabulary::add(std::string_view text, std::int32_t id, double score) {
  const std::string_view kept = texts.emplace_back(text);
  entries.push_back({kept, id, score});
  ids.emplace(kept, id);
}

std::int32_t HfVocabulary::find(std::string_view text) const {
  const auto found = ids.find(text);
  return found == ids.end() ? -1 : found->second;
}

Result<std::unique_ptr<const HfModel>> read_model(const JsonNode& node, HfVocabulary& vocabulary) {
  HEARTH_TRY(const std::string_view type, node["type"].text_or(""));
  for (const ModelRow& row : models) {
    if (row.type == type || (type.empty() && !node[row.own_field].is_null())) return row.make(node, vocabulary);
  }
  return node.unsupported("has type \"" + escape(type) + "\", a model that is not known here");
}

}  // namespace hearth::text
