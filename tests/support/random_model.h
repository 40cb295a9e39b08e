// A small random model of any family in the table, as a GGUF file; it walks the tensor table, so a new tensor needs no line here.
#pragma once

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf_reader.h"
#include "gguf_writer.h"
#include "quantize_row.h"
#include "support/made_up_vocabulary.h"
#include "support/random_weights.h"
#include "tensor_table.h"

namespace hearth::test {

struct RandomModel {
  std::string arch = "llama";
  kernels::Format format = kernels::Format::f32;
  std::int64_t n_layer = 2, dim = 64, n_head = 4, n_kv_head = 2, ffn_dim = 160, n_vocab = 288, n_ctx = 256;
  std::int64_t window = 0;                                                                 // 0: none
  std::int64_t n_expert = 0, n_expert_used = 2, expert_ffn_dim = 96, shared_ffn_dim = 64;  // 0 experts: dense
  std::int64_t head_dim = 0;                                                               // 0: dim / n_head
  // Where positions are stored as latents: head_dim is of what does not turn (0: 32), n_rot elements come after it.
  std::int64_t latent_dim = 64, n_rot = 16, value_dim = 24, q_low_dim = 40, n_leading_dense = 1;
  bool tied = false, soft_caps = false;
  std::uint64_t seed = 1;
  std::int64_t still_dim() const { return head_dim != 0 ? head_dim : 32; }
};

inline void add_hyper_parameters(gguf::Writer& writer, const RandomModel& m) {
  const auto key = [&](const char* name) { return m.arch + "." + name; };
  writer.add("general.architecture", m.arch);
  writer.add("general.name", "random");
  writer.add(key("block_count"), static_cast<std::uint32_t>(m.n_layer));
  writer.add(key("embedding_length"), static_cast<std::uint32_t>(m.dim));
  writer.add(key("feed_forward_length"), static_cast<std::uint32_t>(m.ffn_dim));
  writer.add(key("context_length"), static_cast<std::uint32_t>(m.n_ctx));
  writer.add(key("attention.head_count"), static_cast<std::uint32_t>(m.n_head));
  writer.add(key("attention.head_count_kv"), static_cast<std::uint32_t>(m.n_kv_head));
  writer.add(key("attention.layer_norm_rms_epsilon"), 1e-5f);
  writer.add(key("attention.layer_norm_epsilon"), 1e-5f);
  if (m.soft_caps) {
    writer.add(key("attn_logit_softcapping"), 2.0f);
    writer.add(key("final_logit_softcapping"), 3.0f);
  }
  const bool latent = model::find_arch(m.arch)->attention == model::Attention::latent;
  if (latent) {
    writer.add(key("attention.kv_lora_rank"), static_cast<std::uint32_t>(m.latent_dim));
    writer.add(key("attention.q_lora_rank"), static_cast<std::uint32_t>(m.q_low_dim));
    writer.add(key("attention.key_length"), static_cast<std::uint32_t>(m.latent_dim + m.n_rot));
    writer.add(key("attention.value_length"), static_cast<std::uint32_t>(m.latent_dim));
    writer.add(key("attention.key_length_mla"), static_cast<std::uint32_t>(m.still_dim() + m.n_rot));
    writer.add(key("attention.value_length_mla"), static_cast<std::uint32_t>(m.value_dim));
    writer.add(key("rope.dimension_count"), static_cast<std::uint32_t>(m.n_rot));
  } else if (m.head_dim != 0) {
    writer.add(key("attention.key_length"), static_cast<std::uint32_t>(m.head_dim));
    writer.add(key("attention.value_length"), static_cast<std::uint32_t>(m.head_dim));
  }
  if (m.n_expert != 0) {
    writer.add(key("expert_count"), static_cast<std::uint32_t>(m.n_expert));
    writer.add(key("expert_used_count"), static_cast<std::uint32_t>(m.n_expert_used));
    writer.add(key("expert_feed_forward_length"), static_cast<std::uint32_t>(m.expert_ffn_dim));
    writer.add(key("expert_shared_feed_forward_length"), static_cast<std::uint32_t>(m.shared_ffn_dim));
    writer.add(key("expert_shared_count"), std::uint32_t{1});
    writer.add(key("leading_dense_block_count"), static_cast<std::uint32_t>(m.n_leading_dense));
  }
  if (m.window != 0) writer.add(key("attention.sliding_window"), static_cast<std::uint32_t>(m.window));
}

/// Weights uniform with variance 1/width, so that activations stay of order one.
inline std::vector<std::byte> make_random_model(const RandomModel& m) {
  model::Config c;
  c.arch = model::find_arch(m.arch);
  c.n_layer = m.n_layer, c.dim = m.dim, c.n_head = m.n_head, c.n_kv_head = m.n_kv_head, c.ffn_dim = m.ffn_dim,
  c.n_vocab = m.n_vocab;
  c.head_dim = m.head_dim != 0 ? m.head_dim : m.dim / m.n_head, c.n_rot = c.head_dim;
  c.n_expert = m.n_expert, c.n_expert_used = m.n_expert_used, c.expert_ffn_dim = m.expert_ffn_dim,
  c.shared_ffn_dim = m.shared_ffn_dim;
  c.causal = c.arch->causal, c.n_ctx_train = m.n_ctx, c.n_token_type = 2;
  if (c.arch->attention == model::Attention::latent) {
    c.latent_dim = m.latent_dim, c.n_rot = m.n_rot, c.head_dim = m.still_dim() + m.n_rot, c.value_dim = m.value_dim;
    c.q_low_dim = m.q_low_dim, c.n_leading_dense = m.n_leading_dense, c.shared_ffn_dim = m.expert_ffn_dim;
  }
  gguf::Writer writer;
  add_hyper_parameters(writer, m);
  add_vocabulary(writer, m.n_vocab);
  Rng rng(m.seed);
  std::vector<std::vector<std::byte>> storage;
  for (const model::TensorRow& row : model::tensor_table()) {
    const std::vector<std::uint64_t> dims = model::tensor_dims(row, c);
    const auto width = static_cast<std::int64_t>(dims[0]);
    std::int64_t n_rows = 1;
    for (std::size_t d = 1; d < dims.size(); ++d) n_rows *= static_cast<std::int64_t>(dims[d]);
    const bool blocks = row.is_matrix() && width % kernels::format_info(m.format).block_elements == 0;
    const kernels::Format format = blocks ? m.format : kernels::Format::f32;
    for (std::int64_t layer = 0; layer < (row.per_layer() ? m.n_layer : 1); ++layer) {
      const bool chosen = (row.name == "output.weight" && !m.tied) || row.name == "token_types.weight";
      const model::Need need = row.need(c, layer);
      if (need != model::Need::must && !(need == model::Need::may && chosen)) continue;
      std::vector<float> values = random_floats(rng, static_cast<std::size_t>(width * n_rows),
                                                row.is_matrix() ? std::sqrt(3.0f / static_cast<float>(width)) : 0.5f);
      const bool norm = row.name.find("norm.weight") != std::string_view::npos;
      for (float& v : values) v = norm ? 1.0f + v : v;
      storage.emplace_back(static_cast<std::size_t>(n_rows) * kernels::row_bytes(kernels::format_info(format), width));
      for (std::int64_t r = 0; r < n_rows; ++r)
        quant::quantize_row(format,
                            storage.back().data() +
                                static_cast<std::size_t>(r) * kernels::row_bytes(kernels::format_info(format), width),
                            values.data() + r * width, width);
      writer.add_tensor(model::tensor_name(row, layer), static_cast<std::uint32_t>(format), dims, storage.back());
    }
  }
  auto bytes = writer.to_bytes();
  return bytes ? std::move(*bytes) : std::vector<std::byte>{};
}

inline std::string write_random_model(const RandomModel& m, const std::string& path) {
  const std::vector<std::byte> bytes = make_random_model(m);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

/// A sound model taken apart, so that a test can put one thing wrong and write it again. What is not touched stays as it was.
class ModelEditor {
 public:
  struct Tensor {
    std::string name;
    std::uint32_t type;
    std::vector<std::uint64_t> dims;
    std::vector<std::byte> bytes;
  };

  explicit ModelEditor(const RandomModel& m = {}) : sound_(make_random_model(m)) {
    auto file = gguf::File::parse(sound_, "sound");
    if (!file) return;
    for (const gguf::KeyValue& pair : file->metadata())
      keys_.push_back({std::string(pair.key), [pair](gguf::Writer& w) { w.copy(pair); }});
    for (const gguf::Tensor& t : file->tensors())
      tensors_.push_back({std::string(t.name),
                          t.type->id,
                          {t.dims.begin(), t.dims.begin() + t.n_dims},
                          {t.data.begin(), t.data.end()}});
  }
  ModelEditor(const ModelEditor&) = delete;  // its keys point into its bytes
  ModelEditor& operator=(const ModelEditor&) = delete;

  ModelEditor& remove(std::string_view key) {
    std::erase_if(keys_, [&](const Key& k) { return k.name == key; });
    return *this;
  }
  template <class T> ModelEditor& set(const std::string& key, T value) {
    remove(key).keys_.push_back({key, [key, value](gguf::Writer& w) { w.add(key, value); }});
    return *this;
  }
  template <class T> ModelEditor& set_array(const std::string& key, std::vector<T> values) {
    remove(key).keys_.push_back(
        {key, [key, values](gguf::Writer& w) { w.add_array(key, std::span<const T>(values)); }});
    return *this;
  }
  template <std::size_t N> ModelEditor& set_bools(const std::string& key, std::array<bool, N> values) {
    remove(key).keys_.push_back(
        {key, [key, values](gguf::Writer& w) { w.add_array(key, std::span<const bool>(values)); }});
    return *this;
  }

  /// The tensor of that name; asking for one that is not there is a mistake in the test.
  Tensor& tensor(std::string_view name) {
    for (Tensor& t : tensors_)
      if (t.name == name) return t;
    std::abort();
  }
  ModelEditor& drop(std::string_view name) {
    std::erase_if(tensors_, [&](const Tensor& t) { return t.name == name; });
    return *this;
  }
  ModelEditor& drop_all() {
    tensors_.clear();
    return *this;
  }
  ModelEditor& add(Tensor tensor) {
    tensors_.push_back(std::move(tensor));
    return *this;
  }
  /// Another shape or type, with as many bytes as that needs: the old ones first, then zeros.
  ModelEditor& reshape(std::string_view name, std::vector<std::uint64_t> dims) {
    return retype(name, tensor(name).type, std::move(dims));
  }
  ModelEditor& retype(std::string_view name, std::uint32_t type, std::vector<std::uint64_t> dims) {
    Tensor& t = tensor(name);
    t.type = type, t.dims = std::move(dims);
    std::array<std::uint64_t, 4> all{1, 1, 1, 1};
    std::copy(t.dims.begin(), t.dims.end(), all.begin());
    t.bytes.resize(gguf::tensor_bytes(*gguf::find_tensor_type(type), all).value_or(0));
    return *this;
  }

  std::vector<std::byte> bytes() const {
    gguf::Writer writer;
    for (const Key& key : keys_) key.add(writer);
    for (const Tensor& t : tensors_) writer.add_tensor(t.name, t.type, t.dims, t.bytes);
    auto made = writer.to_bytes();
    return made ? std::move(*made) : std::vector<std::byte>{};
  }
  /// The file's size, 0 when it could not be made.
  std::size_t write(const std::string& path) const {
    const std::vector<std::byte> all = bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
    return all.size();
  }

 private:
  struct Key {
    std::string name;
    std::function<void(gguf::Writer&)> add;
  };
  std::vector<std::byte> sound_;
  std::vector<Key> keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace hearth::test
