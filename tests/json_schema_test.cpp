// Enters: JSON Schemas, right and wrong. Leaves: the texts of their grammars, and errors that name keyword and place.
#include "json_schema.h"

#include <algorithm>
#include <string>
#include <vector>

#include "grammar_state.h"
#include "json_text_grammar.h"
#include "json_tree.h"
#include "support/catch.hpp"
#include "support/comma_locale.h"

namespace json_schema_test {

using namespace hearth;
using namespace hearth::sample;

namespace {

bool has(std::string_view schema, std::string_view text) {
  const auto grammar = parse_json_schema(schema);
  INFO(schema << "\n" << text << "\n" << (grammar ? "" : grammar.error().message()));
  REQUIRE(grammar);
  GrammarState state(*grammar);
  const auto accepted = state.accept(text);
  REQUIRE(accepted);
  return *accepted && state.can_end();
}

void refuses(std::string_view schema, std::string_view expected) {
  const auto grammar = parse_json_schema(schema);
  CAPTURE(schema.substr(0, 300));
  REQUIRE_FALSE(grammar);
  const std::string& text = grammar.error().message();
  CHECK(std::count(text.begin(), text.end(), ';') >= 2);
  CHECK(text.find('\n') == std::string::npos);
  CHECK_THAT(text, Catch::Matchers::Contains(std::string(expected)));
}

std::string times(std::size_t n, const std::string& part) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += part;
  return all;
}

}  // namespace

TEST_CASE("JSON Schema: a host whose decimal point is a comma reads the same numbers") {
  const test::CommaLocale locale;
  CHECK(has(R"({"type":"number","minimum":1.5,"maximum":2.5})", "2.25"));
  CHECK_FALSE(has(R"({"type":"number","minimum":1.5,"maximum":2.5})", "1.25"));
  CHECK(has(R"({"enum":[1.5]})", "1.5"));
}

TEST_CASE("JSON Schema: types, one and several") {
  CHECK(has(R"({"type":"null"})", "null"));
  CHECK(has(R"({"type":["integer","null"]})", "-12"));
  CHECK(has(R"({"type":["integer","null"]})", "null"));
  CHECK_FALSE(has(R"({"type":["integer","null"]})", "1.5"));
  CHECK(has(R"({"type":"number"})", "-0.5e-3"));
  CHECK_FALSE(has(R"({"type":"number"})", "01"));
  CHECK_FALSE(has(R"({"type":"number"})", ".5"));
  CHECK_FALSE(has(R"({"type":"integer"})", "-0"));
  CHECK(has(R"({"type":"boolean"})", "true"));
  CHECK(has(R"({"type":"string"})", R"("a\n\u00e9\ud83d\ude42é")"));
  CHECK_FALSE(has(R"({"type":"string"})", R"("\ud83d")"));
  CHECK_FALSE(has(R"({"type":"string"})", "\"\n\""));
  CHECK_FALSE(has(R"({"type":"string"})", "\"\xff\""));
}

TEST_CASE("JSON Schema: white space is bounded, and any usual layout") {
  const char* schema = R"({"properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{}},"required":["a"]})";
  for (const char* text : {R"({"a":[1,2],"b":{}})", R"({"a": [1, 2], "b": {}})", R"({ "a": [ 1, 2 ], "b": { } })",
                           "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"})
    CHECK(has(schema, text));
  for (const char* text : {R"( {"a":[]})", R"({"a":[]} )", R"({"a" :[]})", R"({"a":  []})", "{\"a\":[\n\n]}"})
    CHECK_FALSE(has(schema, text));
}

