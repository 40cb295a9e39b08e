// Enters: model folders that are damaged or ask for what is not there. Leaves: one error that names the place, and no file.
#include <algorithm>
#include <limits>

#include "checkpoint.h"
#include "convert.h"
#include "safetensors.h"
#include "sentencepiece.h"
#include "support/catch.hpp"
#include "support/hf_folder.h"

namespace convert_badinput_test {

using namespace hearth;
using namespace hearth::convert;
using namespace hearth::test;
using nlohmann::json;

namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// One line of three parts, with these in it.
void check_error(const Error& error, std::initializer_list<std::string_view> parts) {
  const std::string& message = error.message();
  INFO(message);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
  CHECK(message.find('\n') == std::string::npos);
  for (const std::string_view part : parts) CHECK(has(message, part));
}

void refused(const std::string& file, std::initializer_list<std::string_view> parts) {
  const auto tensors = read_safetensors(bytes(file), "'x.safetensors'");
  REQUIRE_FALSE(tensors);
  check_error(tensors.error(), parts);
}

/// A header of one entry, over so many bytes of data.
void entry_refused(const std::string& entry, std::initializer_list<std::string_view> parts, std::size_t n = 8) {
  refused(framed("{\"t\":" + entry + "}", std::string(n, 'x')), parts);
}

void folder_refused(const HfFolder& folder, std::initializer_list<std::string_view> parts,
                    const tools::ConvertOptions& options = {}) {
  const auto report = convert::convert(folder.path(), folder.out(), options);
  REQUIRE_FALSE(report);
  check_error(report.error(), parts);
  CHECK(folder.others() == 0);
}

HfFolder& sound(HfFolder& folder) {
  write_small(folder, "LlamaForCausalLM", small_tensors());
  return folder;
}

}  // namespace

TEST_CASE("safetensors: sound files, empty ones and tensors without elements", "[convert]") {
  const auto tensors = read_safetensors(bytes(safetensors({counted("b", {2, 3}), counted("a", {})})), "");
  REQUIRE(tensors);
  REQUIRE(tensors->size() == 2);
  CHECK((*tensors)[0].name == "b");
  CHECK((*tensors)[0].shape == std::vector<std::uint64_t>{2, 3});
  CHECK((*tensors)[0].data.size() == 24);
  CHECK(read_safetensors(bytes(framed("{}", "")), ""));
  CHECK(read_safetensors(bytes(framed("{}   ", "")), ""));
  CHECK(read_safetensors(bytes(framed(R"({"t":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})", "")), ""));
}

TEST_CASE("safetensors: headers that are none", "[convert]") {
  refused("", {"the file has 0 bytes"});
  refused("1234567", {"the file has 7 bytes"});
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10), {"header's length is 9223372036854775807"});
  refused(std::string("\x03\0\0\0\0\0\0\0{}", 10), {"header's length is 3 bytes, of at most 2"});
  refused(framed("[]", ""), {"no JSON object"});
  refused(framed("", ""), {"no JSON object"});
  refused(framed(R"({"a":)", ""), {"no JSON: it breaks at its byte"});
  refused(framed(R"({} x)", ""), {"no JSON"});
  refused(framed("{\"\xff\":1}", ""), {"no JSON"});
  refused(framed(R"({"t":3})", ""), {"'t' is a number"});
  refused(framed(R"({"t":[1]})", ""), {"'t' is an array"});
  refused(framed(R"({"__metadata__":{"a":1}})", ""), {"'a' is a number"});
}

TEST_CASE("safetensors: fields that are wrong", "[convert]") {
  entry_refused(R"({"shape":[2],"data_offsets":[0,8]})", {"tensor 't'", "no 'dtype'"});
  entry_refused(R"({"dtype":"F32","data_offsets":[0,8]})", {"no 'shape'"});
  entry_refused(R"({"dtype":"F32","shape":[2]})", {"no 'data_offsets'"});
  refused(framed(R"({"t":{},"u":3})", ""), {"tensor 't' has no 'dtype'"});  // at its end, before what comes next
  entry_refused(R"({"dtype":"F3","shape":[2],"data_offsets":[0,8]})", {"tensor 't'", "dtype 'F3'"});
  entry_refused(R"({"dtype":4,"shape":[2],"data_offsets":[0,8]})", {"'dtype' is a number"});
  entry_refused(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", {"'shape' is a number"});
  entry_refused(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", {"'shape' is a negative number"});
  entry_refused(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", {"'shape' is a fraction"});
  entry_refused(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})", {"'shape' has more than 8"});
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", {"1 data_offsets, not 2"});
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"dtype":"F32"})", {"'dtype' comes twice"});
  entry_refused(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})", {"'shape' is an array"});
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":{"a":1}})", {"'more' is an object"});
}

