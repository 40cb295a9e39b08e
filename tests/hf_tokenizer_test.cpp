// Enters: tokenizer.json files, sound and not. Leaves: the ids that Hugging Face's tokenizers give; one error for what is
// not known or not sound.
#include "hf_tokenizer.h"

#include <cstring>
#include <filesystem>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/byte_vocab.h"
#include "support/catch.hpp"
#include "support/linear_time.h"
#include "support/test_data.h"
#include "text_hash.h"
#include "text_table.h"

namespace hf_tokenizer_test {

using namespace hearth;
using namespace hearth::text;
using nlohmann::json;
using Ids = std::vector<std::int32_t>;

namespace {

std::filesystem::path golden_folder() {
  return std::filesystem::path(HEARTH_SOURCE_DIR) / "tests" / "golden" / "tokenizers_json";
}

Result<Tokenizer> read(const json& document) { return read_tokenizer_json(document.dump(), "'test.json'"); }

/// A word-level of sorts: pieces of one letter and one merge.
json small_document() {
  return json::parse(R"({
    "added_tokens": [{"id": 5, "content": "<s>", "special": true, "normalized": false}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, " ": 4}, "merges": ["a b"]}
  })");
}

std::string error_of(const json& document) {
  const auto tokenizer = read(document);
  return tokenizer ? std::string() : tokenizer.error().message();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Ids encoded(const json& document, std::string_view text, EncodeOptions options = {}) {
  const auto tokenizer = read(document);
  REQUIRE(tokenizer);
  const auto ids = tokenizer->encode(text, options);
  REQUIRE(ids);
  return *ids;
}

}  // namespace

TEST_CASE("tokenizer.json: every golden case is what Hugging Face's tokenizers give") {
  const auto texts = json::parse(test::read_file(golden_folder() / "texts.json"));
  std::size_t tokenizers = 0, decoded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".tokenizer.json")) continue;
    ++tokenizers;
    const auto tokenizer = read_tokenizer_json(test::read_file(entry.path()), name);
    INFO(name << (tokenizer ? "" : tokenizer.error().message()));
    REQUIRE(tokenizer);
    const auto kind = name.substr(0, name.find('.'));
    const auto golden = json::parse(test::read_file(golden_folder() / (kind + ".golden.json")));
    REQUIRE(golden["ids"].size() == texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto text = texts[i].get<std::string>();
      const auto wanted = golden["ids"][i].get<Ids>();
      const auto ids = tokenizer->encode(text, {.add_special = true, .parse_special = true});
      REQUIRE(ids);
      CAPTURE(text);
      CHECK(*ids == wanted);
      if (!golden.contains("decoded")) continue;
      const auto& back = golden["decoded"][i];
      // Where bytes are cut inside a character Hugging Face writes U+FFFD; here they stay bytes.
      const auto wanted_text = back.is_null() ? text : back.get<std::string>();
      if (!has(wanted_text, "\xef\xbf\xbd")) CHECK(*tokenizer->decode(wanted) == wanted_text);
      ++decoded;
    }
  }
  CHECK(tokenizers == 16);
  CHECK(decoded == 11 * texts.size());
}

TEST_CASE("tokenizer.json: special tokens where asked, and what goes around") {
  json document = small_document();
  CHECK(encoded(document, "ab b<s>a") == Ids{3, 4, 2, 0, 0, 0, 1});
  CHECK(encoded(document, "ab b<s>a", {.parse_special = true}) == Ids{3, 4, 2, 5, 1});
  document["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}})");
  CHECK(encoded(document, "ab", {.add_special = true}) == Ids{5, 3});
  CHECK(encoded(document, "ab") == Ids{3});
  const auto tokenizer = read(document);
  REQUIRE(tokenizer);
  CHECK(tokenizer->vocab().special().bos == 5);
  CHECK(tokenizer->vocab().type(5) == TokenType::control);
}

TEST_CASE("tokenizer.json: a pre-tokenizer cannot be put in place of its own") {
  const std::string path = golden_folder() / "gpt2.tokenizer.json";
  REQUIRE(tools::Tokenizer::open(path));
  const auto refused = tools::Tokenizer::open(path, true, "qwen2");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::invalid_argument);
  CHECK(has(refused.error().message(), "; --pre; "));
}

