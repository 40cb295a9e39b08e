// Enters: GBNF and regular expressions, right and wrong. Leaves: the texts they have, and errors with line and column.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "constraint.h"
#include "grammar_parser.h"
#include "grammar_state.h"
#include "regex_grammar.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/grammar_vocabulary.h"
#include "utf8.h"

namespace grammar_test {

using namespace hearth;
using namespace hearth::sample;

namespace {

using Made = Result<std::shared_ptr<const Grammar>>;

std::shared_ptr<const Grammar> grammar(std::string_view text) {
  Made made = parse_gbnf(text);
  INFO(text << "\n" << (made ? "" : made.error().message()));
  REQUIRE(made);
  return *made;
}

/// 'y': a text of the grammar; 'b': the beginning of one; 'n': neither.
char verdict(const std::shared_ptr<const Grammar>& g, std::string_view text) {
  GrammarState state(g);
  const auto accepted = state.accept(text);
  REQUIRE(accepted);
  return !*accepted ? 'n' : state.can_end() ? 'y' : 'b';
}

bool has(std::string_view source, std::string_view text) { return verdict(grammar(source), text) == 'y'; }

bool regex_has(std::string_view regex, std::string_view text) {
  const Made made = parse_regex(regex);
  INFO(regex);
  REQUIRE(made);
  return verdict(*made, text) == 'y';
}

std::string message(const Made& made) {
  REQUIRE_FALSE(made);
  const std::string& text = made.error().message();
  CHECK(std::count(text.begin(), text.end(), ';') >= 2);
  CHECK(text.find('\n') == std::string::npos);
  return text;
}

void refuses(std::string_view source, std::string_view expected) {
  CAPTURE(source);
  CHECK_THAT(message(parse_gbnf(source)), Catch::Matchers::Contains(std::string(expected)));
}

void regex_refuses(std::string_view source, std::string_view expected) {
  CAPTURE(source.substr(0, 200));
  CHECK_THAT(message(parse_regex(source)), Catch::Matchers::Contains(std::string(expected)));
}

std::string times(std::size_t n, const std::string& part) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += part;
  return all;
}

double seconds(const std::function<void()>& work) {
  const double start = test::cpu_seconds();
  work();
  return test::cpu_seconds() - start;
}

}  // namespace

TEST_CASE("GBNF: literals, classes, groups, repetitions, rules, comments") {
  CHECK(has("root ::= \"abc\"", "abc"));
  CHECK_FALSE(has("root ::= \"abc\"", "ab"));
  CHECK_FALSE(has("root ::= \"abc\"", "abcd"));
  CHECK(has("root ::= \"a\\n\\t\\r\\\\\\\"\\x41\\u00e9\\U0001F642\\[\\]\"", "a\n\t\r\\\"A\xc3\xa9\xf0\x9f\x99\x82[]"));
  CHECK(has("root ::= [a-c0-9_]+", "a9_c"));
  CHECK_FALSE(has("root ::= [a-c0-9_]+", "d"));
  CHECK(has("root ::= [^a-c]", "\xe2\x82\xac"));
  CHECK_FALSE(has("root ::= [^a-c]", "b"));
  CHECK(has("root ::= [a-]", "-"));
  CHECK(has("root ::= [-a]", "-"));
  CHECK(has("root ::= .", "\xf0\x9f\x99\x82"));
  CHECK(has("root ::= .", "\n"));
  CHECK(has("root ::= (\"a\" | \"b\") \"c\"?", "b"));
  CHECK(has("root ::= \"a\"* # comment\n", "aaaa"));
  CHECK(has("root ::= \"a\"*", ""));
  CHECK_FALSE(has("root ::= \"a\"+", ""));
  for (const auto& [n, is] : {std::pair{1, 'b'}, {2, 'y'}, {3, 'y'}, {4, 'n'}})
    CHECK(verdict(grammar("root ::= \"a\"{2,3}"), times(static_cast<std::size_t>(n), "a")) == is);
  CHECK(has("root ::= \"a\"{2}", "aa"));
  CHECK(has("root ::= \"a\"{2,}", "aaaaa"));
  CHECK(has("root ::= \"a\"{0}", ""));
  CHECK(has("# first\nroot ::= a-1 |\n  b_2\n\na-1 ::= \"x\"\nb_2 ::= (\n  \"y\" # inside\n  | \"z\"\n)\n", "z"));
  CHECK(has("root ::= \"a\"\n  | \"b\"\n", "b"));
  CHECK(has("root ::= \"a\" |", ""));
  CHECK(has("root ::= x\r\nx ::= \"a\"\r\n", "a"));
}

