// Enters: Hugging Face folders made up here. Leaves: GGUF files whose every value is where llama.cpp's files have it.
#include "convert.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <set>

#include "canonical_math.h"
#include "family.h"
#include "gguf_reader.h"
#include "kernel_table.h"
#include "pre_tokenizer.h"
#include "pre_tokenizer_name.h"
#include "quantize_row.h"
#include "sentencepiece.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/hf_folder.h"

namespace convert_test {

using namespace hearth;
using namespace hearth::convert;
using namespace hearth::test;
using nlohmann::json;
using Floats = std::vector<float>;

namespace {

gguf::File converted(const HfFolder& folder, const std::string& type = "") {
  const auto report = convert::convert(folder.path(), folder.out(), {type, {}});
  INFO((report ? std::string() : report.error().message()));
  REQUIRE(report);
  auto file = gguf::File::open(folder.out());
  REQUIRE(file);
  return std::move(*file);
}

const gguf::Tensor& tensor_of(const gguf::File& file, std::string_view name) {
  const gguf::Tensor* tensor = file.find_tensor(name);
  INFO(name);
  REQUIRE(tensor);
  return *tensor;
}

Floats values_of(const gguf::File& file, std::string_view name) {
  const gguf::Tensor& tensor = tensor_of(file, name);
  const kernels::FormatInfo* format = kernels::find_format(tensor.type->id);
  REQUIRE(format);
  const auto k = static_cast<std::int64_t>(tensor.dims[0]);
  const std::size_t bytes = kernels::row_bytes(*format, k);
  Floats values(tensor.data.size() / bytes * tensor.dims[0]);
  for (std::size_t row = 0; row * bytes < tensor.data.size(); ++row)
    kernels::dequantize_row(format->format, values.data() + row * tensor.dims[0], tensor.data.data() + row * bytes, k);
  return values;
}

std::vector<std::uint64_t> dims_of(const gguf::File& file, std::string_view name) {
  const gguf::Tensor& tensor = tensor_of(file, name);
  return {tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims};
}

/// Rows of `dim` counted values, in this order of the counted rows.
Floats rows(std::initializer_list<int> order, int dim, float first = 0) {
  Floats values;
  for (const int row : order)
    for (int i = 0; i < dim; ++i) values.push_back(first + static_cast<float>(row * dim + i));
  return values;
}

void add_experts(std::vector<HfTensor>& tensors, const std::string& prefix, int n_expert) {
  for (int e = 0; e < n_expert; ++e)
    for (const auto& [name, shape] : {std::pair(".w1.weight", std::vector<std::uint64_t>{3, 8}),
                                      std::pair(".w2.weight", std::vector<std::uint64_t>{8, 3}),
                                      std::pair(".w3.weight", std::vector<std::uint64_t>{3, 8})})
      tensors.push_back(counted(prefix + std::to_string(e) + name, shape, static_cast<float>(100 * e)));
}

void drop(std::vector<HfTensor>& tensors, std::string_view part) {
  std::erase_if(tensors, [&](const HfTensor& t) { return t.name.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("convert: Llama's settings, names and shapes; rows of q and k are interleaved", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  const gguf::File file = converted(folder);
  CHECK(*file.get_string("general.architecture") == "llama");
  CHECK(*file.get_uint("general.file_type") == 0);
  for (const auto& [key, value] : {std::pair("llama.block_count", 1), std::pair("llama.embedding_length", 8),
                                   std::pair("llama.attention.head_count_kv", 1), std::pair("llama.vocab_size", 6),
                                   std::pair("llama.rope.dimension_count", 4), std::pair("llama.context_length", 64)})
    CHECK(*file.get_uint(key) == static_cast<std::uint64_t>(value));
  CHECK(*file.get_float("llama.rope.freq_base") == 10000.0);
  CHECK(file.tensors().size() == small_tensors().size());
  CHECK(dims_of(file, "blk.0.ffn_down.weight") == std::vector<std::uint64_t>{12, 8});
  CHECK(values_of(file, "blk.0.attn_q.weight") == rows({0, 2, 1, 3, 4, 6, 5, 7}, 8));
  CHECK(values_of(file, "blk.0.attn_k.weight") == rows({0, 2, 1, 3}, 8));
  CHECK(values_of(file, "blk.0.attn_v.weight") == rows({0, 1, 2, 3}, 8));
  CHECK(values_of(file, "output_norm.weight") == rows({0}, 8));
}

TEST_CASE("convert: BPE's tokens, merges and types; ids that nobody takes are filled", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  folder.write_json("tokenizer_config.json",
                    json{{"bos_token", "<s>"}, {"add_bos_token", true}, {"chat_template", "T"}});
  folder.write_json("generation_config.json", json{{"temperature", 0.5}, {"top_k", 20}, {"do_sample", true}});
  const gguf::File file = converted(folder);
  const auto tokens = *file.get_strings("tokenizer.ggml.tokens");
  CHECK(std::vector<std::string_view>(tokens.begin(), tokens.end()) ==
        std::vector<std::string_view>{"a", "b", "ab", "\u0120", "<s>", "[PAD5]"});
  CHECK(*file.get_ints("tokenizer.ggml.token_type") == std::vector<std::int64_t>{1, 1, 1, 1, 3, 5});
  CHECK((*file.get_strings("tokenizer.ggml.merges"))[0] == "a b");
  CHECK(*file.get_string("tokenizer.ggml.pre") == "gpt-2");
  CHECK(*file.get_uint("tokenizer.ggml.bos_token_id") == 4);
  CHECK(*file.optional_bool("tokenizer.ggml.add_bos_token") == true);
  CHECK(*file.get_string("tokenizer.chat_template") == "T");
  CHECK(*file.get_float("general.sampling.temp") == 0.5);
  CHECK(*file.get_uint("general.sampling.top_k") == 20);
}

TEST_CASE("convert: Gemma's norms get the 1 that the checkpoint leaves out, and only they", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  tensors.push_back(counted("model.layers.0.pre_feedforward_layernorm.weight", {8}));
  tensors.push_back(counted("model.layers.0.post_feedforward_layernorm.weight", {8}));
  write_small(folder, "Gemma2ForCausalLM", tensors);
  const gguf::File file = converted(folder);
  for (const char* norm :
       {"output_norm", "blk.0.attn_norm", "blk.0.post_attention_norm", "blk.0.ffn_norm", "blk.0.post_ffw_norm"})
    CHECK(values_of(file, std::string(norm) + ".weight") == rows({0}, 8, 1));
  CHECK(values_of(file, "blk.0.attn_q.weight") == rows({0, 1, 2, 3, 4, 5, 6, 7}, 8));
  CHECK(*file.get_uint("gemma2.attention.key_length") == 256);  // the config class's default
}

TEST_CASE("convert: experts are stacked in their order, and the router stays F32", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, ".mlp.");
  add_experts(tensors, "model.layers.0.block_sparse_moe.experts.", 12);
  tensors.push_back(counted("model.layers.0.block_sparse_moe.gate.weight", {12, 8}));
  write_small(folder, "MixtralForCausalLM", tensors);
  json config = small_config("MixtralForCausalLM");
  config["num_local_experts"] = 12;
  config["num_experts_per_tok"] = 2;
  folder.write_json("config.json", config);
  const gguf::File file = converted(folder, "f16");
  CHECK(dims_of(file, "blk.0.ffn_down_exps.weight") == std::vector<std::uint64_t>{3, 8, 12});
  Floats expected;
  for (int e = 0; e < 12; ++e)
    for (int i = 0; i < 24; ++i) expected.push_back(static_cast<float>(100 * e + i));
  for (const char* part : {"gate", "up", "down"})
    CHECK(values_of(file, "blk.0.ffn_" + std::string(part) + "_exps.weight") == expected);
  CHECK(tensor_of(file, "blk.0.ffn_gate_inp.weight").type->name == "F32");
  CHECK(tensor_of(file, "blk.0.ffn_up_exps.weight").type->name == "F16");
}

TEST_CASE("convert: experts that come fused are taken apart", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, ".mlp.");
  tensors.push_back(counted("model.layers.0.mlp.gate.weight", {2, 8}));
  tensors.push_back(counted("model.layers.0.mlp.experts.gate_up_proj", {2, 4, 8}));
  tensors.push_back(counted("model.layers.0.mlp.experts.down_proj", {2, 8, 2}));
  write_small(folder, "Qwen3MoeForCausalLM", tensors);
  const gguf::File file = converted(folder);
  CHECK(values_of(file, "blk.0.ffn_gate_exps.weight") == rows({0, 1, 4, 5}, 8));
  CHECK(values_of(file, "blk.0.ffn_up_exps.weight") == rows({2, 3, 6, 7}, 8));
  CHECK(dims_of(file, "blk.0.ffn_down_exps.weight") == std::vector<std::uint64_t>{2, 8, 2});
}

TEST_CASE("convert: latent attention's kv_b_proj becomes keys, turned, and values", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, "_proj.weight");
  tensors.push_back(counted("model.layers.0.self_attn.kv_b_proj.weight", {10, 3}));  // 2 heads of 2 + 3 rows
  write_small(folder, "DeepseekV3ForCausalLM", tensors);
  json config = small_config("DeepseekV3ForCausalLM");
  config.update(json{{"kv_lora_rank", 3},
                     {"qk_nope_head_dim", 2},
                     {"qk_rope_head_dim", 4},
                     {"v_head_dim", 3},
                     {"n_routed_experts", 4},
                     {"moe_intermediate_size", 3},
                     {"num_experts_per_tok", 2}});
  folder.write_json("config.json", config);
  const gguf::File file = converted(folder);
  CHECK(dims_of(file, "blk.0.attn_k_b.weight") == std::vector<std::uint64_t>{2, 3, 2});
  CHECK(values_of(file, "blk.0.attn_k_b.weight") == Floats{0, 3, 1, 4, 2, 5, 15, 18, 16, 19, 17, 20});
  CHECK(values_of(file, "blk.0.attn_v_b.weight") == rows({2, 3, 4, 7, 8, 9}, 3));
  CHECK(*file.get_uint("deepseek2.attention.head_count_kv") == 1);
  CHECK(*file.get_uint("deepseek2.attention.key_length") == 7);
  CHECK(*file.get_uint("deepseek2.attention.key_length_mla") == 6);
  CHECK(*file.get_uint("deepseek2.expert_gating_func") == 2);
}

TEST_CASE("convert: MXFP4's codes keep their values in GGUF's order", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, ".mlp.");
  std::string codes, scales;
  for (int i = 0; i < 2 * 4 * 16; ++i) codes.push_back(static_cast<char>(i * 37 + 11));
  for (int i = 0; i < 2 * 4; ++i) scales.push_back(static_cast<char>(120 + i));
  const std::string mlp = "model.layers.0.mlp.experts.";
  tensors.push_back({mlp + "gate_up_proj_blocks", "U8", {2, 4, 1, 16}, codes});
  tensors.push_back({mlp + "gate_up_proj_scales", "U8", {2, 4, 1}, scales});
  tensors.push_back(counted(mlp + "gate_up_proj_bias", {2, 4}));
  write_small(folder, "GptOssForCausalLM", tensors);
  const gguf::File file = converted(folder, "q8_0");
  const auto value = [&](int row, int i) {  // OCP: E2M1 codes, low nibble first, times 2^(scale - 127)
    constexpr float book[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    const int code = codes[static_cast<std::size_t>(16 * row + i / 2)] >> 4 * (i % 2) & 15;
    return std::ldexp(code & 8 ? -book[code & 7] : book[code & 7], scales[static_cast<std::size_t>(row)] - 127);
  };
  Floats gate, up;
  for (const int row : {0, 2, 4, 6})
    for (int i = 0; i < 32; ++i) gate.push_back(value(row, i)), up.push_back(value(row + 1, i));
  CHECK(values_of(file, "blk.0.ffn_gate_exps.weight") == gate);
  CHECK(values_of(file, "blk.0.ffn_up_exps.weight") == up);
  CHECK(values_of(file, "blk.0.ffn_gate_exps.bias") == Floats{0, 2, 4, 6});
  CHECK(values_of(file, "blk.0.ffn_up_exps.bias") == Floats{1, 3, 5, 7});
  CHECK(tensor_of(file, "blk.0.ffn_gate_exps.weight").type->name == "MXFP4");
  const gguf::File floats = converted(folder, "f32");
  CHECK(tensor_of(floats, "blk.0.ffn_gate_exps.weight").type->name == "F32");
  CHECK(values_of(floats, "blk.0.ffn_up_exps.weight") == up);
}

TEST_CASE("convert: every type of weights keeps its values", "[convert]") {
  const Floats numbers = {0, 1, -2, 0.5f, 448, -0.015625f, 3, -240};
  std::vector<double> f64(numbers.begin(), numbers.end());
  std::vector<std::uint16_t> f16, bf16;
  for (const float x : numbers) f16.push_back(kernels::f32_to_f16(x)), bf16.push_back(kernels::f32_to_bf16(x));
  const std::vector<std::uint8_t> e4m3 = {0x00, 0x38, 0xc0, 0x30, 0x7e, 0x88, 0x44, 0xf7};
  for (const HfTensor& source :
       {HfTensor{"", "F64", {1, 8}, bytes_of(f64)}, HfTensor{"", "F32", {1, 8}, bytes_of(numbers)},
        HfTensor{"", "F16", {1, 8}, bytes_of(f16)}, HfTensor{"", "BF16", {1, 8}, bytes_of(bf16)},
        HfTensor{"", "F8_E4M3", {1, 8}, bytes_of(e4m3)}}) {
    const HfFolder folder;
    std::vector<HfTensor> tensors = small_tensors();
    drop(tensors, "v_proj");
    tensors.push_back(source);
    tensors.back().name = "model.layers.0.self_attn.v_proj.weight";
    write_small(folder, "Qwen2ForCausalLM", tensors);
    INFO(source.dtype);
    CHECK(values_of(converted(folder, "f32"), "blk.0.attn_v.weight") == numbers);
    CHECK(tensor_of(converted(folder, "F16"), "blk.0.attn_v.weight").type->name == "F16");
  }
}

TEST_CASE("convert: weights of eight bits are multiplied by the scale of their block", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, "k_proj");
  const std::string name = "model.layers.0.self_attn.k_proj.weight";
  tensors.push_back({name, "F8_E4M3", {4, 8}, std::string(32, '\x38')});  // ones
  tensors.push_back(counted(name + "_scale_inv", {2, 3}, 1));  // blocks of 3 rows and 3 columns: 1 2 3, 4 5 6
  write_small(folder, "LlamaForCausalLM", tensors);
  json config = small_config("LlamaForCausalLM");
  config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {3, 3}}};
  folder.write_json("config.json", config);
  const Floats upper = {1, 1, 1, 2, 2, 2, 3, 3}, lower = {4, 4, 4, 5, 5, 5, 6, 6};
  Floats expected;
  for (int i = 0; i < 3; ++i) expected.insert(expected.end(), upper.begin(), upper.end());
  expected.insert(expected.end(), lower.begin(), lower.end());  // rows 0 2 1 3: the last stays last
  CHECK(values_of(converted(folder, "f32"), "blk.0.attn_k.weight") == expected);
  config["quantization_config"] = {{"weight_block_size", {2, 3}}};
  folder.write_json("config.json", config);
  CHECK(convert::convert(folder.path(), folder.out(), {}));  // two blocks of two rows are as many
  config["quantization_config"] = {{"weight_block_size", {1, 0}}};
  folder.write_json("config.json", config);
  CHECK_FALSE(convert::convert(folder.path(), folder.out(), {}));
}

