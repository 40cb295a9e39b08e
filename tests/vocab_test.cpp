// Enters: metadata, sound and broken. Leaves: what Vocab makes of it: table T of BADINPUT.md, the rows about loading.
#include "vocab.h"

#include <limits>
#include <string>
#include <vector>

#include "gguf_reader.h"
#include "gguf_writer.h"
#include "support/catch.hpp"
#include "support/small_vocab.h"
#include "tokenizer.h"

namespace vocab_test {

using namespace hearth;
using namespace hearth::text;
using hearth::test::SmallVocab;

namespace {

const std::vector<std::string> small_tokens = {"<unk>", "<s>", "</s>", "a", "b", "ab"};
const std::vector<float> small_scores = {0, 0, 0, -1, -2, -3};
const std::vector<std::int32_t> small_types = {2, 3, 3, 1, 1, 1};

/// The keys of a sound file, each replaceable by a test.
struct Keys {
  bool model = true, tokens = true, scores = true, types = true;
};

gguf::Writer writer_with(Keys keys) {
  gguf::Writer writer;
  if (keys.model) writer.add("tokenizer.ggml.model", "llama");
  if (keys.tokens) writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(small_tokens));
  if (keys.scores) writer.add_array("tokenizer.ggml.scores", std::span<const float>(small_scores));
  if (keys.types) writer.add_array("tokenizer.ggml.token_type", std::span<const std::int32_t>(small_types));
  return writer;
}

/// "" for a vocabulary that loads, else the error's message.
std::string load_error(const gguf::Writer& writer) {
  const auto bytes = writer.to_bytes();
  if (!bytes) return "writer: " + bytes.error().message();
  const auto file = gguf::File::parse(*bytes);
  if (!file) return "reader: " + file.error().message();
  const auto tokenizer = Tokenizer::from(*file);
  if (tokenizer) return "";
  CHECK(tokenizer.error().message().find('\n') == std::string::npos);
  return tokenizer.error().message();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

template <class T> std::string array_error(Keys keys, std::string_view key, const std::vector<T>& values) {
  gguf::Writer writer = writer_with(keys);
  writer.add_array(key, std::span<const T>(values));
  return load_error(writer);
}

}  // namespace

TEST_CASE("vocab: a sound file loads with llama's defaults") {
  const auto bytes = writer_with({}).to_bytes();
  REQUIRE(bytes);
  const auto file = gguf::File::parse(*bytes);
  REQUIRE(file);
  const auto vocab = Vocab::from(*file);
  REQUIRE(vocab);
  CHECK(vocab->size() == 6);
  CHECK(vocab->token(5) == "ab");
  CHECK(vocab->score(5) == -3.0f);
  CHECK(vocab->type(1) == TokenType::control);
  CHECK(vocab->find("ab") == 5);
  CHECK(vocab->find("abc") == -1);
  CHECK(vocab->special().bos == 1);
  CHECK(vocab->special().eos == 2);
  CHECK(vocab->special().unk == 0);
  CHECK_FALSE(vocab->special().pad);
  CHECK(vocab->add_bos());
  CHECK_FALSE(vocab->add_eos());
  CHECK(vocab->add_space_prefix());
  CHECK_FALSE(vocab->remove_extra_whitespaces());
  CHECK(std::vector(vocab->end_ids().begin(), vocab->end_ids().end()) == std::vector<std::int32_t>{1, 2});
}

TEST_CASE("vocab: flags and roles are read, both spellings of the separator") {
  gguf::Writer writer = writer_with({});
  writer.add("tokenizer.ggml.add_bos_token", false);
  writer.add("tokenizer.ggml.add_eos_token", true);
  writer.add("tokenizer.ggml.add_space_prefix", false);
  writer.add("tokenizer.ggml.remove_extra_whitespaces", true);
  writer.add("tokenizer.ggml.eot_token_id", std::uint32_t{5});
  writer.add("tokenizer.ggml.eom_token_id", std::uint32_t{4});
  writer.add("tokenizer.ggml.seperator_token_id", std::uint32_t{3});
  const auto bytes = writer.to_bytes();
  REQUIRE(bytes);
  const auto file = gguf::File::parse(*bytes);
  REQUIRE(file);
  const auto vocab = Vocab::from(*file);
  REQUIRE(vocab);
  CHECK_FALSE(vocab->add_bos());
  CHECK(vocab->add_eos());
  CHECK_FALSE(vocab->add_space_prefix());
  CHECK(vocab->remove_extra_whitespaces());
  CHECK(vocab->special().sep == 3);
  CHECK(std::vector(vocab->end_ids().begin(), vocab->end_ids().end()) == std::vector<std::int32_t>{1, 2, 4, 5});
  CHECK(vocab->ends_text(5));
  CHECK_FALSE(vocab->ends_text(3));
}

TEST_CASE("vocab T1: tokens missing, of another type, or too few") {
  const std::string_view key = "tokenizer.ggml.tokens";
  const Keys without{.tokens = false, .scores = false, .types = false};
  CHECK(has(load_error(writer_with(without)), key));
  for (std::size_t n : {0u, 1u, 2u}) {
    const std::vector<std::string> few(small_tokens.begin(), small_tokens.begin() + static_cast<std::ptrdiff_t>(n));
    const std::string error = array_error(without, key, few);
    CHECK(has(error, key));
    CHECK(has(error, std::to_string(n)));
  }
  CHECK(has(array_error(without, key, std::vector<std::uint32_t>{1, 2, 3}), key));
  CHECK(has(array_error(without, key, std::vector<std::uint8_t>{1, 2, 3}), key));
  CHECK(has(array_error(without, key, std::vector<float>{1, 2, 3}), key));
  gguf::Writer text = writer_with(without), number = writer_with(without);
  text.add(key, "abc");
  number.add(key, std::uint32_t{3});
  CHECK(has(load_error(text), key));
  CHECK(has(load_error(number), key));
}

TEST_CASE("vocab T2: scores and types of another length or type") {
  const Keys no_scores{.scores = false}, no_types{.types = false};
  for (std::size_t n : {0u, 1u, 5u, 7u}) {
    const std::string scores = array_error(no_scores, "tokenizer.ggml.scores", std::vector<float>(n));
    CHECK(has(scores, "tokenizer.ggml.scores has " + std::to_string(n)));
    CHECK(has(scores, "tokenizer.ggml.tokens has 6"));
    const std::string types = array_error(no_types, "tokenizer.ggml.token_type", std::vector<std::int32_t>(n, 1));
    CHECK(has(types, "tokenizer.ggml.token_type has " + std::to_string(n)));
    CHECK(has(types, "tokenizer.ggml.tokens has 6"));
  }
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", std::vector<std::uint8_t>(6, 1)), "u8"));
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", std::vector<std::int16_t>(6, 1)), "i16"));
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", std::vector<double>(6, 1)), "f64"));
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", small_tokens), "string"));
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", std::vector<std::int32_t>(6, 7)), "type 7"));
  CHECK(has(array_error(no_types, "tokenizer.ggml.token_type", std::vector<std::int32_t>(6, -1)), "type -1"));
  CHECK(has(array_error(no_scores, "tokenizer.ggml.scores", std::vector<double>(6)), "tokenizer.ggml.scores"));
  CHECK(has(array_error(no_scores, "tokenizer.ggml.scores", std::vector<std::uint8_t>(6)), "tokenizer.ggml.scores"));
  gguf::Writer scalar = writer_with(no_types);
  scalar.add("tokenizer.ggml.token_type", std::int32_t{1});
  CHECK(has(load_error(scalar), "tokenizer.ggml.token_type is i32"));
  CHECK(has(load_error(writer_with(no_scores)), "tokenizer.ggml.scores is missing"));
}

TEST_CASE("vocab: without types they follow from texts and ids") {
  const std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<0x41>", "b"};
  gguf::Writer writer = writer_with({.tokens = false, .scores = false, .types = false});
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add_array("tokenizer.ggml.scores", std::span<const float>(small_scores).first(5));
  writer.add("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  writer.add("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  const auto bytes = writer.to_bytes();
  REQUIRE(bytes);
  const auto file = gguf::File::parse(*bytes);
  REQUIRE(file);
  const auto vocab = Vocab::from(*file);
  REQUIRE(vocab);
  CHECK(vocab->type(0) == TokenType::unknown);
  CHECK(vocab->type(1) == TokenType::control);
  CHECK(vocab->type(2) == TokenType::normal);  // nothing says that it ends a text
  CHECK_FALSE(vocab->special().eos);
  CHECK(vocab->type(3) == TokenType::byte);
}

TEST_CASE("vocab T3: of equal texts the first wins") {
  SmallVocab small;
  const std::int32_t first = small.add("x", -1);
  small.add("x", -2);
  small.add("", -3);
  small.add("\xe2\x96\x81", -4);
  const auto tokenizer = Tokenizer::from(*Vocab::from_parts(small.parts()));
  REQUIRE(tokenizer);
  CHECK(tokenizer->vocab().find("x") == first);
  const auto ids = tokenizer->encode("xx");
  REQUIRE(ids);
  CHECK(*tokenizer->decode(*ids) == "xx");

  const std::vector<std::string_view> equal(300, "same"), empty(300, "");
  for (const auto& tokens : {equal, empty}) {
    VocabParts parts;
    parts.tokens = tokens;
    parts.scores = std::vector<float>(300);
    const auto vocab = Vocab::from_parts(parts);
    REQUIRE(vocab);
    const auto strange = Tokenizer::from(*vocab);
    REQUIRE(strange);
    CHECK_FALSE(strange->encode("other"));  // neither bytes nor an unknown token: an error, not a crash
  }
}

TEST_CASE("vocab T5: a byte token is <0xHH> and nothing else") {
  CHECK(byte_of("<0x00>") == 0);
  CHECK(byte_of("<0xfF>") == 255);
  CHECK(byte_of("<0x0a>") == 10);
  for (std::string_view text : {"<0x-1>", "<0xZZ>", "<0x+1>", "<0x 1>", "<0x>", "<0x100>", "<0x00", "<0X00>", ""}) {
    CAPTURE(text);
    CHECK_FALSE(byte_of(text));
    SmallVocab small;
    small.add(text, 0, TokenType::byte);
    const auto tokenizer = Tokenizer::from(*Vocab::from_parts(small.parts()));
    REQUIRE_FALSE(tokenizer);
    CHECK(has(tokenizer.error().message(), "token 259 has type byte"));
  }
}

TEST_CASE("vocab T7: an id outside the vocabulary names its key and the size") {
  for (std::string_view role : {"bos", "eos", "unknown", "padding", "eot", "eom", "mask", "separator", "fim_pre"}) {
    const std::string key = "tokenizer.ggml." + std::string(role) + "_token_id";
    for (std::uint32_t id : {6u, 0x80000000u, 0xffffffffu}) {
      gguf::Writer writer = writer_with({});
      writer.add(key, id);
      const std::string error = load_error(writer);
      CAPTURE(error);
      CHECK(has(error, key + " is " + std::to_string(id)));
      CHECK(has(error, "6 tokens"));
    }
    gguf::Writer negative = writer_with({}), text = writer_with({}), last = writer_with({});
    negative.add(key, std::int32_t{-1});
    text.add(key, "1");
    last.add(key, std::uint32_t{5});
    CHECK(has(load_error(negative), key));
    CHECK(has(load_error(text), key));
    CHECK(load_error(last).empty());
  }
}

TEST_CASE("vocab: a flag that needs an id which is not there is refused") {
  VocabParts parts;
  const std::vector<std::string_view> words = {"a", "b", "c"};
  parts.tokens = words;
  parts.scores = std::vector<float>(3);
  CHECK_FALSE(Vocab::from_parts(parts)->add_bos());  // only the default: gives way
  parts.add_bos = true;
  const auto refused = Vocab::from_parts(parts);
  REQUIRE_FALSE(refused);
  CHECK(has(refused.error().message(), "tokenizer.ggml.bos_token_id is missing"));
}

TEST_CASE("vocab: ids given by a program are checked as well") {
  SmallVocab small;
  for (std::int32_t id : {-1, 259, std::numeric_limits<std::int32_t>::max()}) {
    VocabParts parts = small.parts();
    parts.special.eot = id;
    CHECK_FALSE(Vocab::from_parts(parts));
  }
}

TEST_CASE("vocab T9: merges of another type are refused") {
  gguf::Writer numbers = writer_with({.model = false}), scalar = writer_with({.model = false});
  numbers.add("tokenizer.ggml.model", "gpt2");
  scalar.add("tokenizer.ggml.model", "gpt2");
  numbers.add_array<std::uint32_t>("tokenizer.ggml.merges", std::vector<std::uint32_t>{1, 2});
  scalar.add("tokenizer.ggml.merges", "a b");
  CHECK(has(load_error(numbers), "tokenizer.ggml.merges"));
  CHECK(has(load_error(scalar), "tokenizer.ggml.merges"));
  gguf::Writer pre = writer_with({});
  pre.add("tokenizer.ggml.pre", std::uint32_t{1});
  CHECK(has(load_error(pre), "tokenizer.ggml.pre"));
}

TEST_CASE("vocab: what ends a text is the union of ids, known texts and what the caller names") {
  SmallVocab small;
  const auto control = [&](const char* text) { return small.add(text, 0, TokenType::control); };
  const auto im_end = control("<|im_end|>"), eot = control("<|eot_id|>"), eom = control("<|eom_id|>");
  const auto normal = small.add("<end_of_turn>", 0), named = control("<turn-over>"), other = control("<other>");
  VocabParts parts = small.parts();
  parts.special.eot = im_end;
  const auto ends = [](const VocabParts& from) {
    const auto vocab = Vocab::from_parts(from);
    REQUIRE(vocab);
    return std::vector(vocab->end_ids().begin(), vocab->end_ids().end());
  };
  CHECK(ends(parts) == std::vector<std::int32_t>{1, 2, im_end, eot, eom, normal});
  parts.end_texts = {"<turn-over>", "no such token"};
  CHECK(ends(parts) == std::vector<std::int32_t>{1, 2, im_end, eot, eom, normal, named});
  const auto vocab = Vocab::from_parts(parts);
  CHECK(vocab->special().eot == im_end);  // metadata goes before texts
  CHECK(vocab->special().eom == eom);
  CHECK_FALSE(vocab->ends_text(other));
}

TEST_CASE("vocab: </s> ends a text beside another eos, if it is a control token and the vocabulary is not Gemma's") {
  SmallVocab small;
  const auto im_end = small.add("<|im_end|>", 0, TokenType::control);
  VocabParts parts = small.parts();
  parts.special.eos = im_end;
  CHECK(Vocab::from_parts(parts)->ends_text(2));
  std::vector<TokenType> types = *parts.types;
  types[2] = TokenType::user_defined;
  parts.types = types;
  CHECK_FALSE(Vocab::from_parts(parts)->ends_text(2));
  const auto turn = small.add("<end_of_turn>", 0, TokenType::control);
  VocabParts gemma = small.parts();
  gemma.special.eos = turn;
  CHECK_FALSE(Vocab::from_parts(gemma)->ends_text(2));
}

TEST_CASE("vocab: a token of undefined type is a normal one") {
  SmallVocab small;
  const auto id = small.add("x", 0, TokenType::undefined);
  CHECK(Vocab::from_parts(small.parts())->type(id) == TokenType::normal);
}

TEST_CASE("vocab: <|end|> ends a text, but not where it only ends one of gpt-oss's messages") {
  SmallVocab small;
  const auto end = small.add("<|end|>", 0, TokenType::control);
  CHECK(Vocab::from_parts(small.parts())->ends_text(end));
  const auto back = small.add("<|return|>", 0, TokenType::control), call = small.add("<|call|>", 0, TokenType::control);
  const auto vocab = Vocab::from_parts(small.parts());
  CHECK_FALSE(vocab->ends_text(end));
  VocabParts parts = small.parts();
  parts.end_texts = {"<|end|>"};  // its template writes it, in place of <|return|>
  CHECK_FALSE(Vocab::from_parts(parts)->ends_text(end));
  CHECK(vocab->ends_text(back));
  CHECK(vocab->ends_text(call));
}

TEST_CASE("vocab: fill-in-the-middle tokens by metadata, in both spellings, else by text") {
  SmallVocab small;
  const auto pre = small.add("<fim_prefix>", 0, TokenType::control), suf = small.add("<fim_suffix>", 0),
             mid = small.add("<|fim_middle|>", 0, TokenType::control), sep = small.add("<|file_sep|>", 0);
  const auto vocab = Vocab::from_parts(small.parts());
  CHECK(vocab->special().fim_pre == pre);
  CHECK(vocab->special().fim_suf == suf);
  CHECK(vocab->special().fim_mid == mid);
  CHECK(vocab->ends_text(sep));
  CHECK_FALSE(vocab->special().fim_pad);

  gguf::Writer writer = writer_with({});
  writer.add("tokenizer.ggml.prefix_token_id", std::uint32_t{3});
  writer.add("tokenizer.ggml.fim_suf_token_id", std::uint32_t{4});
  const auto bytes = writer.to_bytes();
  REQUIRE(bytes);
  const auto file = gguf::File::parse(*bytes);
  REQUIRE(file);
  const auto read = Vocab::from(*file);
  REQUIRE(read);
  CHECK(read->special().fim_pre == 3);
  CHECK(read->special().fim_suf == 4);
}

TEST_CASE("vocab T10: a model without an algorithm is unsupported and named") {
  for (const char* model : {"rwkv", "", "\x1b[31m"}) {
    gguf::Writer writer = writer_with({.model = false});
    writer.add("tokenizer.ggml.model", model);
    const auto bytes = writer.to_bytes();
    REQUIRE(bytes);
    const auto file = gguf::File::parse(*bytes);
    REQUIRE(file);
    const auto tokenizer = Tokenizer::from(*file);
    REQUIRE_FALSE(tokenizer);
    CHECK(tokenizer.error().status() == Status::unsupported);
    CHECK(has(tokenizer.error().message(), "tokenizer.ggml.model is"));
    CHECK_FALSE(has(tokenizer.error().message(), "\x1b"));
  }
  CHECK(has(load_error(writer_with({.model = false})), "tokenizer.ggml.model"));
  gguf::Writer number = writer_with({.model = false});
  number.add("tokenizer.ggml.model", std::uint32_t{1});
  CHECK(has(load_error(number), "tokenizer.ggml.model"));
}

}  // namespace vocab_test