TEST_CASE("GBNF: a value of a JSON Schema as a part of a text") {
  const std::string call = R"g(root ::= "f(" %json {"type": "object", "properties": {"}": {"const": "{\""}},
                                                   "required": ["}"]} ")")g";
  CHECK(has(call, R"g(f({"}":"{\""}))g"));
  CHECK_FALSE(has(call, R"g(f({"}":"{"}))g"));
  CHECK(has("root ::= (%json {\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"type\": \"integer\"}}} \";\")+",
            "1;-20;3;"));
  CHECK(has("root ::= %json {\"type\": \"null\"} | a\na ::= %json\n{\"type\": \"boolean\"}", "true"));
  // What a schema leaves no value may be a part of it, but neither the whole nor a rule beside it.
  CHECK(has("root ::= %json {\"prefixItems\": [{\"type\": \"null\"}], \"items\": false}", "[null]"));
  CHECK(has("root ::= %json {\"properties\": {\"a\": false}}", "{}"));
  refuses("root ::= \"a\" | %json {\"allOf\": [false]}", "no text can end it; rule #");
  refuses("root ::= %json {\"items\": false} | x\nx ::= \"b\" x", "no text can end it; rule x");
  for (const char* wrong : {"root ::= %json", "root ::= %json true", "root ::= %json {", "root ::= %json {\"a\": \"}",
                            "root ::= %jso {}"}) {
    INFO(wrong);
    const Made made = parse_gbnf(wrong);
    REQUIRE_FALSE(made);
    CHECK(made.error().message().find("line 1") != std::string::npos);
  }
  const Made unknown = parse_gbnf(R"(root ::= %json {"type": "string", "contentEncoding": "x"})");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message().find("contentEncoding") != std::string::npos);
}

TEST_CASE("GBNF: characters, not bytes") {
  const auto g = grammar("root ::= [\\u00e9-\\u20ac\\U0001F642]");
  CHECK(verdict(g, "\xc3\xa9") == 'y');
  CHECK(verdict(g, "\xc3\xa8") == 'n');
  CHECK(verdict(g, "\xe2\x82\xac") == 'y');
  CHECK(verdict(g, "\xe2\x82\xad") == 'n');
  CHECK(verdict(g, "\xe2\x82") == 'b');
  CHECK(verdict(g, "\xf0\x9f\x99\x82") == 'y');
  CHECK(verdict(g, "\xf0\x9f\x99\x83") == 'n');
  CHECK(verdict(g, "\xed\xa0\x80") == 'n');  // a surrogate
  CHECK(verdict(g, "\xc0\xa9") == 'n');      // overlong
  // Every character of a set and its complement, held against the set itself.
  const CharacterSet set{{0, 'a'},         {0x7e, 0x81},      {0x7ff, 0x801},
                         {0xd7ff, 0xe000}, {0xfffe, 0x10001}, {0x10fff0, 0x10ffff}};
  GrammarBuilder builder;
  const RuleId root = builder.declare("root");
  builder.define(root, builder.characters(set));
  const auto made = builder.build(root);
  REQUIRE(made);
  std::size_t wrong = 0;
  for (std::uint32_t code = 0; code <= CharacterSet::highest; code += code < 0x12000 || code > 0x10ff00 ? 1 : 97) {
    if (!is_character(code)) continue;
    std::string text;
    append_utf8(text, static_cast<std::int32_t>(code));
    wrong += (verdict(*made, text) == 'y') != set.contains(code);
    wrong += set.contains(code) == set.complement().contains(code);
  }
  CHECK(wrong == 0);
}