TEST_CASE("convert: layers that predict further tokens are left out, with what no other layer has", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  const std::size_t n_own = tensors.size();
  for (const char* name : {"model.layers.1.eh_proj.weight", "model.layers.1.shared_head.norm.weight",
                           "model.layers.1.enorm.weight", "model.layers.1.self_attn.q_proj.weight"})
    tensors.push_back(counted(name, {8, 8}));
  write_small(folder, "LlamaForCausalLM", tensors);
  CHECK(converted(folder).tensors().size() == n_own);
  tensors.push_back(counted("model.layers.0.eh_proj.weight", {8, 8}));
  write_small(folder, "LlamaForCausalLM", tensors);
  CHECK_FALSE(convert::convert(folder.path(), folder.out(), {}));
}

TEST_CASE("convert: without a type the weights keep theirs", "[convert]") {
  for (const auto& [dtype, name] : {std::pair("BF16", "BF16"), std::pair("F16", "F16"), std::pair("F32", "F32")}) {
    const HfFolder folder;
    std::vector<HfTensor> tensors = small_tensors();
    if (dtype != std::string("F32"))
      for (HfTensor& tensor : tensors) tensor.dtype = dtype, tensor.bytes.resize(tensor.bytes.size() / 2);
    write_small(folder, "LlamaForCausalLM", tensors);
    const gguf::File file = converted(folder);
    CHECK(tensor_of(file, "blk.0.attn_q.weight").type->name == name);
    CHECK(tensor_of(file, "token_embd.weight").type->name == name);
    CHECK(tensor_of(file, "output_norm.weight").type->name == "F32");
  }
}

