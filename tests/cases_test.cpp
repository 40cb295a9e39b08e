// Enters: the reference vocabularies and the ids that llama.cpp gives for their texts. Leaves: the same ids from Hearth,
// for every line; vocabularies with an algorithm that is not there are skipped loudly.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/test_data.h"
#include "tokenizer.h"

using namespace hearth;
using namespace hearth::text;
using Ids = std::vector<std::int32_t>;

namespace {

/// A file and the tokenizer that views it.
struct Opened {
  gguf::File file;
  Tokenizer tokenizer;
};

std::unique_ptr<Opened> open(const std::filesystem::path& path) {
  auto file = gguf::File::open(path.string());
  REQUIRE(file);
  auto tokenizer = Tokenizer::from(*file);
  if (!tokenizer) {
    WARN("SKIPPED: " << tokenizer.error().message());
    CHECK(tokenizer.error().status() == Status::unsupported);
    return nullptr;
  }
  return std::make_unique<Opened>(Opened{std::move(*file), std::move(*tokenizer)});
}

/// The text that the reference's ids are of. Its recorder read \\n, \\t and \\\\ in a text as escapes: in all eight
/// vocabularies the ids of the one text with backslashes spell a newline, a tab and a single backslash.
std::string as_recorded(const std::string& text) {
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

/// Whether decode must give the text back: WordPiece keeps no spaces and no case, and the text of a control token that
/// was parsed is gone by definition, with what it stripped.
bool lossless(const Vocab& vocab, const std::string& text, bool parse_special) {
  if (vocab.model() == "bert" || vocab.model() == "t5") return false;
  if (!parse_special) return true;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    if (!may_merge(vocab.type(id)) && text.find(vocab.token(id)) != std::string::npos) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("tokenizers: every reference case comes out equal, and decodes to its text") {
  const auto folder = test::data_folder() / "tokenizers";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  std::ifstream cases(folder / "cases.jsonl");
  std::map<std::string, std::unique_ptr<Opened>> opened;
  std::size_t total = 0, skipped = 0, equal = 0, unescaped = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto json = nlohmann::json::parse(line);
    const auto name = json["vocab"].get<std::string>();
    if (opened.find(name) == opened.end()) opened[name] = open(folder / name);
    ++total;
    if (!opened[name]) {
      ++skipped;
      continue;
    }
    const Tokenizer& t = opened[name]->tokenizer;
    const auto written = json["text"].get<std::string>();
    const std::string text = as_recorded(written);
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
  CHECK(skipped % 180 == 0);
  CHECK(equal == total - skipped);
  CHECK(unescaped * 180 == 2 * (total - skipped));  // two of each vocabulary's 180
}
