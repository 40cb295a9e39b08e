// Enters: tensors and settings made up by a test. Leaves: a Hugging Face model folder with them.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/test_data.h"

namespace hearth::test {

struct HfTensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

inline std::uint64_t elements(const std::vector<std::uint64_t>& shape) {
  std::uint64_t product = 1;
  for (const std::uint64_t count : shape) product *= count;
  return product;
}

template <class T> std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// F32 values first, first + 1, …: each says where it was.
inline HfTensor counted(std::string name, std::vector<std::uint64_t> shape, float first = 0) {
  std::vector<float> values(elements(shape));
  for (float& value : values) value = first++;
  return {std::move(name), "F32", std::move(shape), bytes_of(values)};
}

inline std::string framed(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

inline std::string safetensors(const std::vector<HfTensor>& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = {{"format", "pt"}};
  std::string data;
  for (const HfTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  return framed(header.dump(), data);
}

class HfFolder {
 public:
  std::string path() const { return (folder_ / "hf").string(); }
  std::string out() const { return (folder_ / "out.gguf").string(); }

  HfFolder() { std::filesystem::create_directory(path()); }

  void write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = std::filesystem::path(path()) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void write_json(const std::string& name, const nlohmann::json& document) const { write(name, document.dump()); }

  /// What else lies beside the folder: the output, and what a writer might forget.
  std::size_t others() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(path()).parent_path()))
      count += entry.path() != path() ? 1 : 0;
    return count;
  }

 private:
  TempFolder folder_;
};

inline nlohmann::json small_config(const std::string& architecture) {
  return {{"architectures", {architecture}},
          {"hidden_size", 8},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"intermediate_size", 12},
          {"vocab_size", 6},
          {"rms_norm_eps", 1e-5},
          {"max_position_embeddings", 64},
          {"rope_theta", 10000.0}};
}

/// BPE over bytes with GPT-2's words: a b ab, and <s>.
inline nlohmann::json small_tokenizer() {
  return nlohmann::json::parse(R"({
    "added_tokens": [{"id": 4, "content": "<s>", "special": true, "normalized": false}],
    "normalizer": null, "post_processor": null, "decoder": {"type": "ByteLevel"},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3}, "merges": [["a", "b"]]}
  })");
}

/// A decoder of one layer that plain Llama names describe.
inline std::vector<HfTensor> small_tensors() {
  const std::string layer = "model.layers.0.";
  return {counted("model.embed_tokens.weight", {6, 8}),
          counted(layer + "self_attn.q_proj.weight", {8, 8}),
          counted(layer + "self_attn.k_proj.weight", {4, 8}),
          counted(layer + "self_attn.v_proj.weight", {4, 8}),
          counted(layer + "self_attn.o_proj.weight", {8, 8}),
          counted(layer + "mlp.gate_proj.weight", {12, 8}),
          counted(layer + "mlp.up_proj.weight", {12, 8}),
          counted(layer + "mlp.down_proj.weight", {8, 12}),
          counted(layer + "input_layernorm.weight", {8}),
          counted(layer + "post_attention_layernorm.weight", {8}),
          counted("model.norm.weight", {8})};
}

inline void write_small(const HfFolder& folder, const std::string& architecture, const std::vector<HfTensor>& tensors) {
  folder.write_json("config.json", small_config(architecture));
  folder.write_json("tokenizer.json", small_tokenizer());
  folder.write("model.safetensors", safetensors(tensors));
}

}  // namespace hearth::test
