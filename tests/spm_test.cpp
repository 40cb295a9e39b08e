// Enters: texts, through small vocabularies. Leaves: ids and texts that must come out equal.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/linear_time.h"
#include "support/small_vocab.h"
#include "tokenizer.h"

namespace spm_test {

using namespace hearth;
using namespace hearth::text;
using hearth::test::SmallVocab;
using Ids = std::vector<std::int32_t>;

namespace {

const std::string mark = "\xe2\x96\x81";

Tokenizer tokenizer_of(VocabParts parts) {
  auto vocab = Vocab::from_parts(std::move(parts));
  REQUIRE(vocab);
  auto tokenizer = Tokenizer::from(std::move(*vocab));
  REQUIRE(tokenizer);
  return std::move(*tokenizer);
}

Ids encoded(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  auto ids = tokenizer.encode(text, options);
  REQUIRE(ids);
  return *ids;
}

std::string decoded(const Tokenizer& tokenizer, const Ids& ids) {
  auto text = tokenizer.decode(ids);
  REQUIRE(text);
  return *text;
}

/// decode(encode(x)) == x for a vocabulary with bytes.
bool survives(const Tokenizer& tokenizer, const std::string& text) {
  return decoded(tokenizer, encoded(tokenizer, text)) == text;
}

std::int32_t byte_id(unsigned char byte) { return 3 + byte; }

}  // namespace

TEST_CASE("spm: Phi 3's turn marks eat the white space after them, however its name is spelled") {
  SmallVocab small;
  const auto end = small.add("<|end|>", 0, TokenType::control);
  const auto x = small.add("x", -1);
  const auto ids = [&](std::string_view name) {
    VocabParts parts = small.parts();
    parts.name = name, parts.add_space_prefix = false, parts.add_bos = false;
    return encoded(tokenizer_of(parts), "<|end|>\nx", {.add_special = false, .parse_special = true});
  };
  for (const char* name : {"Phi 3 Mini 4k Instruct", "Phi 3.5 Mini Instruct", "Phi-3-mini", "phi3", "PHI_3"})
    CHECK(ids(name) == Ids{end, x});
  for (const char* name : {"", "Phi 2", "Llama 3"}) CHECK(ids(name) == Ids{end, byte_id('\n'), x});
}

TEST_CASE("spm: the best score merges first, the leftmost of equals") {
  SmallVocab small;
  const auto a = small.add("a", -1), b = small.add("b", -1), c = small.add("c", -1);
  const auto ab = small.add("ab", -5), bc = small.add("bc", -4), aa = small.add("aa", -3);
  VocabParts parts = small.parts();
  parts.add_space_prefix = false;
  const Tokenizer t = tokenizer_of(parts);
  CHECK(encoded(t, "abc") == Ids{a, bc});
  CHECK(encoded(t, "ab") == Ids{ab});
  CHECK(encoded(t, "aaa") == Ids{aa, a});
  CHECK(encoded(t, "aaab") == Ids{aa, ab});
  CHECK(encoded(t, "cba") == Ids{c, b, a});
  CHECK(encoded(t, "") == Ids{});
}

TEST_CASE("spm: a merge that another one made stale is not applied") {
  SmallVocab small;
  for (const char* piece : {"a", "b", "c", "d"}) small.add(piece, -9);
  small.add("ab", -2);
  const auto bc = small.add("bc", -1), abcd = small.add("abcd", -8);
  small.add("cd", -3), small.add("bcd", -4);
  VocabParts parts = small.parts();
  parts.add_space_prefix = false;
  const Tokenizer t = tokenizer_of(parts);
  CHECK(encoded(t, "abcd") == Ids{abcd});  // bc, bcd, abcd
  CHECK(encoded(t, "bc") == Ids{bc});
}

TEST_CASE("spm: spaces, the prefix, and what decode takes away again") {
  SmallVocab small;
  const auto space = small.add(mark, -1), x = small.add("x", -2), word = small.add(mark + "x", -3);
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "x") == Ids{word});
  CHECK(encoded(t, " x") == Ids{space, word});
  CHECK(encoded(t, "xx x") == Ids{word, x, word});
  CHECK(decoded(t, {word, word}) == "x x");
  CHECK(decoded(t, {1, word, word}) == "x x");       // control tokens are no part of the text
  CHECK(decoded(t, {byte_id(' '), word}) == "  x");  // a byte is the text's own, and the text has begun
  CHECK(decoded(t, {space, word}) == " x");
  CHECK(encoded(t, "x", {.add_special = true}) == Ids{1, word});
  CHECK(encoded(t, "x", {.begins = false}) == Ids{x});
  CHECK(encoded(t, " x", {.begins = false}) == Ids{word});
  CHECK(t.piece(word) == " x");
  CHECK(t.first_piece(word) == "x");

  VocabParts parts = small.parts();
  parts.add_space_prefix = false;
  const Tokenizer plain = tokenizer_of(parts);
  CHECK(encoded(plain, "x x") == Ids{x, word});
  CHECK(decoded(plain, {word, word}) == " x x");
}

