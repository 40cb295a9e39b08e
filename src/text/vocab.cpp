// Enters: the tokenizer.ggml.* keys. Leaves: a Vocab, or an error that names the key, what it has and what it needs.
#include "vocab.h"

#include <algorithm>
#include <limits>

#include "end_texts.h"
#include "escape.h"
#include "pre_tokenizer_table.h"
#include "try.h"

namespace hearth::text {
namespace {

constexpr std::string_view tokens_key = "tokenizer.ggml.tokens";
constexpr std::string_view scores_key = "tokenizer.ggml.scores";
constexpr std::string_view merges_key = "tokenizer.ggml.merges";
constexpr std::string_view types_key = "tokenizer.ggml.token_type";
constexpr std::string_view charsmap_key = "tokenizer.ggml.precompiled_charsmap";

/// The smallest vocabulary that can say anything: unknown, begin, end.
constexpr std::size_t min_tokens = 3;

struct SpecialKey {
  std::string_view key;
  std::optional<std::int32_t> SpecialIds::*id;
};
constexpr SpecialKey special_keys[] = {
    {"tokenizer.ggml.bos_token_id", &SpecialIds::bos},
    {"tokenizer.ggml.eos_token_id", &SpecialIds::eos},
    {"tokenizer.ggml.eot_token_id", &SpecialIds::eot},
    {"tokenizer.ggml.eom_token_id", &SpecialIds::eom},
    {"tokenizer.ggml.unknown_token_id", &SpecialIds::unk},
    {"tokenizer.ggml.padding_token_id", &SpecialIds::pad},
    {"tokenizer.ggml.seperator_token_id", &SpecialIds::sep},  // sic: files carry both spellings
    {"tokenizer.ggml.separator_token_id", &SpecialIds::sep},
    {"tokenizer.ggml.cls_token_id", &SpecialIds::cls},
    {"tokenizer.ggml.mask_token_id", &SpecialIds::mask},
    {"tokenizer.ggml.fim_pre_token_id", &SpecialIds::fim_pre},
    {"tokenizer.ggml.fim_suf_token_id", &SpecialIds::fim_suf},
    {"tokenizer.ggml.fim_mid_token_id", &SpecialIds::fim_mid},
    {"tokenizer.ggml.fim_pad_token_id", &SpecialIds::fim_pad},
    {"tokenizer.ggml.fim_rep_token_id", &SpecialIds::fim_rep},
    {"tokenizer.ggml.fim_sep_token_id", &SpecialIds::fim_sep},
    {"tokenizer.ggml.prefix_token_id", &SpecialIds::fim_pre},  // as older files spell these three
    {"tokenizer.ggml.suffix_token_id", &SpecialIds::fim_suf},
    {"tokenizer.ggml.middle_token_id", &SpecialIds::fim_mid},
};

struct FlagKey {
  std::string_view key;
  std::optional<bool> VocabParts::*flag;
};
constexpr FlagKey flag_keys[] = {
    {"tokenizer.ggml.add_bos_token", &VocabParts::add_bos},
    {"tokenizer.ggml.add_eos_token", &VocabParts::add_eos},
    {"tokenizer.ggml.add_space_prefix", &VocabParts::add_space_prefix},
    {"tokenizer.ggml.remove_extra_whitespaces", &VocabParts::remove_extra_whitespaces},
    {"tokenizer.ggml.normalizer.lowercase", &VocabParts::lowercase},
    {"tokenizer.ggml.normalizer.strip_accents", &VocabParts::strip_accents},
};

/// What a file means where it says nothing. A model without a row has no defaults; its algorithm brings the row.
struct ModelDefaults {
  std::string_view model;
  bool needs_scores, needs_merges, add_bos, add_eos, add_space_prefix;
  std::optional<std::int32_t> bos, eos, unk;
  std::string_view pre = "default";
};
constexpr ModelDefaults model_defaults[] = {
    {"llama", true, false, true, false, true, 1, 2, 0},
    {"gpt2", false, true, false, false, false, {}, {}, {}},
    {"gemma4", false, true, false, false, false, {}, {}, {}, "gemma4"},
    {"bert", false, false, true, true, false, 101, 102, 100},
    {"t5", true, false, false, true, false, {}, 1, 2},
    {"", false, false, false, false, false, {}, {}, {}},
};

const ModelDefaults& defaults_of(std::string_view model) {
  const auto* row = std::begin(model_defaults);
  while (!row->model.empty() && row->model != model) ++row;
  return *row;
}

Error malformed(std::string what, std::string_view where, std::string_view todo) {
  return Error(Status::malformed, what.append("; ").append(where).append("; ").append(todo));
}

Result<std::optional<std::vector<float>>> read_scores(const gguf::File& file) {
  if (!file.find(scores_key)) return std::optional<std::vector<float>>();
  HEARTH_TRY(std::vector<float> scores, file.get_floats(scores_key));
  return std::optional(std::move(scores));
}

/// Narrower integers are refused although their values would fit: no writer makes them, so the file is damaged.
Result<std::optional<std::vector<TokenType>>> read_types(const gguf::File& file) {
  using gguf::ValueType;
  const gguf::KeyValue* entry = file.find(types_key);
  if (!entry) return std::optional<std::vector<TokenType>>();
  const bool is_array = entry->type == ValueType::array;
  if (!is_array || (entry->element_type != ValueType::i32 && entry->element_type != ValueType::u32)) {
    std::string found =
        is_array ? "an array of " + std::string(gguf::name(entry->element_type)) : std::string(gguf::name(entry->type));
    return malformed(std::string(types_key) + " is " + found + " where an array of i32 is needed",
                     quoted_path(file.path()) + " at byte " + std::to_string(entry->offset), "convert the model again");
  }
  HEARTH_TRY(const std::vector<std::int64_t> numbers, file.get_ints(types_key));
  std::vector<TokenType> types;
  types.reserve(numbers.size());
  for (std::int64_t number : numbers) {
    if (number < 0 || number > static_cast<std::int64_t>(TokenType::byte)) {
      return malformed(std::string(types_key) + " has type " + std::to_string(number) + " for token " +
                           std::to_string(types.size()) + ", known are 0 to 6",
                       quoted_path(file.path()) + " at byte " + std::to_string(entry->offset),
                       "convert the model again");
    }
    types.push_back(static_cast<TokenType>(number));
  }
  return std::optional(std::move(types));
}

/// Bytes of either signedness: writers differ.
Result<std::span<const std::byte>> read_charsmap(const gguf::File& file) {
  using gguf::ValueType;
  const gguf::KeyValue* entry = file.find(charsmap_key);
  if (!entry) return std::span<const std::byte>();
  const bool bytes = entry->element_type == ValueType::u8 || entry->element_type == ValueType::i8;
  if (entry->type == ValueType::array && bytes) return entry->payload;
  return malformed(std::string(charsmap_key) + " is no array of u8 or i8",
                   quoted_path(file.path()) + " at byte " + std::to_string(entry->offset), "convert the model again");
}

Result<void> check_lengths(const VocabParts& parts) {
  const std::size_t n = parts.tokens.size();
  const auto disagree = [&](std::string_view key, std::size_t length) {
    return malformed(std::string(key) + " has " + std::to_string(length) + " entries, " + std::string(tokens_key) +
                         " has " + std::to_string(n),
                     parts.where, "convert the model again");
  };
  if (n < min_tokens || n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return malformed(std::string(tokens_key) + " has " + std::to_string(n) + " entries, a vocabulary has " +
                         std::to_string(min_tokens) + " to 2147483647",
                     parts.where, "convert the model again");
  }
  if (parts.scores && parts.scores->size() != n) return disagree(scores_key, parts.scores->size());
  if (parts.types && parts.types->size() != n) return disagree(types_key, parts.types->size());
  if (!parts.scores && defaults_of(parts.model).needs_scores) {
    return malformed(
        std::string(scores_key) + " is missing, a tokenizer of model " + escape(parts.model) + " merges by it",
        parts.where, "convert the model again");
  }
  return {};
}

Result<void> check_merges(const VocabParts& parts) {
  if (parts.merges || !defaults_of(parts.model).needs_merges) return {};
  return malformed(
      std::string(merges_key) + " is missing, a tokenizer of model " + escape(parts.model) + " is made of it",
      parts.where, "convert the model again");
}

Result<std::int32_t> checked_id(std::string_view key, std::uint64_t id, std::size_t n, std::string_view where) {
  if (id < n) return static_cast<std::int32_t>(id);
  return malformed(
      std::string(key) + " is " + std::to_string(id) + ", the vocabulary has " + std::to_string(n) + " tokens", where,
      "use an id below " + std::to_string(n) + " or remove the key");
}

/// Ids that a maker of parts gave without passing through a file.
Result<void> check_ids(const VocabParts& parts) {
  for (const SpecialKey& row : special_keys) {
    const std::optional<std::int32_t>& id = parts.special.*row.id;
    // A negative id becomes a huge one, which no vocabulary has.
    if (id) HEARTH_CHECK(checked_id(row.key, static_cast<std::uint32_t>(*id), parts.tokens.size(), parts.where));
  }
  return {};
}

/// Types for a file without them: what its texts and ids say.
std::vector<TokenType> derived_types(const VocabParts& parts) {
  std::vector<TokenType> types;
  types.reserve(parts.tokens.size());
  for (std::string_view token : parts.tokens) types.push_back(byte_of(token) ? TokenType::byte : TokenType::normal);
  for (const SpecialKey& row : special_keys) {
    if (const auto& id = parts.special.*row.id) types[static_cast<std::size_t>(*id)] = TokenType::control;
  }
  if (parts.special.unk) types[static_cast<std::size_t>(*parts.special.unk)] = TokenType::unknown;
  return types;
}

/// A default id holds only where the token's type agrees: a guess must not turn a word into an end of text.
void fill_default_ids(VocabParts& parts) {
  const ModelDefaults& defaults = defaults_of(parts.model);
  const auto fill = [&](std::optional<std::int32_t>& id, std::optional<std::int32_t> fallback, bool unknown_too) {
    if (id || !fallback || static_cast<std::size_t>(*fallback) >= parts.types->size()) return;
    const TokenType type = (*parts.types)[static_cast<std::size_t>(*fallback)];
    if (type == TokenType::control || (unknown_too && type == TokenType::unknown)) id = fallback;
  };
  if (parts.model == "bert") {  // its files name the tokens around a text by BERT's own roles
    if (!parts.special.bos) parts.special.bos = parts.special.cls;
    if (!parts.special.eos) parts.special.eos = parts.special.sep;
  }
  fill(parts.special.bos, defaults.bos, false);
  fill(parts.special.eos, defaults.eos, false);
  fill(parts.special.unk, defaults.unk, true);
}

/// A flag that the file sets needs its token; one that only defaults to true gives way.
Result<bool> settle_flag(std::optional<bool> flag, bool fallback, const std::optional<std::int32_t>& id,
                         std::string_view which, const std::string& where) {
  if (!flag) return fallback && id.has_value();
  if (!*flag || id) return *flag;
  return malformed("tokenizer.ggml.add_" + std::string(which) + "_token is true, tokenizer.ggml." + std::string(which) +
                       "_token_id is missing",
                   where, "add the id or set the flag to false");
}

}  // namespace

std::optional<std::uint8_t> byte_of(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (char c : text.substr(3, 2)) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
    else return std::nullopt;
    value = value * 16 + digit;
  }
  return static_cast<std::uint8_t>(value);
}