TEST_CASE("grammar R1: what is malformed is an error with line, column and rule") {
  refuses("", "no rule named root; grammar, line 1, column 1");
  refuses("# nothing\n", "no rule named root");
  refuses("Root ::= \"a\"", "no rule named root");
  refuses("x ::= \"a\"", "no rule named root");
  refuses("root :== \"a\"", "::= is expected after root; grammar, line 1, column 6");
  refuses("root ::= \"a\"\nb", "::= is expected after b; grammar, line 2, column 2");
  refuses("root ::= x", "the rule x is not defined; grammar, line 1, column 10");
  refuses("root ::= \"a\"\n\n  y ::= \"b\"", "the rule y is not reached from root; grammar, line 3, column 3");
  refuses("root ::= \"a\nb\"", "literal is not closed, in rule root; grammar, line 1, column 10");
  refuses("root ::= [a", "character class is not closed");
  refuses("root ::= (\"a\"", "group is not closed");
  refuses("root ::= \"a\")", "no part of rule root");
  refuses("root ::= *", "begins no literal");
  refuses("root ::= \"a\"\nroot ::= \"b\"", "defined twice");
  refuses("::= \"a\"", "a rule's name is expected; grammar, line 1, column 1");
  refuses("root ::= \"a\" ]", "begins no literal");
}