TEST_CASE("tokenizer.json: WordPiece's decoder leaves no space before marks and contractions, where it cleans up") {
  json document = json::parse(R"({"added_tokens": [{"id": 9, "content": "do not", "special": false}],
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0, "we": 1, "n't": 2, "##re": 3, ".": 4, "'": 5,
      "'re": 6, "!": 7, ".x": 8}}})");
  const Ids ids = {4, 1, 6, 3, 5, 2, 9, 8, 7, 4};
  CHECK(*read(document)->decode(ids) == ". we'rere 'n't don't.x!.");
  document["decoder"]["cleanup"] = false;
  CHECK(*read(document)->decode(ids) == ". we 'rere ' n't do not .x ! .");
}

TEST_CASE("tokenizer.json: a step that is not known is one error with its name and place") {
  const struct {
    const char* field;
    const char* value;
    const char* named;
  } cases[] = {
      {"normalizer", R"({"type": "Unheard"})", "normalizer is \"Unheard\""},
      {"normalizer", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "X"}]})",
       "normalizer.normalizers[1] is \"X\""},
      {"pre_tokenizer", R"({"type": "UnicodeScripts"})", "pre_tokenizer is \"UnicodeScripts\""},
      {"pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"})",
       "the regex is refused"},
      {"pre_tokenizer", R"({"type": "Split", "pattern": {}, "behavior": "Isolated"})", "pattern.String is absent"},
      {"pre_tokenizer", R"({"type": "Digits", "individual_digits": "yes"})", "individual_digits is of type string"},
      {"post_processor", R"({"type": "Other"})", "post_processor is \"Other\""},
      {"post_processor", R"({"type": "BertProcessing", "sep": ["x", 9], "cls": ["y", 1]})", "post_processor has id 9"},
      {"decoder", R"({"type": "CTC"})", "decoder is \"CTC\""},
      {"decoder", R"({"type": "Metaspace", "replacement": "_"})", "decoder replaces \"_\""},
      {"pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})", "one character is needed"},
      {"model", R"({"type": "WordLevel"})", "model has type \"WordLevel\""},
      {"model", R"({"type": "BPE", "vocab": {"a": -1}, "merges": []})", "model.vocab.a is of type number"},
      {"model", R"({"type": "BPE", "vocab": {"a": 2000000000}, "merges": []})", "an id of 2000000000"},
      {"model", R"({"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]})", "model.merges has at index 0"},
      {"model", R"({"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]})", "model.merges has at index 0"},
      {"model", R"({"type": "Unigram", "vocab": [["a"]], "unk_id": 0})", "model.vocab has at index 0"},
      {"model", R"({"type": "Unigram", "vocab": [["a", -1]], "unk_id": 1})", "model.unk_id is 1"},
      {"model", R"({"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "u"})", "model.unk_token is no token"},
      {"added_tokens", R"([{"id": 0}])", "added_tokens[0].content is absent"},
      {"normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAA!"})", "is not base64"},
      {"normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"})",
       "precompiled_charsmap has 6 bytes"},
  };
  for (const auto& row : cases) {
    json document = small_document();
    document[row.field] = json::parse(row.value);
    const std::string error = error_of(document);
    CAPTURE(row.value, error);
    CHECK(has(error, row.named));
    CHECK(std::count(error.begin(), error.end(), ';') >= 2);
  }
}

TEST_CASE("tokenizer.json: \\S inside a class is what is no white space, whatever classes stand beside it") {
  const auto pieces = [](const char* regex) {
    json document = small_document();
    document["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Removed"}, {"invert", false}};
    return encoded(document, "a b ab");
  };
  CHECK(pieces("[\\S]+") == Ids{4, 4});
  CHECK(pieces("[^\\S\\n]+") == Ids{1, 2, 3});
  CHECK(pieces("[[:alpha:]\\s]+").empty());
  CHECK(pieces("[^[:alpha:]\\S]+") == Ids{1, 2, 3});
}

TEST_CASE("tokenizer.json: steps that write more and more are stopped", "[.long]") {  // at 2 GiB
  json document = small_document();
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", json::array()}};
  for (int i = 0; i < 40; ++i) document["pre_tokenizer"]["pretokenizers"].push_back(bytes);
  const auto tokenizer = read(document);
  REQUIRE(tokenizer);
  const auto ids = tokenizer->encode(std::string(1 << 16, '\xff'));  // each step doubles it
  REQUIRE_FALSE(ids);
  CHECK(has(ids.error().message(), "bytes once it is normalized"));
}

