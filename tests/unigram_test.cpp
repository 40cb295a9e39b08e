// Enters: texts, through made-up vocabularies and those that SentencePiece trained. Leaves: ids that must come out equal.
#include "unigram.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "charsmap.h"
#include "gguf_reader.h"
#include "gguf_writer.h"
#include "support/catch.hpp"
#include "support/linear_time.h"
#include "support/small_vocab.h"
#include "support/test_data.h"

namespace unigram_test {

using namespace hearth;
using namespace hearth::text;
using hearth::test::SmallVocab;
using Ids = std::vector<std::int32_t>;

namespace {

const std::string mark = "\xe2\x96\x81";

Tokenizer tokenizer_of(VocabParts parts) {
  parts.model = "t5";
  parts.special.unk = 0;
  auto vocab = Vocab::from_parts(std::move(parts));
  REQUIRE(vocab);
  auto tokenizer = Tokenizer::from(std::move(*vocab));
  REQUIRE(tokenizer);
  return std::move(*tokenizer);
}

Ids encoded(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text);
  REQUIRE(ids);
  return *ids;
}

/// A charsmap of one rule, as SentencePiece would write it: each byte of `from` is a unit, then the value's.
class OneRule {
 public:
  OneRule(std::string_view from, std::string_view to) : replacements_(to) {
    replacements_.push_back('\0');
    units_.assign(256 * (from.size() + 2), 0x80000000u);  // no byte's label
    units_[0] = 256u << 10;                               // the root's children begin at block 1
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto byte = static_cast<unsigned char>(from[i]);
      const auto place = static_cast<std::uint32_t>(256 * (i + 1)) ^ byte;
      const auto next = static_cast<std::uint32_t>(256 * (i + 2));
      units_[place] = (place ^ next) << 10 | byte | (i + 1 == from.size() ? 0x100u : 0u);
    }
    units_[256 * (from.size() + 1)] = 0x80000000u;
  }

  std::vector<std::uint32_t>& units() { return units_; }

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out;
    const auto put = [&](std::uint32_t value) {
      for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
    };
    put(static_cast<std::uint32_t>(units_.size() * 4));
    for (const std::uint32_t unit : units_) put(unit);
    for (const char c : replacements_) out.push_back(static_cast<std::byte>(c));
    return out;
  }

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

std::string charsmap_error(const std::vector<std::byte>& bytes) {
  const auto map = Charsmap::parse(bytes, "'test'");
  return map ? std::string() : map.error().message();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("unigram: the best sum of scores, of equals the one with the longest last piece") {
  SmallVocab small(SmallVocab::Bytes::none);
  const auto a = small.add("a", -1), b = small.add("b", -1), ab = small.add("ab", -3), bc = small.add("bc", -1);
  const auto c = small.add("c", -4), aa = small.add("aa", -2);
  const Tokenizer t = tokenizer_of(small.parts());
  CHECK(encoded(t, "ab") == Ids{a, b});    // -2 beats -3
  CHECK(encoded(t, "abc") == Ids{a, bc});  // -2 beats -7 and -6
  CHECK(encoded(t, "c") == Ids{c});
  CHECK(encoded(t, "aa") == Ids{aa});      // -2 both ways
  CHECK(encoded(t, "aaa") == Ids{a, aa});  // the piece that begins first wins the end of the text
  CHECK(encoded(t, "") == Ids{});
  (void)ab;
}

TEST_CASE("unigram: unknown neighbours are one token, or their bytes") {
  SmallVocab none(SmallVocab::Bytes::none), all;
  const auto a = none.add("a", -1);
  CHECK(encoded(tokenizer_of(none.parts()), "axya\xf0\x9f\x94\xa5") == Ids{a, 0, a, 0});
  const auto with_bytes = all.add("a", -1);
  CHECK(encoded(tokenizer_of(all.parts()), "a\xc3\xa9") == Ids{with_bytes, 3 + 0xc3, 3 + 0xa9});
  CHECK(encoded(tokenizer_of(all.parts()), "\xff") == Ids{3 + 0xef, 3 + 0xbf, 3 + 0xbd});  // read as U+FFFD
}

TEST_CASE("unigram: white space as the flags say, and decode takes the prefix back") {
  SmallVocab small(SmallVocab::Bytes::none);
  const auto space = small.add(mark, -1), word = small.add(mark + "a", -1), a = small.add("a", -1);
  VocabParts parts = small.parts();
  parts.add_space_prefix = true;
  parts.remove_extra_whitespaces = true;
  const Tokenizer both = tokenizer_of(parts);
  CHECK(encoded(both, "  a  a ") == Ids{word, word});
  CHECK(encoded(both, "   ") == Ids{});
  CHECK(*both.decode(Ids{word, word}) == "a a");
  CHECK(*both.encode(" a", {.begins = false}) == Ids{word});
  CHECK(*both.encode("a", {.begins = false}) == Ids{a});
  parts.remove_extra_whitespaces = false;
  CHECK(encoded(tokenizer_of(parts), " a ") == Ids{space, word, space});
  parts.add_space_prefix = false;
  CHECK(encoded(tokenizer_of(parts), "a a") == Ids{a, word});
}

TEST_CASE("unigram T8: scores that are no numbers neither loop nor crash") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  SmallVocab small(SmallVocab::Bytes::none);
  for (const auto& [text, score] : {std::pair{"a", nan}, {"b", -inf}, {"ab", nan}, {"ba", inf}, {"aba", -inf}}) {
    small.add(text, score);
  }
  const Tokenizer t = tokenizer_of(small.parts());
  std::string text;
  for (int i = 0; i < 300; ++i) text += i % 7 ? "ab" : "ba";
  CHECK(*t.decode(encoded(t, text)) == text);
}

