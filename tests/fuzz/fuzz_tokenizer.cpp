// Enters: arbitrary bytes as text. Leaves: nothing, or a crash where decode, or the stream, does not give the text
// back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "stream_decoder.h"
#include "support/small_vocab.h"
#include "tokenizer.h"

namespace {

using namespace hearth::text;

constexpr std::string_view space_mark = "\xe2\x96\x81";

Tokenizer make_tokenizer() {
  static hearth::test::SmallVocab small;  // the tokenizer views its texts
  float score = -1;
  for (const char* piece :
       {"a", "b", "ab", "aa", "aab", "<", "s", ">", "<s", "\xc3\xa9", "e\xcc\x81", "\xe2\x82\xac", "\n"}) {
    small.add(piece, score--);
  }
  for (const char* piece : {"", "a", "ab", "<"}) small.add(std::string(space_mark) + piece, score--);
  small.add("<u>", 0, TokenType::user_defined);
  small.add("u>u", 0, TokenType::user_defined);
  small.add("\n\n", 0, TokenType::user_defined);
  VocabParts parts = small.parts();
  parts.add_space_prefix = false;  // a space after each user-defined token would not be taken back
  auto vocab = Vocab::from_parts(parts);
  if (!vocab) std::abort();
  auto tokenizer = Tokenizer::from(std::move(*vocab));
  if (!tokenizer) std::abort();
  return std::move(*tokenizer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tokenizer tokenizer = make_tokenizer();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto with_special = tokenizer.encode(text, {.add_special = true, .parse_special = true});
  if (!with_special || !tokenizer.decode(*with_special)) std::abort();

  const auto ids = tokenizer.encode(text);
  if (!ids) std::abort();
  const auto decoded = tokenizer.decode(*ids);
  if (!decoded) std::abort();
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const std::int32_t id : *ids) streamed += stream.push(id);
  if (streamed + stream.flush() != *decoded) std::abort();
  // U+2581 in a text is the one character that SPM reads as another: a space.
  if (text.find(space_mark) == std::string::npos && *decoded != text) std::abort();
  return 0;
}
