// Enters: the tokenizer files of a model folder. Leaves: the vocabulary as GGUF has it. The kinds of vocabularies, and which
// token gets which type, are facts of llama.cpp's files.
#include "tokenizer_keys.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "escape.h"
#include "hf_added_tokens.h"
#include "hf_json.h"
#include "pre_tokenizer_name.h"
#include "sentencepiece.h"
#include "space_mark.h"
#include "try.h"

namespace hearth::convert {
namespace {

using nlohmann::json;
using text::JsonNode;
using text::TokenType;

constexpr float score_of_added = -1000.0f;

/// Some files do not mark as special what can be nothing else.
bool looks_special(std::string_view text) {
  constexpr std::string_view known[] = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
  constexpr std::pair<std::string_view, std::string_view> brackets[] = {
      {"<|", "|>"}, {"<\uff5c", "\uff5c>"}, {"<unused", ">"}};
  return std::find(std::begin(known), std::end(known), text) != std::end(known) ||
         std::any_of(std::begin(brackets), std::end(brackets),
                     [&](const auto& pair) { return text.starts_with(pair.first) && text.ends_with(pair.second); });
}

std::string with_spaces(std::string_view text) {
  std::string out;
  text::append_unmarked(text, out);
  return out;
}

void put_added(std::uint64_t id, const std::string& text, bool special, TokenList& tokens) {
  if (special || looks_special(text)) tokens.put_added(id, text, TokenType::control, score_of_added);
  else tokens.put_added(id, with_spaces(text), TokenType::user_defined, score_of_added);
}

/// What an older tokenizer_config.json says of added tokens: {"id": {"content", "special"}, …}.
Result<void> put_added_of_config(const ModelFolder& folder, TokenList& tokens) {
  HEARTH_TRY(const auto config, folder.json("tokenizer_config.json"));
  const std::string where = quoted_path(folder.path_of("tokenizer_config.json"));
  if (!config.is_object() || !config.contains("added_tokens_decoder")) return {};
  const JsonNode decoder(config["added_tokens_decoder"], "added_tokens_decoder", where);
  if (!decoder.value().is_object()) return decoder.malformed("is no object");
  for (const auto& [id, token] : decoder.value().items()) {
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
      return decoder.malformed("has the id '" + escape(id) + "'");
    const JsonNode node(token, "added_tokens_decoder." + id, where);
    HEARTH_TRY(const std::string_view content, node["content"].text());
    HEARTH_TRY(const bool special, node["special"].flag_or(false));
    put_added(std::stoul(id), std::string(content), special, tokens);
  }
  return {};
}

Result<void> put_added_of_json(const JsonNode& tokenizer, TokenList& tokens) {
  HEARTH_TRY(const std::vector<text::HfAddedToken> added, text::read_added_tokens(tokenizer["added_tokens"]));
  for (const text::HfAddedToken& token : added)
    put_added(static_cast<std::uint64_t>(token.id), token.content, token.special, tokens);
  return {};
}

Result<void> from_sentencepiece(const ModelFolder& folder, SentencePieces model, TokenList& tokens,
                                Metadata& metadata) {
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    SentencePieces::Piece& piece = model.pieces[id];
    const auto type = static_cast<TokenType>(piece.type);
    HEARTH_CHECK(
        tokens.put(id, std::move(piece.text), type == TokenType::user_defined ? TokenType::normal : type, piece.score));
  }
  HEARTH_TRY(const auto added, folder.json("added_tokens.json"));
  if (added.is_object()) {
    for (const auto& [text, id] : added.items())
      if (id.is_number_unsigned())
        tokens.put_added(id.get<std::uint64_t>(), text, TokenType::user_defined, score_of_added);
  }
  HEARTH_CHECK(put_added_of_config(folder, tokens));
  tokens.write("llama", true, metadata);
  metadata.set("tokenizer.ggml.pre", std::string("default"));
  if (!model.add_dummy_prefix) metadata.set("tokenizer.ggml.add_space_prefix", false);
  return {};
}

/// {"text": id, …}: visit(text, id) for each.
template <class Visit> Result<void> each_of_vocab(const JsonNode& vocab, Visit&& visit) {
  if (!vocab.value().is_object()) return vocab.malformed("is no object");
  for (const auto& [text, id] : vocab.value().items()) {
    HEARTH_TRY(const std::int32_t number, JsonNode(id, "model.vocab." + escape(text), vocab.where()).id());
    HEARTH_CHECK(visit(text, static_cast<std::uint64_t>(number)));
  }
  return {};
}

/// "left right" or ["left", "right"]; a space inside a part, which only the second form can have, becomes its letter.
Result<std::vector<std::array<std::string, 2>>> read_merges(const JsonNode& merges) {
  std::vector<std::array<std::string, 2>> pairs;
  if (!merges.value().is_array()) return merges.malformed("is no array");
  for (const json& merge : merges.value()) {
    const auto bad = [&] { return merges.malformed("has no pair at index " + std::to_string(pairs.size())); };
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const std::size_t space = text.find(' ', 1);
      if (space == std::string::npos) return bad();
      pairs.push_back({text.substr(0, space), text.substr(space + 1)});
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      pairs.push_back({merge[0].get<std::string>(), merge[1].get<std::string>()});
    } else {
      return bad();
    }
  }
  return pairs;
}