TEST_CASE("convert: a quantized type is what the quantizer makes of the rows; others become F16 and are counted",
          "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, "down_proj");
  tensors.push_back(counted("model.layers.0.mlp.down_proj.weight", {8, 64}, -100));
  write_small(folder, "LlamaForCausalLM", tensors);
  const auto report = convert::convert(folder.path(), folder.out(), {"q8_0", {}});
  REQUIRE(report);
  CHECK(report->n_fallback == 7);  // of eight matrices only one has rows of 32
  const auto file = gguf::File::open(folder.out());
  REQUIRE(file);
  CHECK(*file->get_uint("general.file_type") == 7);
  const gguf::Tensor& down = tensor_of(*file, "blk.0.ffn_down.weight");
  std::vector<std::byte> expected(8 * 2 * sizeof(kernels::BlockQ8_0));
  const Floats numbers = rows({0, 1, 2, 3, 4, 5, 6, 7}, 64, -100);
  for (std::size_t row = 0; row < 8; ++row)
    quant::quantize_row(kernels::Format::q8_0, expected.data() + row * 2 * sizeof(kernels::BlockQ8_0),
                        numbers.data() + 64 * row, 64);
  CHECK(std::ranges::equal(down.data, expected));
  CHECK(tensor_of(*file, "blk.0.attn_q.weight").type->name == "F16");
}

