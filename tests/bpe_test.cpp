// Enters: texts and lists of merges. Leaves: the ids of byte pair encoding, checked by hand and against its plain
// definition; table T of BADINPUT.md for what BPE adds.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/byte_vocab.h"
#include "support/catch.hpp"
#include "support/small_vocab.h"
#include "tokenizer.h"

namespace bpe_test {

using namespace hearth;
using namespace hearth::text;
using hearth::test::ByteVocab;
using Ids = std::vector<std::int32_t>;

namespace {

Result<Tokenizer> opened(VocabParts parts) {
  auto vocab = Vocab::from_parts(std::move(parts));
  if (!vocab) return vocab.error();
  return Tokenizer::from(std::move(*vocab));
}

Tokenizer tokenizer_of(VocabParts parts) {
  auto tokenizer = opened(std::move(parts));
  REQUIRE(tokenizer);
  return std::move(*tokenizer);
}

std::string error_of(VocabParts parts) {
  const auto tokenizer = opened(std::move(parts));
  return tokenizer ? "" : tokenizer.error().message();
}

Ids encoded(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  auto ids = tokenizer.encode(text, options);
  REQUIRE(ids);
  return *ids;
}

bool survives(const Tokenizer& tokenizer, const std::string& text) {
  const auto back = tokenizer.decode(encoded(tokenizer, text));
  return back && *back == text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The definition, word for word: as long as a neighbouring pair has a rank, the leftmost pair of the best rank merges.
template <class Rank> std::vector<std::string> merged_plainly(std::vector<std::string> symbols, Rank&& rank) {
  for (;;) {
    std::size_t best = symbols.size();
    double best_rank = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto r = rank(symbols[i], symbols[i + 1]);
      if (r && (best == symbols.size() || *r < best_rank)) best = i, best_rank = *r;
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> out;
  for (char c : text) out.emplace_back(1, c);
  return out;
}

}  // namespace

TEST_CASE("bpe: the first of the merges goes first, the leftmost of equals") {
  ByteVocab small;
  const auto bc = small.merge("b c"), ab = small.merge("a b"), aa = small.merge("a a"), abc = small.merge("a bc");
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "abc") == Ids{abc});
  CHECK(encoded(t, "ab") == Ids{ab});
  CHECK(encoded(t, "aaa") == Ids{aa, 'a'});
  CHECK(encoded(t, "bcb") == Ids{bc, 'b'});
  CHECK(encoded(t, "") == Ids{});
  CHECK(encoded(t, "a b") == Ids{'a', ' ', 'b'});
}

TEST_CASE("bpe: parts and results that are no tokens still merge, and fall apart into bytes at the end") {
  ByteVocab small;
  small.merge_only("a b");
  const auto abc = small.merge("ab c");
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "abc") == Ids{abc});
  CHECK(encoded(t, "ab") == Ids{'a', 'b'});
}

TEST_CASE("bpe: a token without its merges is found only where merges are ignored") {
  ByteVocab small;
  const auto word = small.add("word"), spaced = small.add("\xc4\xa0word");
  CHECK(encoded(tokenizer_of(small.parts("gpt-2")), "word") == Ids{'w', 'o', 'r', 'd'});
  const Tokenizer t = tokenizer_of(small.parts("llama-bpe"));
  CHECK(encoded(t, "word word") == Ids{word, spaced});
  CHECK(encoded(t, "words") == Ids{'w', 'o', 'r', 'd', 's'});
}

TEST_CASE("bpe: defaults follow the pre-tokenizer's name, and metadata goes before them") {
  ByteVocab small;
  const auto bos = small.add("<s>", TokenType::control);
  VocabParts llama = small.parts("llama-bpe"), gpt = small.parts("gpt-2");
  llama.special.bos = gpt.special.bos = bos;
  CHECK(encoded(tokenizer_of(llama), "a", {.add_special = true}) == Ids{bos, 'a'});
  CHECK(encoded(tokenizer_of(gpt), "a", {.add_special = true}) == Ids{'a'});
  llama.add_bos = false;
  gpt.add_bos = true;
  CHECK(encoded(tokenizer_of(llama), "a", {.add_special = true}) == Ids{'a'});
  CHECK(encoded(tokenizer_of(gpt), "a", {.add_special = true}) == Ids{bos, 'a'});
}