TEST_CASE("JSON Schema: objects") {
  const char* schema = R"({"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"]})";
  for (const char* text : {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})"})
    CHECK(has(schema, text));
  for (const char* text : {"{}", R"({"a":1})", R"({"b":2,"a":1})", R"({"b":2,"b":2})", R"({"b":2,})", R"({,"b":2})",
                           R"({"b":2,"d":1})", "null"})
    CHECK_FALSE(has(schema, text));
  CHECK(has(R"({"properties":{"a":{},"b":{}}})", "{}"));
  CHECK(has(R"({"type":"object"})", R"({"x":[{"y":null}],"x":1})"));
  CHECK(has(R"({"type":"object","additionalProperties":false})", "{}"));
  CHECK_FALSE(has(R"({"type":"object","additionalProperties":false})", R"({"x":1})"));
  const char* more = R"({"properties":{"ab":{"const":1},"a":{"const":2}},"additionalProperties":{"type":"null"}})";
  CHECK(has(more, R"({"ab":1,"a":2,"abc":null,"":null})"));
  CHECK(has(more, R"({"b":null})"));
  CHECK_FALSE(has(more, R"({"a":null})"));
  CHECK_FALSE(has(more, R"({"\u0061":null})"));  // the same key, spelled to get past
  CHECK(has(R"({"patternProperties":{"^x-":{"type":"integer"}},"type":"object"})", R"({"x-a":1,"x-":2})"));
  CHECK_FALSE(has(R"({"patternProperties":{"^x-":{"type":"integer"}},"type":"object"})", R"({"y":1})"));
  CHECK(has(R"({"required":["z"],"type":"object"})", R"({"z":[]})"));
  CHECK_FALSE(has(R"({"required":["z"],"type":"object"})", R"({"y":[]})"));
}

TEST_CASE("JSON Schema: arrays") {
  const char* schema = R"({"prefixItems":[{"const":1},{"const":2}],"items":{"const":3},"minItems":1,"maxItems":4})";
  for (const char* text : {"[1]", "[1,2]", "[1,2,3]", "[1,2,3,3]"}) CHECK(has(schema, text));
  for (const char* text : {"[]", "[2]", "[1,3]", "[1,2,3,3,3]", "[1,]"}) CHECK_FALSE(has(schema, text));
  CHECK(has(R"({"prefixItems":[{"const":1}]})", "[]"));
  CHECK_FALSE(has(R"({"prefixItems":[{"const":1}]})", "[1,2]"));
  CHECK(has(R"({"prefixItems":[{"const":1}],"minItems":2})", "[1,{}]"));
  CHECK(has(R"({"type":"array","maxItems":0})", "[]"));
  CHECK_FALSE(has(R"({"type":"array","maxItems":0})", "[1]"));
  CHECK(has(R"({"items":false})", "[]"));
  CHECK_FALSE(has(R"({"items":false})", "[1]"));
}

TEST_CASE("JSON Schema: whole numbers in a range, each one") {
  for (const auto& [low, high] :
       {std::pair{0, 0}, {-3, 5}, {7, 123}, {-1234, -56}, {99, 1001}, {-1000, 1000}, {-10, -1}, {95, 105}}) {
    const std::string schema = R"({"type":"integer","minimum":)" + std::to_string(low) + R"(,"exclusiveMaximum":)" +
                               std::to_string(high + 1) + "}";
    const auto grammar = parse_json_schema(schema);
    REQUIRE(grammar);
    const GrammarState begin(*grammar);
    std::size_t wrong = 0;
    for (int n = -2500; n <= 2500; ++n) {
      GrammarState state = begin;
      wrong += (*state.accept(std::to_string(n)) && state.can_end()) != (n >= low && n <= high);
    }
    CAPTURE(schema);
    CHECK(wrong == 0);
  }
  CHECK(has(R"({"type":"integer","minimum":1.5,"maximum":2.5})", "2"));
  CHECK_FALSE(has(R"({"type":"integer","minimum":1.5,"maximum":2.5})", "1"));
  CHECK(has(R"({"type":"integer","maximum":-0.5})", "-1"));
  CHECK_FALSE(has(R"({"type":"integer","maximum":-0.5})", "0"));
  CHECK(has(R"({"type":"integer"})", "999999999999999999"));
  CHECK(has(R"({"type":"integer","minimum":99999999999999999})", "100000000000000000"));
  CHECK(has(R"({"type":"integer","multipleOf":1})", "7"));
}