TEST_CASE("convert: a row longer than what is quantized at a time has the blocks of the row", "[convert]") {
  constexpr std::int64_t k = 65536 + 32768, n_rows = 3;
  std::vector<float> values(static_cast<std::size_t>(n_rows * k));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, "down_proj");
  tensors.push_back({"model.layers.0.mlp.down_proj.weight", "F32", {n_rows, k}, bytes_of(values)});
  write_small(folder, "LlamaForCausalLM", tensors);
  const gguf::File file = converted(folder, "q4_k");
  const std::size_t bytes = kernels::row_bytes(kernels::format_info(kernels::Format::q4_k), k);
  std::vector<std::byte> expected(n_rows * bytes);
  for (std::size_t row = 0; row < n_rows; ++row)
    CHECK(quant::quantize_row(kernels::Format::q4_k, expected.data() + row * bytes, values.data() + row * k, k));
  CHECK(std::ranges::equal(tensor_of(file, "blk.0.ffn_down.weight").data, expected));
}

#if defined(__x86_64__)
TEST_CASE("convert: the caller's rounding mode changes nothing and is kept", "[convert]") {
  const HfFolder folder;
  std::vector<HfTensor> tensors = small_tensors();
  drop(tensors, "down_proj");
  tensors.push_back(counted("model.layers.0.mlp.down_proj.weight", {8, 64}, -100));
  write_small(folder, "LlamaForCausalLM", tensors);
  json config = small_config("LlamaForCausalLM");
  config["rope_scaling"] = {{"rope_type", "llama3"}, {"factor", 7}, {"original_max_position_embeddings", 32}};
  folder.write_json("config.json", config);
  converted(folder, "q8_0");
  const std::string expected = read_file(folder.out());
  const unsigned before = _mm_getcsr();
  for (const unsigned state : {0x2000u, 0x4000u, 0x6000u}) {  // down, up, to zero
    _mm_setcsr(0x1F80 | state);
    const auto report = convert::convert(folder.path(), folder.out(), {"q8_0", {}});
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK(report);
    CHECK((after & ~0x3fu) == (0x1F80 | state));  // the low six bits are sticky flags
    CHECK(read_file(folder.out()) == expected);
  }
}
#endif

