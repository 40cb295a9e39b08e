// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them. Reads as prose.
#include "forward.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "rope_table.h"
#include "try.h"

namespace hearth::model {

using backend::AttendTile;
using backend::Input;
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
  Input input(std::int64_t width) const {
    const std::int64_t blocks = (width + kernels::kBlock - 1) / kernels::kBlock;
    return {rows(space.h, width), space.hq.data(), blocks};
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

void rope_tables(Worker& w, Pass& p, const Rows& cos, const Rows& sin) {
  w.loop(p.n(), 1, [&](std::int64_t i, std::int64_t) {
    kernels::rope_angles(cos.row(i), sin.row(i), p.memory[0].places[static_cast<std::size_t>(i)].position,
                         p.net.inv_freq.data(), cos.width);
  });
}

/// x += delta; delta = attention(norm(x)) of one layer.
void attention(Worker& w, Pass& p, std::int64_t layer, const Rows& residual) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.net.device;
  const Rows x = p.rows(p.space.x, c.dim), q = p.rows(p.space.q, c.q_dim()), k = p.rows(p.space.k, c.kv_dim()),
             v = p.rows(p.space.v, c.kv_dim());
  const Rows cos = p.rows(p.space.cos, c.n_rot / 2), sin = p.rows(p.space.sin, c.n_rot / 2);
  const Input h = p.input(c.dim), mixed = p.input(c.q_dim());

  device.norm(w, {layer, Step::attention_input}, x, residual, l.attn_norm, c.norm_eps, h);
  device.matmul(w, h, {{{&l.attn_q, q}, {&l.attn_k, k}, {&l.attn_v, v}}});
  if (c.arch->bias == Bias::qkv) {
    device.add_bias(w, q, l.attn_q_bias);
    device.add_bias(w, k, l.attn_k_bias);
    device.add_bias(w, v, l.attn_v_bias);
  }
  const backend::AttentionShape shape = p.any.shape(layer);
  const Memory& memory = p.memory[p.any.part_of(layer)];
  device.rope_and_store(w, {layer, Step::keys_and_values}, q, k, v, cos, sin, c.n_rot, c.arch->rope, shape,
                        memory.places);
  device.attend(w, q, shape, memory.tiles, memory.places, mixed.x);
  device.quantize(w, {layer, Step::attention_output}, mixed);
  device.matmul(w, mixed, {{{&l.attn_output, p.rows(p.space.delta, c.dim)}}});
}

/// x += delta; delta = ffn(norm(x)) of one layer.
void feed_forward(Worker& w, Pass& p, std::int64_t layer) {
  const Config& c = p.net.config;
  const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
  backend::Backend& device = *p.net.device;
  const Rows x = p.rows(p.space.x, c.dim), delta = p.rows(p.space.delta, c.dim);
  const Rows gate = p.rows(p.space.gate, c.ffn_dim), up = p.rows(p.space.up, c.ffn_dim);
  const Input h = p.input(c.dim), hidden = p.input(c.ffn_dim);

  device.norm(w, {layer, Step::ffn_input}, x, delta, l.ffn_norm, c.norm_eps, h);
  device.matmul(w, h, {{{&l.ffn_gate, gate}, {&l.ffn_up, up}}});
  device.gate(w, {layer, Step::ffn_hidden}, gate, up, hidden);
  device.matmul(w, hidden, {{{&l.ffn_down, delta}}});
}

/// logits = output(norm(x + delta)) of the wanted rows alone.
void head(Worker& w, Pass& p) {
  const Config& c = p.net.config;
  const auto n = static_cast<std::int64_t>(p.wanted.size());
  if (n == 0) return;
  const Rows x = p.rows(p.space.x, c.dim), delta = p.rows(p.space.delta, c.dim);
  const Rows chosen{p.space.gate.data(), n, c.dim, c.dim};
  Input h = p.input(c.dim);
  h.x.n = n;
  p.net.device->gather(w, x, delta, p.wanted, chosen);
  p.net.device->norm(w, {c.n_layer, Step::output}, chosen, {}, p.net.weights.output_norm, c.norm_eps, h);
  p.net.device->matmul(w, h, {{{&p.net.weights.output, {p.space.logits.data(), n, c.n_vocab, c.n_vocab}}}});
}

void run(Worker& w, Pass& p) {
  const Config& c = p.net.config;
  rope_tables(w, p, p.rows(p.space.cos, c.n_rot / 2), p.rows(p.space.sin, c.n_rot / 2));
  p.net.device->embed(w, p.net.weights.token_embd, p.tokens, p.rows(p.space.x, c.dim));
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    attention(w, p, layer, layer == 0 ? Rows{} : p.rows(p.space.delta, c.dim));
    feed_forward(w, p, layer);
  }
  head(w, p);
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
    case Step::ffn_hidden:
      return "feed-forward hidden";
    case Step::output:
      return "output";
  }
  return "";
}

}  // namespace

std::vector<double> rope_frequencies(const Config& config, const float* factors) {
  std::vector<double> inv_freq(static_cast<std::size_t>(config.n_rot / 2));
  kernels::rope_frequencies(inv_freq.data(), config.n_rot, config.rope_base);
  for (std::size_t i = 0; i < inv_freq.size(); ++i) {
    if (factors) inv_freq[i] = inv_freq[i] / static_cast<double>(factors[i]);
    inv_freq[i] = inv_freq[i] / config.rope_scale;
  }
  return inv_freq;
}

Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space) {
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

namespace {

struct Sizes {
  std::int64_t x, h, q, kv, ffn, rot, logits;
};  // elements

Sizes sizes(const Config& c, std::int64_t n_rows, std::int64_t n_logits) {
  const std::int64_t widest = std::max({c.dim, c.q_dim(), c.ffn_dim});
  const std::int64_t padded = (widest + kernels::kBlock - 1) / kernels::kBlock * kernels::kBlock;
  return {n_rows * c.dim,
          n_rows * padded,
          n_rows * c.q_dim(),
          n_rows * c.kv_dim(),
          n_rows * std::max(c.ffn_dim, c.dim),
          n_rows * (c.n_rot / 2),
          n_logits * c.n_vocab};
}

Result<void> allocate(AlignedBuffer<float>& buffer, std::int64_t count) {
  HEARTH_TRY(buffer, AlignedBuffer<float>::make(static_cast<std::size_t>(count)));
  return {};
}

}  // namespace

Result<Workspace> Workspace::make(const Config& config, std::int64_t n_rows, std::int64_t n_logits) {
  const Sizes s = sizes(config, n_rows, n_logits);
  Workspace space;
  space.n_rows_ = n_rows;
  space.n_logits_ = n_logits;
  for (const auto& [buffer, count] : {std::pair{&space.x, s.x},
                                      {&space.delta, s.x},
                                      {&space.h, s.h},
                                      {&space.q, s.q},
                                      {&space.k, s.kv},
                                      {&space.v, s.kv},
                                      {&space.gate, s.ffn},
                                      {&space.up, s.ffn},
                                      {&space.cos, s.rot},
                                      {&space.sin, s.rot},
                                      {&space.logits, s.logits}})
    HEARTH_CHECK(allocate(*buffer, count));
  HEARTH_TRY(space.hq, AlignedBuffer<kernels::QBlock>::make(static_cast<std::size_t>(s.h / kernels::kBlock)));
  return space;
}

}  // namespace hearth::model