TEST_CASE("bpe T10: an unknown pre-tokenizer is refused with the nearest name; none means default") {
  const ByteVocab small;
  const std::string error = error_of(small.parts("qwen-2\x1b"));
  CHECK(has(error, "\"qwen-2\\x1b\" is no pre-tokenizer"));
  CHECK(has(error, "\"qwen2\""));
  CHECK(has(error, "--pre"));
  VocabParts parts = small.parts();
  parts.pre.reset();
  CHECK(tokenizer_of(parts).vocab().pre() == "default");
}

TEST_CASE("bpe T9: merges that are not two parts are refused and named") {
  for (const char* merge : {"", " ", "  ", "a", "a ", " a", "a  b", "a b c"}) {
    ByteVocab small;
    small.merge("a b");
    small.merge_only(merge);
    CAPTURE(merge);
    CHECK(has(error_of(small.parts()), "at index 1, a merge is two parts"));
  }
  VocabParts without = ByteVocab().parts();
  without.merges.reset();
  CHECK(has(error_of(without), "tokenizer.ggml.merges is missing"));
}

TEST_CASE("bpe T9: unknown parts, a thousand duplicates and long parts load") {
  ByteVocab small;
  const auto ab = small.merge("a b");
  for (int i = 0; i < 1000; ++i) small.merge_only("a b");
  small.merge_only("never-a-token nor-this");
  small.merge_only(std::string(70000, 'x') + " " + std::string(70000, 'y'));
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "abab") == Ids{ab, ab});
  CHECK(survives(t, "never-a-token" + std::string(1000, 'x')));
}

TEST_CASE("bpe T12: total on any bytes, and all of them come back") {
  ByteVocab small;
  small.merge("\xc4\xa0 a"), small.merge("\xc3\x83 \xc2\xa9");
  const Tokenizer t = tokenizer_of(small.parts());
  for (int b = 0; b < 256; ++b) CHECK(encoded(t, std::string(1, static_cast<char>(b))) == Ids{b});
  for (const char* text : {"\xed\xa0\x80", "\xc0\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\xff\xfe", "\xc3\xa9\xc3"}) {
    CHECK(survives(t, text));
  }
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 200, ' ');
    for (char& c : text) c = random() % 2 ? static_cast<char>(random()) : "a \n\xc3\xa9'"[random() % 6];
    CHECK(survives(t, text));
  }
}

TEST_CASE("bpe T6: a byte without a token is the unknown token, or an error without one") {
  ByteVocab small;
  VocabParts parts = small.parts();
  (*parts.types)['z'] = TokenType::control;
  const auto refused = tokenizer_of(parts).encode("az");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::unsupported);
  parts.special.unk = 'u';
  CHECK(encoded(tokenizer_of(parts), "az") == Ids{'a', 'u'});
}

TEST_CASE("bpe T13: control tokens only when asked, user-defined ones always and as they are written") {
  ByteVocab small;
  const auto control = small.add("<|end|>", TokenType::control);
  const auto user = small.add("  \n\xc3\xa9", TokenType::user_defined);
  const Tokenizer t = tokenizer_of(small.parts());
  const Ids plain = encoded(t, "a<|end|>");
  CHECK(std::find(plain.begin(), plain.end(), control) == plain.end());
  CHECK(encoded(t, "a<|end|>b", {.parse_special = true}) == Ids{'a', control, 'b'});
  CHECK(encoded(t, "a  \n\xc3\xa9") == Ids{'a', user});
  CHECK(survives(t, "a  \n\xc3\xa9"));
}

