// Hyper-parameters and tensors that do not make a model (BADINPUT.md, table H): each a sound small model with one thing wrong, each
// one error in one line that names the key or tensor, what it has and what it needs, in little time and memory.
#include <algorithm>
#include <cmath>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>
#include <initializer_list>
#include <limits>

#include "host.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/refused_model.h"
#include "support/test_data.h"

namespace model_badinput_test {

using namespace hearth;
using test::kInf;
using test::kNan;
using test::ModelEditor;
using test::RandomModel;
using test::refused;
using test::refused_value;
using test::require_one_line;

namespace {

/// Opens and runs what `edit` made; the logits of some tokens, or the error.
template <class Edit>
Result<std::vector<float>> run_edited(Edit edit, const RandomModel& sound = {},
                                      const ModelOptions& options = {.threads = 1}) {
  const test::TempFolder folder;
  const std::string path = folder / "m.gguf";
  ModelEditor editor(sound);
  edit(editor);
  REQUIRE(editor.write(path) > 0);
  auto model = Model::open(path, options);
  if (!model) return model.error();
  auto session = model->session({.n_ctx = 64});
  if (!session) return session.error();
  std::vector<float> logits;
  const std::vector<std::int32_t> ids = {1, 70, 71, 72};
  auto done = session->evaluate(ids, [&](std::span<const float> row) {
    logits.assign(row.begin(), row.end());
    return true;
  });
  if (!done) return done.error();
  return logits;
}

const std::vector<float>& sound_logits() {
  static const std::vector<float> logits = *run_edited([](ModelEditor&) {});
  return logits;
}

template <class Edit> void runs_as_before(Edit edit) {
  const auto logits = run_edited(edit);
  INFO((logits ? std::string() : logits.error().message()));
  REQUIRE(logits);
  CHECK(*logits == sound_logits());
}

const std::string kArch = "general.architecture", kLayers = "llama.block_count", kHeads = "llama.attention.head_count",
                  kKvHeads = "llama.attention.head_count_kv", kDim = "llama.embedding_length",
                  kFfn = "llama.feed_forward_length", kContext = "llama.context_length",
                  kRot = "llama.rope.dimension_count", kKeyLength = "llama.attention.key_length",
                  kEps = "llama.attention.layer_norm_rms_epsilon", kBase = "llama.rope.freq_base",
                  kScaling = "llama.rope.scaling.type", kFactor = "llama.rope.scaling.factor";

}  // namespace

TEST_CASE("H: the sound model that all cases start from runs, and keys that change nothing change nothing") {
  REQUIRE(std::all_of(sound_logits().begin(), sound_logits().end(), [](float l) { return std::isfinite(l); }));
  runs_as_before([](ModelEditor& m) { m.set("custom.key", std::uint32_t{7}); });
  runs_as_before([](ModelEditor& m) { m.set(kLayers, std::uint64_t{2}); });
  runs_as_before([](ModelEditor& m) {
    m.set_array<std::int32_t>(kHeads, {4, 4})
        .set_array<std::uint32_t>(kKvHeads, {2, 2})
        .set_array<std::int32_t>(kFfn, {160, 160});
  });
  runs_as_before([](ModelEditor& m) {
    m.set(kKeyLength, std::uint32_t{16}).set(kRot, std::uint32_t{16}).set(kBase, 10000.0f).set(kScaling, "none");
  });
}

TEST_CASE("H1: architectures that are none") {
  refused(Status::not_found, {"general.architecture", "missing"}, [](ModelEditor& m) { m.remove(kArch); });
  refused_value(kArch, std::uint32_t{1}, Status::malformed, {"general.architecture", "u32"});
  std::string known;
  for (const model::ArchTraits& row : model::arch_table()) known += (known.empty() ? "" : ", ") + std::string(row.name);
  for (const char* name : {"", "zzz", "../../x", "%n%s", "Llama"})
    refused_value(kArch, name, Status::unsupported, {name, "general.architecture", known});
  refused(Status::unsupported, {"(65536 bytes)", "llama"},
          [](ModelEditor& m) { m.set(kArch, std::string(65536, 'x')); });
  refused(Status::unsupported, {"llama\\x00", known}, [](ModelEditor& m) { m.set(kArch, std::string("llama\0", 6)); });
  refused(Status::unsupported, {"a\\nb"}, [](ModelEditor& m) { m.set(kArch, std::string("a\nb\x1b[2J")); });
}

TEST_CASE("H2: block counts that are none, or not those of the tensors") {
  refused(Status::not_found, {kLayers, "missing"}, [](ModelEditor& m) { m.remove(kLayers); });
  for (const std::uint32_t n : {0u, 513u, 65536u, 1u << 31, 0xffffffffu})
    refused_value(kLayers, n, Status::malformed, {kLayers, std::to_string(n), "1 to 512"});
  refused_value(kLayers, std::uint64_t{1} << 63, Status::malformed, {kLayers, "9223372036854775808", "1 to 512"});
  refused_value(kLayers, std::int32_t{-1}, Status::malformed, {kLayers, "-1"});
  refused_value(kLayers, "2", Status::malformed, {kLayers, "string", "integer"});
  refused_value(kLayers, 2.0f, Status::malformed, {kLayers, "f32", "integer"});
  refused_value(kLayers, kNan, Status::malformed, {kLayers, "f32", "integer"});
  refused(Status::malformed, {kLayers, "array", "integer"},
          [](ModelEditor& m) { m.set_array<std::uint32_t>(kLayers, {2}); });
  refused_value(kLayers, std::uint32_t{3}, Status::not_found, {"blk.2.attn_norm.weight", "missing"});
  refused_value(kLayers, std::uint32_t{1}, Status::malformed, {"blk.1.", "beyond block_count, 1"});
}

TEST_CASE("H3: head counts that are none") {
  refused_value(kHeads, std::uint32_t{0}, Status::malformed, {kHeads, "is 0", "1 to 65536"});
  refused(Status::malformed, {kHeads, "is 7", "divisor of embedding_length, 64"},
          [](ModelEditor& m) { m.set(kHeads, std::uint32_t{7}).remove(kKvHeads); });
  refused_value(kHeads, 0xffffffffu, Status::malformed, {kHeads, "4294967295"});
  refused(Status::malformed, {kHeads, "array of 0", "block_count, 2"},
          [](ModelEditor& m) { m.set_array<std::uint32_t>(kHeads, {}); });
  refused(Status::malformed, {kHeads, "array of 1", "block_count, 2"},
          [](ModelEditor& m) { m.set_array<std::uint32_t>(kHeads, {4}); });
  refused(Status::malformed, {kHeads, "array of 5000", "block_count, 2"},
          [](ModelEditor& m) { m.set_array<std::uint32_t>(kHeads, std::vector<std::uint32_t>(5000, 4)); });
  refused(Status::malformed, {kHeads, "is 0"}, [](ModelEditor& m) { m.set_array<std::uint32_t>(kHeads, {0, 0}); });
  refused(Status::malformed, {kHeads, "array of u8"}, [](ModelEditor& m) {
    m.set_array<std::uint8_t>(kHeads, {4, 4});
  });
  refused(Status::malformed, {kHeads, "array of f32"}, [](ModelEditor& m) { m.set_array<float>(kHeads, {4, 4}); });
  refused(Status::unsupported, {kHeads, "differs between layers"}, [](ModelEditor& m) {
    m.set_array<std::uint32_t>(kHeads, {4, 2});
  });
}

TEST_CASE("H4: key-value head counts that are none") {
  refused_value(kKvHeads, std::uint32_t{0}, Status::malformed, {kKvHeads, "is 0", "1 to 65536"});
  refused_value(kKvHeads, std::uint32_t{3}, Status::malformed,
                {kKvHeads, "is 3", "divisor of attention.head_count, 4"});
  refused_value(kKvHeads, std::uint32_t{8}, Status::malformed,
                {kKvHeads, "is 8", "divisor of attention.head_count, 4"});
  refused_value(kKvHeads, std::uint32_t{1}, Status::malformed,
                {"blk.0.attn_k.weight", "64 x 32", "64 x 16", "head_count_kv"});
  refused(Status::malformed, {kKvHeads, "is 0"}, [](ModelEditor& m) { m.set_array<std::uint32_t>(kKvHeads, {2, 0}); });
}

TEST_CASE("H5: widths that are none, or not those of the tensors") {
  for (const std::string& key : {kDim, kFfn}) {
    refused_value(key, std::uint32_t{0}, Status::malformed, {key, "is 0", "1 to 16777216"});
    for (const std::uint32_t n : {1u << 31, 0xffffffffu})
      refused_value(key, n, Status::malformed, {key, std::to_string(n), "1 to 16777216"});
    refused_value(key, std::uint64_t{1} << 50, Status::malformed, {key, "1125899906842624"});
    refused(Status::not_found, {key, "missing"}, [&](ModelEditor& m) { m.remove(key); });
  }
  refused_value(kDim, std::uint32_t{1}, Status::malformed, {kHeads, "embedding_length, 1"});
  refused_value(kDim, std::uint32_t{65}, Status::malformed, {kHeads, "embedding_length, 65"});
  refused_value(kDim, std::uint32_t{72}, Status::malformed,
                {"token_embd.weight", "64 x 288", "72 x 288", "embedding_length"});
  for (const std::uint32_t n : {1u, 161u})
    refused_value(kFfn, n, Status::malformed,
                  {"blk.0.ffn_gate.weight", "64 x 160", "64 x " + std::to_string(n), "feed_forward_length"});
}

TEST_CASE("H6: context lengths that are none; a long one sizes nothing by itself") {
  refused_value(kContext, std::uint32_t{0}, Status::malformed, {kContext, "is 0", "1 to 2147483648"});
  refused_value(kContext, 0xffffffffu, Status::malformed, {kContext, "4294967295"});
  refused_value(kContext, ~std::uint64_t{0}, Status::malformed, {kContext, "18446744073709551615"});
  refused_value(kContext, "256", Status::malformed, {kContext, "string"});
  const auto shortest = run_edited([](ModelEditor& m) { m.set(kContext, std::uint32_t{1}); });
  REQUIRE_FALSE(shortest);  // run_edited asks for 64
  require_one_line(shortest.error(), {"64", "1"});
  const std::uint64_t peak = peak_resident_bytes();
  const auto long_one = run_edited([](ModelEditor& m) { m.set(kContext, std::uint32_t{1} << 31); });
  REQUIRE(long_one);
  CHECK(*long_one == sound_logits());
  CHECK(peak_resident_bytes() - peak < std::uint64_t{64} << 20);
}

TEST_CASE("H7: contexts, chunks and threads out of their ranges") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model({}, folder / "m.gguf");
  auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  for (const std::int64_t n : {std::int64_t{-1}, std::int64_t{257}, std::int64_t{1} << 31, INT64_MAX, INT64_MIN}) {
    const auto session = model->session({.n_ctx = n});
    REQUIRE_FALSE(session);
    CHECK(session.error().status() == Status::invalid_argument);
    require_one_line(session.error(), {std::to_string(n), "1 to 256"});
  }
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{4097}, INT64_MAX}) {
    const auto session = model->session({.chunk = n});
    REQUIRE_FALSE(session);
    CHECK(session.error().status() == Status::invalid_argument);
    require_one_line(session.error(), {std::to_string(n), "1 to 4096"});
    const auto report = tools::bench(*model, {.chunk = n}, {});
    REQUIRE_FALSE(report);
    require_one_line(report.error(), {std::to_string(n), "1 to 4096"});
  }
  for (const int n : {-1, 1025, 1000000}) {
    const auto other = Model::open(path, {.threads = n});
    REQUIRE_FALSE(other);
    CHECK(other.error().status() == Status::invalid_argument);
    require_one_line(other.error(), {std::to_string(n), "1 to 1024"});
  }
  const auto isa = Model::open(path, {.isa = "zzz\n"});
  REQUIRE_FALSE(isa);
  require_one_line(isa.error(), {"zzz", "scalar"});
  const auto automatic = model->session({.n_ctx = 0});
  REQUIRE(automatic);
  CHECK(automatic->n_ctx() == 256);
}

