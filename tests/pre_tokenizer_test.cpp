// Enters: texts, sound and hostile, through every row of the pre-tokenizer table. Leaves: the stretches that they must
// be cut into, in time linear to their length.
#include "pre_tokenizer.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "regex.h"
#include "support/catch.hpp"

namespace pre_tokenizer_test {

using namespace hearth;
using namespace hearth::text;
using Words = std::vector<std::string>;

namespace {

PreTokenizer made(const PreTokenizerRow& row) {
  auto pre = PreTokenizer::make(row);
  REQUIRE(pre);
  return std::move(*pre);
}

Words words(const PreTokenizer& pre, std::string_view text) {
  std::vector<std::uint32_t> ends;
  REQUIRE(pre.split(text, ends));
  Words out;
  std::size_t begin = 0;
  for (const std::uint32_t end : ends) {
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  REQUIRE(begin == text.size());
  return out;
}

Words words(std::string_view name, std::string_view text) {
  const PreTokenizerRow* row = find_pre_tokenizer(name);
  REQUIRE(row);
  return words(made(*row), text);
}

Words names_of(const PreTokenizerRow& row) {
  Words names;
  std::string name;
  for (const char c : std::string(row.names) + " ") {
    if (c != ' ') name += c;
    else names.push_back(std::move(name)), name.clear();
  }
  return names;
}

/// What one regex alone cuts a text into, by its own definition.
Words by_definition(std::string_view regex, std::string_view text) {
  const PreTokenizerStep step{regex};
  return words(made({"", {&step}, {}}), text);
}

/// Characters that the regexes tell apart, and neighbours that they must not.
std::string random_text(std::mt19937& random, std::size_t n) {
  static const std::vector<std::string> alphabet = {"a",
                                                    "B",
                                                    "z",
                                                    "Z",
                                                    "1",
                                                    "2",
                                                    "3",
                                                    " ",
                                                    " ",
                                                    "\n",
                                                    "\r",
                                                    "\t",
                                                    "'",
                                                    "s",
                                                    "S",
                                                    "l",
                                                    "re",
                                                    ".",
                                                    "/",
                                                    "-",
                                                    "_",
                                                    "$",
                                                    "\xc2\xbd" /* one half */,
                                                    "\xd9\xa3" /* Arabic 3 */,
                                                    "\xcc\x81" /* combining acute */,
                                                    "\xc7\x85" /* Lt */,
                                                    "\xca\xb0" /* Lm */,
                                                    "\xe4\xb8\xad" /* Han */,
                                                    "\xe2\xba\x80" /* Han radical, So */,
                                                    "\xe3\x80\x87" /* Han zero, Nl */,
                                                    "\xe3\x81\x82" /* kana */,
                                                    "\xea\xb0\x80" /* Hangul */,
                                                    "\xc5\xbf" /* long s */,
                                                    "\xc2\xa0",
                                                    "\xe2\x80\x83",
                                                    "\xe1\xa0\x8e" /* U+180E, no white space */,
                                                    "\xc2\x85",
                                                    "\xf0\x9f\x98\x80",
                                                    "\xe2\x80\x8d",
                                                    "\xd0\x96",
                                                    "\xd1\x8f"};
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

TEST_CASE("pre-tokenizers: every name leads to its row, and no name stands twice") {
  std::set<std::string> seen;
  for (const PreTokenizerRow& row : pre_tokenizers()) {
    made(row);
    for (const std::string& name : names_of(row)) {
      CAPTURE(name);
      CHECK(find_pre_tokenizer(name) == &row);
      CHECK(seen.insert(name).second);
      CHECK(nearest_pre_tokenizer(name) == name);
    }
  }
  CHECK(seen.size() >= 83);
  CHECK(find_pre_tokenizer("") == nullptr);
  CHECK(find_pre_tokenizer("llama-bpe llama3") == nullptr);
  CHECK(nearest_pre_tokenizer("qwen-2") == "qwen2");
  CHECK(nearest_pre_tokenizer("lama-bpe") == "llama-bpe");
  CHECK(nearest_pre_tokenizer(std::string(1 << 20, 'x')) != "");
}

TEST_CASE("pre-tokenizers: words, numbers, marks and spaces as each family cuts them") {
  CHECK(words("gpt-2", "Hello  world's 1234\n\n x") == Words{"Hello", " ", " world", "'s", " 1234", "\n\n", " x"});
  CHECK(words("llama-bpe", "Hello  WORLD'S 1234!?\n x") ==
        Words{"Hello", " ", " WORLD", "'S", " ", "123", "4", "!?\n", " x"});
  CHECK(words("qwen2", "it'll 12 a\n") == Words{"it", "'ll", " ", "1", "2", " a", "\n"});
  CHECK(words("gpt-4o", "HelloWORLD's camelCase a/b/\n") ==
        Words{"Hello", "WORLD's", " camel", "Case", " a", "/b", "/\n"});
  CHECK(words("tekken", "HelloWORLD's 12") == Words{"Hello", "WORLD", "'s", " ", "1", "2"});
  CHECK(words("starcoder", "a 123") == Words{"a", " ", "1", "2", "3"});
  CHECK(words("deepseek-llm", "Hi, \xe4\xbd\xa0\xe5\xa5\xbd 123 \n") ==
        Words{"Hi", ",", " ", "\xe4\xbd\xa0\xe5\xa5\xbd", " ", "123", " ", "\n"});
  CHECK(words("deepseek-v3", "x 1234 \xe4\xbd\xa0") == Words{"x", " ", "123", "4", " ", "\xe4\xbd\xa0"});
  CHECK(words("afmoe", "a1234567") == Words{"a", "1", "234", "567"});
  CHECK(words("tiny_aya", "1234567 1234a 123") == Words{"1", "234", "567", " ", "123", "4", "a", " ", "123"});
  CHECK(words("superbpe", "a 1234567b 123456") == Words{"a ", "1", "234", "567", "b ", "123", "456"});
  CHECK(words("kimi-k2", "Abc\xe4\xb8\xad\xe6\x96\x87 d") == Words{"Abc", "\xe4\xb8\xad\xe6\x96\x87", " d"});
  CHECK(words("gemma4", "a b\n\nc") == Words{"a b", "\n\n", "c"});
  CHECK(words("default", "a1234 b!") == Words{"a", "123", "4", " b", "!"});
}

TEST_CASE("pre-tokenizers: Unicode's white space and no more, and every letter that folds to s") {
  CHECK(words("llama-bpe",
              "a\xc2\x85\xc2\x85"
              "b") == Words{"a", "\xc2\x85",
                            "\xc2\x85"
                            "b"});
  CHECK(words("qwen2",
              "\xe1\xa0\x8e\xe1\xa0\x8e"
              "1") == Words{"\xe1\xa0\x8e\xe1\xa0\x8e", "1"});
  CHECK(words("llama-bpe", "a'\xc5\xbf") == Words{"a", "'\xc5\xbf"});
}

TEST_CASE("pre-tokenizers: a byte that is no UTF-8 stands alone, and every byte stays") {
  CHECK(words("gpt-2",
              "ab\xff\xfe"
              "cd\xe2\x82") == Words{"ab", "\xff", "\xfe", "cd", "\xe2", "\x82"});
  std::mt19937 random(3);
  for (const PreTokenizerRow& row : pre_tokenizers()) {
    const PreTokenizer pre = made(row);
    for (int round = 0; round < 50; ++round) {
      std::string text(random() % 60, ' ');
      for (char& c : text) c = static_cast<char>(random());
      words(pre, text);  // checks that the stretches make up the text
    }
  }
}

TEST_CASE("pre-tokenizers: what is written otherwise than in the tokenizer cuts the same") {
  struct Same {
    std::string_view name, definition;
  };
  const std::string kimi_upper = R"((?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]))";
  const std::string kimi_lower = R"((?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}]))";
  const std::string tail = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
  const std::string kimi = R"(\p{Han}+|[^\r\n\p{L}\p{N}]?)" + kimi_upper + "*" + kimi_lower + "+" + tail +
                           R"(|[^\r\n\p{L}\p{N}]?)" + kimi_upper + "+" + kimi_lower + "*" + tail +
                           R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const Same rows[] = {
      {"kimi-k2", kimi},
      {"exaone-moe",
       R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+)"
       R"([\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"},
      {"seed-coder",
       R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|)"
       R"(\s+(?!\S)|\s+)"},
      {"bailingmoe",
       R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"},
      {"jais-2",
       R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|)"
       R"(\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|)"
       R"(\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})"},
      {"gpt-2", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"},
  };
  std::mt19937 random(11);
  for (const Same& row : rows) {
    for (int round = 0; round < 400; ++round) {
      const std::string text = random_text(random, random() % 40);
      CAPTURE(row.name, text);
      CHECK(words(row.name, text) == by_definition(row.definition, text));
    }
    for (int round = 0; round < 50; ++round) {  // runs of white space, longer than any piece of them
      std::string text;
      for (std::size_t i = random() % 6; i-- > 0;)
        text += std::string(random() % 700, random() % 2 ? ' ' : '\t') + (random() % 2   ? "\n"
                                                                          : random() % 2 ? "a"
                                                                                         : "!");
      CAPTURE(row.name, text);
      CHECK(words(row.name, text) == by_definition(row.definition, text));
    }
  }
}

TEST_CASE("pre-tokenizers: thousands counted from the right are what the look-aheads find") {
  std::mt19937 random(12);
  const PreTokenizerStep ours[] = {{R"(\p{N}+)", Thousands::apart}, {R"((?<!\d)\d++(?!\w))", Thousands::apart}};
  const std::string_view theirs[] = {R"(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))", R"(\d{1,3}(?=(?:\d{3})*\b))"};
  for (int round = 0; round < 1000; ++round) {
    std::string text;
    for (std::size_t i = random() % 30; i-- > 0;)
      text += random() % 4 ? std::string(1, '1' + random() % 9) : random_text(random, 1);
    for (int i = 0; i < 2; ++i) {
      CAPTURE(text, theirs[i]);
      CHECK(words(made({"", {&ours[i]}, {}}), text) == by_definition(theirs[i], text));
    }
    const Words end = by_definition(R"(\s+$)", text);
    CHECK(by_definition(R"((?<!\s)\s+$)", text) == end);
  }
}

TEST_CASE("pre-tokenizers T12: linear in hostile text, whatever the row") {
  const std::vector<std::string> units = {"a",
                                          "A",
                                          "aA",
                                          " ",
                                          "\n",
                                          " \n",
                                          "1",
                                          "12 ",
                                          "<|",
                                          "'",
                                          "'s",
                                          "a ",
                                          "\xff",
                                          "\xc2\xbd",
                                          "\xcc\x81",
                                          "/",
                                          "!\n",
                                          "IMGIM",
                                          "\xe4\xb8\xad",
                                          "\xf0\x9f\x98\x80",
                                          "x\xe2\x80\x83"};
  const auto seconds = [](const PreTokenizer& pre, const std::string& unit, std::string_view tail, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += unit;
    std::vector<std::uint32_t> ends;
    const double begin = cpu_seconds();
    REQUIRE(pre.split(text.append(tail), ends));
    return cpu_seconds() - begin;
  };
  for (const PreTokenizerRow& row : pre_tokenizers()) {
    const PreTokenizer pre = made(row);
    for (const std::string& unit : units) {
      for (std::string_view tail : {"", "x", "1"}) {
        const double small = seconds(pre, unit, tail, 1 << 13), large = seconds(pre, unit, tail, 1 << 17);
        CAPTURE(row.names, unit, tail, small, large);
        CHECK(large < 4 * 16 * small + 0.3);  // 16 times the bytes; quadratic time would be 256 times as much
      }
    }
  }
  const PreTokenizer pre = made(*find_pre_tokenizer("jais-2"));  // cuts runs of spaces in pieces of 512
  const double small = seconds(pre, " ", "x", 1 << 16), large = seconds(pre, " ", "x", 1 << 20);
  CAPTURE(small, large);
  CHECK(large < 4 * 16 * small + 0.3);
}

}  // namespace pre_tokenizer_test
