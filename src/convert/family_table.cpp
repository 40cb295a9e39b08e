// THE table of families that are converted, and the names of their tensors and settings on both sides. The names are facts of
// Hugging Face's checkpoints and of llama.cpp's files.
#include <algorithm>
#include <iterator>

#include "escape.h"
#include "family.h"
#include "family_keys.h"
#include "transforms.h"

namespace hearth::convert {
namespace {

// What decoders call their tensors. A family's own rows come first, so that it can mean something else by a name.
constexpr TensorRow common_rows[] = {
    {"embed_tokens", "token_embd"},
    {"norm", "output_norm"},
    {"lm_head", "output"},
    {"layers.{}.input_layernorm", "blk.{}.attn_norm"},
    {"layers.{}.self_attn.q_proj", "blk.{}.attn_q"},
    {"layers.{}.self_attn.k_proj", "blk.{}.attn_k"},
    {"layers.{}.self_attn.v_proj", "blk.{}.attn_v"},
    {"layers.{}.self_attn.qkv_proj", "blk.{}.attn_qkv"},
    {"layers.{}.self_attn.q_norm", "blk.{}.attn_q_norm"},
    {"layers.{}.self_attn.k_norm", "blk.{}.attn_k_norm"},
    {"layers.{}.self_attn.o_proj", "blk.{}.attn_output"},
    {"layers.{}.post_attention_layernorm", "blk.{}.ffn_norm"},
    {"layers.{}.mlp.gate_proj", "blk.{}.ffn_gate"},
    {"layers.{}.mlp.up_proj", "blk.{}.ffn_up"},
    {"layers.{}.mlp.gate_up_proj", "blk.{}.ffn_up"},  // llama.cpp's name for both in one
    {"layers.{}.mlp.down_proj", "blk.{}.ffn_down"},
    {"layers.{}.mlp.gate", "blk.{}.ffn_gate_inp"},
    {"layers.{}.mlp.experts.{}.gate_proj", "blk.{}.ffn_gate_exps"},
    {"layers.{}.mlp.experts.{}.up_proj", "blk.{}.ffn_up_exps"},
    {"layers.{}.mlp.experts.{}.down_proj", "blk.{}.ffn_down_exps"},
    {"layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_gate_exps", first_half},
    {"layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_up_exps", second_half},
    {"layers.{}.mlp.experts.down_proj", "blk.{}.ffn_down_exps"},
};

constexpr KeyRow common_key_rows[] = {
    {"block_count", KeyKind::count, "num_hidden_layers n_layers n_layer num_layers"},
    {"context_length", KeyKind::count, "max_position_embeddings n_ctx n_positions max_length model_max_length"},
    {"embedding_length", KeyKind::count, "hidden_size n_embd dim"},
    {"feed_forward_length", KeyKind::count, "intermediate_size n_inner hidden_dim"},
    {"attention.head_count", KeyKind::count, "num_attention_heads n_head n_heads"},
    {"attention.head_count_kv", KeyKind::count, "num_key_value_heads n_kv_heads"},
    {"attention.key_length", KeyKind::count, "head_dim"},
    {"attention.value_length", KeyKind::count, "head_dim"},
    {"attention.layer_norm_rms_epsilon", KeyKind::real, "rms_norm_eps norm_eps"},
    {"attention.layer_norm_epsilon", KeyKind::real, "layer_norm_eps layer_norm_epsilon norm_epsilon"},
    {"expert_count", KeyKind::count, "num_local_experts num_experts n_routed_experts"},
    {"expert_used_count", KeyKind::count, "num_experts_per_tok num_experts_per_token top_k_experts"},
    {"expert_group_count", KeyKind::count, "n_group"},
    {"expert_group_used_count", KeyKind::count, "topk_group"},
};

constexpr TensorRow llama_tensors[] = {
    {"layers.{}.self_attn.q_proj", "blk.{}.attn_q", interleave_q},
    {"layers.{}.self_attn.k_proj", "blk.{}.attn_k", interleave_k},
    {"layers.{}.block_sparse_moe.gate", "blk.{}.ffn_gate_inp"},
    {"layers.{}.block_sparse_moe.experts.{}.w1", "blk.{}.ffn_gate_exps"},
    {"layers.{}.block_sparse_moe.experts.{}.w2", "blk.{}.ffn_down_exps"},
    {"layers.{}.block_sparse_moe.experts.{}.w3", "blk.{}.ffn_up_exps"},
};
constexpr KeyRow llama_keys[] = {
    {"vocab_size", KeyKind::count, "vocab_size"},
    {"attention.sliding_window", KeyKind::count, "sliding_window"},  // Mistral's; llama.cpp's own files leave it out
};

constexpr TensorRow qwen2moe_tensors[] = {
    {"layers.{}.mlp.shared_expert_gate", "blk.{}.ffn_gate_inp_shexp"},
    {"layers.{}.mlp.shared_expert.gate_proj", "blk.{}.ffn_gate_shexp"},
    {"layers.{}.mlp.shared_expert.up_proj", "blk.{}.ffn_up_shexp"},
    {"layers.{}.mlp.shared_expert.down_proj", "blk.{}.ffn_down_shexp"},
};
constexpr KeyRow qwen2moe_keys[] = {
    {"expert_feed_forward_length", KeyKind::count, "moe_intermediate_size"},
    {"expert_shared_feed_forward_length", KeyKind::count, "shared_expert_intermediate_size"},
};

// Norms before and after each half of a layer.
constexpr TensorRow gemma_tensors[] = {
    {"lm_head", ""},
    {"layers.{}.post_attention_layernorm", "blk.{}.post_attention_norm"},
    {"layers.{}.pre_feedforward_layernorm", "blk.{}.ffn_norm"},
    {"layers.{}.post_feedforward_layernorm", "blk.{}.post_ffw_norm"},
};
constexpr KeyRow gemma2_keys[] = {
    {"attn_logit_softcapping", KeyKind::real, "attn_logit_softcapping"},
    {"final_logit_softcapping", KeyKind::real, "final_logit_softcapping"},
    {"attention.sliding_window", KeyKind::count, "sliding_window"},
};
constexpr KeyRow gemma3_keys[] = {
    {"final_logit_softcapping", KeyKind::real, "final_logit_softcapping"},
    {"attention.sliding_window", KeyKind::count, "sliding_window"},
};

constexpr TensorRow deepseek2_tensors[] = {
    {"layers.{}.self_attn.q_a_proj", "blk.{}.attn_q_a"},
    {"layers.{}.self_attn.q_a_layernorm", "blk.{}.attn_q_a_norm"},
    {"layers.{}.self_attn.q_b_proj", "blk.{}.attn_q_b"},
    {"layers.{}.self_attn.kv_a_proj_with_mqa", "blk.{}.attn_kv_a_mqa"},
    {"layers.{}.self_attn.kv_a_layernorm", "blk.{}.attn_kv_a_norm"},
    {"layers.{}.self_attn.kv_b_proj", "blk.{}.attn_k_b", latent_keys},
    {"layers.{}.self_attn.kv_b_proj", "blk.{}.attn_v_b", latent_values},
    {"layers.{}.mlp.gate.e_score_correction_bias", "blk.{}.exp_probs_b.bias"},
    {"layers.{}.mlp.shared_experts.gate_proj", "blk.{}.ffn_gate_shexp"},
    {"layers.{}.mlp.shared_experts.up_proj", "blk.{}.ffn_up_shexp"},
    {"layers.{}.mlp.shared_experts.down_proj", "blk.{}.ffn_down_shexp"},
};
constexpr KeyRow deepseek2_keys[] = {
    {"vocab_size", KeyKind::count, "vocab_size"},
    {"attention.q_lora_rank", KeyKind::count, "q_lora_rank"},
    {"attention.kv_lora_rank", KeyKind::count, "kv_lora_rank"},
    {"attention.value_length", KeyKind::count, "kv_lora_rank"},
    {"attention.value_length_mla", KeyKind::count, "v_head_dim"},
    {"expert_feed_forward_length", KeyKind::count, "moe_intermediate_size intermediate_size"},
    {"expert_shared_count", KeyKind::count, "n_shared_experts"},
    {"expert_weights_scale", KeyKind::real, "routed_scaling_factor"},
    {"rope.dimension_count", KeyKind::count, "qk_rope_head_dim"},
};

constexpr TensorRow gpt_oss_tensors[] = {
    {"layers.{}.self_attn.sinks", "blk.{}.attn_sinks.weight"},
    {"layers.{}.post_attention_layernorm", "blk.{}.post_attention_norm"},
    {"layers.{}.mlp.router", "blk.{}.ffn_gate_inp"},
    {"layers.{}.mlp.experts.gate_up_proj_blocks", "blk.{}.ffn_gate_exps.weight", even_rows, Part::mxfp4_codes},
    {"layers.{}.mlp.experts.gate_up_proj_scales", "blk.{}.ffn_gate_exps.weight", even_rows, Part::mxfp4_scales},
    {"layers.{}.mlp.experts.gate_up_proj_blocks", "blk.{}.ffn_up_exps.weight", odd_rows, Part::mxfp4_codes},
    {"layers.{}.mlp.experts.gate_up_proj_scales", "blk.{}.ffn_up_exps.weight", odd_rows, Part::mxfp4_scales},
    {"layers.{}.mlp.experts.down_proj_blocks", "blk.{}.ffn_down_exps.weight", nullptr, Part::mxfp4_codes},
    {"layers.{}.mlp.experts.down_proj_scales", "blk.{}.ffn_down_exps.weight", nullptr, Part::mxfp4_scales},
    {"layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_gate_exps.weight", even_rows_turned},
    {"layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_up_exps.weight", odd_rows_turned},
    {"layers.{}.mlp.experts.down_proj", "blk.{}.ffn_down_exps.weight", turned},
    {"layers.{}.mlp.experts.gate_up_proj_bias", "blk.{}.ffn_gate_exps.bias", even_columns},
    {"layers.{}.mlp.experts.gate_up_proj_bias", "blk.{}.ffn_up_exps.bias", odd_columns},
    {"layers.{}.mlp.experts.down_proj_bias", "blk.{}.ffn_down_exps.bias"},
};
constexpr KeyRow gpt_oss_keys[] = {
    {"attention.sliding_window", KeyKind::count, "sliding_window"},
    {"expert_feed_forward_length", KeyKind::count, "intermediate_size"},
};

constexpr KeyRow granite_keys[] = {
    {"vocab_size", KeyKind::count, "vocab_size"},
    {"attention.scale", KeyKind::real, "attention_multiplier"},
    {"embedding_scale", KeyKind::real, "embedding_multiplier"},
    {"residual_scale", KeyKind::real, "residual_multiplier"},
    {"logit_scale", KeyKind::real, "logits_scaling"},
};

constexpr TensorRow olmo2_tensors[] = {
    {"layers.{}.post_attention_layernorm", "blk.{}.post_attention_norm"},
    {"layers.{}.post_feedforward_layernorm", "blk.{}.post_ffw_norm"},
};

constexpr KeyRow olmo3_keys[] = {{"attention.sliding_window", KeyKind::count, "sliding_window"}};

constexpr TensorRow starcoder2_tensors[] = {
    {"layers.{}.mlp.c_fc", "blk.{}.ffn_up"},
    {"layers.{}.mlp.c_proj", "blk.{}.ffn_down"},
};

constexpr TensorRow glm4_tensors[] = {
    {"layers.{}.post_self_attn_layernorm", "blk.{}.post_attention_norm"},
    {"layers.{}.post_mlp_layernorm", "blk.{}.post_ffw_norm"},
};

constexpr RoleRow glm4_roles[] = {
    {"bos", "<|endoftext|>"}, {"eos", "<|endoftext|>"}, {"unk", "<|endoftext|>"}, {"eot", "<|user|>"}};

constexpr TensorRow cohere_tensors[] = {{"lm_head", ""}};  // the embedding is the output as well
constexpr KeyRow cohere_keys[] = {{"logit_scale", KeyKind::real, "logit_scale"}};
constexpr KeyRow cohere2_keys[] = {
    {"logit_scale", KeyKind::real, "logit_scale"},
    {"attention.sliding_window", KeyKind::count, "sliding_window"},
    {"vocab_size", KeyKind::count, "vocab_size"},
};

#define HEARTH_BERT_EMBEDDINGS                                                                            \
  {"embeddings.word_embeddings", "token_embd"}, {"embeddings.token_type_embeddings", "token_types"},      \
      {"embeddings.position_embeddings", "position_embd"}, {"embeddings.LayerNorm", "token_embd_norm"}, { \
    "pooler.dense", ""                                                                                    \
  }

constexpr TensorRow bert_tensors[] = {
    HEARTH_BERT_EMBEDDINGS,
    {"encoder.layer.{}.attention.self.query", "blk.{}.attn_q"},
    {"encoder.layer.{}.attention.self.key", "blk.{}.attn_k"},
    {"encoder.layer.{}.attention.self.value", "blk.{}.attn_v"},
    {"encoder.layer.{}.attention.output.dense", "blk.{}.attn_output"},
    {"encoder.layer.{}.attention.output.LayerNorm", "blk.{}.attn_output_norm"},
    {"encoder.layer.{}.intermediate.dense", "blk.{}.ffn_up"},
    {"encoder.layer.{}.output.dense", "blk.{}.ffn_down"},
    {"encoder.layer.{}.output.LayerNorm", "blk.{}.layer_output_norm"},
    {"cls.predictions", ""},
    {"cls.predictions.decoder", ""},
    {"cls.predictions.transform.dense", ""},
    {"cls.predictions.transform.LayerNorm", ""},
    {"cls.seq_relationship", ""},
};

constexpr TensorRow nomic_bert_tensors[] = {
    HEARTH_BERT_EMBEDDINGS,
    {"emb_ln", "token_embd_norm"},
    {"encoder.layers.{}.attn.Wqkv", "blk.{}.attn_qkv"},
    {"encoder.layers.{}.attn.out_proj", "blk.{}.attn_output"},
    {"encoder.layers.{}.norm1", "blk.{}.attn_output_norm"},
    {"encoder.layers.{}.mlp.fc11", "blk.{}.ffn_up"},
    {"encoder.layers.{}.mlp.fc12", "blk.{}.ffn_gate"},
    {"encoder.layers.{}.mlp.fc2", "blk.{}.ffn_down"},
    {"encoder.layers.{}.norm2", "blk.{}.layer_output_norm"},
};

constexpr TensorRow jina_bert_tensors[] = {
    HEARTH_BERT_EMBEDDINGS,
    {"encoder.layer.{}.attention.self.query", "blk.{}.attn_q"},
    {"encoder.layer.{}.attention.self.key", "blk.{}.attn_k"},
    {"encoder.layer.{}.attention.self.value", "blk.{}.attn_v"},
    {"encoder.layer.{}.attention.self.layer_norm_q", "blk.{}.attn_q_norm"},
    {"encoder.layer.{}.attention.self.layer_norm_k", "blk.{}.attn_k_norm"},
    {"encoder.layer.{}.attention.output.dense", "blk.{}.attn_output"},
    {"encoder.layer.{}.attention.output.LayerNorm", "blk.{}.attn_output_norm"},
    {"encoder.layer.{}.layer_norm_1", "blk.{}.attn_norm_2"},
    {"encoder.layer.{}.layer_norm_2", "blk.{}.layer_output_norm"},
    {"encoder.layer.{}.mlp.up_gated_layer", "blk.{}.ffn_up"},
    {"encoder.layer.{}.mlp.down_layer", "blk.{}.ffn_down"},
    {"encoder.layer.{}.mlp.gated_layers", "blk.{}.ffn_up"},
    {"encoder.layer.{}.mlp.wo", "blk.{}.ffn_down"},
    {"encoder.layer.{}.mlp.layernorm", "blk.{}.layer_output_norm"},
    {"cls.predictions", ""},
    {"cls.predictions.decoder", ""},
    {"cls.predictions.transform.dense", ""},
    {"cls.predictions.transform.LayerNorm", ""},
};

/// THE table.
constexpr Family family_rows[] = {
    {.architectures = "LlamaForCausalLM LLaMAForCausalLM MistralForCausalLM MixtralForCausalLM LlamaModel",
     .arch = "llama",
     .tensors = llama_tensors,
     .keys = llama_keys,
     .more_keys = head_rope_keys,
     .pre = "smollm"},
    {.architectures = "Qwen2ForCausalLM Qwen2Model", .arch = "qwen2", .pooled = true, .full_every = 1},
    {.architectures = "Qwen2MoeForCausalLM",
     .arch = "qwen2moe",
     .tensors = qwen2moe_tensors,
     .keys = qwen2moe_keys,
     .full_every = 1},
    {.architectures = "Qwen3ForCausalLM Qwen3Model", .arch = "qwen3", .pooled = true, .full_every = 1},
    {.architectures = "Qwen3MoeForCausalLM", .arch = "qwen3moe", .keys = qwen2moe_keys, .full_every = 1},
    {.architectures = "Gemma2ForCausalLM",
     .arch = "gemma2",
     .tensors = gemma_tensors,
     .keys = gemma2_keys,
     .norms_plus_one = true,
     .defaults = R"({"head_dim": 256, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
                     "sliding_window": 4096, "rms_norm_eps": 1e-6})",
     .full_every = 2},
    {.architectures = "Gemma3ForCausalLM Gemma3ForConditionalGeneration",
     .arch = "gemma3",
     .tensors = gemma_tensors,
     .keys = gemma3_keys,
     .norms_plus_one = true,
     .defaults = R"({"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096,
                     "rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "rope_theta": 1000000.0})",
     .full_every = 6},
    {.architectures = "Phi3ForCausalLM",
     .arch = "phi3",
     .more_keys = phi3_keys,
     .defaults = R"({"original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5})",
     .pre = "dbrx"},
    {.architectures = "DeepseekV2ForCausalLM",
     .arch = "deepseek2",
     .tensors = deepseek2_tensors,
     .keys = deepseek2_keys,
     .more_keys = deepseek2_more_keys,
     .settle = settle_deepseek2,
     .defaults = R"({"rms_norm_eps": 1e-6, "n_shared_experts": 0})"},
    {.architectures = "DeepseekV3ForCausalLM",
     .arch = "deepseek2",
     .tensors = deepseek2_tensors,
     .keys = deepseek2_keys,
     .more_keys = deepseek2_more_keys,
     .settle = settle_deepseek2,
     .defaults = R"({"rms_norm_eps": 1e-6, "n_shared_experts": 0, "scoring_func": "sigmoid", "norm_topk_prob": true,
                     "routed_scaling_factor": 2.5})"},
    {.architectures = "Ernie4_5ForCausalLM Ernie4_5_ForCausalLM",
     .arch = "ernie4_5",
     .defaults = R"({"head_dim": 128, "rms_norm_eps": 1e-5, "rope_theta": 500000.0})"},
    {.architectures = "GptOssForCausalLM",
     .arch = "gpt-oss",
     .tensors = gpt_oss_tensors,
     .keys = gpt_oss_keys,
     .full_every = 2},
    {.architectures = "GraniteForCausalLM",
     .arch = "granite",
     .tensors = llama_tensors,
     .keys = granite_keys,
     .more_keys = head_rope_keys,
     .settle = settle_granite,
     .pre = "refact"},
    {.architectures = "Olmo2ForCausalLM", .arch = "olmo2", .tensors = olmo2_tensors, .pre = "dbrx"},
    {.architectures = "Olmo3ForCausalLM",
     .arch = "olmo2",
     .tensors = olmo2_tensors,
     .keys = olmo3_keys,
     .defaults = R"({"sliding_window": 4096})",
     .full_every = 4,
     .pre = "dbrx"},
    {.architectures = "SmolLM3ForCausalLM",
     .arch = "smollm3",
     .tensors = llama_tensors,
     .keys = llama_keys,
     .more_keys = head_rope_keys,
     .full_every = 1},
    {.architectures = "Starcoder2ForCausalLM", .arch = "starcoder2", .tensors = starcoder2_tensors, .pre = "starcoder"},
    {.architectures = "CohereForCausalLM",
     .arch = "command-r",
     .tensors = cohere_tensors,
     .keys = cohere_keys,
     .more_keys = no_rope_scaling_keys,
     .settle = settle_cohere,
     .pre = "command-r"},
    {.architectures = "Cohere2ForCausalLM",
     .arch = "cohere2",
     .tensors = cohere_tensors,
     .keys = cohere2_keys,
     .more_keys = cohere2_more_keys,
     .full_every = 4,
     .pre = "command-r"},
    {.architectures = "Glm4ForCausalLM",
     .arch = "glm4",
     .tensors = glm4_tensors,
     .more_keys = glm4_keys,
     .pre = "glm4",
     .roles = glm4_roles},
    {.architectures = "BertModel BertForMaskedLM",
     .arch = "bert",
     .tensors = bert_tensors,
     .more_keys = encoder_keys,
     .pooled = true},
    {.architectures = "NomicBertModel",
     .arch = "nomic-bert",
     .tensors = nomic_bert_tensors,
     .more_keys = encoder_keys,
     .settle = settle_nomic_bert,
     .pooled = true},
    {.architectures = "JinaBertModel JinaBertForMaskedLM",
     .arch = "jina-bert-v2",
     .tensors = jina_bert_tensors,
     .more_keys = encoder_keys,
     .pooled = true,
     .pre = "jina-v2-en"},
};

}  // namespace

std::span<const Family> families() { return family_rows; }
std::span<const TensorRow> common_tensors() { return common_rows; }
std::span<const KeyRow> common_keys() { return common_key_rows; }

Result<const Family*> find_family(std::string_view architecture) {
  std::string known;
  for (const Family& row : family_rows) {
    if (any_of_names(row.architectures, [&](std::string_view name) { return name == architecture; })) return &row;
    known += (known.empty() ? "" : " ") + std::string(row.architectures);
  }
  std::replace(known.begin(), known.end(), ' ', ',');
  return Error(Status::unsupported,
               "architecture '" + escape(architecture) + "' cannot be converted; config.json; known are " + known);
}

}  // namespace hearth::convert