TEST_CASE("safetensors: offsets that do not fit", "[convert]") {
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", {"data_offsets [8, 0]"});
  entry_refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})",
                {"data_offsets [0, 12]", "has 8 bytes of data"});
  entry_refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", {"shape [3] need 12 bytes"});
  entry_refused(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})", {"18446744073709551615"});
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", {"begins at byte 4", "ends at 0"}, 12);
  entry_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", {"end at byte 8", "the file has 12"}, 12);
  const std::string two = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)";
  refused(framed(two + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", std::string(12, 'x')),
          {"tensor 'b' begins at byte 4", "ends at 8"});
  refused(framed(two + R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", std::string(12, 'x')),
          {"the name 'a' comes twice"});
}

TEST_CASE("safetensors: cut short anywhere it is an error, not a crash", "[convert]") {
  const std::string whole = safetensors({counted("a", {2, 3}), counted("b", {4})});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    CHECK_FALSE(read_safetensors(bytes(part), "'x'"));
  }
}

TEST_CASE("SentencePiece: cut short or changed anywhere it is an error or a model, not a crash", "[convert]") {
  const std::string whole = std::string("\x0a\x08\x0a\x01") + "a" + std::string("\x15\0\0\0\0", 5) + "\x1a\x02\x18\x01";
  REQUIRE(read_sentencepiece(bytes(whole), "'x'"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    const auto model = read_sentencepiece(bytes(part), "'x'");
    if (!model) check_error(model.error(), {"SentencePiece", "'x'"});
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[n] = static_cast<char>(value);
      static_cast<void>(read_sentencepiece(bytes(changed), "'x'"));
    }
  }
  const std::string two = whole + whole;
  const auto first = read_sentencepiece(bytes(two), "'x'", 1);
  REQUIRE(first);
  CHECK(first->pieces.size() == 1);
  CHECK(first->n_left_out == 1);
  const auto kind = read_sentencepiece(bytes("\x0a\x02\x18\x09"), "'x'");
  REQUIRE_FALSE(kind);
  check_error(kind.error(), {"type 9", "byte 4"});
}

TEST_CASE("convert: shards and their index disagree", "[convert]") {
  HfFolder folder;
  sound(folder);
  const std::string index = "model.safetensors.index.json";
  const auto with = [&](const json& map) { folder.write_json(index, json{{"weight_map", map}}); };
  json map = json::object();
  for (const HfTensor& tensor : small_tensors()) map[tensor.name] = "model.safetensors";
  folder.write_json(index, json::array());
  folder_refused(folder, {"'weight_map' is no object", "index.json"});
  for (const char* name : {"../x.safetensors", "/etc/passwd", "", ".."}) {
    json outside = map;
    outside["model.norm.weight"] = name;
    with(outside);
    folder_refused(folder, {"'model.norm.weight'", "no file of this folder"});
  }
  json missing = map;
  missing["model.norm.weight"] = "absent.safetensors";
  with(missing);
  folder_refused(folder, {"absent.safetensors"});
  json more = map;
  more["another.weight"] = "model.safetensors";
  with(more);
  folder_refused(folder, {"'another.weight' is not in 'model.safetensors'"});
  json fewer = map;
  fewer.erase("model.norm.weight");
  with(fewer);
  folder_refused(folder, {"'model.norm.weight'", "is not in 'weight_map'"});
  json twice = map;
  folder.write("second.safetensors", safetensors({small_tensors().front()}));
  twice["another.weight"] = "second.safetensors";
  with(twice);
  folder_refused(folder, {"'model.embed_tokens.weight' is in 'model.safetensors' as well"});
}

