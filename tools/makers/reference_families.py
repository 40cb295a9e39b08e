"""Enters: nothing. Leaves: FAMILIES, the smallest model of each family that still has all its parts.

`config` is a config.json as the family's publishers write it. Widths are small and unlike each other, heads odd in number and
narrower or wider than dim / heads, windows and scalings such that a text of some 40 to 100 tokens feels them.
"""
from dataclasses import dataclass, field


@dataclass
class Family:
    config: dict
    n_tokens: int = 44
    tokenizer: str = "gpt-2"
    pooling: str = ""  # embeddings, not logits: how one vector is made of all
    build: dict = field(default_factory=dict)  # what transformers calls by another name than the publisher
    n_ctx: int = 0  # where the result depends on it


def decoder(model_type, architecture, **more):
    config = {"architectures": [architecture], "model_type": model_type, "hidden_size": 64, "num_hidden_layers": 3,
              "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 88, "max_position_embeddings": 512,
              "vocab_size": 279, "bos_token_id": 276, "eos_token_id": 277, "hidden_act": "silu", "rms_norm_eps": 1e-5,
              "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_cache": True}
    config.update(more)
    return {key: value for key, value in config.items() if value is not ...}


def llama(**more):
    return decoder("llama", "LlamaForCausalLM", **{
        "hidden_size": 60, "num_attention_heads": 5, "num_key_value_heads": 1, "head_dim": 16, "attention_bias": False, "mlp_bias": False,
        "rope_scaling": None, **more})


def phi3(**more):
    return decoder("phi3", "Phi3ForCausalLM", **{
        "num_attention_heads": 4, "num_key_value_heads": 4, "original_max_position_embeddings": 512, "rope_scaling": None,
        "sliding_window": 511, "attention_bias": False, "pad_token_id": 277, **more})


LONGROPE = {"type": "longrope", "short_factor": [1.0, 1.05, 1.2, 1.4, 1.7, 2.0],
            "long_factor": [1.1, 1.6, 2.7, 4.1, 6.3, 8.0]}


def phi4_mini(original_context):
    return phi3(num_attention_heads=3, num_key_value_heads=1, hidden_size=48, num_hidden_layers=3, partial_rotary_factor=0.75,
                original_max_position_embeddings=original_context, max_position_embeddings=640, rope_scaling=LONGROPE, tie_word_embeddings=True)


def mistral(**more):
    return decoder("mistral", "MistralForCausalLM", hidden_size=60, head_dim=24, num_attention_heads=3, num_key_value_heads=1, **more)


def deepseek(version, **more):
    yarn = {"type": "yarn", "factor": 8.0, "original_max_position_embeddings": 256, "beta_fast": 32, "beta_slow": 1}
    yarn.update(more.pop("yarn"))
    return decoder(f"deepseek_v{version}", f"DeepseekV{version}ForCausalLM", **{
        "hidden_size": 60, "num_attention_heads": 3, "num_key_value_heads": 3, "max_position_embeddings": 2048, "intermediate_size": 56,
        "moe_intermediate_size": 16, "kv_lora_rank": 32, "q_lora_rank": 40, "qk_nope_head_dim": 24, "qk_rope_head_dim": 16,
        "v_head_dim": 20, "first_k_dense_replace": 1, "moe_layer_freq": 1, "n_routed_experts": 8, "num_experts_per_tok": 3,
        "n_shared_experts": 2, "attention_bias": False, "rms_norm_eps": 1e-6, "rope_scaling": yarn, "aux_loss_alpha": 0.001,
        "seq_aux": True, "pretraining_tp": 1, "ep_size": 1, **more})


def gemma(version, **more):
    return decoder(f"gemma{version}", f"Gemma{version[0]}ForCausalLM", **{
        "hidden_size": 48, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 24, "intermediate_size": 72,
        "hidden_act": ..., "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": ..., "rms_norm_eps": 1e-6,
        "query_pre_attn_scalar": 24, "sliding_window": 24, "attention_bias": False, "cache_implementation": "hybrid", **more})


def cohere(model_type, architecture, **more):
    return decoder(model_type, architecture, **{
        "rms_norm_eps": ..., "layer_norm_eps": 1e-5, "logit_scale": 0.25, "attention_bias": False, "tie_word_embeddings": ...,
        "num_attention_heads": 4, "num_key_value_heads": 1, **more})


def qwen_moe(version, **more):
    return decoder(f"qwen{version}_moe", f"Qwen{version}MoeForCausalLM", **{
        "num_hidden_layers": 2, "num_experts": 7, "num_experts_per_tok": 3, "moe_intermediate_size": 24,
        "decoder_sparse_step": 1, "mlp_only_layers": [], "use_sliding_window": False, "sliding_window": None, **more})


def encoder(**more):
    return {"hidden_size": 60, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 96,
            "max_position_embeddings": 128, "vocab_size": 280, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "pad_token_id": 0, "torch_dtype": "bfloat16", **more}


