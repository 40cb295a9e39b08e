// THE table of tensors: loading, missing-tensor errors and the makers of test models walk the same rows.
#include "tensor_table.h"

#include <array>

namespace hearth::model {
namespace {

constexpr Extent one{"1", [](const Config&) -> std::int64_t { return 1; }};
constexpr Extent dim{"embedding_length", [](const Config& c) { return c.dim; }};
constexpr Extent q_dim{"attention.head_count * attention.key_length", [](const Config& c) { return c.q_dim(); }};
constexpr Extent kv_dim{"attention.head_count_kv * attention.key_length", [](const Config& c) { return c.kv_dim(); }};
constexpr Extent mixed_dim{"attention.head_count * attention.value_length",
                           [](const Config& c) { return c.mixed_dim(); }};
constexpr Extent latent_dim{"attention.kv_lora_rank", [](const Config& c) { return c.latent_dim; }};
constexpr Extent q_low_dim{"attention.q_lora_rank", [](const Config& c) { return c.q_low_dim; }};
constexpr Extent still_dim{"attention.key_length - rope.dimension_count of heads",
                           [](const Config& c) { return c.head_dim - c.n_rot; }};
constexpr Extent value_dim{"attention.value_length of heads", [](const Config& c) { return c.value_dim; }};
constexpr Extent stored_dim{"attention.kv_lora_rank + rope.dimension_count",
                            [](const Config& c) { return c.key_dim(); }};
constexpr Extent kv_b_dim{
    "attention.head_count * (attention.key_length - rope.dimension_count + attention.value_length)",
    [](const Config& c) { return c.n_head * (c.head_dim - c.n_rot + c.value_dim); }};
constexpr Extent n_head{"attention.head_count", [](const Config& c) { return c.n_head; }};
constexpr Extent ffn_dim{"feed_forward_length", [](const Config& c) { return c.ffn_dim; }};
constexpr Extent expert_ffn_dim{"expert_feed_forward_length", [](const Config& c) { return c.expert_ffn_dim; }};
constexpr Extent shared_ffn_dim{"expert_shared_feed_forward_length", [](const Config& c) { return c.shared_ffn_dim; }};
constexpr Extent n_expert{"expert_count", [](const Config& c) { return c.n_expert; }};
constexpr Extent n_vocab{"the rows of token_embd.weight", [](const Config& c) { return c.n_vocab; }};
constexpr Extent n_ctx{"context_length", [](const Config& c) { return c.n_ctx_train; }};
constexpr Extent n_token_type{"the rows of token_types.weight", [](const Config& c) { return c.n_token_type; }};
constexpr Extent half_rot{"rope.dimension_count / 2", [](const Config& c) { return c.n_rot / 2; }};

bool norms_whole_rows(const Config& c) {
  return c.arch->qk_norm == QkNorm::whole || c.arch->qk_norm == QkNorm::whole_or_none;
}

// What a norm of queries or keys has: of each head alike, of the whole row, or of each head its own.
template <std::int64_t (Config::*Width)() const>
constexpr Extent normed_width{"attention.key_length, or all heads' where they are normed as one row",
                              [](const Config& c) { return norms_whole_rows(c) ? (c.*Width)() : c.head_dim; }};
template <std::int64_t Config::*Heads>
constexpr Extent normed_heads{"attention.head_count or attention.head_count_kv where each head has its own",
                              [](const Config& c) { return c.arch->qk_norm == QkNorm::own_of_heads ? c.*Heads : 1; }};

constexpr Need must_if(bool condition) { return condition ? Need::must : Need::no; }
constexpr Need may_or_must(bool condition) { return condition ? Need::must : Need::may; }

Need position_table(const Config& c, std::int64_t) { return must_if(c.arch->positions == Positions::learned); }
Need token_types(const Config& c, std::int64_t) { return c.causal ? Need::spare : Need::may; }

Need always(const Config&, std::int64_t) { return Need::must; }
Need optional(const Config&, std::int64_t) { return Need::may; }

bool norms_stream(const Config& c) { return c.arch->norm_place == NormPlace::stream; }
Need norm_before(const Config& c, std::int64_t) {
  return must_if(c.arch->norm_place != NormPlace::after && !norms_stream(c));
}
Need norm_after(const Config& c, std::int64_t) {
  return must_if(c.arch->norm_place == NormPlace::after || c.arch->norm_place == NormPlace::around);
}
bool norms_ffn(const Config& c) {
  return c.arch->norm_place == NormPlace::before || c.arch->norm_place == NormPlace::around;
}
Need ffn_norm(const Config& c, std::int64_t) { return must_if(norms_ffn(c) && !c.arch->ffn_norm_is_post_attention); }
Need ffn_norm_by_other_name(const Config& c, std::int64_t) { return must_if(c.arch->ffn_norm_is_post_attention); }
Need stream_norm(const Config& c, std::int64_t) { return must_if(norms_stream(c)); }
Need some_norm_bias(const Config& c, bool has_norm) {
  return c.arch->norm == NormKind::layer && has_norm ? may_or_must(c.arch->bias == Bias::all) : Need::no;
}
Need norm_bias(const Config& c, std::int64_t) { return some_norm_bias(c, !norms_stream(c)); }
Need stream_norm_bias(const Config& c, std::int64_t) { return some_norm_bias(c, norms_stream(c)); }
Need last_norm(const Config& c, std::int64_t) { return norms_stream(c) ? Need::spare : Need::must; }
Need last_norm_bias(const Config& c, std::int64_t layer) { return norms_stream(c) ? Need::spare : norm_bias(c, layer); }
Need ffn_norm_bias(const Config& c, std::int64_t layer) { return norms_ffn(c) ? norm_bias(c, layer) : Need::no; }
Need qk_norm(const Config& c, std::int64_t) {
  if (c.arch->qk_norm == QkNorm::own_of_heads || c.arch->qk_norm == QkNorm::whole_or_none) return Need::may;
  return must_if(c.arch->qk_norm != QkNorm::none);
}
Need qk_norm_bias(const Config& c, std::int64_t) {
  return norms_whole_rows(c) && c.arch->norm == NormKind::layer ? Need::may : Need::no;
}

bool latent(const Config& c) { return c.arch->attention == Attention::latent; }
Need q_alone(const Config& c, std::int64_t) { return must_if(!latent(c) || c.q_low_dim == 0); }
Need q_through_low(const Config& c, std::int64_t) { return must_if(latent(c) && c.q_low_dim != 0); }
Need of_heads(const Config& c, std::int64_t) { return must_if(!latent(c)); }
Need of_latents(const Config& c, std::int64_t) { return must_if(latent(c)); }
Need kv_b_apart(const Config& c, std::int64_t) { return must_if(latent(c) && !c.kv_b_in_one); }
Need kv_b_in_one(const Config& c, std::int64_t) {  // some files have the two apart as well
  return !latent(c) ? Need::no : c.kv_b_in_one ? Need::must : Need::spare;
}

Need qkv_bias(const Config& c, std::int64_t) { return latent(c) ? Need::no : may_or_must(c.arch->bias != Bias::none); }
Need output_bias(const Config& c, std::int64_t) {
  return may_or_must(c.arch->bias == Bias::attention || c.arch->bias == Bias::all);
}
Need sinks(const Config& c, std::int64_t) { return must_if(c.arch->sinks); }

Need dense(const Config& c, std::int64_t layer) { return must_if(!c.has_experts(layer)); }
Need dense_gate(const Config& c, std::int64_t layer) {
  return must_if(!c.has_experts(layer) && c.arch->ffn != Ffn::plain);
}
Need dense_bias(const Config& c, std::int64_t layer) {
  return !c.has_experts(layer) ? may_or_must(c.arch->bias == Bias::all) : Need::no;
}
Need gate_bias(const Config& c, std::int64_t layer) {
  return c.arch->ffn == Ffn::plain ? Need::no : dense_bias(c, layer);
}
Need experts(const Config& c, std::int64_t layer) { return must_if(c.has_experts(layer)); }
Need expert_bias(const Config& c, std::int64_t layer) {
  return c.has_experts(layer) ? may_or_must(c.arch->bias == Bias::attention) : Need::no;
}
Need expert_choice(const Config& c, std::int64_t layer) {
  return c.has_experts(layer) && c.arch->routing_in_file ? Need::may : Need::no;
}
Need shared_expert(const Config& c, std::int64_t layer) {
  return must_if(c.has_experts(layer) && c.arch->shared_expert != SharedExpert::none && c.shared_ffn_dim != 0);
}
Need shared_router(const Config& c, std::int64_t layer) {
  return must_if(c.has_experts(layer) && c.arch->shared_expert == SharedExpert::gated);
}
Need by_context(const Config& c, std::int64_t) {
  return may_or_must(c.rope_scaling.kind == RopeScaling::Kind::longrope);
}

}  // namespace

std::span<const TensorRow> tensor_table() {
  using enum Part;
  using L = LayerWeights;
  using W = Weights;
  static const std::array rows = {
      TensorRow{"token_embd.weight", &dim, &n_vocab, always, &W::token_embd},
      TensorRow{"token_types.weight", &dim, &n_token_type, token_types, &W::token_types},
      TensorRow{"position_embd.weight", &dim, &n_ctx, position_table, &W::position_embd},
      TensorRow{"token_embd_norm.weight", &dim, &one, stream_norm, &W::token_embd_norm},
      TensorRow{"token_embd_norm.bias", &dim, &one, stream_norm_bias, &W::token_embd_norm, bias},
      TensorRow{"attn_norm.weight", &dim, &one, norm_before, &L::attn_norm},
      TensorRow{"attn_norm.bias", &dim, &one, norm_bias, &L::attn_norm, bias},
      TensorRow{"attn_q.weight", &dim, &q_dim, q_alone, &L::attn_q},
      TensorRow{"attn_k.weight", &dim, &kv_dim, of_heads, &L::attn_k},
      TensorRow{"attn_v.weight", &dim, &kv_dim, of_heads, &L::attn_v},
      TensorRow{"attn_q.bias", &q_dim, &one, qkv_bias, &L::attn_q, bias},
      TensorRow{"attn_k.bias", &kv_dim, &one, qkv_bias, &L::attn_k, bias},
      TensorRow{"attn_v.bias", &kv_dim, &one, qkv_bias, &L::attn_v, bias},
      TensorRow{"attn_q_norm.weight", &normed_width<&Config::q_dim>, &normed_heads<&Config::n_head>, qk_norm,
                &L::attn_q_norm},
      TensorRow{"attn_k_norm.weight", &normed_width<&Config::kv_dim>, &normed_heads<&Config::n_kv_head>, qk_norm,
                &L::attn_k_norm},
      TensorRow{"attn_q_norm.bias", &q_dim, &one, qk_norm_bias, &L::attn_q_norm, bias},
      TensorRow{"attn_k_norm.bias", &kv_dim, &one, qk_norm_bias, &L::attn_k_norm, bias},
      TensorRow{"attn_q_a.weight", &dim, &q_low_dim, q_through_low, &L::attn_q_a},
      TensorRow{"attn_q_a_norm.weight", &q_low_dim, &one, q_through_low, &L::attn_q_a_norm},
      TensorRow{"attn_q_b.weight", &q_low_dim, &q_dim, q_through_low, &L::attn_q_b},
      TensorRow{"attn_kv_a_mqa.weight", &dim, &stored_dim, of_latents, &L::attn_kv_a},
      TensorRow{"attn_kv_a_norm.weight", &latent_dim, &one, of_latents, &L::attn_kv_a_norm},
      TensorRow{"attn_k_b.weight", &still_dim, &latent_dim, kv_b_apart, &L::attn_k_b, weight, &n_head},
      TensorRow{"attn_v_b.weight", &latent_dim, &value_dim, kv_b_apart, &L::attn_v_b, weight, &n_head},
      TensorRow{"attn_kv_b.weight", &latent_dim, &kv_b_dim, kv_b_in_one, &L::attn_kv_b},
      TensorRow{"attn_sinks.weight", &n_head, &one, sinks, &L::attn_sinks},
      TensorRow{"attn_output.weight", &mixed_dim, &dim, always, &L::attn_output},
      TensorRow{"attn_output.bias", &dim, &one, output_bias, &L::attn_output, bias},
      TensorRow{"post_attention_norm.weight", &dim, &one, norm_after, &L::post_attn_norm},
      TensorRow{"attn_output_norm.weight", &dim, &one, stream_norm, &L::ffn_norm},
      TensorRow{"attn_output_norm.bias", &dim, &one, stream_norm_bias, &L::ffn_norm, bias},
      TensorRow{"ffn_norm.weight", &dim, &one, ffn_norm, &L::ffn_norm},
      TensorRow{"post_attention_norm.weight", &dim, &one, ffn_norm_by_other_name, &L::ffn_norm},
      TensorRow{"ffn_norm.bias", &dim, &one, ffn_norm_bias, &L::ffn_norm, bias},
      TensorRow{"post_ffw_norm.weight", &dim, &one, norm_after, &L::post_ffn_norm},
      TensorRow{"ffn_gate.weight", &dim, &ffn_dim, dense_gate, &L::ffn_gate},
      TensorRow{"ffn_gate.bias", &ffn_dim, &one, gate_bias, &L::ffn_gate, bias},
      TensorRow{"ffn_up.weight", &dim, &ffn_dim, dense, &L::ffn_up},
      TensorRow{"ffn_up.bias", &ffn_dim, &one, dense_bias, &L::ffn_up, bias},
      TensorRow{"ffn_down.weight", &ffn_dim, &dim, dense, &L::ffn_down},
      TensorRow{"ffn_down.bias", &dim, &one, dense_bias, &L::ffn_down, bias},
      TensorRow{"ffn_gate_inp.weight", &dim, &n_expert, experts, &L::router},
      TensorRow{"ffn_gate_inp.bias", &n_expert, &one, expert_bias, &L::router, bias},
      TensorRow{"ffn_gate_exps.weight", &dim, &expert_ffn_dim, experts, &L::expert_gate, weight, &n_expert},
      TensorRow{"ffn_gate_exps.bias", &expert_ffn_dim, &n_expert, expert_bias, &L::expert_gate, bias},
      TensorRow{"ffn_up_exps.weight", &dim, &expert_ffn_dim, experts, &L::expert_up, weight, &n_expert},
      TensorRow{"ffn_up_exps.bias", &expert_ffn_dim, &n_expert, expert_bias, &L::expert_up, bias},
      TensorRow{"ffn_down_exps.weight", &expert_ffn_dim, &dim, experts, &L::expert_down, weight, &n_expert},
      TensorRow{"ffn_down_exps.bias", &dim, &n_expert, expert_bias, &L::expert_down, bias},
      TensorRow{"exp_probs_b.bias", &n_expert, &one, expert_choice, &L::router_choice},
      TensorRow{"ffn_gate_inp_shexp.weight", &dim, &one, shared_router, &L::shared_router},
      TensorRow{"ffn_gate_shexp.weight", &dim, &shared_ffn_dim, shared_expert, &L::shared_gate},
      TensorRow{"ffn_up_shexp.weight", &dim, &shared_ffn_dim, shared_expert, &L::shared_up},
      TensorRow{"ffn_down_shexp.weight", &shared_ffn_dim, &dim, shared_expert, &L::shared_down},
      TensorRow{"layer_output_norm.weight", &dim, &one, stream_norm, &L::layer_output_norm},
      TensorRow{"layer_output_norm.bias", &dim, &one, stream_norm_bias, &L::layer_output_norm, bias},
      TensorRow{"output_norm.weight", &dim, &one, last_norm, &W::output_norm},
      TensorRow{"output_norm.bias", &dim, &one, last_norm_bias, &W::output_norm, bias},
      TensorRow{"output.weight", &dim, &n_vocab, optional, &W::output},
      TensorRow{"output.bias", &n_vocab, &one, optional, &W::output, bias},
      TensorRow{"rope_freqs.weight", &half_rot, &one, optional, &W::rope_factors},
      TensorRow{"rope_factors_long.weight", &half_rot, &one, by_context, &W::rope_factors_long},
      TensorRow{"rope_factors_short.weight", &half_rot, &one, by_context, &W::rope_factors_short},
  };
  return rows;
}

std::span<const FusedRow> fused_tensors() {
  static constexpr auto always_used = [](const Config&) { return true; };
  static constexpr std::array rows = {
      FusedRow{"attn_qkv.weight", {"attn_q.weight", "attn_k.weight", "attn_v.weight"}, always_used},
      FusedRow{"attn_qkv.bias", {"attn_q.bias", "attn_k.bias", "attn_v.bias"}, always_used},
      FusedRow{"ffn_up.weight",
               {"ffn_gate.weight", "ffn_up.weight"},
               [](const Config& c) { return c.arch->ffn == Ffn::gated_in_one; }},
  };
  return rows;
}

std::vector<std::uint64_t> tensor_dims(const TensorRow& row, const Config& c) {
  std::vector<std::uint64_t> dims = {static_cast<std::uint64_t>(row.width->of(c))};
  if (row.rows != &one && (row.is_matrix() || row.rows->of(c) != 1))
    dims.push_back(static_cast<std::uint64_t>(row.rows->of(c)));
  if (row.depth) dims.push_back(static_cast<std::uint64_t>(row.depth->of(c)));
  return dims;
}

std::string tensor_name(std::string_view name, std::int64_t layer) {
  return "blk." + std::to_string(layer) + "." + std::string(name);
}

std::string tensor_name(const TensorRow& row, std::int64_t layer) {
  return row.per_layer() ? tensor_name(row.name, layer) : std::string(row.name);
}

}  // namespace hearth::model