TEST_CASE("convert: configs that are absent, no JSON or of wrong types", "[convert]") {
  HfFolder folder;
  folder_refused(folder, {"no config.json"});
  sound(folder);
  folder.write("config.json", "{");
  folder_refused(folder, {"no JSON", "config.json"});
  folder.write("config.json", "[]");
  folder_refused(folder, {"no JSON object"});
  folder.write("config.json", R"({"architectures": []})");
  folder_refused(folder, {"names no architecture"});
  folder.write("config.json", R"({"architectures": ["ForestForCausalLM"]})");
  folder_refused(folder, {"'ForestForCausalLM'", "LlamaForCausalLM", "Qwen3ForCausalLM"});
  for (const auto& [field, value, part] :
       {std::tuple("num_hidden_layers", json(nullptr), "'num_hidden_layers' is absent"),
        std::tuple("num_attention_heads", json(0), "'num_attention_heads' is 0"),
        std::tuple("num_attention_heads", json(3), "tensor 'model.layers.0.self_attn.q_proj.weight' has shape [8, 8]"),
        std::tuple("num_attention_heads", json(-2), "'num_attention_heads' is -2"),
        std::tuple("num_key_value_heads", json(4294967296), "'num_key_value_heads' is 4294967296"),
        std::tuple("rms_norm_eps", json("small"), "of type string"),
        std::tuple("rms_norm_eps", json(1e300), "'rms_norm_eps' is 1e+300"),
        std::tuple("rope_theta", json(-1e39), "'rope_theta' is -1e+39"),
        std::tuple("rope_scaling", json{{"rope_type", "spiral"}}, "'rope_type' is 'spiral'"),
        std::tuple("rope_scaling", json{{"rope_type", "yarn"}}, "'factor'")}) {
    json config = small_config("LlamaForCausalLM");
    config[field] = value;
    folder.write_json("config.json", config);
    folder_refused(folder, {part, "config.json"});
  }
}

TEST_CASE("convert: RoPE's settings that no head or no file could have", "[convert]") {
  HfFolder folder;
  write_small(folder, "Glm4ForCausalLM", small_tensors());
  json config = small_config("Glm4ForCausalLM");
  for (const double part : {1e30, -0.5, 0.0, 1.25}) {
    config["partial_rotary_factor"] = part;
    folder.write_json("config.json", config);
    folder_refused(folder, {"'partial_rotary_factor' is " + json(part).dump(), "config.json"});
  }
  config = small_config("Phi3ForCausalLM");
  config["rope_scaling"] = {{"type", "longrope"}, {"long_factor", {1e300, 1}}, {"short_factor", {1, 1}}};
  folder.write_json("config.json", config);
  folder_refused(folder, {"'long_factor' holds 1e+300"});
  config["rope_scaling"]["long_factor"] = {1, 1};
  config["original_max_position_embeddings"] = 1;
  folder.write_json("config.json", config);
  folder_refused(folder, {"'original_max_position_embeddings' is 1"});
  config["partial_rotary_factor"] = -0.5;
  folder.write_json("config.json", config);
  folder_refused(folder, {"'partial_rotary_factor' is -0.5"});
  config = small_config("LlamaForCausalLM");
  config["rope_theta"] = -10000;
  config["rope_scaling"] = {{"rope_type", "llama3"}, {"factor", 8}};
  folder.write_json("config.json", config);
  folder_refused(folder, {"'rope_theta' is -10000"});
}

TEST_CASE("convert: tensors that are unknown, missing or of no weights", "[convert]") {
  HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  tensors.push_back(counted("model.layers.0.mixer.weight", {2}));
  write_small(folder, "LlamaForCausalLM", tensors);
  folder_refused(folder, {"'model.layers.0.mixer.weight' is not known for architecture 'llama'"});
  tensors.back() = {"model.layers.0.self_attn.v_proj.bias", "I64", {1}, std::string(8, '\0')};
  write_small(folder, "LlamaForCausalLM", tensors);
  folder_refused(folder, {"dtype I64"});
  tensors.back() = counted("layers.0.self_attn.v_proj.weight", {4, 8});
  write_small(folder, "LlamaForCausalLM", tensors);
  folder_refused(folder, {"'blk.0.attn_v.weight' a second time"});
  tensors.back() = {"model.layers.0.self_attn.v_proj.bias", "F32", {0}, ""};
  write_small(folder, "LlamaForCausalLM", tensors);
  folder_refused(folder, {"has no elements"});
  tensors.back() = counted("model.layers.0.mlp.experts.1.gate_proj.weight", {2, 8});
  write_small(folder, "Qwen3MoeForCausalLM", tensors);
  json config = small_config("Qwen3MoeForCausalLM");
  config["num_experts"] = 2;
  folder.write_json("config.json", config);
  folder_refused(folder, {"'blk.0.ffn_gate_exps.weight'", "1 experts up to number 1", "has 2"});
  folder.write("model.safetensors", safetensors({counted("model.norm.weight", {8})}));
  folder_refused(folder, {"no embedding"});
}