TEST_CASE("H7: a cache type that the heads do not fit") {
  const test::TempFolder folder;
  auto model = Model::open(test::write_random_model({}, folder / "m.gguf"), {.threads = 1});
  REQUIRE(model);
  const auto session = model->session({.kv = Kv::q8_0});
  REQUIRE_FALSE(session);
  CHECK(session.error().status() == Status::unsupported);
  require_one_line(session.error(), {"q8_0", "multiple of 32", "have 16"});
}

TEST_CASE("H8: rotary and head sizes that are none") {
  refused_value(kRot, std::uint32_t{0}, Status::malformed, {kRot, "is 0", "2 to 16"});
  refused_value(kRot, std::uint32_t{15}, Status::malformed, {kRot, "is 15", "even"});
  refused_value(kRot, std::uint32_t{18}, Status::malformed, {kRot, "is 18", "2 to 16"});
  refused_value(kRot, 0xffffffffu, Status::malformed, {kRot, "4294967295"});
  refused_value(kKeyLength, std::uint32_t{0}, Status::malformed, {kKeyLength, "is 0"});
  refused_value(kKeyLength, 0xffffffffu, Status::malformed, {kKeyLength, "4294967295"});
  refused(Status::malformed, {"blk.0.attn_q.weight", "64 x 64", "64 x 32", "key_length"},
          [](ModelEditor& m) { m.set(kKeyLength, std::uint32_t{8}); });
  refused_value(kKeyLength, std::uint32_t{7}, Status::malformed, {"rope.dimension_count", "7", "even"});
  refused_value("llama.attention.value_length", std::uint32_t{8}, Status::malformed,
                {"attention.value_length", "is 8", "the key length, 16"});
}