TEST_CASE("spm: words are merged apart only where no token spans them") {
  SmallVocab small;
  const auto space = small.add(mark, -5), x = small.add("x", -5), two = small.add(mark + mark, -1);
  const auto word = small.add(mark + "x", -2);
  const Tokenizer apart = tokenizer_of(small.parts());
  CHECK(encoded(apart, "x x   x") == Ids{word, word, two, word});
  const auto across = small.add("x" + mark, -1);
  const Tokenizer together = tokenizer_of(small.parts());
  CHECK(encoded(together, "x x x") == Ids{space, across, across, x});
}

TEST_CASE("spm: BOS and EOS as the vocabulary says") {
  SmallVocab small;
  const auto word = small.add(mark + "x", -3);
  small.add(mark, -1), small.add("x", -2);
  VocabParts parts = small.parts();
  parts.add_bos = false;
  parts.add_eos = true;
  const Tokenizer t = tokenizer_of(parts);
  CHECK(encoded(t, "x", {.add_special = true}) == Ids{word, 2});
  CHECK(encoded(t, "x") == Ids{word});
  CHECK(encoded(t, "", {.add_special = true}) == Ids{2});
}

TEST_CASE("spm T6: a byte without a token is the unknown token, or an error without one") {
  SmallVocab small(SmallVocab::Bytes::none);
  const auto word = small.add(mark + "a", -1);
  small.add(mark, -2), small.add("a", -2);
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "a\xe2\x98\x83") == Ids{word, 0});  // one for the character, not for each byte
  CHECK(decoded(t, {word, 0}) == "a");

  VocabParts parts = small.parts();
  (*parts.types)[0] = TokenType::normal;  // no unknown token
  const auto refused = tokenizer_of(parts).encode("a\xe2\x98\x83");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::unsupported);
}

TEST_CASE("spm T12: total on any bytes") {
  SmallVocab small;
  small.add(mark, -1), small.add("a", -2), small.add("aa", -3), small.add("\xc3\xa9", -4);
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "").empty());
  for (int b = 0; b < 256; ++b) CHECK(survives(t, std::string(1, static_cast<char>(b))));
  const std::string with_nul("a\0b\0", 4);
  CHECK(survives(t, with_nul));
  for (const char* text :
       {"\xed\xa0\x80", "\xc0\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\xff\xfe", "\xc3\xa9\xc3", "<|<|"}) {
    CAPTURE(text);
    CHECK(survives(t, text));
  }
  CHECK(encoded(t,
                "\xc3"
                "a") == Ids{t.vocab().find(mark), byte_id(0xc3), t.vocab().find("a")});
}

TEST_CASE("spm T12: decode(encode(x)) is x for random bytes") {
  SmallVocab small;
  small.add(mark, -1), small.add("a", -2), small.add("aa", -3), small.add("\xc3\xa9", -4), small.add(mark + "a", -1);
  const Tokenizer t = tokenizer_of(small.parts());
  std::mt19937 random(7);
  const std::string alphabet = "aaa  \xc3\xa9\xe2\x82\xac<s>\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = random() % 4 ? alphabet[random() % alphabet.size()] : static_cast<char>(random());
    if (text.find(mark) != std::string::npos) continue;  // U+2581 itself means a space
    CHECK(survives(t, text));
  }
}

