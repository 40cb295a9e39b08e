// Enters: texts, through made-up vocabularies of model bert. Leaves: the ids that WordPiece gives them.
#include "wordpiece.h"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace wordpiece_test {

using namespace hearth;
using namespace hearth::text;
using Ids = std::vector<std::int32_t>;

namespace {

// Ids as their places; 0 to 2 are the special ones.
const std::vector<std::string_view> tokens = {"[UNK]", "[CLS]", "[SEP]", "▁a", "b", "bb", "▁b", "▁!",
                                              "▁中",   "▁aa",   "[x]",   "▁e", "e", "cd", "c",  "▁é"};

Tokenizer small_tokenizer(std::optional<bool> lowercase = {}, std::optional<bool> strip_accents = {}) {
  VocabParts parts;
  parts.lowercase = lowercase, parts.strip_accents = strip_accents;
  parts.model = "bert";
  parts.tokens = tokens;
  parts.types = std::vector<TokenType>(tokens.size(), TokenType::normal);
  (*parts.types)[0] = TokenType::unknown;
  (*parts.types)[1] = (*parts.types)[2] = TokenType::control;
  parts.special.unk = 0;
  parts.special.cls = 1;
  parts.special.sep = 2;
  auto tokenizer = Tokenizer::from(*Vocab::from_parts(parts));
  REQUIRE(tokenizer);
  return std::move(*tokenizer);
}

Ids encoded(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  const auto ids = tokenizer.encode(text, options);
  REQUIRE(ids);
  return *ids;
}

}  // namespace

TEST_CASE("wordpiece: the longest piece first, a word that pieces do not cover is unknown") {
  const Tokenizer t = small_tokenizer();
  CHECK(encoded(t, "ab") == Ids{3, 4});
  CHECK(encoded(t, "abbb") == Ids{3, 5, 4});
  CHECK(encoded(t, "aab") == Ids{9, 4});
  CHECK(encoded(t, "ba") == Ids{0});  // "a" begins words only
  CHECK(encoded(t, "abd ab") == Ids{0, 3, 4});
  CHECK(encoded(t, "acd") == Ids{3, 13});
  CHECK(encoded(t, "").empty());
  CHECK(encoded(t, "\n \t").empty());
}

TEST_CASE("wordpiece: case, accents, punctuation, ideographs, controls") {
  const Tokenizer t = small_tokenizer();
  CHECK(encoded(t, "AB Ab") == Ids{3, 4, 3, 4});
  CHECK(encoded(t, "é É") == Ids{11, 11});
  CHECK(encoded(t, "e\xcc\x81") == Ids{0});  // an accent that stands apart stays, as in the reference
  CHECK(encoded(t, "a!b") == Ids{3, 7, 6});
  CHECK(encoded(t, "a中b") == Ids{3, 8, 6});
  CHECK(encoded(t, std::string("a\0\x01\xff\xef\xbf\xbd\xe2\x80\x8b", 10) + "b") == Ids{3, 4});
  CHECK(encoded(t,
                "a\xc2\xa0"
                "b\xe3\x80\x80"
                "b") == Ids{3, 6, 6});
}

TEST_CASE("wordpiece: a vocabulary of cased words keeps case and accents, or one of them") {
  CHECK(encoded(small_tokenizer(false), "ab Ab é") == Ids{3, 4, 0, 15});  // accents follow case
  CHECK(encoded(small_tokenizer(false, true), "Ab é") == Ids{0, 11});
  CHECK(encoded(small_tokenizer(true, false), "AB É") == Ids{3, 4, 15});
}

TEST_CASE("wordpiece: a word of more than 100 characters is unknown") {
  const Tokenizer t = small_tokenizer();
  CHECK(encoded(t, "a" + std::string(99, 'b')).size() == 51);
  CHECK(encoded(t, "a" + std::string(100, 'b')) == Ids{0});
}

TEST_CASE("wordpiece: CLS and SEP go around, control tokens only where asked, and decode joins the words") {
  const Tokenizer t = small_tokenizer();
  CHECK(encoded(t, "ab", {.add_special = true}) == Ids{1, 3, 4, 2});
  CHECK(encoded(t, "a[SEP]b", {.parse_special = true}) == Ids{3, 2, 6});
  CHECK(encoded(t, "a[SEP]b") == Ids{3, 0, 0, 0, 6});
  CHECK(*t.decode(Ids{1, 3, 4, 6, 7, 2}) == "ab b !");
}

TEST_CASE("wordpiece: without an unknown token it is refused") {
  VocabParts parts;
  parts.model = "bert";
  const std::vector<std::string_view> three = {"a", "b", "c"};
  parts.tokens = three;
  const auto vocab = Vocab::from_parts(parts);
  REQUIRE(vocab);
  const auto tokenizer = Tokenizer::from(*vocab);
  REQUIRE_FALSE(tokenizer);
  CHECK(tokenizer.error().message().find("tokenizer.ggml.unknown_token_id") != std::string::npos);
}

}  // namespace wordpiece_test
