// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them. Reads as prose.
#include "forward.h"

#include <cmath>
#include <string>

#include "rope_table.h"
#include "try.h"

namespace hearth::model {

using backend::AttendTile;
using backend::Input;
using backend::Residual;
using backend::RowPlace;
using backend::Rows;
using backend::Step;

namespace {

/// A pass as one part of its sequences' memory sees it.
struct Memory {
  std::vector<RowPlace> places;  // [n]
  std::vector<AttendTile> tiles;
};

/// What one pass is about, derived from its rows before the team starts.
struct Pass {
  Network& net;
  Workspace& space;
  std::vector<std::int32_t> tokens;  // [n]
  std::vector<Memory> memory;        // [parts]
  std::vector<std::int64_t> wanted;  // rows that want logits
  const KvCache& any;                // all sequences of a model share their shape

  std::int64_t n() const { return static_cast<std::int64_t>(tokens.size()); }
  Rows rows(AlignedBuffer<float>& buffer, std::int64_t width) const { return {buffer.data(), n(), width, width}; }
  Input input(std::int64_t width) const { return {rows(space.h, width), space.hq.data(), kernels::q_stride(width)}; }

  Rows visits(AlignedBuffer<float>& buffer, std::int64_t width) const {
    return {buffer.data(), n() * net.config.n_expert_used, width, width};
  }
  Input visit_input(std::int64_t width) const {
    return {visits(space.visit_h, width), space.visit_hq.data(), kernels::q_stride(width)};
  }
};

Memory make_memory(std::span<const Row> rows, std::size_t part, std::int64_t most) {
  Memory memory;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(rows.size()); ++i) {
    const Row& row = rows[static_cast<std::size_t>(i)];
    const std::byte* const* pages = row.sequence->pages(part);
    memory.places.push_back({row.sequence->page(part, row.index), row.index});
    AttendTile* last = memory.tiles.empty() ? nullptr : &memory.tiles.back();
    if (last && last->pages == pages && last->n_rows < most) ++last->n_rows;
    else memory.tiles.push_back({i, 1, pages});
  }
  return memory;
}

Pass make_pass(Network& net, std::span<const Row> rows, Workspace& space) {
  Pass pass{net, space, {}, {}, {}, *rows[0].sequence};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(rows.size()); ++i) {
    const Row& row = rows[static_cast<std::size_t>(i)];
    row.sequence->append(row.index);
    pass.tokens.push_back(row.token);
    if (row.wants_logits) pass.wanted.push_back(i);
  }
  const std::int64_t most = net.device->tile_rows(net.config.n_head / net.config.n_kv_head);
  for (std::size_t part = 0; part < pass.any.n_parts(); ++part) pass.memory.push_back(make_memory(rows, part, most));
  return pass;
}

/// Cosines and sines of the rows' positions: those of layers that see all, or those of layers with a window.
struct RopeTable {
  Rows cos, sin;  // [n, n_rot/2]
};

RopeTable rope_table(const Pass& p, bool windowed) {
  Workspace& s = p.space;
  const std::int64_t pairs = p.net.config.n_rot / 2;
  return {p.rows(windowed ? s.window_cos : s.cos, pairs), p.rows(windowed ? s.window_sin : s.sin, pairs)};
}

void fill(Worker& w, const Pass& p, const RopeTable& table, std::span<const double> inv_freq) {
  if (inv_freq.empty()) return;
  w.loop(p.n(), 1, [&](std::int64_t i, std::int64_t) {
    kernels::rope_angles(table.cos.row(i), table.sin.row(i), p.memory[0].places[static_cast<std::size_t>(i)].position,
                         inv_freq.data(), table.cos.width);
  });
}