TEST_CASE("H9: numbers that are not finite and positive") {
  for (const float value : {kNan, kInf, -kInf, -1e-5f, 0.0f, 2.0f})
    refused_value(kEps, value, Status::malformed, {kEps, "finite"});
  refused_value(kEps, 1e-300, Status::malformed, {kEps, "1e-300", "finite"});  // no f32
  refused(Status::not_found, {kEps, "missing"}, [](ModelEditor& m) { m.remove(kEps); });
  for (const float value : {kNan, kInf, -kInf, 0.0f, -10000.0f, 0.5f})
    refused_value(kBase, value, Status::malformed, {kBase, "finite"});
  refused_value(kBase, 1e300, Status::malformed, {kBase, "1e+300"});
  for (const float value : {kNan, kInf, 0.0f, -2.0f})
    refused(Status::malformed, {kFactor, "finite"},
            [&](ModelEditor& m) { m.set(kScaling, "linear").set(kFactor, value); });
  refused(Status::malformed, {kFactor, "below 2^31"},
          [](ModelEditor& m) { m.set(kScaling, "linear").set(kFactor, 0.5f).set(kContext, std::uint32_t{1} << 31); });
  for (const float value : {kNan, 0.0f, -2.0f})
    refused_value("llama.rope.scale_linear", value, Status::malformed, {"llama.rope.scale_linear", "finite"});
  refused(Status::malformed, {"llama.rope.scale_linear", "below 2^31"},
          [](ModelEditor& m) { m.set("llama.rope.scale_linear", 0.5f).set(kContext, std::uint32_t{1} << 31); });
  for (const std::string key :
       {"llama.attention.scale", "llama.attn_logit_softcapping", "llama.final_logit_softcapping"})
    for (const float value : {kNan, kInf, -1.0f, 1e-30f, 1e30f})
      refused_value(key, value, Status::malformed, {key, "finite"});
  RandomModel windows;
  windows.arch = "gemma3";
  for (const float value : {kNan, 0.5f, -1.0f})
    refused(
        Status::malformed, {"gemma3.rope.freq_base_swa", "finite"},
        [&](ModelEditor& m) { m.set("gemma3.rope.freq_base_swa", value); }, windows);
  for (const std::string key : {"gemma3.rope.global.freq_base", "gemma3.rope.local.freq_base"})
    refused(
        Status::malformed, {key, "finite"}, [&](ModelEditor& m) { m.set(key, kNan); }, windows);
  refused_value("llama.attention.sliding_window", std::int32_t{-1}, Status::malformed, {"sliding_window", "-1"});
  refused_value("llama.attention.sliding_window", 0xffffffffu, Status::malformed, {"sliding_window", "4294967295"});
  refused_value("llama.attention.sliding_window", "4096", Status::malformed, {"sliding_window", "string"});
  refused_value(kScaling, "zzz", Status::malformed, {kScaling, "zzz", "none, linear"});
  const std::uint32_t f32 = 0;
  for (const float value : {kNan, kInf, 0.0f, -1.0f, 1e-40f})
    refused(Status::malformed, {"rope_freqs.weight", "element 3"}, [&](ModelEditor& m) {
      std::vector<float> factors(8, 1.0f);
      factors[3] = value;
      const auto bytes = std::as_bytes(std::span(factors));
      m.add({"rope_freqs.weight", f32, {8}, {bytes.begin(), bytes.end()}});
    });
}