NOMIC = {  # as the publisher's own code reads it
    "architectures": ["NomicBertModel"], "model_type": "nomic_bert", "activation_function": "swiglu", "n_embd": 72, "n_head": 3,
    "n_inner": 96, "n_layer": 3, "n_positions": 8192, "max_trained_positions": 2048, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False, "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "layer_norm_epsilon": 1e-12,
    "vocab_size": 280, "type_vocab_size": 2, "use_rms_norm": False, "qkv_proj_bias": False, "mlp_fc1_bias": False,
    "mlp_fc2_bias": False, "prenorm": False, "parallel_block": False, "causal": False, "pad_vocab_size_multiple": 8,
    "use_flash_attn": True, "torch_dtype": "bfloat16"}

FAMILIES = {
    "llama": Family(llama(), tokenizer="llama-bpe"),
    "llama_rope_llama3": Family(llama(
        rope_theta=500000.0, tie_word_embeddings=True, num_attention_heads=3, head_dim=24,
        rope_scaling={"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_type": "llama3",
                      "original_max_position_embeddings": 64}), n_tokens=72, tokenizer="llama-bpe"),
    "llama_rope_linear": Family(llama(hidden_size=64, num_attention_heads=4, num_key_value_heads=4, head_dim=...,
                                      rope_scaling={"type": "linear", "factor": 4.0})),
    "mistral": Family(mistral(sliding_window=None), tokenizer="tekken"),
    "mistral_window": Family(mistral(sliding_window=24), n_tokens=72),
    "mixtral": Family(decoder(
        "mixtral", "MixtralForCausalLM", num_hidden_layers=2, intermediate_size=40, num_local_experts=5, num_experts_per_tok=2,
        sliding_window=None, output_router_logits=False, router_aux_loss_coef=0.02)),
    "qwen2": Family(decoder(
        "qwen2", "Qwen2ForCausalLM", num_attention_heads=4, num_key_value_heads=1, rope_theta=1000000.0, rms_norm_eps=1e-6,
        use_sliding_window=False, sliding_window=512, max_window_layers=3, vocab_size=284), tokenizer="qwen2"),
    "qwen2moe": Family(qwen_moe(2, shared_expert_intermediate_size=56, norm_topk_prob=False, rms_norm_eps=1e-6), tokenizer="qwen2"),
    "qwen3": Family(decoder(
        "qwen3", "Qwen3ForCausalLM", hidden_size=60, num_attention_heads=5, num_key_value_heads=1, head_dim=24, attention_bias=False,
        rope_scaling=None, tie_word_embeddings=True, use_sliding_window=False, sliding_window=None, max_window_layers=3,
        rms_norm_eps=1e-6, rope_theta=1000000), tokenizer="qwen2"),
    "qwen3moe": Family(qwen_moe(3, head_dim=24, norm_topk_prob=True, attention_bias=False, rms_norm_eps=1e-6, rope_scaling=None,
                                max_window_layers=2), tokenizer="qwen2"),
    "gemma2": Family(gemma("2", num_hidden_layers=4, attn_logit_softcapping=6.0, final_logit_softcapping=9.0), n_tokens=72),
    "gemma3": Family(gemma("3_text", num_hidden_layers=7, intermediate_size=64, attn_logit_softcapping=None,
                           final_logit_softcapping=None, rope_theta=1000000.0, rope_local_base_freq=10000.0,
                           sliding_window_pattern=6, rope_scaling={"factor": 8.0, "rope_type": "linear"}), n_tokens=72),
    "phi3": Family(phi3()),
    "phi3_window": Family(phi3(sliding_window=20), n_tokens=72),
    "phi3_longrope_short": Family(phi4_mini(256), tokenizer="gpt-4o", n_ctx=256),
    "phi3_longrope_long": Family(phi4_mini(80), n_tokens=100, tokenizer="gpt-4o", n_ctx=640),
    "deepseek_v2_lite": Family(deepseek(
        2, q_lora_rank=None, topk_method="greedy", scoring_func="softmax", n_group=1, topk_group=1, norm_topk_prob=False,
        routed_scaling_factor=1.0, yarn={"mscale": 0.707, "mscale_all_dim": 0.707})),
    "deepseek_v2": Family(deepseek(
        2, topk_method="group_limited_greedy", scoring_func="softmax", n_group=4, topk_group=2, norm_topk_prob=False,
        routed_scaling_factor=4.0, yarn={"mscale": 0.707, "mscale_all_dim": 0.707})),
    "deepseek_v3": Family(deepseek(
        3, topk_method="noaux_tc", scoring_func="sigmoid", n_group=4, topk_group=2, norm_topk_prob=True, n_shared_experts=1,
        routed_scaling_factor=2.5, num_nextn_predict_layers=0, yarn={"mscale": 1.0, "mscale_all_dim": 1.0}), tokenizer="deepseek-v3"),
    "ernie4_5": Family(decoder(
        "ernie4_5", "Ernie4_5ForCausalLM", hidden_size=60, head_dim=24, num_attention_heads=3, num_key_value_heads=1, use_bias=False,
        rope_theta=500000.0, tie_word_embeddings=True, pad_token_id=277)),
    "gpt_oss": Family(decoder(
        "gpt_oss", "GptOssForCausalLM", num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=1, head_dim=24,
        intermediate_size=64, num_local_experts=5, experts_per_token=2, num_experts_per_tok=2, sliding_window=24,
        attention_bias=True, swiglu_limit=7.0, initial_context_length=256, rope_theta=150000, max_position_embeddings=1024,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], output_router_logits=False, router_aux_loss_coef=0.9,
        quantization_config={"quant_method": "mxfp4", "modules_to_not_convert": [
            "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]},
        rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "beta_fast": 32.0,
                      "beta_slow": 1.0, "truncate": False}), n_tokens=72, tokenizer="gpt-4o"),
    "granite": Family(decoder(
        "granite", "GraniteForCausalLM", attention_bias=False, mlp_bias=False, attention_multiplier=0.15,
        embedding_multiplier=6.0, residual_multiplier=0.4, logits_scaling=4.0, rope_scaling=None, tie_word_embeddings=True)),
    "olmo2": Family(decoder("olmo2", "Olmo2ForCausalLM", attention_bias=False, rope_theta=500000, rope_scaling=None, rms_norm_eps=1e-6)),
    "smollm3": Family(decoder(
        "smollm3", "SmolLM3ForCausalLM", num_hidden_layers=4, attention_bias=False, mlp_bias=False, tie_word_embeddings=True,
        no_rope_layers=[1, 1, 1, 0], no_rope_layer_interval=4, rope_theta=5000000.0, rope_scaling=None, use_sliding_window=False,
        sliding_window=None, layer_types=["full_attention"] * 4, rms_norm_eps=1e-6, pad_token_id=277), tokenizer="llama-bpe"),
    "starcoder2": Family(decoder(
        "starcoder2", "Starcoder2ForCausalLM", hidden_act="gelu_pytorch_tanh", rms_norm_eps=..., norm_epsilon=1e-5,
        norm_type="layer_norm", mlp_type="default", use_bias=True, sliding_window=None, tie_word_embeddings=True,
        intermediate_size=136), tokenizer="starcoder"),
    "cohere": Family(cohere("cohere", "CohereForCausalLM", use_qk_norm=False), tokenizer="starcoder"),
    "cohere_qk_norm": Family(cohere("cohere", "CohereForCausalLM", use_qk_norm=True, num_key_value_heads=2), tokenizer="starcoder"),
    "cohere2": Family(cohere(
        "cohere2", "Cohere2ForCausalLM", num_hidden_layers=5, sliding_window=20, sliding_window_pattern=4, layer_switch=4,
        order_of_interleaved_layers="local_attn_first", position_embedding_type="rope_gptj", rotary_pct=1.0, head_dim=16,
        intermediate_size=64), n_tokens=72, tokenizer="starcoder"),
    "glm4": Family(decoder(
        "glm4", "Glm4ForCausalLM", hidden_size=60, head_dim=24, num_attention_heads=3, num_key_value_heads=1, attention_bias=True,
        partial_rotary_factor=0.5, rms_norm_eps=1e-5, pad_token_id=277), tokenizer="llama-bpe"),
    "bert": Family(encoder(architectures=["BertModel"], model_type="bert", hidden_act="gelu", position_embedding_type="absolute",
                           attention_probs_dropout_prob=0.1, hidden_dropout_prob=0.1),
                   tokenizer="wordpiece", pooling="cls"),
    "nomic_bert": Family(NOMIC, tokenizer="wordpiece", pooling="mean", build=encoder(
        model_type="nomic_bert", hidden_size=72, rope_theta=1000.0, max_position_embeddings=8192)),
    "jina_bert_v2": Family(encoder(
        architectures=["JinaBertForMaskedLM"], model_type="bert", hidden_act="gelu", feed_forward_type="geglu",
        position_embedding_type="alibi", emb_pooler="mean", model_max_length=512, max_position_embeddings=512,
        num_attention_heads=6, attention_probs_dropout_prob=0.0), tokenizer="wordpiece", pooling="mean"),
    "qwen3_embedding": Family(decoder(
        "qwen3", "Qwen3ForCausalLM", hidden_size=60, num_attention_heads=3, num_key_value_heads=1, head_dim=24, attention_bias=False,
        rope_scaling=None, tie_word_embeddings=True, use_sliding_window=False, sliding_window=None, max_window_layers=3,
        rms_norm_eps=1e-6, rope_theta=1000000), tokenizer="last-token", pooling="last"),
}
