// Enters: the tokenizer.ggml.* keys of a GGUF file. Leaves: the tokens, their types and scores, the ids with a role and
// the flags, every length, type and id checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf_reader.h"
#include "text_table.h"

namespace hearth::text {

/// What a token is, with the numbers of the format. Files write `undefined` where they know nothing: read as normal.
enum class TokenType : std::uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

/// The ids that a model gives a role.
struct SpecialIds {
  std::optional<std::int32_t> bos, eos, eot, eom, unk, pad, sep, cls, mask;
  std::optional<std::int32_t> fim_pre, fim_suf, fim_mid, fim_pad, fim_rep, fim_sep;
};

/// What a caller knows better than the file, or in addition to it.
struct VocabOptions {
  std::string pre{};                     ///< the pre-tokenizer, in place of tokenizer.ggml.pre; empty: the file's
  std::vector<std::string> end_texts{};  ///< tokens that read so end a text too; the chat template names such
};

/// A vocabulary before it is checked: what a file says, or what a test makes up.
struct VocabParts {
  std::string_view model = "llama";          // tokenizer.ggml.model
  std::string_view name;                     // general.name: some families strip spaces by it
  std::optional<std::string> pre;            // tokenizer.ggml.pre, or what the caller forces in its place
  std::span<const std::string_view> tokens;  // [n_vocab]
  std::optional<std::span<const std::string_view>> merges;  // "left right", best first; what BPE needs
  std::optional<std::vector<float>> scores;                 // [n_vocab]
  std::optional<std::vector<TokenType>> types;  // [n_vocab]; without them they follow from texts and special ids
  SpecialIds special;
  std::optional<bool> add_bos, add_eos, add_space_prefix, remove_extra_whitespaces;  // without: the model's default
  std::optional<bool> lowercase, strip_accents;  // of WordPiece; without: both, and accents as case
  std::vector<std::string> end_texts;            // as in VocabOptions
  std::span<const std::byte> charsmap;           // tokenizer.ggml.precompiled_charsmap, empty for none
  std::shared_ptr<const void> owner;             // keeps the texts alive where no file does
  std::string where = "memory";                  // names the source in errors
};

/// A checked vocabulary. Texts are views into the file (or into what VocabParts named), which must outlive it.
class Vocab {
 public:
  static Result<Vocab> from(const gguf::File& file, VocabOptions options = {});
  static Result<Vocab> from_parts(VocabParts parts);

  std::int32_t size() const { return static_cast<std::int32_t>(parts_.tokens.size()); }
  bool contains(std::int32_t id) const { return id >= 0 && id < size(); }

  // These three want contains(id).
  std::string_view token(std::int32_t id) const { return parts_.tokens[static_cast<std::size_t>(id)]; }
  TokenType type(std::int32_t id) const { return (*parts_.types)[static_cast<std::size_t>(id)]; }
  float score(std::int32_t id) const { return parts_.scores ? (*parts_.scores)[static_cast<std::size_t>(id)] : 0.0f; }

  /// The id of a text, the lowest where several tokens share it; -1 where none has it.
  std::int32_t find(std::string_view text) const;

  /// Bytes of the longest token.
  std::size_t longest() const { return longest_; }

  std::string_view model() const { return parts_.model; }
  /// The pre-tokenizer's name, "default" where neither file nor caller gave one to a model that needs it.
  std::string_view pre() const { return *parts_.pre; }
  std::span<const std::string_view> merges() const {
    return parts_.merges.value_or(std::span<const std::string_view>());
  }
  std::string_view name() const { return parts_.name; }
  const std::string& where() const { return parts_.where; }
  const SpecialIds& special() const { return parts_.special; }
  bool add_bos() const { return *parts_.add_bos; }
  bool add_eos() const { return *parts_.add_eos; }
  bool add_space_prefix() const { return *parts_.add_space_prefix; }
  std::span<const std::byte> charsmap() const { return parts_.charsmap; }
  bool remove_extra_whitespaces() const { return *parts_.remove_extra_whitespaces; }
  bool lowercase() const { return parts_.lowercase.value_or(true); }
  bool strip_accents() const { return parts_.strip_accents.value_or(lowercase()); }

  /// The ids that end a generated text, ascending: what metadata names (eos, eot, eom, the borders of fill-in-the-middle
  /// files, and bos, after which another text would begin), what texts give away, and what the caller added.
  std::span<const std::int32_t> end_ids() const { return end_ids_; }
  bool ends_text(std::int32_t id) const;

 private:
  void find_roles();
  void find_ends();

  VocabParts parts_;
  std::vector<std::int32_t> end_ids_;
  TextTable ids_;
  std::size_t longest_ = 0;
};

/// Whether a token of this type stands for text. Control and unknown tokens are nothing that a text can spell.
constexpr bool is_text(TokenType type) { return type != TokenType::control && type != TokenType::unknown; }

/// The byte that a text such as "<0x0A>" stands for: exactly two hexadecimal digits.
std::optional<std::uint8_t> byte_of(std::string_view text);

/// That text, with capital letters.
std::string byte_text(std::uint8_t byte);

}  // namespace hearth::text