TEST_CASE("H10: experts") {
  refused_value("llama.expert_count", std::uint32_t{1} << 30, Status::malformed, {"llama.expert_count", "1073741824"});
  refused_value("llama.expert_count", std::uint32_t{1025}, Status::malformed,
                {"llama.expert_count", "is 1025", "0 to 1024"});
  refused(Status::not_found, {"blk.0.ffn_gate_inp.weight", "missing"}, [](ModelEditor& m) {
    m.set("llama.expert_count", std::uint32_t{1024}).set("llama.expert_used_count", std::uint32_t{1024});
  });
  refused_value("llama.expert_used_count", std::uint32_t{2}, Status::malformed,
                {"llama.expert_used_count", "is 2", "expert_count, 0"});
  refused(Status::malformed, {"llama.expert_used_count", "is 9", "expert_count, 8"}, [](ModelEditor& m) {
    m.set("llama.expert_count", std::uint32_t{8}).set("llama.expert_used_count", std::uint32_t{9});
  });
  RandomModel dense;
  dense.arch = "qwen2";
  refused(
      Status::unsupported, {"expert_count", "8 experts", "qwen2"},
      [](ModelEditor& m) {
        m.set("qwen2.expert_count", std::uint32_t{8}).set("qwen2.expert_used_count", std::uint32_t{2});
      },
      dense);
  refused(Status::not_found, {"blk.0.ffn_gate_inp.weight", "missing"}, [](ModelEditor& m) {
    m.set("llama.expert_count", std::uint32_t{8}).set("llama.expert_used_count", std::uint32_t{2});
  });
  RandomModel experts;
  experts.n_expert = 4;
  refused(
      Status::malformed, {"llama.expert_used_count", "is 0", "1 to expert_count"},
      [](ModelEditor& m) { m.set("llama.expert_used_count", std::uint32_t{0}); }, experts);
  for (const std::uint32_t n : {0u, 0xffffffffu})
    refused(
        Status::malformed, {"llama.expert_feed_forward_length", "1 to 16777216"},
        [&](ModelEditor& m) { m.set("llama.expert_feed_forward_length", n); }, experts);
  refused(
      Status::malformed, {"blk.0.ffn_gate_exps.weight", "64 x 96 x 4", "64 x 95 x 4", "expert_feed_forward_length"},
      [&](ModelEditor& m) { m.set("llama.expert_feed_forward_length", std::uint32_t{95}); }, experts);
  refused(
      Status::malformed, {"blk.1.ffn_down_exps.weight", "96 x 64 x 3", "96 x 64 x 4", "expert_count"},
      [&](ModelEditor& m) {
        m.reshape("blk.1.ffn_down_exps.weight", {96, 64, 3});
      },
      experts);
  refused(
      Status::malformed, {"blk.0.ffn_gate_inp.weight", "64 x 4", "64 x 5"},
      [&](ModelEditor& m) { m.set("llama.expert_count", std::uint32_t{5}); }, experts);
  refused(
      Status::not_found, {"'blk.1.ffn_up_exps.weight'", "missing"},
      [&](ModelEditor& m) { m.drop("blk.1.ffn_up_exps.weight"); }, experts);
}

