// THE table of tensors: loading, missing-tensor errors and the makers of test models walk the same rows.
#include "tensor_table.h"

#include <array>

namespace hearth::model {

std::span<const TensorRow> tensor_table() {
  using enum Extent;
  using enum Presence;
  using L = LayerWeights;
  static const std::array rows = {
      TensorRow{"token_embd.weight", dim, n_vocab, always, &Weights::token_embd},
      TensorRow{"attn_norm.weight", dim, one, always, &L::attn_norm},
      TensorRow{"attn_q.weight", dim, q_dim, always, &L::attn_q},
      TensorRow{"attn_k.weight", dim, kv_dim, always, &L::attn_k},
      TensorRow{"attn_v.weight", dim, kv_dim, always, &L::attn_v},
      TensorRow{"attn_q.bias", q_dim, one, with_qkv_bias, &L::attn_q_bias},
      TensorRow{"attn_k.bias", kv_dim, one, with_qkv_bias, &L::attn_k_bias},
      TensorRow{"attn_v.bias", kv_dim, one, with_qkv_bias, &L::attn_v_bias},
      TensorRow{"attn_q_norm.weight", head_dim, one, with_qk_norm, &L::attn_q_norm},
      TensorRow{"attn_k_norm.weight", head_dim, one, with_qk_norm, &L::attn_k_norm},
      TensorRow{"attn_output.weight", q_dim, dim, always, &L::attn_output},
      TensorRow{"post_attention_norm.weight", dim, one, with_post_norm, &L::post_attn_norm},
      TensorRow{"ffn_norm.weight", dim, one, always, &L::ffn_norm},
      TensorRow{"post_ffw_norm.weight", dim, one, with_post_norm, &L::post_ffn_norm},
      TensorRow{"ffn_gate.weight", dim, ffn_dim, dense, &L::ffn_gate},
      TensorRow{"ffn_up.weight", dim, ffn_dim, dense, &L::ffn_up},
      TensorRow{"ffn_down.weight", ffn_dim, dim, dense, &L::ffn_down},
      TensorRow{"ffn_gate_inp.weight", dim, n_expert, with_experts, &L::router},
      TensorRow{"ffn_gate_exps.weight", dim, expert_ffn_dim, with_experts, &L::expert_gate},
      TensorRow{"ffn_up_exps.weight", dim, expert_ffn_dim, with_experts, &L::expert_up},
      TensorRow{"ffn_down_exps.weight", expert_ffn_dim, dim, with_experts, &L::expert_down},
      TensorRow{"ffn_gate_inp_shexp.weight", dim, one, with_shared_expert, &L::shared_router},
      TensorRow{"ffn_gate_shexp.weight", dim, shared_ffn_dim, with_shared_expert, &L::shared_gate},
      TensorRow{"ffn_up_shexp.weight", dim, shared_ffn_dim, with_shared_expert, &L::shared_up},
      TensorRow{"ffn_down_shexp.weight", shared_ffn_dim, dim, with_shared_expert, &L::shared_down},
      TensorRow{"output_norm.weight", dim, one, always, &Weights::output_norm},
      TensorRow{"output.weight", dim, n_vocab, optional, &Weights::output},
      TensorRow{"rope_freqs.weight", half_rot, one, optional, &Weights::rope_factors},
  };
  return rows;
}

std::int64_t extent(const Config& c, Extent e) {
  switch (e) {
    case Extent::one:
      return 1;
    case Extent::dim:
      return c.dim;
    case Extent::q_dim:
      return c.q_dim();
    case Extent::kv_dim:
      return c.kv_dim();
    case Extent::head_dim:
      return c.head_dim;
    case Extent::ffn_dim:
      return c.ffn_dim;
    case Extent::expert_ffn_dim:
      return c.expert_ffn_dim;
    case Extent::shared_ffn_dim:
      return c.shared_ffn_dim;
    case Extent::n_expert:
      return c.n_expert;
    case Extent::n_vocab:
      return c.n_vocab;
    case Extent::half_rot:
      return c.n_rot / 2;
  }
  return 0;
}

bool present(const Config& c, Presence presence) {
  switch (presence) {
    case Presence::always:
      return true;
    case Presence::with_qkv_bias:
      return c.arch->bias == Bias::qkv;
    case Presence::with_qk_norm:
      return c.arch->qk_norm == QkNorm::heads;
    case Presence::with_post_norm:
      return c.arch->post_norm == PostNorm::both;
    case Presence::dense:
      return c.n_expert == 0;
    case Presence::with_experts:
      return c.n_expert != 0;
    case Presence::with_shared_expert:
      return c.n_expert != 0 && c.arch->shared_expert == SharedExpert::gated;
    case Presence::optional:
      return false;
  }
  return false;
}

std::vector<std::uint64_t> tensor_dims(const TensorRow& row, const Config& c) {
  std::vector<std::uint64_t> dims = {static_cast<std::uint64_t>(extent(c, row.width))};
  if (row.rows != Extent::one) dims.push_back(static_cast<std::uint64_t>(extent(c, row.rows)));
  if (row.is_experts()) dims.push_back(static_cast<std::uint64_t>(c.n_expert));
  return dims;
}

std::string tensor_name(const TensorRow& row, std::int64_t layer) {
  return row.per_layer() ? "blk." + std::to_string(layer) + "." + std::string(row.name) : std::string(row.name);
}

}  // namespace hearth::model