TEST_CASE("convert: experts that come both fused and one by one", "[convert]") {
  const HfTensor all = counted("model.layers.0.mlp.experts.down_proj", {1, 8, 12});
  const HfTensor one = counted("model.layers.0.mlp.experts.0.down_proj.weight", {8, 12});
  json config = small_config("LlamaForCausalLM");
  config["num_local_experts"] = 1;
  for (const std::vector<HfTensor>& both : {std::vector{all, one}, std::vector{one, all}}) {
    HfFolder folder;
    std::vector<HfTensor> tensors = small_tensors();
    tensors.insert(tensors.end(), both.begin(), both.end());
    write_small(folder, "LlamaForCausalLM", tensors);
    folder.write_json("config.json", config);
    folder_refused(folder, {"'model.layers.0.mlp.experts.down_proj' comes whole and expert by expert"});
  }
}

TEST_CASE("convert: scales of blocks that have no size", "[convert]") {
  HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  tensors[2] = {"model.layers.0.self_attn.k_proj.weight", "F8_E4M3", {4, 8}, std::string(32, '\x38')};
  tensors.push_back({"model.layers.0.self_attn.k_proj.weight_scale_inv", "F32", {0, 1}, ""});
  write_small(folder, "LlamaForCausalLM", tensors);
  json config = small_config("LlamaForCausalLM");
  for (const json& size : {json{0, 128}, json{128, 0}, json{0, 0}, json{2.5, 2}, json{2}}) {
    config["quantization_config"] = {{"weight_block_size", size}};
    folder.write_json("config.json", config);
    folder_refused(folder, {"'quantization_config' has no 'weight_block_size'", "config.json"});
  }
  config["quantization_config"] = {{"weight_block_size", {128, 128}}};
  folder.write_json("config.json", config);
  folder_refused(folder, {"k_proj.weight_scale_inv' has shape [0, 1]"});
}

TEST_CASE("convert: a weight that is not finite, or that the type does not hold, is an error that names its tensor",
          "[convert]") {
  const std::string name = "model.layers.0.self_attn.v_proj.weight";
  const auto with = [&](float value) {
    std::vector<HfTensor> tensors = small_tensors();
    std::vector<float> values(32, 1.0f);
    values[17] = value;
    tensors[3] = {name, "F32", {4, 8}, bytes_of(values)};
    return tensors;
  };
  HfFolder folder;
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 7e4f}) {
    write_small(folder, "Qwen2ForCausalLM", with(value));
    folder_refused(folder, {"'" + name + "' has a value that is not finite, or too large for f16"}, {"f16", {}});
  }
  write_small(folder, "Qwen2ForCausalLM", with(7e4f));
  CHECK(convert::convert(folder.path(), folder.out(), {"bf16", {}}));
}

TEST_CASE("convert: tokenizers that do not fit", "[convert]") {
  HfFolder folder;
  sound(folder);
  json tokenizer = small_tokenizer();
  tokenizer["model"]["vocab"]["far"] = 6;
  folder.write_json("tokenizer.json", tokenizer);
  folder_refused(folder, {"token 'far' has id 6, the embedding has 6 rows"});
  tokenizer = small_tokenizer();
  tokenizer["model"]["merges"] = {"ab"};
  folder.write_json("tokenizer.json", tokenizer);
  folder_refused(folder, {"model.merges has no pair at index 0"});
  tokenizer["model"]["type"] = "WordLevel";
  folder.write_json("tokenizer.json", tokenizer);
  folder_refused(folder, {"\"WordLevel\""});
  folder.write_json("tokenizer.json", small_tokenizer());
  folder.write("tokenizer.model", "\x0a\x7f");
  folder_refused(folder, {"no SentencePiece model", "tokenizer.model"});
}

