// The first half of a block whose memory of a position is one latent: every head's keys and values come from it, and so it is
// what attention reads. Queries are taken to the latent's space instead (absorbed), in prefill as in decoding.
#include "pass.h"

namespace hearth::model {
namespace {

/// q [n, q_dim] and latent [n, latent_dim + n_rot] of the normed rows; where queries have a bottleneck of their own, through it.
void project(Worker& w, Pass& p, std::int64_t layer, const Rows& q, const Rows& latent) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.device;
  const Input h = p.input(c.dim), low = p.input(c.q_low_dim);
  if (c.q_low_dim == 0) return device.matmul(w, h, {{{&l.attn_q, q}, {&l.attn_kv_a, latent}}});
  const Rows q_low = p.rows(p.space->q_low, c.q_low_dim);
  device.matmul(w, h, {{{&l.attn_q_a, q_low}, {&l.attn_kv_a, latent}}});
  device.norm(w, {layer, Step::attention_input}, q_low, {}, l.attn_q_a_norm, c.norm, low);
  device.matmul(w, low, {{{&l.attn_q_b, q}}});
}

}  // namespace

void latent_attention(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.device;
  const std::int64_t still = c.head_dim - c.n_rot;  // of a head's elements: those that do not turn
  const Rows x = p.x(), q = p.rows(p.space->q, c.q_dim()), latent = p.rows(p.space->k, c.key_dim());
  const Rows absorbed = p.rows(p.space->absorbed, c.n_head * c.key_dim());
  const Input q_heads = p.heads(p.space->q, c.head_dim, still),
              mixed = p.heads(p.space->mixed, c.latent_dim, c.latent_dim);
  const Input values = p.input(c.mixed_dim());
  const Memory& memory = p.memory[p.any.part_of(layer)];
  const backend::AttentionShape shape = p.any.shape(layer);
  const RopeTable rope = rope_table(p, false);

  device.norm(w, {layer, Step::attention_input}, x, residual, l.attn_norm, c.norm, p.input(c.dim));
  project(w, p, layer, q, latent);
  device.quantize(w, {layer, Step::attention_input}, q_heads);
  device.matmul_heads(w, q_heads, l.attn_k_b, p.heads(p.space->absorbed, c.key_dim(), c.latent_dim).x);
  device.rotate_and_store_latent(w, {layer, Step::keys_and_values}, {l.attn_kv_a_norm, c.norm, c.rope()}, q, absorbed,
                                 latent, rope.cos, rope.sin, shape, memory.places);
  device.attend(w, absorbed, shape, memory.tiles, memory.places, p.rows(p.space->mixed, c.n_head * c.latent_dim));
  device.quantize(w, {layer, Step::attention_output}, mixed);
  device.matmul_heads(w, mixed, l.attn_v_b, p.heads(p.space->h, c.value_dim, c.value_dim).x);
  device.quantize(w, {layer, Step::attention_output}, values);
  device.matmul(w, values, {{{&l.attn_output, p.delta()}}});
}

}  // namespace hearth::model