TEST_CASE("H11: tensors that are missing") {
  for (const char* name :
       {"token_embd.weight", "blk.0.attn_norm.weight", "blk.1.ffn_down.weight", "output_norm.weight"})
    refused(Status::not_found, {"'" + std::string(name) + "'", "missing"}, [&](ModelEditor& m) { m.drop(name); });
  refused(Status::not_found, {"'blk.1.attn_q.weight'", "missing"},
          [](ModelEditor& m) { m.tensor("blk.1.attn_q.weight").name = "blk.1.attn_p.weight"; });
  refused(Status::not_found, {"'blk.0.ffn_up.weight', 'blk.1.ffn_up.weight' are missing"},
          [](ModelEditor& m) { m.drop("blk.0.ffn_up.weight").drop("blk.1.ffn_up.weight"); });
  refused(Status::not_found, {"token_embd.weight", "missing"}, [](ModelEditor& m) { m.drop_all(); });
  RandomModel qwen;
  qwen.arch = "qwen2";
  refused(
      Status::not_found, {"'blk.0.attn_v.bias'", "missing"}, [](ModelEditor& m) { m.drop("blk.0.attn_v.bias"); }, qwen);
  const auto tied = run_edited([](ModelEditor& m) { m.drop("output.weight"); });  // this family ties then
  REQUIRE(tied);
  CHECK(*tied != sound_logits());
}

