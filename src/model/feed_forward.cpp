// The second half of a block: what each row makes of itself, by one feed-forward or by the experts it is sent to.
#include "pass.h"

namespace hearth::model {
namespace {

/// to = down(activation(up(h))). The hidden rows are written where h's were.
void plain(Worker& w, Pass& p, std::int64_t layer, const Rows& to) {
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.device;
  const Rows up = p.rows(p.space->up, l.ffn_up.n_rows);
  const Input h = p.input(l.ffn_up.k), hidden = p.input(l.ffn_down.k);
  device.matmul(w, h, {{{&l.ffn_up, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, p.net.config.arch->activation, up, {}, hidden);
  device.matmul(w, hidden, {{{&l.ffn_down, to}}});
}

/// to = down(activation(gate(h)) * up(h)). The hidden rows are written where h's were.
void gated(Worker& w, Pass& p, std::int64_t layer, const Matrix& gate_w, const Matrix& up_w, const Matrix& down_w,
           const Rows& to) {
  backend::Backend& device = *p.device;
  const Rows gate = p.rows(p.space->gate, gate_w.n_rows), up = p.rows(p.space->up, up_w.n_rows);
  const Input h = p.input(gate_w.k), hidden = p.input(down_w.k);
  device.matmul(w, h, {{{&gate_w, gate}, {&up_w, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, p.net.config.arch->activation, gate, up, hidden);
  device.matmul(w, hidden, {{{&down_w, to}}});
}

/// to = the feed-forwards of each row's experts, added up by their weights.
void experts(Worker& w, Pass& p, std::int64_t layer, const Rows& to) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.device;
  DeviceBuffers& space = *p.space;
  const Rows scores = p.rows(space.scores, c.n_expert);
  const Rows gate = p.visits(space.visit_gate, c.expert_ffn_dim), up = p.visits(space.visit_up, c.expert_ffn_dim);
  const Rows y = p.visits(space.visit_y, c.dim);
  const Input h = p.input(c.dim), visits = p.visit_input(c.dim), hidden = p.visit_input(c.expert_ffn_dim);

  device.matmul(w, h, {{{&l.router, scores}}});
  device.route(w, {layer, Step::experts}, scores, c.routing, l.router_choice, space.routes);
  device.spread(w, h, space.routes, {{l.expert_gate.front().format, l.expert_up.front().format}}, visits);
  device.matmul_experts(w, visits, space.routes, {{{l.expert_gate, gate}, {l.expert_up, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, c.arch->activation, gate, up, hidden);
  device.matmul_experts(w, hidden, space.routes, {{{l.expert_down, y}}});
  device.combine(w, y, space.routes, to);
}

}  // namespace

void ffn_input(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  const Norm& norm = c.arch->norm_place == NormPlace::shared ? l.attn_norm : l.ffn_norm;
  p.device->norm(w, {layer, Step::ffn_input}, p.x(), residual, norm, c.norm, p.input(c.dim));
}

void experts_apart(Worker& w, Pass& p, std::int64_t layer) {
  p.device->quantize(w, {layer, Step::ffn_input}, p.input(p.net.config.dim));  // only the rows themselves came here
  experts(w, p, layer, p.delta());
}

void shared_expert(Worker& w, Pass& p, std::int64_t layer) {
  const Config& c = p.net.config;
  if (c.shared_ffn_dim == 0) return;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  const Rows y = p.rows(p.space->visit_y, c.dim);
  const bool by_score = c.arch->shared_expert == SharedExpert::gated;
  const Rows score = by_score ? p.rows(p.space->scores, 1) : Rows{};
  if (by_score) p.device->matmul(w, p.input(c.dim), {{{&l.shared_router, score}}});
  gated(w, p, layer, l.shared_gate, l.shared_up, l.shared_down, y);
  p.device->add_gated(w, p.delta(), y, score);
}

void feed_forward(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  ffn_input(w, p, layer, residual);
  if (c.has_experts(layer)) {
    experts(w, p, layer, p.delta());
    shared_expert(w, p, layer);
  } else if (c.arch->ffn == Ffn::plain) {
    plain(w, p, layer, p.delta());
  } else {
    gated(w, p, layer, l.ffn_gate, l.ffn_up, l.ffn_down, p.delta());
  }
}

}  // namespace hearth::model
