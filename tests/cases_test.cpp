// Enters: the reference vocabularies with the ids that llama.cpp gives for their texts, and golden files of the official
// tokenizers. Leaves: the same ids from Hearth, for every text.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/test_data.h"
#include "tokenizer.h"

namespace cases_test {

using namespace hearth;
using namespace hearth::text;
using Ids = std::vector<std::int32_t>;

namespace {

/// The text that the reference's ids are of. Its recorder read \\n, \\t and \\\\ in a text as escapes: in all eight
/// vocabularies the ids of the one text with backslashes spell a newline, a tab and a single backslash.
std::string text_as_recorded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char escaped = text[++i];
    out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
  }
  return out;
}

/// A file and the tokenizer that views it.
struct Opened {
  gguf::File file;
  Tokenizer tokenizer;
};

std::unique_ptr<Opened> open(const std::filesystem::path& path) {
  auto file = gguf::File::open(path.string());
  REQUIRE(file);
  auto tokenizer = Tokenizer::from(*file);
  REQUIRE(tokenizer);
  return std::make_unique<Opened>(Opened{std::move(*file), std::move(*tokenizer)});
}

/// Whether decode must give the text back: WordPiece keeps no spaces and no case, and the text of a control token that
/// was parsed is gone by definition, with what it stripped.
bool lossless(const Vocab& vocab, const std::string& text, bool parse_special) {
  if (vocab.model() == "bert" || vocab.model() == "t5") return false;
  if (!parse_special) return true;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    if (!is_text(vocab.type(id)) && text.find(vocab.token(id)) != std::string::npos) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("tokenizers: every reference case comes out equal, and decodes to its text") {
  const auto folder = test::data_folder() / "tokenizers";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  std::ifstream cases(folder / "cases.jsonl");
  std::map<std::string, std::unique_ptr<Opened>> opened;
  std::size_t total = 0, equal = 0, unescaped = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto json = nlohmann::json::parse(line);
    const auto name = json["vocab"].get<std::string>();
    if (opened.find(name) == opened.end()) opened[name] = open(folder / name);
    ++total;
    const Tokenizer& t = opened[name]->tokenizer;
    const auto written = json["text"].get<std::string>();
    const std::string text = text_as_recorded(written);
    const EncodeOptions options{json["add_special"].get<bool>(), json["parse_special"].get<bool>()};
    const auto ids = t.encode(text, options);
    CAPTURE(name, text, options.add_special, options.parse_special);
    REQUIRE(ids);
    CHECK(*ids == json["ids"].get<Ids>());
    const auto decoded = t.decode(*ids);
    REQUIRE(decoded);
    if (lossless(t.vocab(), text, options.parse_special)) CHECK(*decoded == text);
    equal += *ids == json["ids"].get<Ids>();
    unescaped += text != written;
  }
  CHECK(total == 1440);
  CHECK(equal == total);
  CHECK(unescaped * 180 == 2 * total);  // two of each vocabulary's 180
}

TEST_CASE("tokenizers T12: time is linear in the text for every vocabulary, and bytes come back") {
  const auto folder = test::data_folder() / "tokenizers";
  HEARTH_NEEDS_TEST_DATA(folder);
  std::mt19937 random(1);
  std::string noise(std::size_t{1} << 20, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const auto opened = open(entry.path());
    const auto seconds = [&](const std::string& unit, const std::string& text) {
      const std::clock_t begin = std::clock();
      const auto ids = opened->tokenizer.encode(text);
      const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
      // Some vocabularies lack bytes that UTF-8 never has: noise is an error there, or has unknown tokens in it.
      CHECK((ids || unit.empty()));
      if (!ids) return took;
      const auto unk = opened->tokenizer.vocab().special().unk;
      const bool whole = !unit.empty() || !unk || std::find(ids->begin(), ids->end(), *unk) == ids->end();
      CAPTURE(entry.path(), unit);
      if (whole && lossless(opened->tokenizer.vocab(), text, false)) {
        CHECK((*opened->tokenizer.decode(*ids) == text));  // too long to print
      }
      return took;
    };
    for (const std::string unit : {"a", "\n", " ", "\xf0\x9f\x98\x80", "1", "<|", "\xcc\x81", ""}) {
      const auto text = [&](std::size_t bytes) {
        std::string made = unit.empty() ? noise.substr(0, bytes) : "";
        while (made.size() < bytes) made += unit;
        return made;
      };
      const double small = seconds(unit, text(std::size_t{1} << 17)), large = seconds(unit, text(std::size_t{1} << 20));
      CAPTURE(entry.path(), unit, small, large);
      CHECK(large < 4 * 8 * small + 0.3);  // 8 times the bytes; quadratic time would be 64 times as much
    }
  }
}

TEST_CASE("tokenizers: golden files of Llama 3, Qwen, o200k, tekken and DeepSeek V3 come out equal") {
  for (const char* name : {"llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-v3"}) {
    const auto path =
        std::filesystem::path(HEARTH_SOURCE_DIR) / "tests" / "golden" / ("tokenizer_" + std::string(name) + ".json");
    const auto golden = nlohmann::json::parse(test::read_file(path));
    const auto tokens = golden["tokens"].get<std::vector<std::string>>();
    const auto merges = golden["merges"].get<std::vector<std::string>>();
    const std::vector<std::string_view> token_views(tokens.begin(), tokens.end());
    const std::vector<std::string_view> merge_views(merges.begin(), merges.end());
    VocabParts parts;
    parts.model = "gpt2";
    parts.pre = golden["pre"].get<std::string>();
    parts.tokens = token_views;
    parts.merges = merge_views;
    auto vocab = Vocab::from_parts(std::move(parts));
    REQUIRE(vocab);
    const auto tokenizer = Tokenizer::from(std::move(*vocab));
    REQUIRE(tokenizer);
    CHECK(golden["cases"].size() >= 48);
    for (const auto& row : golden["cases"]) {
      const auto text = row["text"].get<std::string>();
      const auto ids = tokenizer->encode(text);
      CAPTURE(name, text);
      REQUIRE(ids);
      CHECK(*ids == row["ids"].get<Ids>());
      CHECK(*tokenizer->decode(*ids) == text);
    }
  }
}

}  // namespace cases_test