std::string spelled(const std::string& part) {
  std::string out;
  for (const char c : part) c == ' ' ? out.append("\u0120") : out.append(1, c);
  return out;
}

bool mentions(const json& value, std::string_view type) {
  if (value.is_object()) {
    if (value.value("type", json()) == type) return true;
    for (const char* list : {"pretokenizers", "decoders", "normalizers"})
      if (const auto found = value.find(list); found != value.end() && mentions(*found, type)) return true;
  }
  return value.is_array() && std::any_of(value.begin(), value.end(), [&](const json& v) { return mentions(v, type); });
}

Result<void> from_byte_bpe(const JsonNode& tokenizer, const Family& family, TokenList& tokens, Metadata& metadata) {
  HEARTH_CHECK(each_of_vocab(tokenizer["model"]["vocab"], [&](const std::string& text, std::uint64_t id) {
    return tokens.put(id, text, TokenType::normal);
  }));
  HEARTH_CHECK(put_added_of_json(tokenizer, tokens));
  HEARTH_TRY(const auto merges, read_merges(tokenizer["model"]["merges"]));
  std::vector<std::string> lines;
  for (const auto& [left, right] : merges) lines.push_back(spelled(left) + " " + spelled(right));
  HEARTH_TRY(const std::string pre, pre_tokenizer_name(tokenizer.value(), family.pre, tokenizer.where()));
  tokens.write("gpt2", false, metadata);
  metadata.set("tokenizer.ggml.pre", pre);
  metadata.set("tokenizer.ggml.merges", std::move(lines));
  return {};
}

/// What steps do with spaces.
struct Spaces {
  bool marked = false;    // each is written as U+2581
  bool prefixed = false;  // one more is put before a text
};

/// GGUF's "llama" marks spaces, and cuts a text nowhere before its tokens are made. Error: a step that does anything else.
Result<void> read_spaces(const JsonNode& step, Spaces& spaces) {
  if (step.is_null()) return {};
  HEARTH_TRY(const std::string_view type, step["type"].text());
  if (type == "Sequence") {
    HEARTH_TRY(const auto steps, step[step["normalizers"].is_null() ? "pretokenizers" : "normalizers"].items());
    for (const JsonNode& inner : steps) HEARTH_CHECK(read_spaces(inner, spaces));
    return {};
  }
  const bool at_space = step["pattern"]["String"].value() == " ";
  if (type == "Metaspace" && step["replacement"].value() == text::space_mark) {
    const json& scheme = step["prepend_scheme"].value();
    spaces.marked = true;
    if (scheme.is_null() ? step["add_prefix_space"].value() != false : scheme != "never") spaces.prefixed = true;
  } else if (type == "Prepend" && step["prepend"].value() == text::space_mark) {
    spaces.prefixed = true;
  } else if (type == "Replace" && at_space && step["content"].value() == text::space_mark) {
    spaces.marked = true;
  } else if (type != "Split" || !at_space) {  // Gemma's cuts at spaces, of which its normalizer has left none
    return step.unsupported("is \"" + escape(type) + "\", by which GGUF's \"llama\" tokenizer does not treat texts");
  }
  return {};
}

