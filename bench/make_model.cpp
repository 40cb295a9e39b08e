// Enters: a shape, a type, a path. Leaves: a GGUF file of that shape with random weights, for measuring speed: `make_model 1.1b q4_k_m out.gguf`.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "gguf_writer.h"
#include "host.h"
#include "quantize_row.h"
#include "support/made_up_vocabulary.h"
#include "tensor_table.h"

namespace {

using namespace hearth;
using kernels::Format;

constexpr float kOne = 1.0f;

struct Shape {
  const char *name, *arch;
  std::int64_t n_layer, dim, n_head, n_kv_head, head_dim, ffn_dim, n_vocab;
  float rope_base;
  std::int64_t n_expert = 0, n_expert_used = 0, expert_ffn_dim = 0;
};

constexpr std::int64_t kContext = 32768;  // for depth, whatever the original was trained for

constexpr std::array kShapes = {
    Shape{"1.1b", "llama", 22, 2048, 32, 4, 64, 5632, 32000, 10000.0f},                   // TinyLlama 1.1B
    Shape{"3b", "llama", 28, 3072, 24, 8, 128, 8192, 128256, 500000.0f},                  // Llama 3.2 3B
    Shape{"8b", "llama", 32, 4096, 32, 8, 128, 14336, 128256, 500000.0f},                 // Llama 3.1 8B
    Shape{"30b-a3b", "qwen3moe", 48, 2048, 32, 4, 128, 6144, 151936, 1e6f, 128, 8, 768},  // Qwen3 30B-A3B
    Shape{"3b-a1b", "qwen3moe", 4, 2048, 32, 4, 128, 6144, 151936, 1e6f, 128, 8, 768},    // the same with 4 layers
};

/// The type of a tensor in a named mix; the plain types give everything that type but a Q6_K head up to 6 bits, as is usual.
Format type_of(const std::string& mix, Format plain, const model::TensorRow& row, std::int64_t layer,
               std::int64_t n_layer) {
  if (!row.is_matrix() || row.name == "ffn_gate_inp.weight") return Format::f32;  // a router is small and touchy
  if (mix == "q4_k_m") {
    const bool more = layer < n_layer / 8 || layer >= 7 * n_layer / 8 || (layer - n_layer / 8) % 3 == 2;
    if (row.name == "output.weight") return Format::q6_k;
    if ((row.name == "attn_v.weight" || row.name.substr(0, 8) == "ffn_down") && more) return Format::q6_k;
    return Format::q4_k;
  }
  const kernels::FormatInfo& info = kernels::format_info(plain);
  const bool small = 8 * info.block_bytes <= 6 * info.block_elements;
  return row.name == "output.weight" && small ? Format::q6_k : plain;
}

/// Rows of one tensor: a few distinct ones, repeated; what matters is that the bytes are real blocks of real scales.
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
  const std::string arch = s.arch;
  const auto u32 = [&](const char* key, std::int64_t value) {
    writer.add(arch + "." + key, static_cast<std::uint32_t>(value));
  };
  writer.add("general.architecture", arch);
  writer.add("general.name", std::string("random ") + s.name + " " + type);
  writer.add("general.quantization_version", std::uint32_t{2});
  u32("block_count", s.n_layer);
  u32("context_length", kContext);
  u32("embedding_length", s.dim);
  u32("feed_forward_length", s.ffn_dim);
  u32("attention.head_count", s.n_head);
  u32("attention.head_count_kv", s.n_kv_head);
  u32("attention.key_length", s.head_dim);
  u32("attention.value_length", s.head_dim);
  u32("rope.dimension_count", s.head_dim);
  u32("vocab_size", s.n_vocab);
  if (s.n_expert != 0) {
    u32("expert_count", s.n_expert);
    u32("expert_used_count", s.n_expert_used);
    u32("expert_feed_forward_length", s.expert_ffn_dim);
  }
  writer.add(arch + ".rope.freq_base", s.rope_base);
  writer.add(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
  test::add_vocabulary(writer, s.n_vocab);
}

model::Config config_of(const Shape& s) {
  model::Config c;
  c.arch = model::find_arch(s.arch);
  c.n_layer = s.n_layer, c.dim = s.dim, c.n_head = s.n_head, c.n_kv_head = s.n_kv_head, c.ffn_dim = s.ffn_dim;
  c.n_vocab = s.n_vocab, c.head_dim = c.n_rot = s.head_dim;
  c.n_expert = s.n_expert, c.n_expert_used = s.n_expert_used, c.expert_ffn_dim = s.expert_ffn_dim;
  return c;
}

/// One tensor of the file to be.
struct Planned {
  const model::TensorRow* row;
  std::int64_t layer, width, n_rows;  // rows of all experts
  Format format;
  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(n_rows) * kernels::row_bytes(kernels::format_info(format), width);
  }
};