TEST_CASE("convert: a model in two files is the same as in one", "[convert]") {
  const HfFolder one, two;
  std::vector<HfTensor> tensors = small_tensors();
  write_small(one, "LlamaForCausalLM", tensors);
  write_small(two, "LlamaForCausalLM", tensors);
  json map = json::object();
  for (std::size_t i = 0; i < tensors.size(); ++i) map[tensors[i].name] = i < 5 ? "a.safetensors" : "b.safetensors";
  std::filesystem::remove(std::filesystem::path(two.path()) / "model.safetensors");
  two.write("a.safetensors", safetensors({tensors.begin(), tensors.begin() + 5}));
  two.write("b.safetensors", safetensors({tensors.begin() + 5, tensors.end()}));
  two.write_json("model.safetensors.index.json", json{{"weight_map", map}});
  converted(one), converted(two);
  CHECK(read_file(one.out()) == read_file(two.out()));
}

TEST_CASE("convert: Llama 3.1's frequencies and longrope's factors become tensors", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  json config = small_config("LlamaForCausalLM");
  config.erase("rope_theta");
  config["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 10000.0},
                               {"factor", 8.0},           {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 256}};
  folder.write_json("config.json", config);
  // Waves of 2 pi and 200 pi positions: the first is shorter than 256 / 4, the second longer than 256.
  CHECK(values_of(converted(folder), "rope_freqs.weight") == Floats{1, 8});
  CHECK(*converted(folder).get_float("llama.rope.freq_base") == 10000.0);

  config = small_config("Phi3ForCausalLM");
  config["original_max_position_embeddings"] = 32;
  config["rope_scaling"] = {{"type", "longrope"}, {"long_factor", {2, 3}}, {"short_factor", {1, 1.5}}};
  folder.write_json("config.json", config);
  const gguf::File file = converted(folder);
  CHECK(values_of(file, "rope_factors_long.weight") == Floats{2, 3});
  CHECK(values_of(file, "rope_factors_short.weight") == Floats{1, 1.5});
  const double factor = std::sqrt(1 + std::log(2.0) / std::log(32.0));
  CHECK(*file.get_float("phi3.rope.scaling.attn_factor") == static_cast<double>(static_cast<float>(factor)));
}