TEST_CASE("bpe gemma4: spelled as text with U+2581, line ends whole, bytes where nothing fits") {
  test::SmallVocab small;
  const std::string mark = "\xe2\x96\x81";
  const auto a = small.add("a", 0), space = small.add(mark, 0), word = small.add(mark + "a", 0);
  const auto two = small.add("\n\n", 0);
  VocabParts parts = small.parts();
  const std::vector<std::string_view> merges = {"\xe2\x96\x81 a"};
  parts.model = "gemma4";
  parts.merges = merges;
  const Tokenizer t = tokenizer_of(parts);
  CHECK(t.vocab().pre() == "gemma4");
  CHECK(encoded(t, "a a  a\n\na") == Ids{a, word, space, word, two, a});
  CHECK(encoded(t, "\xc3\xa9") == Ids{3 + 0xc3, 3 + 0xa9});
  for (const char* text : {"a a  a\n\n\na", " \xc3\xa9 b", "\xff a"}) CHECK(survives(t, text));
}

TEST_CASE("bpe: long words and short ones merge as the definition says, whatever the order of the ranks") {
  std::mt19937 random(21);
  for (int round = 0; round < 60; ++round) {
    ByteVocab small;
    std::map<std::pair<std::string, std::string>, double> ranks;
    std::vector<std::string> known = {"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> made;
    for (int i = 0; i < 12; ++i) {
      const std::string left = known[random() % known.size()], right = known[random() % known.size()];
      if (left.size() + right.size() <= 12 && std::find(known.begin(), known.end(), left + right) == known.end()) {
        known.push_back(left + right);
        made.emplace_back(left, right);
      }
    }
    std::shuffle(made.begin(), made.end(), random);  // no trained list has a part before its own merge: worse than life
    std::map<std::string, std::int32_t> ids = {{"a", 'a'}, {"b", 'b'}, {"c", 'c'}};
    for (std::size_t rank = 0; rank < made.size(); ++rank) {
      ids[made[rank].first + made[rank].second] = small.merge(made[rank].first + " " + made[rank].second);
      ranks[made[rank]] = static_cast<double>(rank);
    }
    const Tokenizer t = tokenizer_of(small.parts());
    for (const std::size_t length : {5u, 40u, 96u, 97u, 400u}) {
      std::string word;
      for (std::size_t i = 0; i < length; ++i) word += "aabc"[random() % 4];
      Ids expected;
      for (const std::string& symbol : merged_plainly(characters(word), [&](const auto&left, const auto&right) {
             const auto found = ranks.find({left, right});
             return found == ranks.end() ? std::optional<double>() : std::optional(found->second);
           })) {
        expected.push_back(ids[symbol]);
      }
      CAPTURE(word);
      CHECK(encoded(t, word) == expected);
    }
  }
}

TEST_CASE("spm: long words and short ones merge as the definition says, equal scores from the left") {
  std::mt19937 random(22);
  for (int round = 0; round < 60; ++round) {
    test::SmallVocab small;
    std::map<std::string, std::pair<double, std::int32_t>> pieces;
    for (int i = 0; i < 14; ++i) {
      std::string piece;
      for (std::size_t n = i < 3 ? 1 : 2 + random() % 4; n-- > 0;) piece += i < 3 ? "abc"[i] : "aabc"[random() % 4];
      if (pieces.count(piece) != 0) continue;
      const float score = -static_cast<float>(random() % 5);  // many equal ones
      pieces[piece] = {-score, small.add(piece, score)};
    }
    VocabParts parts = small.parts();
    parts.add_space_prefix = false;
    const Tokenizer t = tokenizer_of(parts);
    for (const std::size_t length : {6u, 96u, 97u, 300u}) {
      std::string word;
      for (std::size_t i = 0; i < length; ++i) word += "aabc"[random() % 4];
      Ids expected;
      for (const std::string& symbol : merged_plainly(characters(word), [&](const auto&left, const auto&right) {
             const auto found = pieces.find(left + right);
             return found == pieces.end() ? std::optional<double>() : std::optional(found->second.first);
           })) {
        expected.push_back(pieces[symbol].second);
      }
      CAPTURE(word);
      CHECK(encoded(t, word) == expected);
    }
  }
}

}  // namespace bpe_test
