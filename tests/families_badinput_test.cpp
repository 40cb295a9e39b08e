// Families whose files are incomplete or contradict themselves (BADINPUT.md, table H): for each row of the table of architectures,
// each of its tensors missing, of another shape or type; and the keys that only some families have.
#include <array>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "gguf_reader.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/refused_model.h"

namespace families_badinput_test {

using namespace hearth;
using test::kInf;
using test::kNan;
using test::ModelEditor;
using test::RandomModel;
using test::refused;

namespace {

constexpr std::uint32_t kF32 = 0, kF16 = 1, kI32 = 26;

RandomModel smallest_of(const model::ArchTraits& arch) {
  RandomModel m;
  m.arch = arch.name;
  m.tied = true;
  m.n_layer = 1;
  if (arch.routing != model::Routing::none) m.n_expert = 4;
  return m;
}

RandomModel smallest_of(const char* arch) {
  const model::ArchTraits* row = model::find_arch(arch);
  REQUIRE(row);
  return smallest_of(*row);
}

struct Shape {
  std::string name;
  std::vector<std::uint64_t> dims;
};

std::vector<Shape> shapes_of(const RandomModel& m) {
  const std::vector<std::byte> bytes = test::make_random_model(m);
  const auto file = gguf::File::parse(bytes, "sound");
  REQUIRE(file);
  std::vector<Shape> shapes;
  for (const gguf::Tensor& t : file->tensors())
    shapes.push_back({std::string(t.name), {t.dims.begin(), t.dims.begin() + t.n_dims}});
  return shapes;
}

std::string text_of(const std::vector<std::uint64_t>& dims) {
  std::string text;
  for (const std::uint64_t dim : dims) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text;
}

/// `key` (after the family's name) with a value that cannot be.
template <class T>
void refused_key(const char* arch, const std::string& key, T value, std::initializer_list<std::string_view> fragments) {
  INFO(arch << "." << key);
  const std::string name = std::string(arch) + "." + key;
  refused(
      Status::malformed, fragments, [&](ModelEditor& m) { m.set(name, value); }, smallest_of(arch));
}

void refused_numbers(const char* arch, const std::string& key, std::initializer_list<float> values) {
  for (const float value : values) refused_key(arch, key, value, {key, "finite"});
}

}  // namespace

TEST_CASE("H11: each tensor of each family missing") {
  for (const model::ArchTraits& arch : model::arch_table()) {
    const RandomModel sound = smallest_of(arch);
    for (const Shape& tensor : shapes_of(sound)) {
      if (tensor.name == "token_types.weight") continue;  // a file may do without
      const bool gate_lies_in_up = arch.ffn == model::Ffn::gated_in_one && tensor.name == "blk.0.ffn_gate.weight";
      if (gate_lies_in_up) continue;  // as it is read then; see H12 below
      INFO(arch.name << " " << tensor.name);
      refused(
          Status::not_found, {tensor.name, "missing"}, [&](ModelEditor& m) { m.drop(tensor.name); }, sound);
    }
  }
}

TEST_CASE("H12: each tensor of each family of another shape") {
  for (const model::ArchTraits& arch : model::arch_table()) {
    const RandomModel sound = smallest_of(arch);
    for (const Shape& tensor : shapes_of(sound)) {
      if (tensor.name == "token_embd.weight") continue;  // its rows are what the vocabulary has: H15
      for (std::size_t d = 0; d < tensor.dims.size(); ++d) {
        if (tensor.name == "token_types.weight" && d == 1) continue;  // of which there may be any number
        std::vector<std::uint64_t> dims = tensor.dims;
        dims[d] += 1;
        INFO(arch.name << " " << tensor.name << " " << text_of(dims));
        refused(
            Status::malformed, {tensor.name, text_of(dims), text_of(tensor.dims)},
            [&](ModelEditor& m) { m.reshape(tensor.name, dims); }, sound);
      }
    }
  }
}

TEST_CASE("H13: each tensor of each family of a type that cannot be there") {
  for (const model::ArchTraits& arch : model::arch_table()) {
    const RandomModel sound = smallest_of(arch);
    for (const Shape& tensor : shapes_of(sound)) {
      INFO(arch.name << " " << tensor.name);
      refused(
          Status::unsupported, {tensor.name, "I32"}, [&](ModelEditor& m) { m.retype(tensor.name, kI32, tensor.dims); },
          sound);
      const bool matrix = tensor.dims.size() != 1 || tensor.name.find("gate_inp_shexp") != std::string::npos;
      if (matrix) continue;  // others (norms, biases, sinks) are F32 alone
      refused(
          Status::unsupported, {tensor.name, "F16", "F32"},
          [&](ModelEditor& m) { m.retype(tensor.name, kF16, tensor.dims); }, sound);
    }
  }
}

TEST_CASE("H9: the scales that families have by keys of their own") {
  for (const char* key : {"embedding_scale", "residual_scale", "logit_scale", "attention.scale"})
    refused_numbers("granite", key, {kNan, kInf, -kInf, -1.0f, 1e-30f, 1e30f});
  refused_numbers("command-r", "logit_scale", {kNan, kInf, -0.0625f, 1e-30f});
  refused_numbers("cohere2", "logit_scale", {kNan, -kInf, -0.25f});
  refused_key("granite", "logit_scale", "8", {"granite.logit_scale", "string"});
}

TEST_CASE("H9: layer norms ask for their own epsilon") {
  for (const char* arch : {"starcoder2", "command-r", "cohere2", "bert", "nomic-bert", "jina-bert-v2"}) {
    refused_numbers(arch, "attention.layer_norm_epsilon", {kNan, kInf, -1e-5f, 0.0f, 2.0f});
    const std::string name = std::string(arch) + ".attention.layer_norm_epsilon";
    refused(
        Status::not_found, {name, "missing"}, [&](ModelEditor& m) { m.remove(name); }, smallest_of(arch));
  }
}

TEST_CASE("H5: windows that are none") {
  for (const char* arch : {"cohere2", "gpt-oss", "phi3"}) {
    refused_key(arch, "attention.sliding_window", std::int32_t{-1}, {"sliding_window", "-1"});
    refused_key(arch, "attention.sliding_window", 0xffffffffu, {"sliding_window", "4294967295"});
    refused_key(arch, "attention.sliding_window", "128", {"sliding_window", "string"});
  }
}

TEST_CASE("H5: windows of other layers than the family's") {
  const std::string window = "olmo2.attention.sliding_window", pattern = window + "_pattern";
  RandomModel olmo = smallest_of("olmo2");
  olmo.n_layer = 4, olmo.window = 20;
  const auto refused_pattern = [&](Status status, std::initializer_list<std::string_view> fragments, auto edit) {
    refused(status, fragments, edit, olmo);
  };
  const auto bools = [&](auto... has) { return [=](ModelEditor& m) { m.set_bools(pattern, std::array{has...}); }; };
  refused_pattern(Status::unsupported, {pattern, "layer 3 a window", "none", "byte"}, bools(true, true, true, true));
  refused_pattern(Status::unsupported, {pattern, "layer 1 no window", "one"}, bools(true, false, true, false));
  refused_pattern(Status::unsupported, {pattern, "layer 3 a window"},
                  [&](ModelEditor& m) { m.set(pattern, std::uint32_t{6}); });
  refused_pattern(Status::unsupported, {pattern, "layer 1 no window"},
                  [&](ModelEditor& m) { m.set(pattern, std::uint32_t{2}); });
  refused_pattern(Status::unsupported, {pattern, "layer 0 a window"}, [&](ModelEditor& m) {
    bools(true, true, true, false)(m);
    m.remove(window);
  });
  refused_pattern(Status::malformed, {pattern, "array of 3", "block_count, 4"}, bools(true, true, true));
  refused_pattern(Status::malformed, {pattern, "array of f32"}, [&](ModelEditor& m) {
    m.set_array<float>(pattern, {1, 1, 1, 0});
  });
  refused_pattern(Status::malformed, {pattern, "string"}, [&](ModelEditor& m) { m.set(pattern, "1110"); });
}

TEST_CASE("H9: what no family runs: layers that predict more, scores that cool, positions of pictures") {
  for (const model::ArchTraits& arch : model::arch_table()) {
    const auto refused_value = [&](const char* name, auto set) {
      const std::string key = std::string(arch.name) + "." + name;
      INFO(key);
      refused(
          Status::unsupported, {key, "does not run", "byte"}, [&](ModelEditor& m) { set(m, key); }, smallest_of(arch));
    };
    const auto one = [](ModelEditor& m, const std::string& key) { m.set(key, std::uint32_t{1}); };
    const auto sections = [](ModelEditor& m, const std::string& key) { m.set_array<std::int32_t>(key, {2, 3, 3, 0}); };
    refused_value("nextn_predict_layers", one);
    refused_value("attention.temperature_scale", one);
    if (arch.rope == model::RopeLayout::halves) continue;
    refused_value("rope.mrope_section", sections);
    if (!arch.halves_by_sections) refused_value("rope.dimension_sections", sections);
  }
  refused_key("glm4", "rope.dimension_sections", "2,3,3", {"rope.dimension_sections", "string"});
}

TEST_CASE("H8: heads that are rotated in part") {
  for (const std::uint32_t n : {0u, 7u, 18u}) {
    refused_key("glm4", "rope.dimension_count", n, {"rope.dimension_count", "is " + std::to_string(n)});
    refused_key("phi3", "rope.dimension_count", n, {"rope.dimension_count", "is " + std::to_string(n)});
  }
}

TEST_CASE("H12: matrices that lie in one, of a height that their parts do not make") {
  const auto fused = [](const char* name, std::uint64_t rows) {
    return [name, rows](ModelEditor& m) {
      for (const char* part : {"q", "k", "v"}) m.drop("blk.0.attn_" + std::string(part) + ".weight");
      m.add({name, kF32, {64, rows}, std::vector<std::byte>(64 * rows * 4)});
    };
  };
  for (const std::uint64_t rows : {127u, 129u, 192u})
    refused(Status::malformed, {"blk.0.attn_qkv.weight", "64 x " + std::to_string(rows), "64 x 128"},
            fused("blk.0.attn_qkv.weight", rows), smallest_of("phi3"));
  for (const char* arch : {"phi3", "glm4"})
    refused(
        Status::malformed, {"blk.0.ffn_up.weight", "64 x 160", "64 x 320"},
        [](ModelEditor& m) {
          m.drop("blk.0.ffn_gate.weight").reshape("blk.0.ffn_up.weight", {64, 160});
        },
        smallest_of(arch));
}

TEST_CASE("H10: experts in families that must have them, or must not") {
  for (const char* arch : {"granite", "olmo2", "phi3", "starcoder2"})
    refused(
        Status::unsupported, {"expert_count", "8 experts", arch},
        [&](ModelEditor& m) {
          m.set(arch + std::string(".expert_count"), std::uint32_t{8})
              .set(arch + std::string(".expert_used_count"), std::uint32_t{2});
        },
        smallest_of(arch));
  refused_key("gpt-oss", "expert_used_count", std::uint32_t{5}, {"expert_used_count", "is 5", "expert_count, 4"});
}

TEST_CASE("H9: how encoders see and pool") {
  for (const char* arch : {"bert", "nomic-bert", "jina-bert-v2"}) {
    refused_key(arch, "attention.causal", "no", {"attention.causal", "string"});
    refused_key(arch, "attention.causal", std::uint32_t{1}, {"attention.causal", "u32"});
    refused_key(arch, "pooling_type", std::int32_t{-1}, {"pooling_type", "-1"});
    refused_key(arch, "pooling_type", 0xffffffffu, {"pooling_type", "4294967295"});
    refused_key(arch, "pooling_type", "mean", {"pooling_type", "string"});
  }
  refused_numbers("jina-bert-v2", "attention.max_alibi_bias", {kNan, kInf, -8.0f, 0.0f, 1e30f});
}

}  // namespace families_badinput_test