TEST_CASE("spm T8: NaN and infinite scores neither loop nor crash") {
  SmallVocab small;
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  small.add("a", nan), small.add("b", -inf), small.add("ab", nan), small.add("ba", -inf), small.add("aba", inf);
  small.add("bab", nan), small.add("abab", 0), small.add(mark, nan);
  const Tokenizer t = tokenizer_of(small.parts());
  std::string text;
  for (int i = 0; i < 500; ++i) text += i % 7 ? "ab" : "ba";
  CHECK(survives(t, text));
}

TEST_CASE("spm T13: control tokens only when asked, user-defined ones always, none by merging") {
  SmallVocab small;
  const auto user = small.add("<u>", 0, TokenType::user_defined);
  const auto control = small.add("<|c|>", 0, TokenType::control);
  const auto word = small.add(mark + "x", -1);
  for (const std::string& piece :
       {mark, std::string("x"), std::string("<"), std::string("s"), std::string(">"), std::string("<s")}) {
    small.add(piece, -2);
  }
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "x<u>x") == Ids{word, user, word});
  CHECK(encoded(t, "<u><u>") == Ids{user, user});
  CHECK(encoded(t, "x<|c|>x", {.parse_special = true}) == Ids{word, control, word});
  CHECK(decoded(t, encoded(t, "x<|c|>x")) == "x<|c|>x");
  const Ids plain = encoded(t, "x<|c|>x");
  CHECK(std::find(plain.begin(), plain.end(), control) == plain.end());
  const Ids spelled = encoded(t, "<s>");
  CHECK(std::find(spelled.begin(), spelled.end(), 1) == spelled.end());
  CHECK(encoded(t, "<s>", {.parse_special = true}) == Ids{1});
}

TEST_CASE("special tokens: longer ones first in the whole text, then what is left") {
  SmallVocab small;
  const auto user = [&](const char* text) { return small.add(text, 0, TokenType::user_defined); };
  const auto ab = user("ab"), bcd = user("bcd"), a = user("a"), dd = user("dd"), ddd = user("ddd");
  small.add(mark, -1);
  VocabParts parts = small.parts();
  parts.add_space_prefix = false;
  const Tokenizer t = tokenizer_of(parts);
  CHECK(encoded(t, "abcd") == Ids{a, bcd});  // not ab, though it begins further left
  CHECK(encoded(t, "ab") == Ids{ab});
  CHECK(encoded(t, "ddddd") == Ids{ddd, dd});
  CHECK(encoded(t, "dddd") == Ids{ddd, byte_id('d')});
}

TEST_CASE("spm T14: ids that do not exist") {
  const Tokenizer t = tokenizer_of(SmallVocab().parts());
  for (std::int32_t id :
       {-1, 259, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    const auto text = t.decode(Ids{id});
    REQUIRE_FALSE(text);
    CHECK(text.error().status() == Status::invalid_argument);
    CHECK(t.piece(id).empty());
  }
}

TEST_CASE("spm T4, T12: long tokens and 16 MiB of one thing stay near-linear") {
  SmallVocab small;
  small.add(mark, -1), small.add("a", -2);
  for (std::size_t n = 2; n <= 4096; n *= 2) small.add(std::string(n, 'a'), -3);
  small.add(std::string(1 << 20, 'a'), -4);
  small.add(std::string(33000, '\n'), 0, TokenType::user_defined);
  for (std::size_t n = 1; n <= 31; ++n) small.add(std::string(n, '\n'), 0, TokenType::user_defined);
  small.add("<|x", 0, TokenType::user_defined);
  small.add("\xcc\x81", -1);
  const Tokenizer t = tokenizer_of(small.parts());
  hearth::test::check_linear_time(t, hearth::test::large_mib,
                                  [&](const std::string& text, const Ids& ids) { CHECK((decoded(t, ids) == text)); });
}

}  // namespace spm_test