TEST_CASE("JSON Schema: decimal numbers in a range, each one of a grid") {
  for (const auto& [low, high] :
       {std::pair{-250, 1375}, {0, 1000}, {125, 130}, {-2001, -999}, {5, 9995}}) {  // thousandths
    const auto spelled = [](int n) {
      const std::string digits = std::to_string(std::abs(n) + 10000).substr(1);
      std::string text = std::to_string(std::abs(n) / 1000) + "." + digits.substr(digits.size() - 3);
      return (n < 0 ? "-" : "") + text;
    };
    const auto grammar = parse_json_schema(R"({"type":"number","exclusiveMinimum":)" + spelled(low) + R"(,"maximum":)" +
                                           spelled(high) + "}");
    REQUIRE(grammar);
    const GrammarState begin(*grammar);
    std::size_t wrong = 0;
    for (int n = -12000; n <= 12000; ++n) {
      if (n == 0) continue;
      std::string text = spelled(n);
      GrammarState state = begin;
      const bool inside = n > low && n <= high;
      wrong += (*state.accept(text) && state.can_end()) != inside;
      while (text.back() == '0') text.pop_back();
      if (text.back() == '.') text.pop_back();
      state = begin;
      wrong += (*state.accept(text) && state.can_end()) != inside;
    }
    CAPTURE(low, high);
    CHECK(wrong == 0);
  }
  CHECK(has(R"({"type":"number","minimum":0})", "123456.5"));
  CHECK_FALSE(has(R"({"type":"number","minimum":0})", "-1"));
  CHECK_FALSE(has(R"({"type":"number","exclusiveMaximum":1})", "1.0"));
  CHECK(has(R"({"type":"number","exclusiveMaximum":1})", "0.999999"));
}

TEST_CASE("JSON Schema: strings") {
  const char* schema = R"({"type":"string","minLength":2,"maxLength":3})";
  for (const char* text : {R"("ab")", R"("é\n€")", R"("\ud83d\ude42a")"}) CHECK(has(schema, text));
  for (const char* text : {R"("a")", R"("abcd")", R"("🙂")"}) CHECK_FALSE(has(schema, text));
  CHECK(has(R"({"pattern":"^a\"\\\\$"})", R"("a\"\\")"));
  CHECK(has(R"({"pattern":"b"})", R"("abc\n")"));
  CHECK_FALSE(has(R"({"pattern":"b"})", R"("ac")"));
  CHECK(has(R"({"format":"date"})", R"("2024-02-29")"));
  CHECK_FALSE(has(R"({"format":"date"})", R"("2023-02-29")"));
  CHECK_FALSE(has(R"({"format":"date"})", R"("1900-02-29")"));
  CHECK_FALSE(has(R"({"format":"date"})", R"("2024-04-31")"));
  CHECK(has(R"({"format":"date-time"})", R"("2024-04-30T23:59:59.25+01:00")"));
  CHECK(has(R"({"format":"ipv4"})", R"("255.255.0.1")"));
  CHECK_FALSE(has(R"({"format":"ipv4"})", R"("256.1.1.1")"));
  CHECK(has(R"({"format":"uuid"})", R"("123e4567-e89b-12d3-a456-426614174000")"));
}

TEST_CASE("JSON Schema: alternatives, references, combinations") {
  CHECK(has(R"({"anyOf":[{"type":"string"},{"type":"integer"}],"description":"x"})", "5"));
  CHECK(has(R"({"type":"integer","anyOf":[{"minimum":5},{"maximum":1}]})", "0"));
  CHECK_FALSE(has(R"({"type":"integer","anyOf":[{"minimum":5},{"maximum":1}]})", "3"));
  const char* tree =
      R"({"$ref":"#/$defs/a~1b%20","$defs":{"a/b ":{"properties":{"n":{"$ref":"#"}},"additionalProperties":false}}})";
  CHECK(has(tree, R"({"n":{"n":{}}})"));
  CHECK(
      has(R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"minimum":3}},"required":["a"]}]})",
          R"({"a":3})"));
  CHECK_FALSE(
      has(R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"minimum":3}},"required":["a"]}]})",
          R"({"a":2})"));
  CHECK(has(R"({"enum":["a",1,null,{"k":[1.5]}],"type":["string","object"]})", R"({"k": [1.5]})"));
  CHECK_FALSE(has(R"({"enum":["a",1,null],"type":"string"})", "1"));
  CHECK(has(
      R"({"oneOf":[{"properties":{"t":{"const":"a"}},"required":["t"]},{"properties":{"t":{"const":"b"}},"required":["t"]}],
                "type":"object"})",
      R"({"t":"b"})"));
  CHECK(has(R"({"oneOf":[{"type":"string"},{"type":"null"}]})", "null"));
  CHECK(has("true", "[1]"));
  CHECK(has("{}", R"({"a":[true]})"));
}