TEST_CASE("H12: tensors of another shape") {
  refused(Status::malformed, {"blk.0.ffn_up.weight", "160 x 64", "64 x 160"}, [](ModelEditor& m) {
    m.reshape("blk.0.ffn_up.weight", {160, 64});
  });
  refused(Status::malformed, {"blk.1.attn_q.weight", "4096", "64 x 64"},
          [](ModelEditor& m) { m.reshape("blk.1.attn_q.weight", {4096}); });
  refused(Status::malformed, {"blk.0.attn_k.weight", "64 x 31", "64 x 32"}, [](ModelEditor& m) {
    m.reshape("blk.0.attn_k.weight", {64, 31});
  });
  refused(Status::malformed, {"blk.0.attn_k.weight", "64 x 32 x 2", "64 x 32"}, [](ModelEditor& m) {
    m.reshape("blk.0.attn_k.weight", {64, 32, 2});
  });
  refused(Status::malformed, {"output_norm.weight", "shape 1,", "needs 64"},
          [](ModelEditor& m) { m.reshape("output_norm.weight", {1}); });
  refused(Status::malformed, {"output.weight", "64 x 287", "64 x 288", "token_embd.weight"}, [](ModelEditor& m) {
    m.reshape("output.weight", {64, 287});
  });
  refused(Status::malformed, {"rope_freqs.weight", "needs 8"}, [](ModelEditor& m) {
    m.add({"rope_freqs.weight", 0, {7}, std::vector<std::byte>(28)});
  });
}