/// A SentencePiece model that became a list of merges: the earlier a token is made, the better its score.
Result<void> from_fallback_bpe(const JsonNode& tokenizer, TokenList& tokens, Metadata& metadata) {
  Spaces spaces;
  HEARTH_CHECK(read_spaces(tokenizer["normalizer"], spaces));
  HEARTH_CHECK(read_spaces(tokenizer["pre_tokenizer"], spaces));
  if (!spaces.marked)
    return tokenizer["normalizer"].unsupported("writes no U+2581 for a space, as GGUF's \"llama\" tokenizer does");
  HEARTH_TRY(const bool falls_back, tokenizer["model"]["byte_fallback"].flag_or(false));
  if (!falls_back)
    return tokenizer["model"]["byte_fallback"].unsupported("is not true, as GGUF's \"llama\" tokenizer has it");
  HEARTH_TRY(const auto merges, read_merges(tokenizer["model"]["merges"]));
  HEARTH_TRY(const std::string_view unknown, tokenizer["model"]["unk_token"].text_or(""));
  std::unordered_map<std::string, float> scores;
  for (const auto& [left, right] : merges) scores.emplace(left + right, -static_cast<float>(scores.size()));
  const auto worst = -static_cast<float>(scores.size());
  HEARTH_CHECK(each_of_vocab(tokenizer["model"]["vocab"], [&](const std::string& text, std::uint64_t id) {
    const auto score = scores.find(text);
    const TokenType type = text == unknown       ? TokenType::unknown
                           : text::byte_of(text) ? TokenType::byte
                                                 : TokenType::normal;
    return tokens.put(id, text, type, score == scores.end() ? worst : score->second);
  }));
  HEARTH_CHECK(put_added_of_json(tokenizer, tokens));
  if (const std::int64_t id = tokens.find(unknown); id >= 0 && !unknown.empty())
    HEARTH_CHECK(tokens.put(static_cast<std::uint64_t>(id), std::string(unknown), TokenType::unknown, 0));
  tokens.write("llama", true, metadata);
  metadata.set("tokenizer.ggml.pre", std::string("default"));
  metadata.set("tokenizer.ggml.add_space_prefix", spaces.prefixed);
  return {};
}

Result<void> from_bpe(const JsonNode& tokenizer, const Family& family, TokenList& tokens, Metadata& metadata) {
  const bool over_bytes =
      mentions(tokenizer["pre_tokenizer"].value(), "ByteLevel") || mentions(tokenizer["decoder"].value(), "ByteLevel");
  if (over_bytes) return from_byte_bpe(tokenizer, family, tokens, metadata);
  return from_fallback_bpe(tokenizer, tokens, metadata);
}

/// GGUF marks where words begin, the file where they go on.
Result<void> from_wordpiece(const JsonNode& tokenizer, const Family& family, TokenList& tokens, Metadata& metadata) {
  HEARTH_TRY(const std::string_view prefix, tokenizer["model"]["continuing_subword_prefix"].text_or("##"));
  HEARTH_CHECK(each_of_vocab(tokenizer["model"]["vocab"], [&](const std::string& text, std::uint64_t id) {
    return tokens.put(id, text, TokenType::normal);
  }));
  HEARTH_CHECK(put_added_of_json(tokenizer, tokens));
  for (std::uint64_t id = 0; id < tokens.size(); ++id) {
    std::string& text = tokens.text(id);
    if (tokens.type(id) == TokenType::control) continue;
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    else text.insert(0, text::space_mark);
  }
  tokens.write("bert", false, metadata);
  metadata.set("tokenizer.ggml.pre", std::string(family.pre.empty() ? "bert-bge" : family.pre));
  return {};
}

int sextet(char letter) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t at = letters.find(letter);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

Result<std::vector<std::uint8_t>> from_base64(const JsonNode& node) {
  HEARTH_TRY(const std::string_view text, node.text_or(""));
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char letter : text.substr(0, text.find('='))) {
    const int value = sextet(letter);
    if (value < 0) return node.malformed("is no base64");
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    if ((n_bits += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (n_bits -= 8)));
  }
  return bytes;
}

Result<std::vector<std::uint8_t>> charsmap_of(const JsonNode& normalizer) {
  if (normalizer["type"].value() == "Precompiled") return from_base64(normalizer["precompiled_charsmap"]);
  if (normalizer["normalizers"].is_null()) return std::vector<std::uint8_t>();
  HEARTH_TRY(const std::vector<JsonNode> steps, normalizer["normalizers"].items());
  for (const JsonNode& step : steps)
    if (step["type"].value() == "Precompiled") return from_base64(step["precompiled_charsmap"]);
  return std::vector<std::uint8_t>();
}