/// x += residual; delta = attention(norm(x)) of one layer.
void attention(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.net.device;
  const Rows x = p.rows(p.space.x, c.dim), q = p.rows(p.space.q, c.q_dim()), k = p.rows(p.space.k, c.kv_dim()),
             v = p.rows(p.space.v, c.kv_dim());
  const Input h = p.input(c.dim), mixed = p.input(c.q_dim());
  const Memory& memory = p.memory[p.any.part_of(layer)];
  const backend::AttentionShape shape = p.any.shape(layer);
  const RopeTable rope = rope_table(p, c.window_rope_base != 0 && shape.window != 0);
  const backend::HeadSteps steps{l.attn_q_bias, l.attn_k_bias, l.attn_v_bias, l.attn_q_norm,
                                 l.attn_k_norm, c.norm_eps,    c.arch->rope};

  device.norm(w, {layer, Step::attention_input}, x, residual, l.attn_norm, c.norm_eps, h);
  device.matmul(w, h, {{{&l.attn_q, q}, {&l.attn_k, k}, {&l.attn_v, v}}});
  device.rotate_and_store(w, {layer, Step::keys_and_values}, steps, q, k, v, rope.cos, rope.sin, shape, memory.places);
  device.attend(w, q, shape, memory.tiles, memory.places, mixed.x);
  device.quantize(w, {layer, Step::attention_output}, mixed);
  device.matmul(w, mixed, {{{&l.attn_output, p.rows(p.space.delta, c.dim)}}});
}