TEST_CASE("H13: tensors of a type that cannot be there") {
  RandomModel wide;
  wide.dim = 256, wide.ffn_dim = 256;  // rows of Q8_K come by 256
  for (const auto& [id, name] : {std::pair{26u, "I32"}, {15u, "Q8_K"}, {9u, "Q8_1"}, {28u, "F64"}, {24u, "I8"}})
    refused(
        Status::unsupported, {"blk.0.attn_q.weight", name},
        [&, type = id](ModelEditor& m) {
          m.retype("blk.0.attn_q.weight", type, {256, 256});
        },
        wide);
  refused(Status::unsupported, {"token_embd.weight", "I16"}, [](ModelEditor& m) {
    m.retype("token_embd.weight", 25, {64, 288});
  });
  for (const auto& [id, name] : {std::pair{1u, "F16"}, {26u, "I32"}, {28u, "F64"}})
    refused(Status::unsupported, {"blk.0.attn_norm.weight", name, "F32"},
            [&, type = id](ModelEditor& m) { m.retype("blk.0.attn_norm.weight", type, {64}); });
}

TEST_CASE("H14: tensors that no table row asks for") {
  const auto extra = [](const char* name) { return ModelEditor::Tensor{name, 0, {4}, std::vector<std::byte>(16)}; };
  for (const char* name : {"extra.weight", "blk.-1.attn_q.weight", "blk.0.unknown.weight", "blk..attn_q.weight", "blk.",
                           "blk.x.attn_q.weight", "blk.7.unknown.weight"})
    runs_as_before([&](ModelEditor& m) { m.add(extra(name)); });
  for (const char* name : {"blk.2.attn_q.weight", "blk.7.ffn_norm.weight", "blk.4294967295.attn_q.weight",
                           "blk.4294967296.attn_q.weight", "blk.99999999999999999999.attn_q.weight"})
    refused(Status::malformed, {name, "beyond block_count, 2"}, [&](ModelEditor& m) { m.add(extra(name)); });
}

TEST_CASE("H14: tensors that other families have, and that would be left out here") {
  const auto extra = [](const std::string& name) {
    return ModelEditor::Tensor{name, 0, {4}, std::vector<std::byte>(16)};
  };
  const auto refused_in = [&](const char* arch, std::initializer_list<const char*> names) {
    RandomModel sound;
    sound.arch = arch;
    for (const char* name : names) {
      INFO(arch << " " << name);
      refused(
          Status::unsupported, {name, arch, "byte"}, [&](ModelEditor& m) { m.add(extra(name)); }, sound);
    }
  };
  refused_in("llama", {"blk.0.attn_q_norm.weight", "blk.1.attn_norm.bias", "blk.1.post_ffw_norm.weight",
                       "blk.0.attn_sinks.weight", "blk.0.ffn_gate_inp.weight", "blk.1.exp_probs_b.bias",
                       "blk.0.attn_kv_b.weight", "position_embd.weight", "output_norm.bias"});
  refused_in("bert", {"dense_2.weight", "dense_2.bias", "dense_3.weight", "blk.0.ffn_gate.weight"});
  refused_in("olmo2", {"blk.0.attn_norm.weight", "blk.1.ffn_norm.weight"});
  runs_as_before([&](ModelEditor& m) { m.add(extra("token_types.weight")); });
  const test::TempFolder folder;
  const auto opens = [&](const char* arch, const char* name) {
    RandomModel sound;
    sound.arch = arch;
    ModelEditor editor(sound);
    REQUIRE(editor.add(extra(name)).write(folder / "m.gguf") > 0);
    const auto model = Model::open(folder / "m.gguf", {.threads = 1});
    INFO(arch << " " << name << (model ? std::string() : model.error().message()));
    CHECK(model);
  };
  opens("bert", "output_norm.weight");
  opens("bert", "output_norm.bias");
  opens("deepseek2", "blk.0.attn_kv_b.weight");
}

TEST_CASE("H15: a vocabulary of another size than the embedding table") {
  for (const std::uint64_t rows : {std::uint64_t{287}, std::uint64_t{289}})
    refused(Status::malformed, {"token_embd.weight", "288 tokens", std::to_string(rows) + " rows"},
            [&](ModelEditor& m) {
              m.reshape("token_embd.weight", {64, rows}).reshape("output.weight", {64, rows});
            });
}

}  // namespace model_badinput_test