std::string byte_text(std::uint8_t byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
}

Result<Vocab> Vocab::from(const gguf::File& file, VocabOptions options) {
  VocabParts parts;
  parts.where = quoted_path(file.path());
  HEARTH_TRY(parts.model, file.get_string("tokenizer.ggml.model"));
  HEARTH_TRY(const std::optional<std::string_view> name, file.optional_string("general.name"));
  parts.name = name.value_or("");
  HEARTH_TRY(parts.tokens, file.get_strings(tokens_key));
  if (file.find(merges_key)) {
    HEARTH_TRY(parts.merges, file.get_strings(merges_key));
  }
  HEARTH_TRY(const std::optional<std::string_view> pre, file.optional_string("tokenizer.ggml.pre"));
  parts.pre = pre;
  if (!options.pre.empty()) {
    if (!defaults_of(parts.model).needs_merges) {
      return Error(Status::invalid_argument, "a tokenizer of model \"" + escape(parts.model) +
                                                 "\" has no pre-tokenizer to choose; " + parts.where +
                                                 "; leave --pre out");
    }
    parts.pre = std::move(options.pre);
  }
  parts.end_texts = std::move(options.end_texts);
  HEARTH_TRY(parts.scores, read_scores(file));
  HEARTH_TRY(parts.types, read_types(file));
  HEARTH_TRY(parts.charsmap, read_charsmap(file));
  for (const SpecialKey& row : special_keys) {
    HEARTH_TRY(const std::optional<std::uint64_t> id, file.optional_uint(row.key));
    if (!id) continue;
    HEARTH_TRY(parts.special.*row.id, checked_id(row.key, *id, parts.tokens.size(), parts.where));
  }
  for (const FlagKey& row : flag_keys) {
    HEARTH_TRY(parts.*row.flag, file.optional_bool(row.key));
  }
  return from_parts(std::move(parts));
}

