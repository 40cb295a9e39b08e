// Hyper-parameters of latent attention, of routers and of RoPE scalings that do not make a model: one error in one line each, that
// names the key or tensor, what it has and what it needs.
#include <algorithm>
#include <cmath>
#include <hearth/hearth.hpp>
#include <initializer_list>

#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace latent_badinput_test {

using namespace hearth;
using test::ModelEditor;
using test::RandomModel;

namespace {

RandomModel deepseek() {
  RandomModel m;
  m.arch = "deepseek2", m.n_expert = 8, m.n_expert_used = 3, m.n_layer = 2;
  return m;
}

RandomModel of_family(const char* arch) {
  RandomModel m;
  m.arch = arch;
  return m;
}

Result<Model> open_edited(const RandomModel& sound, const std::function<void(ModelEditor&)>& edit) {
  const test::TempFolder folder;
  const std::string path = folder / "m.gguf";
  ModelEditor editor(sound);
  edit(editor);
  REQUIRE(editor.write(path) > 0);
  return Model::open(path, {.threads = 1});
}

void refused(const RandomModel& sound, Status status, std::initializer_list<std::string_view> fragments,
             const std::function<void(ModelEditor&)>& edit) {
  INFO("expected: " << *fragments.begin());
  const auto model = open_edited(sound, edit);
  REQUIRE_FALSE(model);
  const std::string& message = model.error().message();
  INFO(message);
  CHECK(std::count(message.begin(), message.end(), '\n') == 0);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
  for (const std::string_view fragment : fragments) CHECK(message.find(fragment) != std::string::npos);
  CHECK(static_cast<int>(model.error().status()) == static_cast<int>(status));
}

template <class T>
void refused_value(const RandomModel& sound, const std::string& name, T value,
                   std::initializer_list<std::string_view> fragments) {
  const std::string key = sound.arch + "." + name;
  INFO(key);
  refused(sound, Status::malformed, fragments, [&](ModelEditor& m) { m.set(key, value); });
}

void runs(const RandomModel& sound, const std::function<void(ModelEditor&)>& edit) {
  auto model = open_edited(sound, edit);
  if (!model) FAIL(model.error().message());
}

}  // namespace

TEST_CASE("latents: widths that contradict each other or are missing") {
  runs(deepseek(), [](ModelEditor&) {});
  refused(deepseek(), Status::not_found, {"'deepseek2.attention.kv_lora_rank'"},
          [](ModelEditor& m) { m.remove("deepseek2.attention.kv_lora_rank"); });
  refused(deepseek(), Status::not_found, {"'deepseek2.rope.dimension_count'"},
          [](ModelEditor& m) { m.remove("deepseek2.rope.dimension_count"); });
  refused_value(deepseek(), "attention.kv_lora_rank", std::uint32_t{0}, {"attention.kv_lora_rank' is 0", "1 to 65536"});
  refused_value(deepseek(), "attention.key_length_mla", std::uint32_t{16},
                {"attention.key_length_mla' is 16", "more than rope.dimension_count, 16"});
  refused_value(deepseek(), "attention.key_length", std::uint32_t{48},
                {"attention.key_length' is 48", "attention.kv_lora_rank + rope.dimension_count, 80"});
  refused_value(deepseek(), "attention.value_length", std::uint32_t{24},
                {"attention.value_length' is 24", "attention.kv_lora_rank, 64"});
  refused_value(deepseek(), "rope.dimension_count", std::uint32_t{15}, {"rope.dimension_count' is 15", "even"});
  refused_value(deepseek(), "attention.head_count_kv", std::uint32_t{3}, {"attention.head_count_kv' is 3"});
  refused_value(deepseek(), "attention.q_lora_rank", std::uint32_t{0x7fffffff}, {"attention.q_lora_rank"});
}

TEST_CASE("latents: tensors that are missing or of another shape") {
  refused(deepseek(), Status::not_found, {"'blk.1.attn_k_b.weight'"},
          [](ModelEditor& m) { m.drop("blk.1.attn_k_b.weight"); });
  refused(deepseek(), Status::not_found, {"'blk.0.attn_q_b.weight'"},
          [](ModelEditor& m) { m.drop("blk.0.attn_q_b.weight"); });
  refused(deepseek(), Status::malformed,
          {"'blk.0.attn_k_b.weight' has shape 32 x 64 x 3", "needs 32 x 64 x 4", "attention.head_count"},
          [](ModelEditor& m) {
            m.reshape("blk.0.attn_k_b.weight", {32, 64, 3});
          });
  refused(deepseek(), Status::malformed, {"'blk.1.attn_kv_a_mqa.weight' has shape 64 x 64", "needs 64 x 80"},
          [](ModelEditor& m) {
            m.reshape("blk.1.attn_kv_a_mqa.weight", {64, 64});
          });
  refused(deepseek(), Status::malformed, {"'blk.1.exp_probs_b.bias' has shape 7", "needs 8"}, [](ModelEditor& m) {
    m.add({"blk.1.exp_probs_b.bias", 0, {7}, std::vector<std::byte>(28)});
  });
}

