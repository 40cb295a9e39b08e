// The first half of a block: what each row makes of the positions that it sees.
#include "pass.h"

namespace hearth::model {
namespace {

backend::HeadSteps head_steps(const Config& c, const LayerWeights& l) {
  const bool own = c.arch->qk_norm == QkNorm::own_of_heads, each = own || c.arch->qk_norm == QkNorm::heads;
  return {each ? l.attn_q_norm : Norm{}, each ? l.attn_k_norm : Norm{}, own, c.norm, c.rope()};
}

}  // namespace

void attention(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.device;
  const Rows x = p.x(), q = p.rows(p.space->q, c.q_dim()), k = p.rows(p.space->k, c.kv_dim()),
             v = p.rows(p.space->v, c.kv_dim());
  const Input h = p.input(c.dim), mixed = p.input(c.q_dim());
  const Memory& memory = p.memory[p.any.part_of(layer)];
  const backend::HeadSteps steps = head_steps(c, l);
  backend::AttentionShape shape = p.any.shape(layer);
  shape.sinks = l.attn_sinks;
  shape.slopes = l.attn_slopes;
  const RopeTable rope = c.rotates(layer) ? rope_table(p, c.window_rope_base != 0 && shape.window != 0) : RopeTable{};

  device.norm(w, {layer, Step::attention_input}, x, residual, l.attn_norm, c.norm, h);
  device.matmul(w, h, {{{&l.attn_q, q}, {&l.attn_k, k}, {&l.attn_v, v}}});
  if (c.arch->qk_norm == QkNorm::whole || c.arch->qk_norm == QkNorm::whole_or_none) {
    device.norm_in_place(w, q, l.attn_q_norm, c.norm);
    device.norm_in_place(w, k, l.attn_k_norm, c.norm);
  }
  device.rotate_and_store(w, {layer, Step::keys_and_values}, steps, q, k, v, rope.cos, rope.sin, shape, memory.places);
  device.attend(w, q, shape, memory.tiles, memory.places, mixed.x);
  device.quantize(w, {layer, Step::attention_output}, mixed);
  device.matmul(w, mixed, {{{&l.attn_output, p.delta()}}});
}

}  // namespace hearth::model