TEST_CASE("JSON Schema: what a oneOf makes is valid for one alternative, whatever stands beside it") {
  const auto kind = [](const std::string& name, const std::string& more = "") {
    return R"({"properties":{"t":{"const":")" + name + R"("}},"required":["t"])" + more + "}";
  };
  const std::string untyped = "[" + kind("a") + "," + kind("b") + "]";
  // Any null is valid for both alternatives, and so is any string.
  for (const std::string beside : {R"("type":["object","null"])", R"("minLength":1)", R"("items":{"type":"null"})"}) {
    for (const std::string& schema :
         {"{" + beside + ",\"oneOf\":" + untyped + "}", "{\"allOf\":[{" + beside + "},{\"oneOf\":" + untyped + "}]}"}) {
      CHECK(has(schema, R"({"t":"b"})"));
      for (const char* text : {"null", R"("x")", "[]", "[null]"}) CHECK_FALSE(has(schema, text));
    }
  }
  // An alternative that states its type leaves the other those that it has not.
  const std::string typed = "[" + kind("a", R"(,"type":"object")") + "," + kind("b") + "]";
  CHECK(has(R"({"type":["object","null"],"oneOf":)" + typed + "}", "null"));
  CHECK(has("{\"oneOf\":" + untyped + "}", R"({"t":"a"})"));

  // One level down as well: what else will stand beside it there is not known.
  const auto head = [&](const std::string& name, const std::string& more) {
    return R"({"properties":{"h":)" + kind(name, more) + R"(},"required":["h"]})";
  };
  refuses("{\"oneOf\":[" + head("a", "") + "," + head("b", "") + R"(],"properties":{"h":{"type":["object","null"]}}})",
          "alternatives 0 and 1");
  const std::string stated = "{\"oneOf\":[" + head("a", R"(,"type":"object")") + "," + head("b", "") +
                             R"(],"properties":{"h":{"type":["object","null"]}}})";
  CHECK(has(stated, R"({"h":{"t":"a"}})"));
  CHECK(has(stated, R"({"h":null})"));  // only the second has no type there
  // Who is led to an alternative by itself need not keep away from the others.
  CHECK(has(R"({"items":{"$ref":"#/$defs/o"},"prefixItems":[{"type":"null","$ref":"#/$defs/o/oneOf/0"}],"$defs":{"o":{
                "oneOf":)" +
                untyped + "}}}",
            R"([null,{"t":"a"}])"));
  // A oneOf inside an alternative.
  const std::string inner = R"({"type":["object","null"],"oneOf":[{"oneOf":)" + untyped + "}," + kind("c") + "]}";
  CHECK(has(inner, R"({"t":"a"})"));
  CHECK(has(inner, R"({"t":"c"})"));
  CHECK_FALSE(has(inner, "null"));
  refuses("{\"oneOf\":[{\"oneOf\":[{},{}]},{\"type\":\"null\"}]}", "alternatives 0 and 1");
}

TEST_CASE("JSON Schema R10: schemas that are none, that nothing meets, that are large") {
  for (const char* schema : {"[]", "1", "\"x\"", "null"}) refuses(schema, "neither an object");
  refuses("", "is no JSON");
  refuses("{", "is no JSON");
  refuses("{} {}", "is no JSON");
  refuses("\xff", "is no JSON");
  refuses(R"({"type":"string","type":"null"})", "has the key \"type\" twice");
  refuses("false", "no value is valid");
  refuses(R"({"properties":{"a":false},"required":["a"]})", "no value is valid");
  CHECK(has(R"({"properties":{"a":false}})", "{}"));
  refuses(times(10000, R"({"not":)") + "{}" + times(10000, "}"), "nests more than 256 deep");
  std::string many = R"({"properties":{"p0":{})";
  for (int i = 1; i < 9000; ++i) many += ",\"p" + std::to_string(i) + "\":{}";
  refuses(many + "}}", "too complex");
  refuses("\"" + times(1 << 20, "x") + "\"", "bytes");
}

