// Enters: grammars, expressions and schemas that ask for much (rows R2, R4, R6, R10 to R13 of BADINPUT.md). Leaves: an answer
// within two seconds, 64 MiB and a small stack: the grammar, or an error that names what is too much.
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "constraint.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/sanitized.h"
#include "support/small_stack.h"
#include "utf8.h"

namespace grammar_badinput_test {

using namespace hearth;
using namespace hearth::sample;

namespace {

#ifdef HEARTH_TEST_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr double kSeconds = 2;
constexpr std::size_t kMemory = std::size_t{64} << 20;

struct Outcome {
  std::string error;  // empty: it is a grammar
  double seconds = 0;
};

Outcome outcome_of(const ConstraintText& text) {
  Outcome outcome;
  test::on_small_stack([&] {
    const double start = test::cpu_seconds();
    const auto made = compile(text);
    outcome = {made ? "" : made.error().message(), test::cpu_seconds() - start};
  });
  return outcome;
}

std::size_t peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

/// A grammar where `expected` is empty, an error of one line with this in it otherwise; in time and memory either way.
void check(const ConstraintText& text, const std::string& expected) {
  const std::string& source = text.grammar ? *text.grammar : text.json_schema ? *text.json_schema : *text.regex;
  INFO(source.substr(0, 200) << " (" << source.size() << " bytes)");
  const std::size_t before = peak_bytes();
  const Outcome outcome = outcome_of(text);
  INFO(outcome.error);
  CHECK(outcome.error.empty() == expected.empty());
  CHECK_THAT(outcome.error, Catch::Matchers::Contains(expected));
  CHECK(outcome.error.size() < 1000);
  CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 0);
  CHECK((expected.empty() || std::count(outcome.error.begin(), outcome.error.end(), ';') >= 2));
  if (kSanitized) return;
  CHECK(outcome.seconds < kSeconds);
  CHECK(peak_bytes() - before < kMemory);
}

void check_grammar(std::string text, const std::string& expected = "") {
  check({.grammar = std::move(text)}, expected);
}
void check_schema(std::string text, const std::string& expected = "") {
  check({.json_schema = std::move(text)}, expected);
}
void check_regex(std::string text, const std::string& expected = "") { check({.regex = std::move(text)}, expected); }

std::string times(std::size_t n, const std::string& part) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += part;
  return all;
}

/// part(0),part(1),…
std::string list(std::size_t n, const std::function<std::string(std::size_t)>& part) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += (i > 0 ? "," : "") + part(i);
  return all;
}

std::string number(std::size_t i) { return std::to_string(i); }

/// `n` rules, each of them the next, in as few bytes as it takes.
std::string chain_of_rules(std::size_t n) {
  const auto name = [](std::size_t i) {
    std::string text;
    for (; i > 0; i /= 26) text += static_cast<char>('a' + i % 26);
    return text + "-";
  };
  std::string text = "root::=" + name(1) + "\n";
  for (std::size_t i = 1; i < n; ++i) text += name(i) + "::=" + name(i + 1) + "\n";
  return text + name(n) + "::=\"a\"\n";
}

}  // namespace

TEST_CASE("grammar R2: 60000 nested groups, chains of 5000 and 100000 rules, on a small stack") {
  check_grammar("root ::= " + times(60000, "("), "deep inside each other");
  check_grammar("root ::= " + times(60000, "(") + "\"a\"" + times(60000, ")"), "120012 bytes, 65536 are allowed");
  check_grammar(chain_of_rules(5000));
  check_grammar(chain_of_rules(100000), "65536 are allowed");
  check_grammar("root ::= " + times(256, "(") + "\"a\"" + times(256, "?)*"));
  check_grammar("root ::= \"a\"" + times(21000, "{1}"));
  check_grammar("root ::= \"a\"" + times(60000, "?"), "more than 10000 places of it at once");
  check_regex(times(60000, "("), "more than 256 deep");
  check_regex(times(256, "(a|") + times(256, ")*"));
  check_regex("a" + times(20000, "{1}"));
  check_grammar("root ::= \"x\" | " + std::string(30000, 'a') + "\n" + std::string(30000, 'a') + " ::= root",
                "left recursion");
}

