// Enters: the text of a tokenizer.json. Leaves: a Tokenizer: added tokens, normalizer, pre-tokenizer, model and template
// in Hugging Face's order.
#include "hf_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "escape.h"
#include "hf_added_tokens.h"
#include "hf_decoder.h"
#include "hf_json.h"
#include "hf_model.h"
#include "hf_steps.h"
#include "hf_template.h"
#include "mapped_file.h"
#include "normalizer.h"
#include "try.h"

namespace hearth::text {
namespace {

/// What a tokenizer.json says, apart from its tokens' texts by id.
struct Pipeline {
  std::shared_ptr<HfVocabulary> vocabulary;
  std::unique_ptr<const HfModel> model;
  NormalizerSteps normalizer;
  SplitSteps pre_tokenizer;
  HfTemplate around;
  HfDecoder decoder;
  std::vector<HfAddedToken> added;
};

class HfAlgorithm final : public Algorithm {
 public:
  static Result<std::unique_ptr<const Algorithm>> make(const Vocab& vocab, Pipeline pipeline);

  Result<bool> encode_whole(std::string_view text, EncodeOptions options,
                            std::vector<std::int32_t>& ids) const override;

  Result<void> encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override {
    return encode_plain(std::string(text), first, ids);
  }

  void append_piece(std::int32_t id, std::string& bytes) const override {
    const auto written = written_.find(id);
    const std::string_view text = written == written_.end() ? vocab_.token(id) : std::string_view(written->second);
    pipeline_.decoder.append_piece(text, vocab_.type(id), bytes);
  }

  std::size_t added_prefix(std::int32_t id) const override {
    if (!pipeline_.decoder.strips_first || vocab_.type(id) == TokenType::byte) return 0;
    std::string bytes;
    append_piece(id, bytes);
    return bytes.starts_with(' ') ? 1 : 0;
  }

 private:
  HfAlgorithm(const Vocab& vocab, Pipeline pipeline, HfAddedTokens raw, HfAddedTokens normalized)
      : vocab_(vocab), pipeline_(std::move(pipeline)), raw_(std::move(raw)), normalized_(std::move(normalized)) {}

  Result<void> encode_plain(std::string text, bool at_start, std::vector<std::int32_t>& ids) const;

