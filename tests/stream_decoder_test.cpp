// Enters: ids and texts in pieces. Leaves: streams that lose nothing, split no character and leak no stop string.
#include "stream_decoder.h"

#include <random>
#include <string>
#include <vector>

#include "stop_matcher.h"
#include "support/catch.hpp"
#include "support/small_vocab.h"
#include "utf8.h"

namespace stream_decoder_test {

using namespace hearth;
using namespace hearth::text;
using hearth::test::SmallVocab;

namespace {

const std::string mark = "\xe2\x96\x81";

std::int32_t byte_id(unsigned char byte) { return 3 + byte; }

/// Whether cutting `text` at `at` divides one of its characters.
bool divides_a_character(std::string_view text, std::size_t at) {
  for (std::size_t begin = 0; begin < at;) {
    const Utf8Step step = utf8_step(text.substr(begin));
    const std::size_t end = begin + step.length;
    if (step.state == Utf8::valid && at < end) return true;
    begin = end;
  }
  return false;
}

struct Stopped {
  std::string text;
  std::optional<std::size_t> which;
};

/// Feeds `text` in pieces of `size` bytes.
Stopped run(const std::vector<std::string>& stops, const std::string& text, std::size_t size) {
  StopMatcher matcher(stops);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) out += matcher.push(std::string_view(text).substr(at, size));
  out += matcher.flush();
  return {out, matcher.stopped()};
}

}  // namespace

TEST_CASE("utf8: whole, hopeless and unfinished characters") {
  const auto state = [](std::string_view text) { return utf8_step(text).state; };
  for (std::string_view text : {"a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(state(text) == Utf8::valid);
    CHECK(utf8_step(text).length == text.size());
    for (std::size_t n = 1; n < text.size(); ++n) CHECK(state(text.substr(0, n)) == Utf8::incomplete);
  }
  for (std::string_view text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90",
                                "\xf5", "\xff", "\xc3(", "\xe2\x82("}) {
    CHECK(state(text) == Utf8::invalid);
    CHECK(utf8_step(text).length == 1);
  }
}

TEST_CASE("stream: a character of several tokens comes out whole") {
  SmallVocab small;
  const auto word = small.add(mark + "hi", -1);
  const auto vocab = Vocab::from_parts(small.parts());
  REQUIRE(vocab);
  const auto t = Tokenizer::from(*vocab);
  REQUIRE(t);
  StreamDecoder stream(*t);
  CHECK(stream.push(1).empty());
  CHECK(stream.push(word) == "hi");
  CHECK(stream.push(byte_id(0xe2)).empty());
  CHECK(stream.push(byte_id(0x98)).empty());
  CHECK(stream.push(byte_id(0x83)) == "\xe2\x98\x83");
  CHECK(stream.push(word) == " hi");
  CHECK(stream.push(byte_id(0xe2)).empty());
  CHECK(stream.push(word) == "\xe2 hi");  // can no longer become a character
  CHECK(stream.push(byte_id(0xf0)).empty());
  CHECK(stream.flush() == "\xf0");
  CHECK(stream.flush().empty());

  StreamDecoder inside(*t, StreamDecoder::Begin::inside_text);
  CHECK(inside.push(word) == " hi");
}

TEST_CASE("stream: all pieces together are what decode gives, none splits a character") {
  SmallVocab small;
  for (const char* piece : {"a", "\xc3\xa9", "\xe2\x82\xac", "b\xc3"}) small.add(piece, -1);
  small.add(mark + "a", -1), small.add(mark, -1);
  const auto vocab = Vocab::from_parts(small.parts());
  REQUIRE(vocab);
  const auto t = Tokenizer::from(*vocab);
  REQUIRE(t);
  std::mt19937 random(3);
  const unsigned char bytes[] = {0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xff, 'x', ' '};
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::int32_t> ids(random() % 12);
    for (auto& id : ids) {
      id = random() % 2 ? byte_id(bytes[random() % std::size(bytes)])
                        : static_cast<std::int32_t>(random() % static_cast<unsigned>(t->vocab().size()));
    }
    StreamDecoder stream(*t);
    std::string text;
    std::vector<std::size_t> cuts;
    for (auto id : ids) {
      text += stream.push(id);
      cuts.push_back(text.size());
    }
    text += stream.flush();
    const auto whole = t->decode(ids);
    REQUIRE(whole);
    CHECK(text == *whole);
    for (const std::size_t cut : cuts) CHECK_FALSE(divides_a_character(text, cut));
  }
}

TEST_CASE("stop: cut exactly, across any borders, nothing leaked and nothing lost") {
  for (std::size_t size : {1u, 2u, 3u, 5u, 100u}) {
    CAPTURE(size);
    CHECK(run({"STOP"}, "abcSTOPdef", size).text == "abc");
    CHECK(run({"STOP"}, "abcSTOdef", size).text == "abcSTOdef");
    CHECK(run({"STOP"}, "SSTSTOSTOP", size).text == "SSTSTO");
    CHECK(run({"aab"}, "aaaab", size).text == "aa");
    CHECK(run({"STOP"}, "abcST", size).text == "abcST");  // held back, then given by flush
    CHECK(run({"STOP"}, "STOP", size).text.empty());
    CHECK(run({}, "text", size).text == "text");
    CHECK(run({""}, "text", size).text == "text");
    CHECK(run({"\n\n", "User:"}, "Hello\nUser: x", size).text == "Hello\n");
    CHECK(run({"\n\n", "User:"}, "Hello\nUser: x", size).which == 1);
  }
}

TEST_CASE("stop: what is complete first wins, the longest of those ending together") {
  for (std::size_t size : {1u, 2u, 7u}) {
    CHECK(run({"abcd", "bc"}, "xabcd", size).text == "xa");
    CHECK(run({"bc", "abc"}, "xabc", size).text == "x");
    CHECK(run({"bc", "abc"}, "xabc", size).which == 1);
    CHECK(run({"abcx", "c"}, "abc", size).text == "ab");
  }
}

TEST_CASE("stop: only what may still become a stop string is held back") {
  const std::vector<std::string> stops = {"</end>"};
  StopMatcher matcher(stops);
  CHECK(matcher.push("hello <") == "hello ");
  CHECK(matcher.push("/e") == "");
  CHECK(matcher.push("m>") == "</em>");
  CHECK(matcher.push("x</end>tail") == "x");
  CHECK(matcher.stopped() == 0);
  CHECK(matcher.push("more").empty());
  CHECK(matcher.flush().empty());
}

TEST_CASE("stop: equal to a plain search, whatever the pieces") {
  std::mt19937 random(11);
  const auto word = [&](std::size_t n) {
    std::string text(n, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops(1 + random() % 3);
    for (auto& stop : stops) stop = word(1 + random() % 5);
    const std::string text = word(random() % 24);
    std::string wanted = text;
    for (std::size_t end = 1; end <= text.size() && wanted.size() == text.size(); ++end) {
      std::size_t longest = 0;
      for (const auto& stop : stops) {
        if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
      }
      if (longest) {
        wanted = text.substr(0, end - longest);
        break;
      }
    }
    CHECK(run(stops, text, 1 + random() % 6).text == wanted);
  }
}

}  // namespace stream_decoder_test