TEST_CASE("grammar R4: limits hold at the limit, and not one beyond") {
  for (const std::string count : {"9999", "10000"}) {
    check_grammar("root ::= \"a\"{0," + count + "}");
    check_regex("(){" + count + "}");
    check_schema("{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":" + count + "}");
  }
  check_grammar("root ::= \"a\"{0,10001}", "counts above 10000");
  check_regex("(){10001}", "counts above 10000");
  check_schema("{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":10001}", "maxItems above 10000");

  // A repeated character takes 2 states, its repetition 1 more each time around: 201 for the inner one.
  check_grammar("root ::= (\"a\"{100}){497}");
  check_grammar("root ::= (\"a\"{100}){498}", "more than 100000 states");
  // 4 * 20000 + 19998 characters in one sequence of one rule, and then a literal of one byte more.
  const std::string most = "root ::= " + times(4, "\"a\"{10000} ") + "\"a\"{9999}";
  check_grammar(most);
  check_grammar(most + " \"b\"", "more than 100000 states");
  check_grammar("root ::= ((\"a\"{1000}){1000}){1000}", "more than 100000 states");
  check_grammar("root ::= " + times(300, "(") + "\"a\"" + times(300, "{10000})"), "more than 256 deep");
  check_grammar("root ::= " + times(255, "(") + "\"a\"" + times(255, "{10000})"), "more than 100000 states");

  for (const std::size_t n : {9998, 9999}) check_grammar("root ::= " + times(n - 1, "\"a\"|") + "\"a\"");
  check_grammar("root ::= " + times(9999, "\"a\"|") + "\"a\"", "more than 10000 places of it at once");

  const std::string small = "root ::= \"a\"";
  for (const std::size_t bytes : {65535, 65536}) check_grammar(small + std::string(bytes - small.size(), ' '));
  check_grammar(small + std::string(65537 - small.size(), ' '), "65537 bytes, 65536 are allowed");
  check_regex(times(16384, "a{0}"));
  check_regex(times(16384, "a{0}") + "a", "65537 bytes, 65536 are allowed");
  for (const std::size_t bytes : {1048575, 1048576}) check_schema("{}" + std::string(bytes - 2, ' '));
  check_schema("{}" + std::string(1048575, ' '), "1048577 bytes, 1048576 are allowed");
}

TEST_CASE("grammar R6: tens of thousands of alternatives") {
  check_grammar("root ::= " + times(65500, "|"));
  check_regex(times(65535, "|"));
  // Each last call of r goes back to wherever r does.
  check_grammar("root ::= " + times(4990, "r\"a\"|") + "\"b\"\nr ::= " + times(4990, "s|") + "s\ns ::= \"x\"");
}

TEST_CASE("grammar R6: a mask takes bounded time and memory, however many places a text is in") {
  std::mt19937 random(3);
  std::set<std::string> made;
  for (int byte = 0; byte < 256; ++byte) made.insert(std::string(1, static_cast<char>(byte)));
  while (made.size() < 30000) {
    std::string text;
    for (auto n = 2 + random() % 9; n-- > 0;) text += "abcdefghijklmnopqrstuvwxyz    "[random() % 30];
    made.insert(text);
  }
  std::vector<std::string> texts(made.begin(), made.end());
  texts.emplace_back();  // the end
  const auto tokens = std::make_shared<const GrammarTokens>(
      std::vector<std::string_view>(texts.begin(), texts.end()), std::vector<std::string_view>(texts.size()),
      std::vector<std::int32_t>{static_cast<std::int32_t>(30000)});
  // Rules that are all running at once, each with its own way on.
  std::string many = "root ::= \"a\"";
  for (std::size_t i = 0; i < 2000; ++i) many += "|a" + number(i) + "\"!\"";
  for (std::size_t i = 0; i < 2000; ++i) many += "\na" + number(i) + " ::= [^!]+";
  for (const std::string& source : std::vector<std::string>{
           many, "root ::= [a-z ]* [aeiou] [a-z ]{60} \"x\"", "root ::= [a-z ]* [aeiou] [a-z ]{3000} \"x\"",
           "root ::= " + times(3000, "[a-z ]? ") + "\"x\"",
           "root ::= " + times(200, "[a-z ]? ") + times(200, "[a-z ] "), "root ::= ([a-z ] | [a-z ])* \"X\"",
           "root ::= s \"X\"\ns ::= [a-z ] s s | \"\"", "root ::= ([a-z ]{1,100} [a-z ]{1,100}){1,20}"}) {
    INFO(source.substr(0, 100));
    const auto grammar = compile({.grammar = source});
    REQUIRE(grammar);
    const std::size_t before = peak_bytes();
    Constraint constraint(*grammar, tokens);
    double longest = 0;
    for (int n = 0; n < (kSanitized ? 2 : 8); ++n) {
      const double start = test::cpu_seconds();
      const auto mask = constraint.mask();
      longest = std::max(longest, test::cpu_seconds() - start);
      REQUIRE(mask);
      std::vector<std::int32_t> allowed;
      for (std::int32_t id = 0; id < 30000; ++id)
        if (((*mask)[static_cast<std::size_t>(id) / 64] >> id % 64 & 1) != 0) allowed.push_back(id);
      if (allowed.empty()) break;
      REQUIRE(constraint.accept(allowed[random() % allowed.size()]));
    }
    if (kSanitized) continue;
    CHECK(longest < kSeconds);
    CHECK(peak_bytes() - before < kMemory);
  }
}