TEST_CASE("JSON Schema R11: references") {
  refuses(R"({"$ref":"#"})", "comes back to where it began");
  refuses(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"$ref":"#/$defs/a"},{}]}}})",
          "comes back to where it began");
  refuses(R"({"$ref":"http://example.org/x"})", "nothing is fetched");
  refuses(R"({"$ref":"file:///etc/passwd"})", "nothing is fetched");
  refuses(R"({"$ref":"#/$defs/none"})", "leads nowhere; JSON Schema, at #");
  refuses(R"({"$ref":"#/title","title":"x"})", "leads to no schema");
  refuses(R"({"$ref":"#name"})", "anchor");
  refuses(R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})", "none of finite size");
}

TEST_CASE("JSON Schema R12 and R13: values out of range, keywords that are not supported") {
  refuses(R"({"properties":{"a~/b":{"not":{}}}})", "\"not\" is not supported; JSON Schema, at #/properties/a~0~1b");
  for (const char* keyword : {"if", "dependentRequired", "unevaluatedProperties", "contains", "propertyNames",
                              "$dynamicRef", "$anchor", "contentEncoding", "minimun"})
    refuses("{\"" + std::string(keyword) + "\":{}}", std::string(keyword) + "\" is not supported");
  refuses(R"({"uniqueItems":true})", "uniqueItems is not supported");
  CHECK(has(R"({"type":"null","uniqueItems":false,"title":"t","default":3,"examples":[],"$comment":"c","$schema":"s"})",
            "null"));
  refuses(R"({"items":[{}]})", "items as a list");
  refuses(R"({"type":"text"})", "type names no type");
  refuses(R"({"type":[]})", "type names no type");
  refuses(R"({"enum":[]})", "enum lists no value");
  refuses(R"({"anyOf":[]})", "no list of schemas");
  refuses(R"({"required":[1]})", "no list of strings");
  refuses(R"({"properties":{"a":1}})", "no object of schemas");
  refuses(R"({"minLength":3,"maxLength":2})", "maxLength is less than minLength");
  refuses(R"({"minItems":1000000000})", "minItems above 10000");
  refuses(R"({"maxLength":9223372036854775808})", "maxLength above 10000");
  refuses(R"({"maxLength":-1})", "no whole number");
  refuses(R"({"maxLength":1.5})", "no whole number");
  refuses(R"({"type":"integer","minimum":3,"maximum":2})", "no value is valid");
  refuses(R"({"minimum":1e400})", "is no JSON");
  refuses(R"({"minimum":0.12345678901234567,"type":"number"})", "15 digits");
  refuses(R"({"multipleOf":0.1})", "multipleOf is not supported");
  refuses(R"({"format":"color"})", "format \"color\" is not supported");
  refuses(R"-({"pattern":"(?=a)"})-", "look-ahead is not supported; JSON Schema, pattern at #");
  refuses(R"({"pattern":"a","maxLength":3})", "beside minLength or maxLength");
  refuses(R"({"enum":["a"],"maxLength":3})", "maxLength beside enum or const");
  refuses(R"({"oneOf":[{"type":"number"},{"type":"integer"}]})", "alternatives 0 and 1");
  refuses(R"({"oneOf":[{"properties":{"a":{}}},{"type":"object"}]})", "alternatives 0 and 1");
  refuses(R"({"minProperties":1,"type":"object"})", "minProperties above");
  refuses(R"({"required":["x"],"additionalProperties":false,"properties":{}})", "no value is valid");
  refuses(R"({"patternProperties":{"a":{}},"properties":{"b":{}}})", "patternProperties beside");
  const std::string closed = R"({"properties":{"ab":{"type":"integer"}},"additionalProperties":false})";
  const std::string strings = R"({"patternProperties":{"^a":{"type":"string"}}})";
  for (const std::string& both : {closed + "," + strings, strings + "," + closed})
    refuses("{\"allOf\":[" + both + "]}", "patternProperties beside");
  refuses(R"({"type":"object","patternProperties":{},"additionalProperties":false,"required":["a"]})",
          "no value is valid");
  refuses(R"({"type":["null","null","null","null","null","null","null","null"]})", "type names a type twice");
  std::string numbers = "0";
  for (int i = 1; i < 10000; ++i) numbers += "," + std::to_string(i);
  CHECK(has("{\"enum\":[" + numbers + "]}", "9999"));
  refuses("{\"enum\":[" + numbers + ",1e4]}", "too complex");
  for (const char* value : {"null", "true", "-1.5e3", "\"a\\\"\"", "[1,[]]", "{\"k\":{}}"})
    CHECK(has("{\"const\":" + std::string(value) + "}", value));
}

TEST_CASE("JSON Schema R14: keys of any characters are spelled as JSON spells them") {
  const std::string key = R"("q\" b\\ n\n \u0000 \u001f é 🙂 /")";
  CHECK(has("{\"properties\":{" + key + ":{\"const\":1}},\"required\":[" + key + "]}", "{" + key + ":1}"));
  CHECK_FALSE(has("{\"properties\":{" + key + ":{\"const\":1}},\"required\":[" + key + "]}", "{\"q\":1}"));
  refuses(R"({"properties":{"\ud800":{}}})", "is no JSON");
}

}  // namespace json_schema_test