Result<Vocab> Vocab::from_parts(VocabParts parts) {
  HEARTH_CHECK(check_lengths(parts));
  HEARTH_CHECK(check_merges(parts));
  HEARTH_CHECK(check_ids(parts));
  if (!parts.types) parts.types = derived_types(parts);
  std::replace(parts.types->begin(), parts.types->end(), TokenType::undefined, TokenType::normal);
  fill_default_ids(parts);

  const ModelDefaults& defaults = defaults_of(parts.model);
  const SpecialIds& special = parts.special;
  if (!parts.pre) parts.pre = defaults.pre;
  const PreTokenizerRow* pre = defaults.needs_merges ? find_pre_tokenizer(*parts.pre) : nullptr;
  const bool bos_by_default = defaults.add_bos || (pre && pre->traits.add_bos);
  HEARTH_TRY(parts.add_bos, settle_flag(parts.add_bos, bos_by_default, special.bos, "bos", parts.where));
  HEARTH_TRY(parts.add_eos, settle_flag(parts.add_eos, defaults.add_eos, special.eos, "eos", parts.where));
  parts.add_space_prefix = parts.add_space_prefix.value_or(defaults.add_space_prefix);
  parts.remove_extra_whitespaces = parts.remove_extra_whitespaces.value_or(false);

  Vocab vocab;
  vocab.ids_ = TextTable(parts.tokens);
  for (std::string_view token : parts.tokens) vocab.longest_ = std::max(vocab.longest_, token.size());
  vocab.parts_ = std::move(parts);
  vocab.find_roles();
  vocab.find_ends();
  return vocab;
}