TEST_CASE("routers: gating, groups and counts") {
  refused_value(deepseek(), "expert_gating_func", std::uint32_t{3}, {"expert_gating_func' is 3", "1 to 2"});
  refused_value(deepseek(), "leading_dense_block_count", std::uint32_t{3},
                {"leading_dense_block_count' is 3", "0 to 2"});
  refused_value(deepseek(), "expert_group_count", std::uint32_t{3},
                {"expert_group_count' is 3", "a divisor of expert_count, 8"});
  refused(deepseek(), Status::malformed, {"expert_group_used_count' is 5", "1 to 4"}, [](ModelEditor& m) {
    m.set("deepseek2.expert_group_count", std::uint32_t{4}).set("deepseek2.expert_group_used_count", std::uint32_t{5});
  });
  refused(deepseek(), Status::malformed, {"expert_group_used_count' is 1", "expert_used_count, 3"}, [](ModelEditor& m) {
    m.set("deepseek2.expert_group_count", std::uint32_t{4}).set("deepseek2.expert_group_used_count", std::uint32_t{1});
  });
  refused_value(deepseek(), "expert_weights_scale", std::nanf(""), {"expert_weights_scale"});
  refused_value(deepseek(), "expert_shared_count", std::uint32_t{0xffffffff}, {"expert_shared_count"});
  refused(deepseek(), Status::unsupported, {"'deepseek2.nextn_predict_layers'"},
          [](ModelEditor& m) { m.set("deepseek2.nextn_predict_layers", std::uint32_t{1}); });
  refused(deepseek(), Status::unsupported, {"'deepseek2.attention.temperature_scale'"},
          [](ModelEditor& m) { m.set("deepseek2.attention.temperature_scale", 0.1f); });
}

TEST_CASE("RoPE scalings: numbers out of range, and factors that are missing or damaged") {
  const auto yarn = [](ModelEditor& m) {
    m.set("llama.rope.scaling.type", "yarn").set("llama.rope.scaling.factor", 4.0f);
  };
  const auto refused_in_yarn = [&](const char* name, float value, std::initializer_list<std::string_view> fragments) {
    refused(of_family("llama"), Status::malformed, fragments, [&](ModelEditor& m) {
      yarn(m);
      m.set("llama." + std::string(name), value);
    });
  };
  runs(of_family("llama"), yarn);
  refused_in_yarn("rope.scaling.factor", 0.5f, {"rope.scaling.factor' is 0.5", "from 1 to"});
  refused_in_yarn("rope.scaling.yarn_ext_factor", 2.0f, {"rope.scaling.yarn_ext_factor' is 2", "from 0 to 1"});
  refused_in_yarn("rope.scaling.yarn_beta_fast", 0.0f, {"rope.scaling.yarn_beta_fast' is 0"});
  refused_in_yarn("rope.scaling.yarn_beta_slow", std::nanf(""), {"rope.scaling.yarn_beta_slow"});
  refused_in_yarn("rope.scaling.attn_factor", -1.0f, {"rope.scaling.attn_factor' is -1"});
  refused_in_yarn("rope.freq_base", 1.0f, {"rope.freq_base' is 1", "from 2 to"});
  refused(of_family("llama"), Status::malformed, {"rope.scaling.original_context_length' is 0"}, [&](ModelEditor& m) {
    yarn(m);
    m.set("llama.rope.scaling.original_context_length", std::uint32_t{0});
  });
  refused(of_family("llama"), Status::not_found, {"'rope_factors_long.weight', 'rope_factors_short.weight'"},
          [](ModelEditor& m) { m.set("llama.rope.scaling.type", "longrope"); });
  refused(of_family("llama"), Status::malformed,
          {"'rope_factors_long.weight' has 0.0", "element 0", "finite and positive"}, [](ModelEditor& m) {
            std::vector<std::byte> ones(32);
            for (std::size_t i = 0; i < 32; i += 4) ones[i + 2] = std::byte{0x80}, ones[i + 3] = std::byte{0x3f};
            m.set("llama.rope.scaling.type", "longrope");
            m.add({"rope_factors_short.weight", 0, {8}, ones});
            m.add({"rope_factors_long.weight", 0, {8}, std::vector<std::byte>(32)});
          });
}

}  // namespace latent_badinput_test
