// Enters: arbitrary bytes: the first chooses a vocabulary, the others are a text. Leaves: nothing, or a crash where decode,
// or the stream, does not give the text back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pre_tokenizer_table.h"
#include "stream_decoder.h"
#include "support/byte_vocab.h"
#include "support/small_vocab.h"
#include "tokenizer.h"

namespace {

using namespace hearth::text;

constexpr std::string_view space_mark = "\xe2\x96\x81";

Tokenizer opened(const VocabParts& parts) {
  auto vocab = Vocab::from_parts(parts);
  if (!vocab) std::abort();
  auto tokenizer = Tokenizer::from(std::move(*vocab));
  if (!tokenizer) std::abort();
  return std::move(*tokenizer);
}

/// Pieces with scores, for SPM; the same texts with merges are what gemma4 has.
hearth::test::SmallVocab spelled_as_text() {
  hearth::test::SmallVocab small;
  float score = -1;
  for (const char* piece :
       {"a", "b", "ab", "aa", "aab", "<", "s", ">", "<s", "\xc3\xa9", "e\xcc\x81", "\xe2\x82\xac", "\n"}) {
    small.add(piece, score--);
  }
  for (const char* piece : {"", "a", "ab", "<"}) small.add(std::string(space_mark) + piece, score--);
  small.add("<u>", 0, TokenType::user_defined);
  small.add("u>u", 0, TokenType::user_defined);
  small.add("\n\n", 0, TokenType::user_defined);
  return small;
}

hearth::test::ByteVocab spelled_in_bytes() {
  hearth::test::ByteVocab small;
  for (const char* merge : {"a b", "a a", "aa b", "ab ab", "\xc4\xa0 a", "\xc4\xa0 \xc4\xa0", "\xc4\xa0\xc4\xa0 a",
                            "1 2", "\xc3\xa4 \xc2\xb8", "\xc4\x8a \xc4\x8a", "' s"}) {
    small.merge(merge);
  }
  small.add("<u>", TokenType::user_defined);
  small.add("u>u", TokenType::user_defined);
  small.add("<|end|>", TokenType::control);
  return small;
}

/// SPM, then BPE once for each row of the table of pre-tokenizers.
std::vector<Tokenizer> make_tokenizers() {
  static const hearth::test::SmallVocab as_text = spelled_as_text();  // tokenizers view their texts
  static const hearth::test::ByteVocab in_bytes = spelled_in_bytes();
  static const std::vector<std::string_view> text_merges = {"a b", "\xe2\x96\x81 ab", "a a", "< s"};
  std::vector<Tokenizer> made;
  VocabParts spm = as_text.parts();
  spm.add_space_prefix = false;  // a space after each user-defined token would not be taken back
  made.push_back(opened(spm));
  for (const PreTokenizerRow& row : pre_tokenizers()) {
    const std::string name(row.names.substr(0, row.names.find(' ')));
    VocabParts parts = row.traits.byte_level ? in_bytes.parts(name) : as_text.parts();
    if (!row.traits.byte_level) parts.model = "gemma4", parts.merges = text_merges;
    made.push_back(opened(parts));
  }
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Tokenizer> tokenizers = make_tokenizers();
  if (size == 0) return 0;
  const Tokenizer& tokenizer = tokenizers[data[0] % tokenizers.size()];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto with_special = tokenizer.encode(text, {.add_special = true, .parse_special = true});
  if (!with_special || !tokenizer.decode(*with_special)) std::abort();

  const auto ids = tokenizer.encode(text);
  if (!ids) std::abort();
  const auto decoded = tokenizer.decode(*ids);
  if (!decoded) std::abort();
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const std::int32_t id : *ids) streamed += stream.push(id);
  streamed += stream.flush();
  if (streamed != *decoded) std::abort();
  // U+2581 in a text is the one character that vocabularies spelled as text read as another: a space.
  const bool marks = tokenizer.vocab().model() != "gpt2" && text.find(space_mark) != std::string::npos;
  if (!marks && *decoded != text) std::abort();
  return 0;
}