TEST_CASE("tokenizer.json: added tokens that normalization makes large are refused") {
  json document = small_document();
  document["normalizer"] = {{"type", "Prepend"}, {"prepend", std::string(1 << 20, 'x')}};
  for (int i = 6; i < 106; ++i) document["added_tokens"].push_back({{"id", i}, {"content", std::to_string(i)}});
  CHECK(has(error_of(document), "the added tokens have more than 67108864 bytes"));
}

TEST_CASE("tokenizer.json: what is no JSON, too deep or too small is refused") {
  const auto message = [](const std::string& text) {
    const auto tokenizer = read_tokenizer_json(text, "'test.json'");
    return tokenizer ? std::string() : tokenizer.error().message();
  };
  CHECK(has(message(""), "is no JSON: it breaks at byte"));
  CHECK(has(message("{\"model\": tru"), "is no JSON: it breaks at byte"));
  CHECK(has(message(std::string(100000, '[')), "nests more than 64 deep"));
  CHECK(has(message("{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}"), "model has type"));
  CHECK(has(message("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}"), "nests more than 64 deep"));
  CHECK(has(message("[]"), "model has type"));
  CHECK(has(message("{\"model\": \"\xff\"}"), "is no JSON"));
  const std::string whole = small_document().dump();
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(message(whole.substr(0, size)).empty());
}

TEST_CASE("tokenizer.json T12: total on any bytes, in linear time") {
  std::string all;
  for (int b = 0; b < 256; ++b) all.push_back(static_cast<char>(b));
  for (const char* kind : {"gpt2", "llama2", "t5", "bert", "llama3", "subwords"}) {
    CAPTURE(kind);
    const auto tokenizer =
        read_tokenizer_json(test::read_file(golden_folder() / (std::string(kind) + ".tokenizer.json")), kind);
    REQUIRE(tokenizer);
    const auto ids = tokenizer->encode(all);
    REQUIRE(ids);
    if (std::string(kind) == "gpt2") CHECK(*tokenizer->decode(*ids) == all);
    test::check_linear_time(*tokenizer, 1);
  }
}

TEST_CASE("a table of texts whose hashes all meet is made in no more time than one of others") {
#ifdef HEARTH_TEST_SANITIZED
  constexpr std::uint64_t n = 10000;
#else
  constexpr std::uint64_t n = 40000;
#endif
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < n; ++i) {  // 16 bytes of which the first eight take back what the last do to the hash
    const std::uint64_t words[] = {mix(16 ^ i) ^ 0x1234, i};
    texts.emplace_back(16, ' ');
    std::memcpy(texts.back().data(), words, 16);
  }
  REQUIRE(TextHash()(texts[0]) == TextHash()(texts[n - 1]));
  texts.push_back(texts[5]);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const double begin = test::cpu_seconds();
  const TextTable table(views);
  std::size_t found = 0;
  for (std::size_t i = 0; i < n; ++i) found += table.find(views[i], views) == static_cast<std::int32_t>(i);
  CHECK(test::cpu_seconds() - begin < 2);  // each compared to all takes longer
  CHECK(found == n);
  CHECK(table.find(views[n], views) == 5);  // the first of equal ones
  CHECK(table.find("none of them", views) == -1);
}

TEST_CASE("T12 fragments between special tokens cost what they are long, however many merges there are") {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "<|x|>" + std::string(100, 'a');
  const auto seconds = [&](int n_merges) {
    test::ByteVocab vocab;
    vocab.add("<|x|>", TokenType::control);
    for (int i = 1; i < n_merges; ++i) vocab.merge_only("a a");  // of equal ones the first counts
    vocab.merge("a a");
    const auto tokenizer = Tokenizer::from(*Vocab::from_parts(vocab.parts()));
    REQUIRE(tokenizer);
    const double begin = test::cpu_seconds();
    const auto ids = tokenizer->encode(text, {.parse_special = true});
    const double took = test::cpu_seconds() - begin;
    REQUIRE(ids);
    CHECK(ids->size() == 10000 * 51);
    return took;
  };
  const double few = seconds(1), many = seconds(400000);
  CAPTURE(few, many);
  CHECK(many < 4 * few + 0.2);
}

TEST_CASE("tokenizer.json: a regex may name characters as \\uHHHH") {
  json document = small_document();
  document["pre_tokenizer"] =
      json::parse(R"({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[\\u0061-\\u0061]|\\\\u"}})");
  CHECK(encoded(document, "ab") == Ids{1, 2});  // "ab" is cut after its a, so the merge is not made
}

}  // namespace hf_tokenizer_test