TEST_CASE("convert: GLM-4's files leave out roles that its tokens have; a role they give stays", "[convert]") {
  const HfFolder folder;
  write_small(folder, "Glm4ForCausalLM", small_tensors());
  json tokenizer = small_tokenizer();
  tokenizer["added_tokens"] = {{{"id", 4}, {"content", "<|endoftext|>"}, {"special", true}},
                               {{"id", 5}, {"content", "<|user|>"}, {"special", true}}};
  folder.write_json("tokenizer.json", tokenizer);
  folder.write_json("tokenizer_config.json", json{{"eos_token", "<|user|>"}});
  const gguf::File file = converted(folder);
  for (const auto& [role, id] :
       {std::pair("bos", 4), std::pair("unknown", 4), std::pair("eot", 5), std::pair("eos", 5)}) {
    INFO(role);
    const auto found = file.get_uint("tokenizer.ggml." + std::string(role) + "_token_id");
    REQUIRE(found);
    CHECK(*found == static_cast<std::uint64_t>(id));
  }
}

TEST_CASE("convert: WordPiece marks where words begin; the pooling is read", "[convert]") {
  const HfFolder folder;
  write_small(folder, "BertModel", {counted("embeddings.word_embeddings.weight", {6, 8})});
  folder.write_json("tokenizer.json", json::parse(R"({
    "added_tokens": [{"id": 0, "content": "[CLS]", "special": true}], "normalizer": {"type": "BertNormalizer", "lowercase": true},
    "model": {"type": "WordPiece", "unk_token": "[CLS]", "vocab": {"[CLS]": 0, "a": 1, "##b": 2}}})"));
  folder.write_json("modules.json",
                    json::parse(R"([{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])"));
  folder.write_json("1_Pooling/config.json",
                    json{{"pooling_mode_cls_token", false}, {"pooling_mode_mean_tokens", true}});
  const gguf::File file = converted(folder);
  const auto tokens = *file.get_strings("tokenizer.ggml.tokens");
  CHECK(tokens[0] == "[CLS]");
  CHECK(tokens[1] ==
        "\u2581"
        "a");
  CHECK(tokens[2] == "b");
  CHECK(*file.get_uint("bert.pooling_type") == 1);
  CHECK(*file.optional_bool("bert.attention.causal") == false);
  CHECK(*file.optional_bool("tokenizer.ggml.normalizer.lowercase") == true);
}