Result<void> from_unigram(const JsonNode& tokenizer, const Family&, TokenList& tokens, Metadata& metadata) {
  HEARTH_TRY(const std::vector<JsonNode> vocab, tokenizer["model"]["vocab"].items());
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    const json& pair = vocab[id].value();
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number())
      return vocab[id].malformed("is no [text, score]");
    const auto text = pair[0].get<std::string>();
    const bool byte = tokenizer["model"]["byte_fallback"].value() == true && text::byte_of(text).has_value();
    HEARTH_CHECK(tokens.put(id, text, byte ? TokenType::byte : TokenType::normal, pair[1].get<float>()));
  }
  HEARTH_TRY(const std::vector<text::HfAddedToken> added, text::read_added_tokens(tokenizer["added_tokens"]));
  for (const text::HfAddedToken& token : added)
    tokens.put_added(static_cast<std::uint64_t>(token.id), token.content,
                     token.special ? TokenType::control : TokenType::user_defined, 0);
  if (!tokenizer["model"]["unk_id"].is_null()) {
    HEARTH_TRY(const std::int32_t unknown, tokenizer["model"]["unk_id"].id());
    const auto id = static_cast<std::uint64_t>(unknown);
    if (id >= vocab.size()) return tokenizer["model"]["unk_id"].malformed("is no token");
    HEARTH_CHECK(tokens.put(id, tokens.text(id), TokenType::unknown, 0));
  }
  HEARTH_TRY(std::vector<std::uint8_t> charsmap, charsmap_of(tokenizer["normalizer"]));
  tokens.write("t5", true, metadata);
  metadata.set("tokenizer.ggml.pre", std::string("default"));
  metadata.set("tokenizer.ggml.add_space_prefix", mentions(tokenizer["pre_tokenizer"].value(), "Metaspace"));
  metadata.set("tokenizer.ggml.remove_extra_whitespaces", true);
  if (!charsmap.empty()) metadata.set("tokenizer.ggml.precompiled_charsmap", std::move(charsmap));
  return {};
}

/// THE table of tokenizer.json's models.
struct ModelRow {
  std::string_view type;
  Result<void> (*add)(const JsonNode& tokenizer, const Family& family, TokenList& tokens, Metadata& metadata);
};
constexpr ModelRow models[] = {{"BPE", from_bpe}, {"WordPiece", from_wordpiece}, {"Unigram", from_unigram}};

Result<void> from_tokenizer_json(const JsonNode& tokenizer, const Family& family, TokenList& tokens,
                                 Metadata& metadata) {
  HEARTH_TRY(const ModelRow* row, text::row_of(models, tokenizer["model"], "model"));
  return row->add(tokenizer, family, tokens, metadata);
}

}  // namespace

Result<void> add_tokenizer(const ModelFolder& folder, const Family& family, const HfConfig& config,
                           std::uint64_t n_vocab, Metadata& metadata, tools::ConvertReport& report) {
  constexpr std::uint64_t most_tokens = 1 << 20;
  const std::string pieces_name = "tokenizer.model", json_name = "tokenizer.json";
  HEARTH_TRY(const auto pieces, folder.text(pieces_name));
  HEARTH_TRY(const auto document, folder.json(json_name));
  HEARTH_TRY(const auto n_types, config.count("type_vocab_size"));
  const auto bytes = pieces ? std::as_bytes(std::span(*pieces)) : std::span<const std::byte>();
  const bool from_pieces = pieces && (document.is_null() || looks_like_sentencepiece(bytes));
  if (!from_pieces && document.is_null()) {
    metadata.set("tokenizer.ggml.model", std::string("none"));
    return {};
  }
  const std::string where = quoted_path(folder.path_of(from_pieces ? pieces_name : json_name));
  if (n_vocab > most_tokens)
    return Error(Status::malformed, "the embedding has " + std::to_string(n_vocab) + " rows, a vocabulary has up to " +
                                        std::to_string(most_tokens) + " tokens; " + where +
                                        "; see that the tokenizer belongs to the weights");
  TokenList tokens(n_vocab, where);
  if (from_pieces) {
    HEARTH_TRY(SentencePieces model, read_sentencepiece(bytes, where, n_vocab));
    report.n_pieces_left_out = model.n_left_out;
    HEARTH_CHECK(from_sentencepiece(folder, std::move(model), tokens, metadata));
  } else {
    HEARTH_CHECK(from_tokenizer_json(JsonNode(document, "", where), family, tokens, metadata));
  }
  report.tokens_left_out = tokens.left_out();
  if (n_types) metadata.set("tokenizer.ggml.token_type_count", static_cast<std::uint32_t>(*n_types));
  HEARTH_CHECK(add_special_tokens(folder, family, config, metadata));
  return add_chat_templates(folder, metadata);
}

}  // namespace hearth::convert