TEST_CASE("grammar R2: deep groups are an error, long chains of rules are not") {
  refuses("root ::= " + times(30000, "(") + "\"a\"" + times(30000, ")"), "deep inside each other");
  CHECK(has("root ::= " + times(256, "(") + "\"a\"" + times(256, ")"), "a"));
  refuses("root ::= " + times(257, "(") + "\"a\"" + times(257, ")"), "more than 256 deep");
  CHECK(has("root ::= \"a\"" + times(21000, "{1}"), "a"));
  std::string chain = "root ::= r0\n";
  for (int i = 0; i < 3000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  CHECK(has(chain + "r3000 ::= \"a\"", "a"));
  std::string nested = "root ::= r0\n";
  for (int i = 0; i < 300; ++i) nested += "r" + std::to_string(i) + " ::= \"(\" r" + std::to_string(i + 1) + " \")\"\n";
  refuses(nested + "r300 ::= \"a\"", "deep inside each other");
  refuses("root ::= \"" + times(70000, "a") + "\"", "bytes");
}

TEST_CASE("grammar R3: left recursion is an error that names the cycle") {
  refuses("root ::= root \"a\" | \"b\"", "left recursion: root -> root");
  refuses("root ::= a\na ::= b \"x\"\nb ::= a \"y\" | \"z\"", "left recursion: a -> b -> a");
  refuses("root ::= a\na ::= e a \"x\" | \"y\"\ne ::= \"\" | \"q\"", "left recursion: a -> a");
  refuses("root ::= a\na ::= \"q\"* a \"x\" | \"y\"", "left recursion: a -> a");
  CHECK(has("root ::= \"a\" root | \"b\"", "aaab"));
  refuses("root ::= \"a\" root", "no text can end it; rule root");
  refuses("root ::= \"a\" | x\nx ::= \"b\" x", "no text can end it; rule x");
}

TEST_CASE("grammar R4: repetitions have limits") {
  refuses("root ::= \"a\"{2,1}", "run backwards");
  refuses("root ::= \"a\"{1,1000000}", "counts above 10000");
  refuses("root ::= \"a\"{99999999999999999999}", "counts above 10000");
  refuses("root ::= \"a\"{10001}", "counts above 10000");
  refuses("root ::= ((\"a\"{1000}){1000}){1000}", "too complex: it takes more than 100000 states; rule root");
  refuses("root ::= ((\"\"{1000}){1000}){1000}", "too complex");
  refuses("root ::= \"a\"{", "{m}, {m,} or {m,n}");
  refuses("root ::= \"a\"{,2}", "{m}, {m,} or {m,n}");
  refuses("root ::= \"a\"{2", "{m}, {m,} or {m,n}");
  const auto g = grammar("root ::= \"a\"{0,10000}");
  CHECK(verdict(g, times(10000, "a")) == 'y');
  CHECK(verdict(g, times(10001, "a")) == 'n');
}

TEST_CASE("grammar R5: empty loops end") {
  for (const char* source : {"root ::= (\"\" | \"a\")*", "root ::= (\"a\"*)*", "root ::= ((\"a\"?)+)*",
                             "root ::= a*\na ::= \"a\"?", "root ::= (a b)*\na ::= \"a\"*\nb ::= \"\""}) {
    CAPTURE(source);
    CHECK(has(source, ""));
    CHECK(has(source, "aaa"));
    CHECK_FALSE(has(source, "b"));
  }
}

TEST_CASE("grammar R6: ambiguity costs little") {
  const std::string as = times(200, "a");
  CHECK(seconds([&] {
          CHECK(has("root ::= (\"a\" | \"a\")* \"b\"", as + "b"));
          CHECK(has("root ::= " + times(200, "\"a\"? ") + times(200, "\"a\" "), as));
          CHECK(has("root ::= s\ns ::= \"a\" s s | \"\"", as));
          CHECK(has("root ::= s\ns ::= \"a\" x | \"a\" y | \"\"\nx ::= s \"\" | s \"c\"\ny ::= s | s \"d\"",
                    times(60, "a")));
        }) < 5);
  // Each rule has two ways into the next, and each way is another place to come back to: 2^20 stacks, 20 frames.
  std::string doubling = "root ::= r0\n";
  for (int i = 0; i < 20; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    doubling += "r" + std::to_string(i) + " ::= " + next + " \"x\" | " + next + " \"y\"\n";
  }
  CHECK(has(doubling + "r20 ::= \"a\"", "a" + times(20, "y")));
}

TEST_CASE("grammar R7: classes and escapes that are none") {
  refuses("root ::= [z-a]", "range runs backwards");
  refuses("root ::= []", "class is empty");
  refuses("root ::= [^]", "class is empty");
  refuses("root ::= [\\x]", "2 hexadecimal digits");
  refuses("root ::= [\\u{110000}]", "4 hexadecimal digits");
  refuses("root ::= [\\U00110000]", "no character");
  refuses("root ::= \"\\ud800\"", "no character");
  refuses("root ::= \"\\q\"", "'\\\\q' is no escape");
  refuses("root ::= \"\xff\"", "no UTF-8; grammar, line 1, column 11");
  refuses("root ::= [\xc3]", "no UTF-8");
  refuses(std::string("root ::= \0", 10), "begins no literal");
}

TEST_CASE("regular expressions: the usual constructs") {
  CHECK(regex_has("abc", "abc"));
  CHECK_FALSE(regex_has("abc", "xabc"));
  CHECK(regex_has("^abc$", "abc"));
  CHECK(regex_has("^a$|^b$", "b"));
  CHECK(regex_has("a|b|", ""));
  CHECK(regex_has("(?:ab)+?c*", "ababccc"));
  CHECK(regex_has("(?<year>\\d{4})-(?P<m>\\d{2})", "2024-01"));
  CHECK(regex_has("[\\w.-]+@[^@\\s]+", "a.b-c@d\xc3\xa9"));
  CHECK_FALSE(regex_has("[^@\\s]", " "));
  CHECK_FALSE(regex_has("[^@\\s]", "\xe3\x80\x80"));  // an ideographic space
  CHECK(regex_has(".", "\xf0\x9f\x99\x82"));
  CHECK_FALSE(regex_has(".", "\n"));
  CHECK(regex_has("\\S\\s\\D\\W", "x y-"));
  CHECK(regex_has("\\x41\\u00e9\\t\\.\\/\\-", "A\xc3\xa9\t./-"));
  CHECK(regex_has("[\\]a-]", "]"));
  CHECK(regex_has("a{2,}", "aaa"));
  CHECK(regex_has("(a+)+$", "aaaa"));
  CHECK(regex_has("", ""));
}

TEST_CASE("grammar R12: what a regular expression here has not is an error that names it") {
  regex_refuses("+", "nothing before '+'");
  regex_refuses("a|*", "nothing before '*'");
  regex_refuses("(?<=x)a", "look-behind is not supported");
  regex_refuses("(?<!x)a", "negative look-behind is not supported");
  regex_refuses("(?=x)a", "look-ahead is not supported");
  regex_refuses("(?!x)a", "negative look-ahead is not supported");
  regex_refuses("(?i)a", "this kind of group");
  regex_refuses("(a)\\1", "the back reference '\\1'");
  regex_refuses("\\k<x>", "the back reference '\\k'");
  regex_refuses("\\bword", "the escape '\\b'");
  regex_refuses("\\p{L}", "the escape '\\p'");
  regex_refuses("a{2,1}", "run backwards");
  regex_refuses("a{", "{m}, {m,} or {m,n}");
  regex_refuses("a++", "possessive");
  regex_refuses(times(10000, "(") + times(10000, ")"), "more than 256 deep");
  regex_refuses("(a", "group is not closed");
  regex_refuses("a)", "closes no group; regular expression, line 1, column 2");
  regex_refuses("[a", "class is not closed");
  regex_refuses("[]", "class is empty");
  regex_refuses("[^\\s\\S]", "class is empty");
  regex_refuses("[b-a]", "range runs backwards");
  regex_refuses("a\\", "middle of an escape");
  regex_refuses("(^a)b", "anchor inside");
  regex_refuses("a$b", "anchor inside");
  regex_refuses("((a{1000}){1000}){1000}", "too complex");
  regex_refuses("\xff", "no UTF-8");
}

TEST_CASE("grammar: rules may nest 256 deep in a text, and no token leads where that forbids an end") {
  const auto g = grammar("root ::= \"(\" root \")\" | \"x\"");
  CHECK(verdict(g, times(256, "(") + "x" + times(256, ")")) == 'y');
  CHECK(verdict(g, times(257, "(")) == 'n');
  CHECK(verdict(g, times(256, "(")) == 'b');
  CHECK(verdict(grammar("root ::= \"(\" root | \"x\""), times(100000, "(") + "x") == 'y');  // a last call nests nothing
}

TEST_CASE("grammar: a state is a value, and a large graph is renewed behind it") {
  GrammarState state(grammar("root ::= \"[\" (root (\",\" root)*)? \"]\" | [0-9]{1,500}"));
  REQUIRE(*state.accept("[[1,2],[3"));
  const GrammarState kept = state;
  REQUIRE(*state.accept("]]"));
  CHECK(state.can_end());
  CHECK_FALSE(kept.can_end());
  GrammarState again = kept;
  REQUIRE_FALSE(*again.accept("x"));
  REQUIRE(*again.accept(",4]]"));
  CHECK(again.can_end());

  StateGraph fresh(kept.graph().shared_grammar());
  StateGraph::State at = fresh.translate(kept.graph(), kept.id());
  for (const char c : std::string("],[5]]")) at = fresh.step(at, static_cast<std::uint8_t>(c));
  CHECK(fresh.can_end(at));
}

}  // namespace grammar_test