TEST_CASE("convert: SentencePiece's pieces, scores and types; a BPE with byte fallback gets scores by its merges",
          "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  const auto piece = [](const std::string& text, float score, char type) {
    const std::string inside = "\x0a" + std::string(1, static_cast<char>(text.size())) + text + "\x15" +
                               std::string(reinterpret_cast<const char*>(&score), 4) + "\x18" + std::string(1, type);
    return "\x0a" + std::string(1, static_cast<char>(inside.size())) + inside;
  };
  const std::string normalizer = std::string("\x1a\x02\x18\x00", 4);  // add_dummy_prefix = false
  folder.write("tokenizer.model", piece("<unk>", 0, 2) + piece("<0x0A>", -1, 6) + piece("ab", -2.5f, 1) + normalizer);
  {
    const gguf::File file = converted(folder);
    CHECK(*file.get_string("tokenizer.ggml.model") == "llama");
    CHECK((*file.get_strings("tokenizer.ggml.tokens"))[2] == "ab");
    CHECK((*file.get_floats("tokenizer.ggml.scores"))[2] == -2.5f);
    CHECK(*file.get_ints("tokenizer.ggml.token_type") == std::vector<std::int64_t>{2, 6, 1, 5, 5, 5});
    CHECK(*file.optional_bool("tokenizer.ggml.add_space_prefix") == false);
  }
  std::filesystem::remove(std::filesystem::path(folder.path()) / "tokenizer.model");
  json tokenizer = small_tokenizer();
  tokenizer["pre_tokenizer"] = nullptr;
  tokenizer["decoder"] = nullptr;
  tokenizer["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  tokenizer["model"]["byte_fallback"] = true;
  tokenizer["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}, {"aba", 3}};
  tokenizer["model"]["merges"] = {"a b", "ab a"};
  folder.write_json("tokenizer.json", tokenizer);
  const auto scores = *converted(folder).get_floats("tokenizer.ggml.scores");
  CHECK(scores[2] > scores[3]);
  CHECK(scores[3] > scores[0]);
}

TEST_CASE("convert: a BPE with byte fallback treats spaces as Llama's, Mistral's or Gemma's files say", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  json tokenizer = small_tokenizer();
  tokenizer["decoder"] = nullptr;
  tokenizer["model"]["byte_fallback"] = true;
  const std::string replace = R"({"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})";
  const std::string metaspace = R"({"type": "Metaspace", "replacement": "\u2581", )";
  for (const auto& [normalizer, pre, prefixed] :
       {std::tuple(
            R"({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, )" + replace + "]}",
            std::string("null"), true),
        std::tuple(std::string("null"), metaspace + R"("prepend_scheme": "first", "split": false})", true),
        std::tuple(std::string("null"), metaspace + R"("add_prefix_space": true})", true),
        std::tuple(std::string("null"), metaspace + R"("prepend_scheme": "never"})", false),
        std::tuple(std::string("null"), metaspace + R"("add_prefix_space": false})", false),
        std::tuple(replace,
                   std::string(R"({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious"})"),
                   false),
        std::tuple(replace, std::string(R"({"type": "Sequence", "pretokenizers": []})"), false)}) {
    INFO(normalizer << " " << pre);
    tokenizer["normalizer"] = json::parse(normalizer);
    tokenizer["pre_tokenizer"] = json::parse(pre);
    folder.write_json("tokenizer.json", tokenizer);
    const gguf::File file = converted(folder);
    CHECK(*file.get_string("tokenizer.ggml.model") == "llama");
    CHECK(*file.optional_bool("tokenizer.ggml.add_space_prefix") == prefixed);
  }
}