void Vocab::find_roles() {
  for (const RoleText& row : role_texts) {
    std::optional<std::int32_t>& role = parts_.special.*row.role;
    if (const std::int32_t id = find(row.text); id >= 0 && !role) role = id;
  }
}

void Vocab::find_ends() {
  const SpecialIds& s = parts_.special;
  for (const auto& id : {s.eos, s.eot, s.eom, s.bos, s.fim_pad, s.fim_rep, s.fim_sep}) {
    if (id) end_ids_.push_back(*id);
  }
  for (const std::string_view text : end_texts) end_ids_.push_back(find(text));
  for (const std::string& text : parts_.end_texts) end_ids_.push_back(find(text));
  if (const std::int32_t id = find(sentence_end); id >= 0 && type(id) == TokenType::control && find(gemma_turn_end) < 0)
    end_ids_.push_back(id);
  for (const NoEndText& row : no_end_texts) {
    const bool present = std::all_of(std::begin(row.present), std::end(row.present),
                                     [&](std::string_view text) { return find(text) >= 0; });
    if (present) std::erase(end_ids_, find(row.text));
  }
  std::sort(end_ids_.begin(), end_ids_.end());
  end_ids_.erase(std::unique(end_ids_.begin(), end_ids_.end()), end_ids_.end());
  std::erase(end_ids_, -1);
}

std::int32_t Vocab::find(std::string_view text) const {
  return text.size() > longest_ ? -1 : ids_.find(text, parts_.tokens);
}

bool Vocab::ends_text(std::int32_t id) const {
  return std::find(end_ids_.begin(), end_ids_.end(), id) != end_ids_.end();
}

}  // namespace hearth::text