std::vector<Planned> plan(const Shape& s, const model::Config& c, const std::string& type, Format plain) {
  std::vector<Planned> tensors;
  for (const model::TensorRow& row : model::tensor_table())
    for (std::int64_t layer = 0; layer < (row.per_layer() ? s.n_layer : 1); ++layer) {
      if (row.need(c, layer) != model::Need::must && row.name != "output.weight") continue;
      const std::int64_t n_rows = row.rows->of(c) * (row.depth ? row.depth->of(c) : 1);
      tensors.push_back({&row, layer, row.width->of(c), n_rows, type_of(type, plain, row, layer, s.n_layer)});
    }
  return tensors;
}

/// Why the file would be of no use here, or nothing: it must fit on the disk, and in memory to be measured.
std::string what_is_short(const std::vector<Planned>& tensors, const std::string& path) {
  std::uint64_t bytes = 0;
  for (const Planned& t : tensors) bytes += t.bytes();
  const auto mb = [](std::uint64_t n) { return std::to_string(n / 1000000) + " MB"; };
  std::error_code unknown;
  const auto folder = std::filesystem::absolute(path, unknown).parent_path();
  const auto disk = std::filesystem::space(folder, unknown);
  if (!unknown && disk.available < bytes + bytes / 16)
    return "it takes " + mb(bytes) + " of disk, " + folder.string() + " has " + mb(disk.available);
  if (available_memory() < bytes + bytes / 16)
    return "it takes " + mb(bytes) + " of memory to measure, " + mb(available_memory()) + " are there";
  return {};
}

void fill(std::vector<std::byte>& bytes, const Planned& t, std::uint64_t seed) {
  if (t.row->is_matrix()) {
    bytes = random_rows(t.format, t.width, t.n_rows, seed);
    return;
  }
  bytes.resize(static_cast<std::size_t>(t.width) * 4);
  for (std::int64_t i = 0; i < t.width; ++i) std::memcpy(bytes.data() + 4 * i, &kOne, 4);
}

/// Says on stderr when the file is skipped.
Result<void> make(const Shape& s, const std::string& type, const std::string& path) {
  const kernels::FormatInfo* plain = nullptr;
  for (const kernels::FormatInfo& info : kernels::kFormats)
    if (type == info.name) plain = &info;
  if (!plain && type != "q4_k_m")
    return Error(Status::invalid_argument, "type '" + type + "' is unknown; make_model; use a format's name or q4_k_m");
  const model::Config c = config_of(s);
  const std::vector<Planned> tensors = plan(s, c, type, plain ? plain->format : Format::q4_k);
  if (const std::string reason = what_is_short(tensors, path); !reason.empty()) {
    std::fprintf(stderr, "skipped: %s %s: %s\n", s.name, type.c_str(), reason.c_str());
    return {};
  }
  gguf::Writer writer;
  add_metadata(writer, s, type);
  auto bytes = std::make_shared<std::vector<std::byte>>();
  std::uint64_t seed = 1;
  for (const Planned& t : tensors)
    writer.add_tensor(model::tensor_name(*t.row, t.layer), static_cast<std::uint32_t>(t.format),
                      model::tensor_dims(*t.row, c), [bytes, t, n = seed++]() -> Result<std::span<const std::byte>> {
                        fill(*bytes, t, n);
                        return std::span<const std::byte>(*bytes);
                      });
  return writer.write(path);
}

}  // namespace

int main(int argc, char** argv) {
  std::string names;
  for (const Shape& shape : kShapes) names += (names.empty() ? "" : "|") + std::string(shape.name);
  if (argc != 4) return std::fprintf(stderr, "usage: make_model %s TYPE OUT.gguf\n", names.c_str()), 2;
  for (const Shape& shape : kShapes)
    if (std::string(argv[1]) == shape.name) {
      const auto done = make(shape, argv[2], argv[3]);
      if (!done) return std::fprintf(stderr, "error: %s\n", done.error().message().c_str()), 1;
      return 0;
    }
  return std::fprintf(stderr, "error: shape '%s' is unknown; make_model; use %s\n", argv[1], names.c_str()), 1;
}
