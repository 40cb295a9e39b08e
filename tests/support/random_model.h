// A small random model of any family in the table, as a GGUF file; it walks the tensor table, so a new tensor needs no line here.
#pragma once

#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "gguf_writer.h"
#include "quantize_row.h"
#include "support/random_weights.h"
#include "tensor_table.h"

namespace hearth::test {

struct RandomModel {
  std::string arch = "llama";
  kernels::Format format = kernels::Format::f32;
  std::int64_t n_layer = 2, dim = 64, n_head = 4, n_kv_head = 2, ffn_dim = 160, n_vocab = 288, n_ctx = 256;
  bool tied = false;
  std::uint64_t seed = 1;
  kernels::Format output_format() const { return format; }
};

inline void add_vocabulary(gguf::Writer& writer, std::int64_t n_vocab) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<float> scores(3, 0.0f);
  std::vector<std::int32_t> types = {2, 3, 3};
  const char* digits = "0123456789ABCDEF";
  for (int b = 0; b < 256; ++b) {
    tokens.push_back(std::string("<0x") + digits[b >> 4] + digits[b & 15] + ">");
    scores.push_back(0.0f);
    types.push_back(6);
  }
  for (std::int64_t i = static_cast<std::int64_t>(tokens.size()); i < n_vocab; ++i) {
    tokens.push_back(std::string("\xE2\x96\x81") + static_cast<char>('a' + i % 26) + std::to_string(i));
    scores.push_back(-static_cast<float>(i));
    types.push_back(1);
  }
  writer.add("tokenizer.ggml.model", "llama");
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add_array<float>("tokenizer.ggml.scores", scores);
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", types);
  writer.add("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  writer.add("tokenizer.ggml.eos_token_id", std::uint32_t{2});
}

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
}

/// Weights uniform with variance 1/width, so that activations stay of order one.
inline std::vector<std::byte> make_random_model(const RandomModel& m) {
  model::Config c;
  c.arch = model::find_arch(m.arch);
  c.n_layer = m.n_layer, c.dim = m.dim, c.n_head = m.n_head, c.n_kv_head = m.n_kv_head, c.ffn_dim = m.ffn_dim, c.n_vocab = m.n_vocab;
  c.head_dim = m.dim / m.n_head, c.n_rot = c.head_dim;
  gguf::Writer writer;
  add_hyper_parameters(writer, m);
  add_vocabulary(writer, m.n_vocab);
  Rng rng(m.seed);
  std::vector<std::vector<std::byte>> storage;
  for (const model::TensorRow& row : model::tensor_table()) {
    const bool wanted = model::present(c, row.presence) || (row.name == "output.weight" && !m.tied);
    if (!wanted) continue;
    const std::int64_t width = model::extent(c, row.width), n_rows = model::extent(c, row.rows);
    const kernels::Format format = row.is_matrix() ? m.format : kernels::Format::f32;
    for (std::int64_t layer = 0; layer < (row.per_layer() ? m.n_layer : 1); ++layer) {
      std::vector<float> values = random_floats(rng, static_cast<std::size_t>(width * n_rows), row.is_matrix() ? std::sqrt(3.0f / static_cast<float>(width)) : 0.5f);
      const bool norm = row.name.find("norm") != std::string_view::npos;
      for (float& v : values) v = norm ? 1.0f + v : v;
      storage.emplace_back(static_cast<std::size_t>(n_rows) * kernels::row_bytes(kernels::format_info(format), width));
      for (std::int64_t r = 0; r < n_rows; ++r)
        quant::quantize_row(format, storage.back().data() + static_cast<std::size_t>(r) * kernels::row_bytes(kernels::format_info(format), width), values.data() + r * width, width);
      const std::array<std::uint64_t, 2> dims = {static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(n_rows)};
      writer.add_tensor(model::tensor_name(row, layer), static_cast<std::uint32_t>(format), std::span(dims).first(row.is_matrix() ? 2 : 1), storage.back());
    }
  }
  auto bytes = writer.to_bytes();
  return bytes ? std::move(*bytes) : std::vector<std::byte>{};
}

inline std::string write_random_model(const RandomModel& m, const std::string& path) {
  const std::vector<std::byte> bytes = make_random_model(m);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

}  // namespace hearth::test
