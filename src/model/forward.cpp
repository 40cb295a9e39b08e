// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them.
#include "forward.h"

#include <cmath>
#include <string>

#include "pass.h"
#include "rope_table.h"
#include "try.h"

namespace hearth::model {
namespace {

/// Where the positions end that each row may see: at its own, or at its sequence's last in the pass.
void find_ends(std::span<const Row> rows, bool causal, std::int64_t* ends) {
  for (std::size_t i = rows.size(); i-- > 0;) {
    const bool goes_on = !causal && i + 1 < rows.size() && rows[i + 1].sequence == rows[i].sequence;
    ends[i] = goes_on ? ends[i + 1] : rows[i].index + 1;
  }
}

/// The rows' places in one part of their memory, and the tiles of up to `most` rows that read the same pages.
Memory make_memory(std::span<const Row> rows, Workspace& space, std::size_t part, std::int64_t most) {
  const std::size_t n = rows.size();
  RowPlace* const places = space.places.data() + part * n;
  AttendTile* const tiles = space.tiles.data() + part * n;
  std::size_t n_tiles = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Row& row = rows[i];
    const std::byte* const* pages = row.sequence->pages(part);
    places[i] = {row.sequence->page(part, row.index), row.index, space.ends[i]};
    AttendTile* const last = n_tiles == 0 ? nullptr : &tiles[n_tiles - 1];
    if (last && last->pages == pages && last->n_rows < most) ++last->n_rows;
    else tiles[n_tiles++] = {static_cast<std::int64_t>(i), 1, pages};
  }
  return {{places, n}, {tiles, n_tiles}};
}

Pass make_pass(Network& net, std::span<const Row> rows, Workspace& space, Head head) {
  Pass pass{net, space, *rows[0].sequence, head};
  const std::size_t n = rows.size(), n_parts = pass.any.n_parts();
  std::size_t n_wanted = 0;
  for (std::size_t i = 0; i < n; ++i) {
    space.tokens[i] = rows[i].token;
    space.types[i] = 0;  // all of the first: one sentence
    space.positions[i] = static_cast<std::int32_t>(rows[i].index);
    space.rotations[i] = &net.rotations.of(rows[i].sequence->n_ctx());
    if (rows[i].wants_logits) space.wanted[n_wanted++] = static_cast<std::int64_t>(i);
  }
  find_ends(rows, net.config.causal, space.ends.data());
  const std::int64_t most = net.device->tile_rows(pass.any.shape(0));
  for (std::size_t part = 0; part < n_parts; ++part) space.memory[part] = make_memory(rows, space, part, most);
  pass.tokens = {space.tokens.data(), n};
  pass.types = {space.types.data(), n};
  pass.positions = {space.positions.data(), n};
  pass.rotations = {space.rotations.data(), n};
  pass.memory = {space.memory.data(), n_parts};
  pass.wanted = {space.wanted.data(), n_wanted};
  return pass;
}

/// rotation(row) is what turns it.
template <class Of> void fill(Worker& w, const Pass& p, const RopeTable& table, Of rotation) {
  w.loop(p.n(), 1, [&](std::int64_t i, std::int64_t) {
    const auto row = static_cast<std::size_t>(i);
    const Rotation& r = rotation(row);
    kernels::rope_angles(table.cos.row(i), table.sin.row(i), p.memory[0].places[row].position, r.inv_freq.data(),
                         table.cos.width, r.magnitude);
  });
}

/// x = the tokens' rows; to them come those of the first sentence type and of the positions, where the model has tables of them.
void embed(Worker& w, Pass& p) {
  const Config& c = p.net.config;
  const Weights& weights = p.net.weights;
  const Rows x = p.rows(p.space.x, c.dim), spare = p.rows(p.space.delta, c.dim);
  p.net.device->embed(w, weights.token_embd, p.tokens, c.embedding_scale, x);
  if (weights.token_types.file) p.net.device->embed_more(w, weights.token_types, p.types, spare, x);
  if (weights.position_embd.file) p.net.device->embed_more(w, weights.position_embd, p.positions, spare, x);
}

/// Where the pass ends: the rows of `head`.
Rows last_rows(const Pass& p) {
  const bool hidden = p.head == Head::hidden;
  const std::int64_t width = hidden ? p.net.config.dim : p.net.config.n_vocab;
  return {(hidden ? p.space.h : p.space.logits).data(), static_cast<std::int64_t>(p.wanted.size()), width, width};
}

/// logits = output(norm(x + residual)) of the wanted rows alone.
void head(Worker& w, Pass& p, const Residual& residual) {
  const Config& c = p.net.config;
  const auto n = static_cast<std::int64_t>(p.wanted.size());
  if (n == 0) return;
  const Rows chosen{p.space.gate.data(), n, c.dim, c.dim};
  Input h = p.input(c.dim);
  h.x.n = n;
  p.net.device->gather(w, p.rows(p.space.x, c.dim), residual, c.norm, p.wanted, chosen);
  p.net.device->norm(w, {c.n_layer, Step::output}, chosen, {}, p.net.weights.output_norm, c.norm, h);
  if (p.head == Head::hidden) return;
  const Rows logits = last_rows(p);
  p.net.device->matmul(w, h, {{{&p.net.weights.output, logits}}});
  if (c.logit_scale != 1.0f) p.net.device->scale(w, logits, c.logit_scale);
  if (c.logit_cap != 0) p.net.device->soft_cap(w, logits, c.logit_cap);
}

void run(Worker& w, Pass& p) {
  const Config& c = p.net.config;
  const Rotation& windowed = p.net.rotations.windowed;
  fill(w, p, rope_table(p, false), [&](std::size_t i) -> const Rotation& { return *p.rotations[i]; });
  if (!windowed.inv_freq.empty())
    fill(w, p, rope_table(p, true), [&](std::size_t) -> const Rotation& { return windowed; });
  if (!p.net.device->begin(w, p.tables())) return;
  embed(w, p);
  const Rows delta = p.rows(p.space.delta, c.dim);
  const bool side_by_side = c.arch->norm_place == NormPlace::shared;
  Residual residual;
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    const LayerWeights& l = p.net.weights.layers[static_cast<std::size_t>(layer)];
    if (c.arch->attention == Attention::latent) latent_attention(w, p, layer, residual);
    else attention(w, p, layer, residual);
    feed_forward(w, p, layer, {delta, l.post_attn_norm, c.residual_scale, side_by_side});
    residual = {delta, l.post_ffn_norm, c.residual_scale};
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

RopeTable rope_table(const Pass& p, bool windowed) {
  Workspace& s = p.space;
  const std::int64_t pairs = p.net.config.n_rot / 2;
  return {p.rows(windowed ? s.window_cos : s.cos, pairs), p.rows(windowed ? s.window_sin : s.sin, pairs)};
}

backend::PassTables Pass::tables() const {
  const RopeTable all = rope_table(*this, false), windowed = rope_table(*this, true);
  const Config& c = net.config;
  return {any.shape(0),
          c.n_expert_used,
          c.n_expert,
          {tokens, types, positions},
          {all.cos, all.sin, windowed.cos, windowed.sin},
          wanted,
          memory,
          space.id(),
          head == Head::hidden};
}

Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space, Head head) {
  if (rows.empty()) return {};
  for (const Row& row : rows) HEARTH_CHECK(row.sequence->append(row.index));
  Pass pass = make_pass(network, rows, space, head);
  network.team->run([&](Worker& w) { run(w, pass); });
  HEARTH_TRY(space.ended_with, network.device->finish(last_rows(pass), space.fetched.data()));
  if (const auto where = network.device->take_failure())
    return Error(Status::non_finite, "activations became infinite or NaN; layer " + std::to_string(where->layer) +
                                         ", " + step_name(where->step) +
                                         "; the weights are damaged or the model overflows: check the file" +
                                         (where->step == Step::keys_and_values ? ", or try --kv f32" : ""));
  if (head == Head::hidden) return {};
  const auto n_logits = static_cast<std::int64_t>(pass.wanted.size()) * network.config.n_vocab;
  for (std::int64_t i = 0; i < n_logits; ++i)
    if (!std::isfinite(space.ended_with[i]))
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
