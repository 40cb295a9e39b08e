// Enters: tokenizer.json files, sound and not. Leaves: the ids that Hugging Face's tokenizers give; one error for what is
// not known or not sound.
#include "hf_tokenizer.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/linear_time.h"
#include "support/test_data.h"

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
    test::check_linear_time(*tokenizer, 2);
  }
}

TEST_CASE("tokenizer.json: a regex may name characters as \\uHHHH") {
  json document = small_document();
  document["pre_tokenizer"] =
      json::parse(R"({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[\\u0061-\\u0061]|\\\\u"}})");
  CHECK(encoded(document, "ab") == Ids{1, 2});  // "ab" is cut after its a, so the merge is not made
}

}  // namespace hf_tokenizer_test