TEST_CASE("JSON Schema R10: many keys, long keys, many values") {
  check_schema("{\"properties\":{" + list(100000, [](std::size_t i) { return "\"p" + number(i) + "\":{}"; }) + "}}",
               "1048576 are allowed");
  check_schema("{\"properties\":{" + list(60000, [](std::size_t i) { return "\"p" + number(i) + "\":{}"; }) + "}}",
               "properties lists more than 10000");
  check_schema("{\"properties\":{" + list(2000, [](std::size_t i) { return "\"p" + number(i) + "\":{\"const\":0}"; }) +
               "},\"additionalProperties\":false}");
  check_schema(times(10000, "[") + times(10000, "]"), "nests more than 256 deep");
  check_schema(times(10000, "{\"items\":") + "{}" + times(10000, "}"), "nests more than 256 deep");
  check_schema(times(255, "{\"items\":") + "{}" + times(255, "}"));
  check_schema(times(256, "{\"items\":") + "{}" + times(256, "}"), "nests more than 256 deep");

  // Spelling "none of these keys" goes character by character.
  for (const std::size_t bytes : {60000, 500000})
    check_schema("{\"properties\":{\"" + std::string(bytes, 'a') + "\":{}},\"additionalProperties\":{}}",
                 "additionalProperties beside keys of so many characters");
  check_schema("{\"properties\":{\"" + std::string(1000, 'a') + "\":{}},\"additionalProperties\":{}}");
  check_schema("{\"required\":[" + list(9999, [](std::size_t i) { return "\"" + times(8, number(i)) + "\""; }) +
                   "],\"type\":\"object\"}",
               "additionalProperties beside keys of so many characters");
  check_schema("{\"allOf\":[" +
                   list(3,
                        [](std::size_t s) {
                          return "{\"required\":[" +
                                 list(9999, [s](std::size_t i) { return "\"" + number(s * 9999 + i) + "\""; }) + "]}";
                        }) +
                   "]}",
               "an object has more than 10000 keys");

  // The object, its list, 10 lists of 9998 and one more with what is left.
  const auto values = [](std::size_t n) {
    const auto zeros = [](std::size_t count) { return "[" + list(count, [](std::size_t) { return "0"; }) + "]"; };
    return "{\"examples\":[" + times(10, zeros(9998) + ",") + zeros(n - 13 - 99980) + "]}";
  };
  for (const std::size_t n : {99999, 100000}) check_schema(values(n));
  check_schema(values(100001), "more than 100000 values");
}