TEST_CASE("unigram T4, T12: long pieces and 16 MiB of one thing stay linear") {
  SmallVocab small;
  small.add(mark, -1), small.add("a", -2), small.add("\n", -2), small.add(std::string(1 << 20, 'a'), -1);
  for (std::size_t n = 2; n <= 16; ++n) small.add(std::string(n, 'a'), -3);
  test::check_linear_time(tokenizer_of(small.parts()));
}

TEST_CASE("charsmap: a rule is found, the longest where several are") {
  const auto bytes = OneRule("ab", "x").bytes();
  const auto map = Charsmap::parse(bytes, "'test'");
  REQUIRE(map);
  CHECK(map->longest("abc").length == 2);
  CHECK(map->longest("abc").replacement == "x");
  CHECK(map->longest("ac").length == 0);
  CHECK(map->longest("").length == 0);
  CHECK(Charsmap::parse({}, "'test'")->empty());
}

TEST_CASE("charsmap T11: a damaged one is refused") {
  const auto sound = OneRule("ab", "x").bytes();
  for (std::size_t size = 1; size < sound.size(); ++size) {
    CHECK_FALSE(charsmap_error({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
  }
  auto bytes = sound;
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = std::byte{0xff};
  CHECK(has(charsmap_error(bytes), "a trie of 4294967295"));

  OneRule outside("ab", "x"), self("ab", "x"), far("ab", "x");
  outside.units()[0] = 0xfffffu << 10;
  CHECK(has(charsmap_error(outside.bytes()), "outside its trie"));
  self.units()[512 ^ 'b'] = ('b' ^ 0u) | (512u ^ 'b' ^ 256u) << 10;  // ab leads back to the root's children
  CHECK(has(charsmap_error(self.bytes()), "refers to itself"));
  far.units()[768] = 0x80000002u;
  CHECK(has(charsmap_error(far.bytes()), "outside its 2 bytes"));
  CHECK(has(charsmap_error(OneRule(std::string(65, 'a'), "x").bytes()), "more than 64 bytes"));
  CHECK(has(charsmap_error(OneRule("a", std::string(257, 'x')).bytes()), "more than 256 bytes"));
}

TEST_CASE("unigram T11: a charsmap of another type is refused by name") {
  const auto load_error = [](auto&& add_charsmap) {
    gguf::Writer writer;
    const std::string names[] = {"<unk>", "</s>", "a"};
    const float scores[3] = {};
    writer.add("tokenizer.ggml.model", "t5");
    writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(names));
    writer.add_array<float>("tokenizer.ggml.scores", scores);
    add_charsmap(writer, "tokenizer.ggml.precompiled_charsmap");
    const auto bytes = writer.to_bytes();
    REQUIRE(bytes);
    const auto file = gguf::File::parse(*bytes);
    REQUIRE(file);
    const auto tokenizer = Tokenizer::from(*file);
    return tokenizer ? std::string() : tokenizer.error().message();
  };
  const std::int32_t wide[4] = {};
  const std::uint8_t three[3] = {};
  CHECK(load_error([](auto&, auto) {}).empty());
  CHECK(has(load_error([&](auto& writer, auto key) { writer.template add_array<std::int32_t>(key, wide); }),
            "tokenizer.ggml.precompiled_charsmap is no array of u8 or i8"));
  CHECK(has(load_error([&](auto& writer, auto key) { writer.template add_array<std::uint8_t>(key, three); }),
            "precompiled_charsmap has 3 bytes"));
  CHECK(has(load_error([&](auto& writer, auto key) { writer.add(key, "text"); }), "is no array of u8 or i8"));
}

TEST_CASE("unigram: every golden case is what SentencePiece gives") {
  // HEARTH_UNIGRAM_GOLDEN: another folder of the maker's, such as one with the whole of NFKC.
  const char* named = std::getenv("HEARTH_UNIGRAM_GOLDEN");
  const auto folder =
      named ? std::filesystem::path(named) : std::filesystem::path(HEARTH_SOURCE_DIR) / "tests" / "golden" / "unigram";
  std::size_t vocabularies = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    ++vocabularies;
    const auto file = gguf::File::open(entry.path().string());
    REQUIRE(file);
    const auto tokenizer = Tokenizer::from(*file);
    REQUIRE(tokenizer);
    auto cases_path = entry.path();
    std::ifstream cases(cases_path.replace_extension(".jsonl"));
    std::size_t total = 0;
    for (std::string line; std::getline(cases, line); ++total) {
      const auto json = nlohmann::json::parse(line);
      const auto text = json["text"].get<std::string>();
      CAPTURE(entry.path().filename().string(), text);
      CHECK(encoded(*tokenizer, text) == json["ids"].get<Ids>());
    }
    CHECK(total == 260);
  }
  CHECK(vocabularies >= 2);
}

}  // namespace unigram_test
