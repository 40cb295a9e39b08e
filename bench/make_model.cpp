// Enters: a shape, a type, a path. Leaves: a GGUF file of that shape with random weights, for measuring speed: `make_model 1.1b q4_k_m out.gguf`.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "gguf_writer.h"
#include "quantize_row.h"
#include "support/made_up_vocabulary.h"
#include "tensor_table.h"

namespace {

using namespace hearth;
using kernels::Format;

constexpr float kOne = 1.0f;

struct Shape {
  const char* name;
  std::int64_t n_layer, dim, n_head, n_kv_head, ffn_dim, n_vocab, n_ctx;
  float rope_base;
};

constexpr std::array kShapes = {
    Shape{"1.1b", 22, 2048, 32, 4, 5632, 32000, 32768, 10000.0f},   // TinyLlama 1.1B (longer context, for depth)
    Shape{"3b", 28, 3072, 24, 8, 8192, 128256, 32768, 500000.0f},   // Llama 3.2 3B
    Shape{"8b", 32, 4096, 32, 8, 14336, 128256, 32768, 500000.0f},  // Llama 3.1 8B
};

/// The type of a tensor in a named mix; the plain types give everything that type but a Q6_K head below 6 bits, as is usual.
Format type_of(const std::string& mix, Format plain, const model::TensorRow& row, std::int64_t layer,
               std::int64_t n_layer) {
  if (mix == "q4_k_m") {
    const bool more = layer < n_layer / 8 || layer >= 7 * n_layer / 8 || (layer - n_layer / 8) % 3 == 2;
    if (row.name == "output.weight") return Format::q6_k;
    if ((row.name == "attn_v.weight" || row.name == "ffn_down.weight") && more) return Format::q6_k;
    return Format::q4_k;
  }
  const bool small = plain == Format::q4_0 || plain == Format::q4_1 || plain == Format::q5_0 || plain == Format::q5_1 ||
                     plain == Format::q4_k || plain == Format::q5_k || plain == Format::q3_k || plain == Format::q2_k ||
                     plain == Format::iq4_nl || plain == Format::iq4_xs || plain == Format::mxfp4;
  return row.name == "output.weight" && small ? Format::q6_k : plain;
}

/// Rows of one tensor: a few hundred distinct ones, repeated; what matters is that the bytes are real blocks of real scales.
std::vector<std::byte> random_rows(Format format, std::int64_t width, std::int64_t n_rows, std::uint64_t seed) {
  constexpr std::int64_t kDistinct = 64;
  const std::size_t bytes = kernels::row_bytes(kernels::format_info(format), width);
  std::mt19937_64 rng(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f / std::sqrt(static_cast<float>(width)));
  std::vector<std::byte> rows(static_cast<std::size_t>(n_rows) * bytes);
  std::vector<float> values(static_cast<std::size_t>(width));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    std::byte* row = rows.data() + static_cast<std::size_t>(r) * bytes;
    if (r < kDistinct) {
      for (float& v : values) v = normal(rng);
      quant::quantize_row(format, row, values.data(), width);
    } else {
      std::memcpy(row, rows.data() + rng() % kDistinct * bytes, bytes);
    }
  }
  return rows;
}

void add_metadata(gguf::Writer& writer, const Shape& s, const std::string& type) {
  const auto u32 = [&](const char* key, std::int64_t value) {
    writer.add(std::string("llama.") + key, static_cast<std::uint32_t>(value));
  };
  writer.add("general.architecture", "llama");
  writer.add("general.name", std::string("random ") + s.name + " " + type);
  writer.add("general.quantization_version", std::uint32_t{2});
  u32("block_count", s.n_layer);
  u32("context_length", s.n_ctx);
  u32("embedding_length", s.dim);
  u32("feed_forward_length", s.ffn_dim);
  u32("attention.head_count", s.n_head);
  u32("attention.head_count_kv", s.n_kv_head);
  u32("rope.dimension_count", s.dim / s.n_head);
  u32("vocab_size", s.n_vocab);
  writer.add("llama.rope.freq_base", s.rope_base);
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  test::add_vocabulary(writer, s.n_vocab);
}

Result<void> make(const Shape& s, const std::string& type, const std::string& path) {
  const kernels::FormatInfo* plain = nullptr;
  for (const kernels::FormatInfo& info : kernels::kFormats)
    if (type == info.name) plain = &info;
  if (!plain && type != "q4_k_m")
    return Error(Status::invalid_argument, "type '" + type + "' is unknown; make_model; use a format's name or q4_k_m");
  model::Config c;
  c.n_layer = s.n_layer, c.dim = s.dim, c.n_head = s.n_head, c.n_kv_head = s.n_kv_head, c.ffn_dim = s.ffn_dim,
  c.n_vocab = s.n_vocab;
  c.head_dim = c.n_rot = s.dim / s.n_head;
  c.arch = model::find_arch("llama");
  gguf::Writer writer;
  add_metadata(writer, s, type);
  auto bytes = std::make_shared<std::vector<std::byte>>();
  std::uint64_t seed = 1;
  for (const model::TensorRow& row : model::tensor_table())
    for (std::int64_t layer = 0; layer < (row.per_layer() ? s.n_layer : 1); ++layer) {
      if (!model::present(c, row.presence) && row.name != "output.weight") continue;
      const std::int64_t width = model::extent(c, row.width), n_rows = model::extent(c, row.rows);
      const Format format =
          row.is_matrix() ? type_of(type, plain ? plain->format : Format::q4_k, row, layer, s.n_layer) : Format::f32;
      const std::array<std::uint64_t, 2> dims = {static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(n_rows)};
      writer.add_tensor(model::tensor_name(row, layer), static_cast<std::uint32_t>(format),
                        std::span(dims).first(row.is_matrix() ? 2 : 1), [=]() -> Result<std::span<const std::byte>> {
                          if (format == Format::f32 && n_rows == 1) {
                            bytes->assign(static_cast<std::size_t>(width) * 4, std::byte{0});
                            for (std::int64_t i = 0; i < width; ++i) std::memcpy(bytes->data() + 4 * i, &kOne, 4);
                          } else {
                            *bytes = random_rows(format, width, n_rows, seed);
                          }
                          return std::span<const std::byte>(*bytes);
                        });
      ++seed;
    }
  return writer.write(path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: make_model 1.1b|3b|8b TYPE OUT.gguf\n"), 2;
  for (const Shape& shape : kShapes)
    if (std::string(argv[1]) == shape.name) {
      const auto done = make(shape, argv[2], argv[3]);
      if (!done) return std::fprintf(stderr, "error: %s\n", done.error().message().c_str()), 1;
      return 0;
    }
  return std::fprintf(stderr, "error: shape '%s' is unknown; make_model; use 1.1b, 3b or 8b\n", argv[1]), 1;
}
