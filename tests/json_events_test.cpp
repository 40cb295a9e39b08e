// JSON by events: all that a text says in its order, and where what is no JSON breaks.
#include "json_events.h"

#include <string>

#include "json_tree.h"
#include "support/catch.hpp"

namespace json_events_test {

using namespace hearth;

namespace {

/// Writes down what it is told; stops at the string "stop".
struct Log : JsonEvents {
  std::string all;
  bool told(const std::string& what) { return all += what + ' ', true; }
  bool null() override { return told("null"); }
  bool boolean(bool value) override { return told(value ? "true" : "false"); }
  bool natural(std::uint64_t value) override { return told(std::to_string(value)); }
  bool integer(std::int64_t value) override { return told("i" + std::to_string(value)); }
  bool real(double value, const std::string& spelled) override {
    return told("r" + spelled + (value > 1e300 ? "(large)" : ""));
  }
  bool string(std::string& value) override { return told("'" + value + "'") && value != "stop"; }
  bool start_object() override { return told("{"); }
  bool key(std::string& name) override { return told(name + ":"); }
  bool end_object() override { return told("}"); }
  bool start_array() override { return told("["); }
  bool end_array() override { return told("]"); }
  void broken(std::size_t byte, bool too_large) override {
    told((too_large ? "too large at " : "broken at ") + std::to_string(byte));
  }
};

std::string told(std::string_view text, bool is_json) {
  Log log;
  CHECK(read_json(text, log) == is_json);
  return log.all;
}

}  // namespace

TEST_CASE("JSON is told in its order") {
  CHECK(told(R"({"a": [null, true, 18446744073709551615, -7, -0, 1.50, 1E308], "b\n": {"": "\u00e9"}})", true) ==
        "{ a: [ null true 18446744073709551615 i-7 i0 r1.50 r1E308(large) ] b\n: { : '\xc3\xa9' } } ");
  CHECK(told("18446744073709551616", true) == "r18446744073709551616 ");
  CHECK(told(R"(["go", "stop", "on"])", false) == "[ 'go' 'stop' ");
}

TEST_CASE("what is no JSON is told with the byte where it breaks") {
  CHECK(told("", false) == "broken at 1 ");
  CHECK(told("{} {}", false) == "{ } broken at 4 ");
  CHECK(told("[1, 1e999]", false) == "[ 1 too large at 9 ");
  CHECK(told("[\"\xff\"]", false) == "[ broken at 3 ");
}

TEST_CASE("a zero byte ends no text") {
  using namespace std::string_view_literals;
  CHECK(told("{}\0{}"sv, false) == "{ } broken at 3 ");
  CHECK(told("{}\0"sv, false) == "{ } broken at 3 ");
}

TEST_CASE("a text of blanks is refused before its error is written with all of them") {
  const std::string blanks(std::size_t{3} << 20, '\n');
  CHECK(told("{" + blanks + "x", false) == "broken at 1048578 ");
  CHECK(told("[" + blanks.substr(0, 1000) + "1" + blanks.substr(0, 1000) + "]", true) == "[ 1 ] ");
}

TEST_CASE("a number's exponent has a bound on both sides") {
  CHECK(sample::decimal_of("1e-1000000"));
  for (const char* number : {"1e1000001", "1e-1000001", "1.5e-9223372036854775808", "1e99999999999999999999"})
    CHECK_FALSE(sample::decimal_of(number));
}

}  // namespace json_events_test
