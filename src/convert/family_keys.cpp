// Enters: a config. Leaves: settings as llama.cpp's files have them.
#include "family_keys.h"

#include <cmath>

#include "try.h"

namespace hearth::convert {
namespace {

/// The part of a head that is turned.
Result<void> partial_rope_keys(const HfConfig& config, KeySink& keys, double otherwise) {
  HEARTH_TRY(const std::uint64_t n_rot, config.n_rot(otherwise));
  keys.set_count("rope.dimension_count", n_rot);
  return {};
}

}  // namespace

Result<void> check_windows(const HfConfig& config, std::size_t full_every) {
  const auto* types = config.find("layer_types");
  if (!types || full_every == 0) return {};
  HEARTH_TRY(const std::uint64_t n_layer, config.need_count("num_hidden_layers"));
  bool usual = types->is_array() && types->size() == n_layer;
  for (std::size_t layer = 0; usual && layer < n_layer; ++layer)
    usual = (*types)[layer] == ((layer + 1) % full_every == 0 ? "full_attention" : "sliding_attention");
  if (usual) return {};
  const std::string windows = std::to_string(full_every - 1) + " of sliding_attention before each of ";
  return config.wrong("layer_types", "is not one type for each layer, " + (full_every > 1 ? windows : "all ") +
                                         "full_attention, which is all that GGUF has for this family");
}

Result<void> head_rope_keys(const HfConfig& config, KeySink& keys) {
  HEARTH_TRY(const std::uint64_t head_dim, config.head_dim());
  keys.set_count("rope.dimension_count", head_dim);
  return {};
}

Result<void> no_rope_scaling_keys(const HfConfig&, KeySink& keys) {
  keys.set("rope.scaling.type", std::string("none"));
  return {};
}

Result<void> phi3_keys(const HfConfig& config, KeySink& keys) {
  HEARTH_CHECK(partial_rope_keys(config, keys, 1));
  const HfConfig rope = config.rope();
  HEARTH_TRY(const std::uint64_t original, rope.need_count("original_max_position_embeddings"));
  HEARTH_TRY(const std::uint64_t context, config.need_count("n_positions max_position_embeddings"));
  keys.set_count("rope.scaling.original_context_length", original);
  // A window of 0 tells Phi-4 from Phi-3, whose files had none.
  HEARTH_TRY(const auto window, config.count("sliding_window"));
  keys.set_count("attention.sliding_window", window.value_or(0));
  HEARTH_TRY(const auto type, rope.text("rope_type"));
  if (!rope.has("long_factor")) return {};
  if (original == 1) return rope.wrong("original_max_position_embeddings", "is 1, at least 2 positions are needed");
  const double scale = static_cast<double>(context) / static_cast<double>(original);
  const double stretched = type == "yarn" ? 0.1 * std::log(scale) + 1
                                          : std::sqrt(1 + std::log(scale) / std::log(static_cast<double>(original)));
  keys.set_real("rope.scaling.attn_factor", scale > 1 ? stretched : 1);
  return {};
}

Result<void> settle_deepseek2(HfConfig& config) {
  config.set("head_dim", nullptr);  // newer config classes write RoPE's part there
  return {};
}

Result<void> deepseek2_more_keys(const HfConfig& config, KeySink& keys) {
  HEARTH_TRY(const std::uint64_t rank, config.need_count("kv_lora_rank"));
  HEARTH_TRY(const std::uint64_t rotated, config.need_count("qk_rope_head_dim"));
  HEARTH_TRY(const std::uint64_t plain, config.need_count("qk_nope_head_dim"));
  HEARTH_TRY(const std::uint64_t n_layer, config.need_count("num_hidden_layers"));
  HEARTH_TRY(const auto n_expert, config.count("n_routed_experts"));
  HEARTH_TRY(const auto n_dense, config.count("first_k_dense_replace"));
  HEARTH_TRY(const auto renormalised, config.flag("norm_topk_prob"));
  HEARTH_TRY(const auto log_multiplier, config.rope().number("mscale_all_dim"));
  keys.set_count("attention.head_count_kv", 1);  // absorbed, all heads read one latent
  keys.set_count("attention.key_length", rank + rotated);
  keys.set_count("attention.key_length_mla", plain + rotated);
  keys.set_count("leading_dense_block_count", n_dense.value_or(n_expert ? 0 : n_layer));
  if (renormalised.value_or(false)) keys.set("expert_weights_norm", true);
  if (log_multiplier) keys.set_real("rope.scaling.yarn_log_multiplier", 0.1 * *log_multiplier);
  return {};
}

Result<void> settle_granite(HfConfig& config) {
  config.set("head_dim", nullptr);  // llama.cpp's rows for it have none
  return {};
}

Result<void> settle_cohere(HfConfig& config) {
  // max_position_embeddings is what fits a cache there; the model was trained on more.
  if (const auto* trained = config.find("model_max_length"))
    config.set("max_position_embeddings", nlohmann::json(*trained));
  return {};
}

Result<void> cohere2_more_keys(const HfConfig& config, KeySink& keys) {
  HEARTH_CHECK(partial_rope_keys(config, keys, 1));
  return no_rope_scaling_keys(config, keys);
}

Result<void> glm4_keys(const HfConfig& config, KeySink& keys) { return partial_rope_keys(config, keys, 0.5); }

Result<void> encoder_keys(const HfConfig&, KeySink& keys) {
  keys.set("attention.causal", false);
  return {};
}

Result<void> settle_nomic_bert(HfConfig& config) {
  // What the model was trained on, where the config tells what it might reach.
  HEARTH_TRY(const auto n_positions, config.count("n_positions"));
  HEARTH_TRY(const auto trained, config.count("max_trained_positions"));
  if (n_positions && *n_positions == 8192) config.set("n_positions", trained.value_or(2048));
  return {};
}

}  // namespace hearth::convert
