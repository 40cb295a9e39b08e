// Enters: grammars and a small vocabulary. Leaves: masks held against each token tried by itself; triggers; ends.
#include "token_masks.h"

#include <random>
#include <string>
#include <vector>

#include "constraint.h"
#include "grammar_parser.h"
#include "json_schema.h"
#include "support/catch.hpp"
#include "support/grammar_vocabulary.h"

namespace token_masks_test {

using namespace hearth;
using namespace hearth::sample;
using hearth::test::allows;
using hearth::test::GrammarVocabulary;

namespace {

const GrammarVocabulary& vocabulary() {
  static const GrammarVocabulary made;
  return made;
}

std::shared_ptr<const Grammar> compiled(const ConstraintText& text) {
  auto made = compile(text);
  INFO((made ? "" : made.error().message()));
  REQUIRE(made);
  return *made;
}

Constraint constraint(const ConstraintText& text) { return {compiled(text), vocabulary().tokens}; }

/// The mask by its definition.
bool allowed_alone(const GrammarState& state, std::int32_t id) {
  const GrammarTokens& tokens = *vocabulary().tokens;
  if (id == GrammarVocabulary::end || id == GrammarVocabulary::other_end) return state.can_end();
  const std::string_view text = tokens.text(id).empty() && state.is_free() ? tokens.control(id) : tokens.text(id);
  GrammarState next = state;
  return !text.empty() && *next.accept(text);
}

std::size_t wrong_bits(const GrammarState& state, std::span<const std::uint64_t> mask) {
  std::size_t wrong = 0;
  for (std::size_t id = 0; id < vocabulary().tokens->size(); ++id)
    wrong += allows(mask, static_cast<std::int32_t>(id)) != allowed_alone(state, static_cast<std::int32_t>(id));
  return wrong;
}

const std::vector<ConstraintText>& texts() {
  static const std::vector<ConstraintText> all = {
      {.grammar = "root ::= \"[\" (root (\",\" root)*)? \"]\" | [0-9]+ | \"x\" root"},
      {.grammar = "root ::= word (\" \" word)*\nword ::= [a-z\\u00e9\\u20ac]+"},
      {.grammar = "root ::= a b | a c\na ::= \"a\"* | \"ab\"\nb ::= \"bc\" root?\nc ::= \"c\"{2,5} a"},
      {.grammar = "root ::= \"a\" root root | \"\""},
      {.json_schema = "{}"},
      {.json_schema = R"({"properties":{"name":{"type":"string","maxLength":5},"value":{"type":"number"}}})"},
      {.json_schema = R"({"type":"array","items":{"anyOf":[{"type":"string"},{"$ref":"#"},{"enum":["abc","ab"]}]}})"},
      {.regex = "(ab|a)*c?.{0,3}"},
      {.json_schema = R"({"type":"object"})", .triggers = {{"<tool>", "<|call|>"}}},
  };
  return all;
}

}  // namespace

TEST_CASE("grammar R9: masks are exact along random texts, and every text that ends is one of the grammar") {
  std::mt19937 random(7);
  std::size_t n_ended = 0;
  for (const ConstraintText& text : texts()) {
    CAPTURE(text.grammar.value_or("-"), text.json_schema.value_or("-"), text.regex.value_or("-"));
    Constraint c = constraint(text);
    for (int round = 0; round < 12; ++round) {
      c.go_to(GrammarState(compiled(text)));
      std::string made;
      for (int n = 0; n < 40; ++n) {
        const auto mask = c.mask();
        REQUIRE(mask);
        REQUIRE(wrong_bits(c.state(), *mask) == 0);
        std::vector<std::int32_t> ids;
        for (std::size_t id = 0; id < vocabulary().tokens->size(); ++id)
          if (allows(*mask, static_cast<std::int32_t>(id))) ids.push_back(static_cast<std::int32_t>(id));
        const std::int32_t id = ids[random() % ids.size()];
        REQUIRE(c.accept(id));
        if (id == GrammarVocabulary::end || id == GrammarVocabulary::other_end) {
          GrammarState whole(compiled(text));
          REQUIRE(*whole.accept(made));
          CHECK(whole.can_end());
          ++n_ended;
          break;
        }
        made += vocabulary().texts[static_cast<std::size_t>(id)];
      }
    }
  }
  CHECK(n_ended > 20);
}

TEST_CASE("grammar R9: a token may end inside a character, and one that goes past the end is forbidden") {
  Constraint c = constraint({.grammar = "root ::= \"\\u00e9\" \"\\u20ac\""});
  const auto id = [](std::string_view text) { return vocabulary().id(text); };
  auto mask = c.mask();
  REQUIRE(mask);
  CHECK(allows(*mask, id("\xc3")));
  CHECK(allows(*mask, id("\xc3\xa9")));
  CHECK_FALSE(allows(*mask, id("\xe2\x82")));
  CHECK_FALSE(allows(*mask, GrammarVocabulary::end));
  REQUIRE(c.accept(id("\xc3")));
  REQUIRE(c.accept(id("\xa9\xe2")));
  REQUIRE(c.accept(id("\x82\xac")));
  mask = c.mask();
  REQUIRE(mask);
  for (std::size_t t = 0; t < vocabulary().tokens->size(); ++t)
    CHECK(allows(*mask, static_cast<std::int32_t>(t)) == (t == 256 || t == 257));
  CHECK(c.accept(GrammarVocabulary::end));
  const auto refused = c.accept(id("a"));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message(), Catch::Matchers::Contains("none that the grammar allows"));
  CHECK_FALSE(c.accept(-1));
  CHECK_FALSE(c.accept(1 << 20));
}

TEST_CASE("grammar R8: a text that no token can continue is an error, not a crash") {
  std::vector<std::string_view> text{"a", "", "b"}, control{"", "", ""};
  const auto tokens = std::make_shared<const GrammarTokens>(text, control, std::vector<std::int32_t>{1});
  Constraint c(compiled({.grammar = "root ::= \"ac\""}), tokens);
  REQUIRE(c.mask());
  REQUIRE(c.accept(0));
  const auto stuck = c.mask();
  REQUIRE_FALSE(stuck);
  CHECK_THAT(stuck.error().message(), Catch::Matchers::Contains("no token of the vocabulary goes on"));
}

TEST_CASE("grammar triggers: free text until one comes, then the grammar; a control token may be one") {
  const auto id = [](std::string_view text) { return vocabulary().id(text); };
  const ConstraintText text{.grammar = "root ::= \"{}\"", .triggers = {{"<tool>", "<|call|>"}}};
  Constraint c = constraint(text);
  auto mask = c.mask();
  REQUIRE(mask);
  CHECK(allows(*mask, id("\xff\xfe")));
  CHECK(allows(*mask, GrammarVocabulary::end));
  CHECK(allows(*mask, GrammarVocabulary::control));
  for (const char* piece : {"hello", "<to", "<to"}) REQUIRE(c.accept(id(piece)));
  mask = c.mask();
  REQUIRE(mask);
  CHECK(allows(*mask, id("ol>{")));
  CHECK(wrong_bits(c.state(), *mask) == 0);
  REQUIRE(c.accept(id("ol>{")));
  CHECK_FALSE(c.can_end());
  REQUIRE(c.accept(id("}")));
  CHECK(c.can_end());
  CHECK_FALSE(c.accept(id("a")));

  c = constraint(text);
  REQUIRE(c.accept(GrammarVocabulary::control));
  CHECK_FALSE(c.can_end());
  CHECK_FALSE(c.accept(GrammarVocabulary::control));
  REQUIRE(c.accept(id("{}")));

  for (const ConstraintText& wrong :
       {ConstraintText{.triggers = {{"x"}}}, ConstraintText{.grammar = "root ::= \"a\"", .triggers = {{""}}},
        ConstraintText{.grammar = "root ::= \"a\"", .json_schema = "{}"}, ConstraintText{.grammar = ""},
        ConstraintText{.grammar = "root ::= \"a\"", .triggers = {{std::string(5000, 'x')}}}})
    CHECK_FALSE(compile(wrong));
  CHECK(*compile({}) == nullptr);
}

TEST_CASE("masks: what is kept is bounded") {
  Constraint c = constraint({.regex = ".{0,3000}"});
  TokenMasks masks(vocabulary().tokens);
  GrammarState state(compiled({.regex = ".{0,3000}"}));
  const std::size_t most = TokenMasks::most_bytes / (vocabulary().tokens->mask_words() * 8);
  for (int n = 0; n < 2000; ++n) {
    REQUIRE(masks.of(state));
    REQUIRE(*state.accept("a"));
  }
  CHECK(masks.n_kept() <= most);
}

}  // namespace token_masks_test