/// to = down(activation(gate(h)) * up(h)). The hidden rows are written where h's were.
void feed_forward(Worker& w, Pass& p, std::int64_t layer, const Matrix& gate_w, const Matrix& up_w,
                  const Matrix& down_w, const Rows& to) {
  backend::Backend& device = *p.net.device;
  const Rows gate = p.rows(p.space.gate, gate_w.n_rows), up = p.rows(p.space.up, up_w.n_rows);
  const Input h = p.input(gate_w.k), hidden = p.input(down_w.k);
  device.matmul(w, h, {{{&gate_w, gate}, {&up_w, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, p.net.config.arch->activation, gate, up, hidden);
  device.matmul(w, hidden, {{{&down_w, to}}});
}

/// to = the feed-forwards of each row's experts, added up by their weights; then that of the shared expert.
void experts(Worker& w, Pass& p, std::int64_t layer, const Rows& to) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.net.device;
  Workspace& space = p.space;
  const Rows scores = p.rows(space.scores, c.n_expert), shared_score = p.rows(space.scores, 1);
  const Rows gate = p.visits(space.visit_gate, c.expert_ffn_dim), up = p.visits(space.visit_up, c.expert_ffn_dim);
  const Rows y = p.visits(space.visit_y, c.dim), shared_y = p.rows(space.visit_y, c.dim);
  const Input h = p.input(c.dim), visits = p.visit_input(c.dim), hidden = p.visit_input(c.expert_ffn_dim);

  device.matmul(w, h, {{{&l.router, scores}}});
  device.route(w, {layer, Step::experts}, scores, c.arch->routing, space.routes);
  device.spread(w, h, space.routes, {{l.expert_gate.front().format, l.expert_up.front().format}}, visits);
  device.matmul_experts(w, visits, space.routes, {{{l.expert_gate, gate}, {l.expert_up, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, c.arch->activation, gate, up, hidden);
  device.matmul_experts(w, hidden, space.routes, {{{l.expert_down, y}}});
  device.combine(w, y, space.routes, to);
  if (c.arch->shared_expert == SharedExpert::none) return;
  device.matmul(w, h, {{{&l.shared_router, shared_score}}});
  feed_forward(w, p, layer, l.shared_gate, l.shared_up, l.shared_down, shared_y);
  device.add_gated(w, to, shared_y, shared_score);
}

/// x += residual; delta = ffn(norm(x)) of one layer.
void feed_forward(Worker& w, Pass& p, std::int64_t layer, const Residual& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  const Rows x = p.rows(p.space.x, c.dim), delta = p.rows(p.space.delta, c.dim);
  p.net.device->norm(w, {layer, Step::ffn_input}, x, residual, l.ffn_norm, c.norm_eps, p.input(c.dim));
  if (c.n_expert != 0) experts(w, p, layer, delta);
  else feed_forward(w, p, layer, l.ffn_gate, l.ffn_up, l.ffn_down, delta);
}

/// logits = output(norm(x + residual)) of the wanted rows alone.
void head(Worker& w, Pass& p, const Residual& residual) {
  const Config& c = p.net.config;
  const auto n = static_cast<std::int64_t>(p.wanted.size());
  if (n == 0) return;
  const Rows chosen{p.space.gate.data(), n, c.dim, c.dim};
  Input h = p.input(c.dim);
  h.x.n = n;
  const Rows logits{p.space.logits.data(), n, c.n_vocab, c.n_vocab};
  p.net.device->gather(w, p.rows(p.space.x, c.dim), residual, c.norm_eps, p.wanted, chosen);
  p.net.device->norm(w, {c.n_layer, Step::output}, chosen, {}, p.net.weights.output_norm, c.norm_eps, h);
  p.net.device->matmul(w, h, {{{&p.net.weights.output, logits}}});
  if (c.logit_cap != 0) p.net.device->soft_cap(w, logits, c.logit_cap);
}

void run(Worker& w, Pass& p) {
  const Config& c = p.net.config;
  fill(w, p, rope_table(p, false), p.net.inv_freq);
  fill(w, p, rope_table(p, true), p.net.window_inv_freq);
  p.net.device->embed(w, p.net.weights.token_embd, p.tokens, c.embedding_scale, p.rows(p.space.x, c.dim));
  const Rows delta = p.rows(p.space.delta, c.dim);
  Residual residual;
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
    attention(w, p, layer, residual);
    feed_forward(w, p, layer, {delta, l.post_attn_norm});
    residual = {delta, l.post_ffn_norm};
  }
  head(w, p, residual);
}

const char* step_name(Step step) {
  switch (step) {
    case Step::attention_input:
      return "attention input";
    case Step::keys_and_values:
      return "keys and values";
    case Step::attention_output:
      return "attention output";
    case Step::ffn_input:
      return "feed-forward input";
    case Step::experts:
      return "choice of experts";
    case Step::ffn_hidden:
      return "feed-forward hidden";
    case Step::output:
      return "output";
  }
  return "";
}

}  // namespace

void set_frequencies(Network& network) {
  const Config& c = network.config;
  const float* factors = network.weights.rope_factors;
  network.inv_freq.resize(static_cast<std::size_t>(c.n_rot / 2));
  kernels::rope_frequencies(network.inv_freq.data(), c.n_rot, c.rope_base);
  for (std::size_t i = 0; i < network.inv_freq.size(); ++i) {
    if (factors) network.inv_freq[i] = network.inv_freq[i] / static_cast<double>(factors[i]);
    network.inv_freq[i] = network.inv_freq[i] / c.rope_scale;
  }
  if (c.window_rope_base == 0) return;
  network.window_inv_freq.resize(network.inv_freq.size());
  kernels::rope_frequencies(network.window_inv_freq.data(), c.n_rot, c.window_rope_base);
}

Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space) {
  if (rows.empty()) return {};
  Pass pass = make_pass(network, rows, space);
  network.team->run([&](Worker& w) { run(w, pass); });
  if (const auto where = network.device->take_failure())
    return Error(Status::non_finite, "activations became infinite or NaN; layer " + std::to_string(where->layer) +
                                         ", " + step_name(where->step) +
                                         "; the weights are damaged or the model overflows: check the file" +
                                         (where->step == Step::keys_and_values ? ", or try --kv f32" : ""));
  const auto n_logits = static_cast<std::int64_t>(pass.wanted.size()) * network.config.n_vocab;
  for (std::int64_t i = 0; i < n_logits; ++i)
    if (!std::isfinite(space.logits[static_cast<std::size_t>(i)]))
      return Error(
          Status::non_finite,
          "logits are not finite; position " +
              std::to_string(
                  rows[static_cast<std::size_t>(pass.wanted[static_cast<std::size_t>(i / network.config.n_vocab)])]
                      .index) +
              "; the weights are damaged or the model overflows: check the file");
  return {};
}

}  // namespace hearth::model