TEST_CASE("convert: a BPE that GGUF's own rule for spaces would cut otherwise", "[convert]") {
  HfFolder folder;
  sound(folder);
  json sane = small_tokenizer();
  sane["decoder"] = sane["pre_tokenizer"] = nullptr;
  sane["normalizer"] = json::parse(R"({"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})");
  sane["model"]["byte_fallback"] = true;
  folder.write_json("tokenizer.json", sane);
  REQUIRE(convert::convert(folder.path(), folder.out(), {}));
  std::filesystem::remove(folder.out());
  for (const auto& [field, value, part] :
       {std::tuple("pre_tokenizer", R"({"type": "Whitespace"})", "pre_tokenizer is \"Whitespace\""),
        std::tuple("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": " "}, "behavior": "Isolated"})",
                   "pre_tokenizer is \"Split\""),
        std::tuple("pre_tokenizer", R"({"type": "Metaspace", "replacement": "_"})", "pre_tokenizer is \"Metaspace\""),
        std::tuple("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [{"type": "Digits"}]})",
                   "pre_tokenizer.pretokenizers[0] is \"Digits\""),
        std::tuple("normalizer", R"({"type": "Lowercase"})", "normalizer is \"Lowercase\""),
        std::tuple("normalizer", R"({"type": "Prepend", "prepend": "_"})", "normalizer is \"Prepend\""),
        std::tuple("normalizer", "null", "normalizer writes no U+2581")}) {
    json other = sane;
    other[field] = json::parse(value);
    folder.write_json("tokenizer.json", other);
    folder_refused(folder, {part, "tokenizer.json"});
  }
  sane["model"].erase("byte_fallback");
  folder.write_json("tokenizer.json", sane);
  folder_refused(folder, {"model.byte_fallback is not true", "tokenizer.json"});
}

TEST_CASE("convert: a link that leads nowhere is no absent file", "[convert]") {
  for (const char* name : {"tokenizer.json", "generation_config.json", "model.safetensors.index.json"}) {
    HfFolder folder;
    sound(folder);
    const std::filesystem::path link = std::filesystem::path(folder.path()) / name;
    std::filesystem::remove(link);
    std::filesystem::create_symlink("nowhere", link);
    folder_refused(folder, {name});
  }
}

TEST_CASE("convert: a vocabulary has up to 2^20 tokens", "[convert]") {
  HfFolder folder;
  sound(folder);
  const auto embedding = [&](std::uint64_t rows) {
    folder.write("model.safetensors",
                 safetensors({{"model.embed_tokens.weight", "F8_E4M3", {rows, 1}, std::string(rows, '\x38')}}));
  };
  embedding(1 << 20);
  CHECK(convert::convert(folder.path(), folder.out(), {}));
  std::filesystem::remove(folder.out());
  embedding((1 << 20) + 1);
  folder_refused(folder, {"the embedding has 1048577 rows", "up to 1048576 tokens", "tokenizer.json"});
  std::filesystem::remove(std::filesystem::path(folder.path()) / "tokenizer.json");
  CHECK(convert::convert(folder.path(), folder.out(), {}));  // without a tokenizer nobody counts
}

TEST_CASE("convert: an unknown type, a cancelled run and the wrong place leave everything as it was", "[convert]") {
  HfFolder folder;
  sound(folder);
  folder_refused(folder, {"'q9_9' is not known", "q8_0"}, {"q9_9", {}});
  int calls = 0;
  const auto stop_at_third = [&](const tools::ConvertProgress& at) {
    CHECK(at.bytes_done <= at.bytes_total);
    return ++calls < 3;
  };
  folder_refused(folder, {"cancelled"}, {"", stop_at_third});
  CHECK(calls == 3);
  const std::string weights = (std::filesystem::path(folder.path()) / "model.safetensors").string();
  const std::string before = read_file(weights);
  const auto over_input = convert::convert(folder.path(), weights, {});
  REQUIRE_FALSE(over_input);
  check_error(over_input.error(), {"would replace a file of the model"});
  CHECK(read_file(weights) == before);
  const auto nowhere = convert::convert(folder.path() + "/absent", folder.out(), {});
  REQUIRE_FALSE(nowhere);
  check_error(nowhere.error(), {"no config.json"});
}

}  // namespace convert_badinput_test