  const Vocab& vocab_;
  Pipeline pipeline_;
  HfAddedTokens raw_, normalized_;                         // looked for before and after normalization
  std::unordered_map<std::int32_t, std::string> written_;  // added tokens that normalization spells in another way
};

Result<void> run_steps(const NormalizerSteps& steps, std::string& text) {
  for (const auto& step : steps) {
    HEARTH_CHECK(step(text));
    HEARTH_CHECK(check_normalized(text.size()));
  }
  return {};
}

Result<std::unique_ptr<const Algorithm>> HfAlgorithm::make(const Vocab& vocab, Pipeline pipeline) {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;  // a step may write much for each letter of each token
  std::vector<HfAddedToken> raw, normalized;
  std::vector<std::string> raw_texts, normalized_texts;
  std::unordered_map<std::int32_t, std::string> written;
  std::size_t n_bytes = 0;
  for (const HfAddedToken& token : pipeline.added) {
    std::string text = token.content;
    if (token.normalized) HEARTH_CHECK(run_steps(pipeline.normalizer, text));
    if ((n_bytes += text.size()) > most_bytes) {
      return Error(Status::malformed, "the added tokens have more than " + std::to_string(most_bytes) +
                                          " bytes once they are normalized; " + vocab.where() +
                                          "; use the tokenizer of the model's GGUF file");
    }
    if (text != token.content) written[token.id] = text;
    (token.normalized ? normalized : raw).push_back(token);
    (token.normalized ? normalized_texts : raw_texts).push_back(std::move(text));
  }
  auto made = std::unique_ptr<HfAlgorithm>(
      new HfAlgorithm(vocab, std::move(pipeline), {raw, raw_texts}, {normalized, normalized_texts}));
  made->written_ = std::move(written);
  return std::unique_ptr<const Algorithm>(std::move(made));
}

Result<bool> HfAlgorithm::encode_whole(std::string_view text, EncodeOptions options,
                                       std::vector<std::int32_t>& ids) const {
  const HfTemplate& around = pipeline_.around;
  if (options.add_special) ids.insert(ids.end(), around.before.begin(), around.before.end());
  for (const HfAddedTokens::Fragment& outer : raw_.split(text, options.parse_special)) {
    if (outer.id >= 0) {
      ids.push_back(outer.id);
      continue;
    }
    std::string normal(text.substr(outer.begin, outer.end - outer.begin));
    HEARTH_CHECK(run_steps(pipeline_.normalizer, normal));
    for (const HfAddedTokens::Fragment& inner : normalized_.split(normal, options.parse_special)) {
      if (inner.id >= 0) {
        ids.push_back(inner.id);
        continue;
      }
      const bool at_start = options.begins && outer.begin == 0 && inner.begin == 0;
      HEARTH_CHECK(encode_plain(normal.substr(inner.begin, inner.end - inner.begin), at_start, ids));
    }
  }
  if (options.add_special) ids.insert(ids.end(), around.after.begin(), around.after.end());
  return true;
}

/// Text that is normalized and holds no added token.
Result<void> HfAlgorithm::encode_plain(std::string text, bool at_start, std::vector<std::int32_t>& ids) const {
  Pieces pieces;
  if (!text.empty()) pieces.spans.push_back({0, text.size()});
  pieces.text = std::move(text);
  pieces.at_start = at_start;
  for (const auto& step : pipeline_.pre_tokenizer) HEARTH_CHECK(step(pieces));
  return pipeline_.model->append(pieces, ids);
}

/// Texts and types by id. An id far beyond the number of tokens would make the table mostly holes.
Result<VocabParts> table_of_tokens(const Pipeline& pipeline, const JsonNode& node, std::string where) {
  constexpr std::size_t most_holes = 65536;
  HfVocabulary& vocabulary = *pipeline.vocabulary;
  std::size_t size = 0;
  for (const HfVocabulary::Entry& entry : vocabulary.entries) {
    size = std::max(size, static_cast<std::size_t>(entry.id) + 1);
  }
  for (const HfAddedToken& token : pipeline.added) size = std::max(size, static_cast<std::size_t>(token.id) + 1);
  if (size > vocabulary.entries.size() + pipeline.added.size() + most_holes) {
    return node.malformed("has an id of " + std::to_string(size - 1) + " among " +
                          std::to_string(vocabulary.entries.size()) + " tokens");
  }
  struct Table {
    std::shared_ptr<HfVocabulary> vocabulary;
    std::vector<std::string_view> tokens;
  };
  const auto table = std::make_shared<Table>(Table{pipeline.vocabulary, std::vector<std::string_view>(size)});
  VocabParts parts;
  parts.model = "tokenizer.json";
  parts.types.emplace(size, TokenType::unused);
  const auto set = [&](std::int32_t id, std::string_view text, TokenType type) {
    table->tokens[static_cast<std::size_t>(id)] = text;
    (*parts.types)[static_cast<std::size_t>(id)] = type;
  };
  for (const HfVocabulary::Entry& entry : vocabulary.entries) {
    const bool byte = vocabulary.byte_fallback && byte_of(entry.text);
    set(entry.id, entry.text, byte ? TokenType::byte : TokenType::normal);
  }
  for (const HfAddedToken& token : pipeline.added) {
    const std::string_view kept = vocabulary.texts.emplace_back(token.content);
    set(token.id, kept, token.special ? TokenType::control : TokenType::user_defined);
  }
  if (vocabulary.unknown >= 0) {
    (*parts.types)[static_cast<std::size_t>(vocabulary.unknown)] = TokenType::unknown;
    parts.special.unk = vocabulary.unknown;
  }
  parts.tokens = table->tokens;
  parts.owner = table;
  parts.where = std::move(where);
  return parts;
}

/// The ids around a text, as far as a vocabulary can say them: one before it, one after it.
Result<void> name_roles(const HfTemplate& around, const JsonNode& node, VocabParts& parts) {
  for (const auto* ids : {&around.before, &around.after}) {
    for (const std::int32_t id : *ids) {
      if (static_cast<std::size_t>(id) >= parts.tokens.size()) {
        return node.malformed("has id " + std::to_string(id) + ", the vocabulary has " +
                              std::to_string(parts.tokens.size()) + " tokens");
      }
    }
  }
  if (around.before.size() == 1) parts.special.bos = around.before.front();
  if (around.after.size() == 1) parts.special.eos = around.after.front();
  parts.add_bos = parts.special.bos.has_value();
  parts.add_eos = parts.special.eos.has_value();
  return {};
}

}  // namespace

Result<Tokenizer> read_tokenizer_json(std::string_view json, std::string where) {
  HEARTH_TRY(const nlohmann::json document, parse_json(json, where));
  const JsonNode root(document, "", where);
  Pipeline pipeline;
  pipeline.vocabulary = std::make_shared<HfVocabulary>();
  HEARTH_TRY(pipeline.model, read_model(root["model"], *pipeline.vocabulary));
  HEARTH_TRY(pipeline.added, read_added_tokens(root["added_tokens"]));
  HEARTH_TRY(pipeline.normalizer, read_normalizer(root["normalizer"]));
  HEARTH_TRY(pipeline.pre_tokenizer, read_pre_tokenizer(root["pre_tokenizer"]));
  HEARTH_TRY(pipeline.around, read_template(root["post_processor"]));
  HEARTH_TRY(pipeline.decoder, read_decoder(root["decoder"]));
  HEARTH_TRY(VocabParts parts, table_of_tokens(pipeline, root["model"], where));
  HEARTH_CHECK(name_roles(pipeline.around, root["post_processor"], parts));
  HEARTH_TRY(Vocab vocab, Vocab::from_parts(std::move(parts)));
  return Tokenizer::from(std::move(vocab),
                         [&](const Vocab& kept) { return HfAlgorithm::make(kept, std::move(pipeline)); });
}

Result<Tokenizer> open_tokenizer_json(const std::string& path) {
  constexpr std::size_t most = std::size_t{256} << 20;
  HEARTH_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > most) {
    return Error(Status::malformed, "the file has " + std::to_string(bytes.size()) +
                                        " bytes, a tokenizer.json has up to " + std::to_string(most) + "; " +
                                        quoted_path(path) + "; name the right file");
  }
  return read_tokenizer_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, quoted_path(path));
}

}  // namespace hearth::text