TEST_CASE("convert: tokens that the embedding has no row for are left out and named", "[convert]") {
  const HfFolder folder;
  write_small(folder, "Gemma3ForCausalLM", small_tensors());
  json tokenizer = small_tokenizer();
  const json image = {{"id", 6}, {"content", "<image_soft_token>"}, {"special", true}};
  tokenizer["added_tokens"].push_back(image);
  folder.write_json("tokenizer.json", tokenizer);
  folder.write_json("tokenizer_config.json",
                    json{{"mask_token", "<image_soft_token>"}, {"added_tokens_decoder", {{"6", image}}}});
  const auto report = convert::convert(folder.path(), folder.out(), {});
  REQUIRE(report);
  CHECK(report->tokenizer == "gpt2");
  CHECK(report->tokens_left_out == std::vector<std::string>{"<image_soft_token>"});
  CHECK(report->n_pieces_left_out == 0);
  CHECK(converted(folder).get_strings("tokenizer.ggml.tokens")->size() == 6);
  CHECK_FALSE(converted(folder).find("tokenizer.ggml.mask_token_id"));

  std::string pieces;
  for (const char letter : std::string("abcdefgh")) pieces += std::string("\x0a\x03\x0a\x01") + letter;
  folder.write("tokenizer.model", pieces);
  folder.write_json("added_tokens.json", json{{"<image_soft_token>", 6}, {"<far>", 4294967296}});
  const auto from_pieces = convert::convert(folder.path(), folder.out(), {});
  REQUIRE(from_pieces);
  CHECK(from_pieces->tokenizer == "llama");
  CHECK(from_pieces->tokens_left_out == std::vector<std::string>{"<image_soft_token>", "<far>"});
  CHECK(from_pieces->n_pieces_left_out == 2);

  std::filesystem::remove(std::filesystem::path(folder.path()) / "tokenizer.model");
  std::filesystem::remove(std::filesystem::path(folder.path()) / "tokenizer.json");
  const auto without = convert::convert(folder.path(), folder.out(), {});
  REQUIRE(without);
  CHECK(without->tokenizer == "none");
}

TEST_CASE("convert: setting a key takes as long however many there are", "[convert]") {
  const double begin = cpu_seconds();
  Metadata metadata;
  for (int i = 0; i < 40000; ++i) metadata.set("tokenizer.chat_template." + std::to_string(i), std::string("x"));
  CHECK(metadata.has("tokenizer.chat_template.39999"));
  CHECK(cpu_seconds() - begin < 1);  // looked for one by one: several seconds
}

TEST_CASE("convert: no two pre-tokenizers cut the probe alike", "[convert]") {
  std::set<std::vector<std::uint32_t>> seen;
  for (const text::PreTokenizerRow& row : text::pre_tokenizers()) {
    const auto pre = text::PreTokenizer::make(row);
    REQUIRE(pre);
    std::vector<std::uint32_t> ends;
    REQUIRE(pre->split(pre_tokenizer_probe(), ends));
    const bool twin = std::any_of(text::pre_tokenizers().begin(), text::pre_tokenizers().end(),
                                  [&](const auto& other) { return &other < &row && other.steps == row.steps; });
    // Its regex is written otherwise and means qwen2's: \s*[\r\n] takes all that \s*[\r\n]+ does.
    const bool same_words = row.names.starts_with("bailingmoe ");
    INFO(row.names);
    CHECK((seen.insert(ends).second || twin || same_words));
  }
}

TEST_CASE("convert: published tokenizers get the names that llama.cpp gives them", "[convert]") {
  const std::filesystem::path golden =
      std::filesystem::path(HEARTH_SOURCE_DIR) / "tests" / "golden" / "tokenizers_json";
  for (const auto& [file, name] : {std::pair("llama3", "llama-bpe"), std::pair("qwen2", "qwen2"),
                                   std::pair("gpt2", "gpt-2"), std::pair("deepseek", "deepseek-coder")}) {
    const auto tokenizer = json::parse(read_file(golden / (std::string(file) + ".tokenizer.json")));
    const auto found = pre_tokenizer_name(tokenizer, "", "'test'");
    INFO(file);
    REQUIRE(found);
    CHECK(*found == name);
  }
  json other = small_tokenizer();
  other["pre_tokenizer"] = json::parse(R"({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "l+"}})");
  CHECK_FALSE(pre_tokenizer_name(other, "", "'test'"));
}

TEST_CASE("convert: an architecture has one row", "[convert]") {
  std::set<std::string> seen;
  for (const Family& family : families())
    any_of_names(family.architectures, [&](std::string_view name) {
      CHECK(seen.emplace(name).second);
      return false;
    });
}

}  // namespace convert_test