TEST_CASE("JSON Schema R11: references that multiply, and one to where no schema is looked for") {
  // The text's 30th key from the end: a list of schemas that hold together for each set of them.
  std::string states = "\"s30\":{\"type\":\"object\"}";
  for (std::size_t i = 1; i < 30; ++i) {
    const std::string next = "{\"$ref\":\"#/$defs/s" + number(i + 1) + "\"}";
    states += ",\"s" + number(i) + "\":{\"properties\":{\"a\":" + next + ",\"b\":" + next + "}}";
  }
  states +=
      R"(,"s0":{"properties":{"a":{"allOf":[{"$ref":"#/$defs/s0"},{"$ref":"#/$defs/s1"}]},"b":{"$ref":"#/$defs/s0"}}})";
  check_schema("{\"$ref\":\"#/$defs/s0\",\"$defs\":{" + states + "}}", "combine in too many ways");

  check_schema("{\"items\":{\"$ref\":\"#\"},\"prefixItems\":[" +
                   list(9999, [](std::size_t) { return R"({"$ref":"#"})"; }) + "]}",
               "more than 100000 states");
  const std::string name(300000, 'a');
  check_schema("{\"$ref\":\"#/$defs/" + name + "\",\"$defs\":{\"" + name + "\":{\"properties\":{" +
                   list(9999, [](std::size_t i) { return "\"" + number(i) + "\":{}"; }) + "}}}}",
               "more than 100000 states");
  check_schema(
      R"({"$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/b"}}},"b":{"properties":{"a":{"$ref":"#/$defs/a"}}}},
                   "$ref":"#/$defs/a"})");

  // A const holds any keys, but led to by a reference they are keywords.
  check_schema(R"({"anyOf":[{"$ref":"#/anyOf/1/const"},{"const":{"properties":{"a":{"frob":1}}}}]})",
               "\"frob\" is not supported; JSON Schema, at #/anyOf/1/const/properties/a");
  check_schema(
      R"({"anyOf":[{"$ref":"#/anyOf/1/const"},{"const":{"properties":{"a":{"type":"number","minimum":"x"}}}}]})",
      "minimum is no number");
}

TEST_CASE("JSON Schema R11: long texts that many places refer to are read only so often") {
  const std::string name(300000, 'a'), digits(500000, '1');
  // 3000 keys, each with all of `parts`, which stand in $defs.
  const auto shared = [](const std::string& defs, const std::vector<std::string>& parts) {
    const std::string all =
        list(parts.size(), [&](std::size_t i) { return R"({"$ref":"#/$defs/)" + parts[i] + "\"}"; });
    return "{\"$defs\":{" + defs + "},\"properties\":{" +
           list(3000, [&](std::size_t i) { return "\"k" + number(i) + R"(":{"allOf":[)" + all + "]}"; }) + "}}";
  };
  const std::string too_many = "combine in too many ways";
  check_schema(shared("\"" + name + R"(":{"type":"null"},"r":{"$ref":"#/$defs/)" + name + "\"}", {"r"}), too_many);
  check_schema(shared(R"("e":{"enum":[")" + name + R"("]},"f":{"enum":[1]})", {"e", "f"}), too_many);
  check_schema(
      shared(R"("e":{"enum":[)" + times(240, "[") + "\"" + name + "\"" + times(240, "]") + R"(]},"f":{"enum":[1]})",
             {"e", "f"}),
      too_many);
  check_schema(shared(R"("e":{"enum":[1.)" + digits + R"(]},"f":{"type":"integer"})", {"e", "f"}), too_many);
  check_schema(shared(R"("m":{"type":"integer","minimum":0.)" + digits + "}", {"m"}), too_many);
  check_schema(shared(R"("m":{"type":"string","minLength":1.)" + std::string(500000, '0') + "}", {"m"}), too_many);

  // What is the same in all alternatives, which are held against each other.
  const auto alternatives = [](const std::string& same) {
    return R"({"$defs":{"r":)" + same + R"(},"oneOf":[)" +
           list(256,
                [](std::size_t i) {
                  return R"({"allOf":[{"$ref":"#/$defs/r"},{"properties":{"t":{"const":)" + number(i) +
                         R"(}},"required":["t"]}]})";
                }) +
           "]}";
  };
  check_schema(
      alternatives(R"({"type":"object","required":[)" + list(9999, [](std::size_t) { return "\"a\""; }) + "]}"),
      too_many);
  check_schema(alternatives(R"({"type":"object","required":[")" + name + "\"]}"), too_many);
  check_schema(alternatives("{\"type\":[" + list(9999, [](std::size_t) { return "\"object\""; }) + "]}"),
               "type names a type twice");
}

TEST_CASE("JSON Schema R13: alternatives and lists that multiply") {
  check_schema("{\"allOf\":[" + times(40, "{\"anyOf\":[{},{}]},") + "false]}", "combine in too many ways");
  check_schema("{\"allOf\":[" + list(9999, [](std::size_t) { return R"({"$ref":"#/$defs/a"})"; }) +
                   "],\"$defs\":{\"a\":{\"type\":\"null\"}}}",
               "combine in too many ways");
  check_schema("{\"anyOf\":[" + list(1024, [](std::size_t) { return "{\"type\":\"null\"}"; }) + "]}");
  check_schema("{\"anyOf\":[" + list(1025, [](std::size_t) { return "{\"type\":\"null\"}"; }) + "]}",
               "more than 1024 alternatives");
  check_schema("{\"oneOf\":[" + list(256, [](std::size_t i) { return "{\"const\":" + number(i) + "}"; }) + "]}");
  check_schema("{\"oneOf\":[" + list(257, [](std::size_t i) { return "{\"const\":" + number(i) + "}"; }) + "]}",
               "more than 256 alternatives");

  // Each oneOf is looked into only when the one around it is done with.
  check_schema(times(120, "{\"oneOf\":[") + R"({"type":"null"})" + times(120, ",false]}"),
               "alternatives in alternatives");
  check_schema(R"({"$ref":"#/$defs/a0","$defs":{)" +
                   list(5000,
                        [](std::size_t i) {
                          return "\"a" + number(i) + R"(":{"oneOf":[{"$ref":"#/$defs/a)" + number(i + 1) +
                                 "\"},false]}";
                        }) +
                   R"(,"a5000":{"type":"null"}}})",
               "alternatives in alternatives");

  // 500 references to 60 alternatives that lie inside each other, with 9900 schemas beside them.
  check_schema(
      R"({"$ref":"#/$defs/a0","$defs":{)" +
          list(500,
               [](std::size_t i) { return "\"a" + number(i) + R"(":{"$ref":"#/$defs/a)" + number(i + 1) + "\"}"; }) +
          R"(,"a500":{"allOf":[)" + times(60, R"({"anyOf":[{},{}]},)") +
          list(9900, [](std::size_t) { return "true"; }) + "]}}}",
      "combine in too many ways");

  const std::string numbers = "{\"enum\":[" + list(9999, number) + "]}";
  check_schema("{\"allOf\":[" + numbers + "," + numbers + "]}");
  check_schema("{\"oneOf\":[" +
                   list(200,
                        [](std::size_t s) {
                          return "{\"enum\":[" + list(400, [s](std::size_t i) { return number(s * 400 + i); }) + "]}";
                        }) +
                   "]}",
               "combine in too many ways");

  // Two families of objects, each with 20 keys that must be there, each of them 20 more, eight deep.
  std::string families;
  for (const std::string family : {"d", "e"}) {
    for (std::size_t i = 0; i < 8; ++i) {
      const std::string next = "{\"$ref\":\"#/$defs/" + family + number(i + 1) + "\"}";
      families += "\"" + family + number(i) + "\":{\"type\":\"object\",\"required\":[" +
                  list(20, [](std::size_t k) { return "\"k" + number(k) + "\""; }) + "],\"properties\":{" +
                  list(20, [&](std::size_t k) { return "\"k" + number(k) + "\":" + next; }) + "}},";
    }
    families += "\"" + family + "8\":{\"type\":\"object\"}" + (family == "d" ? "," : "");
  }
  check_schema(R"({"oneOf":[{"$ref":"#/$defs/d0"},{"$ref":"#/$defs/e0"}],"$defs":{)" + families + "}}",
               "combine in too many ways");

  check_schema("{\"properties\":{" +
                   list(5000,
                        [](std::size_t i) {
                          return "\"p" + number(i) + R"(":{"type":"number","minimum":0.123456,"maximum":99999.12345})";
                        }) +
                   "}}",
               "more than 100000 states");
  check_schema("{\"enum\":[" + list(5, [](std::size_t) { return "\"" + std::string(200000, 'a') + "\""; }) + "]}",
               "more than 100000 states");
  check_schema("{\"const\":" + std::string(1000000, '1') + "}", "is no JSON");
  check_schema("{\"type\":\"integer\",\"minimum\":0." + std::string(1000000, '1') + "}");
  check_schema(R"({"type":"integer","minimum":1e-999999})");
  check_schema(R"({"type":"integer","minimum":1e-1000001})", "no number that can be told exactly");
}

TEST_CASE("JSON Schema R12: patterns that are long or many") {
  check_schema("{\"pattern\":\"" + times(10000, "(") + "\"}", "more than 256 deep");
  check_schema("{\"pattern\":\"" + std::string(65537, 'a') + "\"}", "65537 bytes, 65536 are allowed");
  check_schema(R"({"pattern":"(a+)+$"})");
  check_schema("{\"properties\":{" +
                   list(3000, [](std::size_t i) { return "\"p" + number(i) + R"(":{"pattern":"[^a-c\\w]{300}"})"; }) +
                   "}}",
               "more than 100000 states");
  check_schema("{\"pattern\":\"" + times(16000, "a{0}") + "\"}");

  for (const std::string part : {"|", "."})
    check_schema("{\"pattern\":\"" + times(65535, part) + "\"}", "more than 100000 states");
  // A class of 10000 ranges that takes no state, in 1000 rules.
  std::string ranges;
  for (std::int32_t code = 0x4e00 + (kSanitized ? 4000 : 20000); code > 0x4e00; code -= 2) append_utf8(ranges, code);
  check_schema(R"({"$defs":{"p":{"pattern":"[)" + ranges + R"(]{0}"}},"properties":{)" +
                   list(1000, [](std::size_t i) { return "\"k" + number(i) + R"(":{"$ref":"#/$defs/p"})"; }) + "}}",
               "more than 100000 states");
}

}  // namespace grammar_badinput_test
