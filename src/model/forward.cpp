// Enters: rows of tokens with their places in sequences. Leaves: logits of the rows that asked for them.
#include "forward.h"

#include <algorithm>
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
  std::size_t n_wanted = 0, n_draws = 0;
  for (std::size_t i = 0; i < n; ++i) {
    space.tokens[i] = rows[i].token;
    space.types[i] = 0;  // all of the first: one sentence
    space.positions[i] = static_cast<std::int32_t>(rows[i].index);
    space.rotations[i] = &net.rotations.of(rows[i].sequence->n_ctx());
    if (!rows[i].wants_logits) continue;
    if (rows[i].draw) space.draws[n_draws++] = *rows[i].draw;
    space.wanted[n_wanted++] = static_cast<std::int64_t>(i);
  }
  find_ends(rows, net.config.causal, space.ends.data());
  for (std::size_t part = 0; part < n_parts; ++part)
    space.memory[part] =
        make_memory(rows, space, part, net.devices[pass.any.device_of(part)]->tile_rows(pass.any.shape(0)));
  pass.tokens = {space.tokens.data(), n};
  pass.types = {space.types.data(), n};
  pass.positions = {space.positions.data(), n};
  pass.rotations = {space.rotations.data(), n};
  pass.memory = {space.memory.data(), n_parts};
  pass.wanted = {space.wanted.data(), n_wanted};
  const bool draws = n_draws == n_wanted && head == Head::logits && net.devices[net.placement.last()]->draws();
  if (draws) pass.draws = {space.draws.data(), n_draws};
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
  const Weights& weights = p.net.weights;
  const Rows x = p.x(), spare = p.delta();
  p.device->embed(w, weights.token_embd, p.tokens, p.net.config.embedding_scale, x);
  if (weights.token_types.file) p.device->embed_more(w, weights.token_types, p.types, spare, x);
  if (weights.position_embd.file) p.device->embed_more(w, weights.position_embd, p.positions, spare, x);
}

/// Where the pass ends: the rows of `head`.
Rows last_rows(const Pass& p) {
  const bool hidden = p.head == Head::hidden;
  const std::int64_t width = hidden ? p.net.config.dim : p.net.config.n_vocab;
  return {(hidden ? p.space->h : p.space->logits).data(), static_cast<std::int64_t>(p.wanted.size()), width, width};
}

/// logits = output(norm(x + residual)) of the wanted rows alone.
void head(Worker& w, Pass& p, const Residual& residual) {
  const Config& c = p.net.config;
  const auto n = static_cast<std::int64_t>(p.wanted.size());
  if (n == 0) return;
  const Rows chosen{p.space->gate.data(), n, c.dim, c.dim};
  Input h = p.input(c.dim);
  h.x.n = n;
  p.device->gather(w, p.x(), residual, c.norm, p.wanted, chosen);
  p.device->norm(w, {c.n_layer, Step::output}, chosen, {}, p.net.weights.output_norm, c.norm, h);
  if (p.head == Head::hidden) return;
  const Rows logits = last_rows(p);
  p.device->matmul(w, h, {{{&p.net.weights.output, logits}}});
  if (c.logit_scale != 1.0f) p.device->scale(w, logits, c.logit_scale);
  if (c.logit_cap != 0) p.device->soft_cap(w, logits, c.logit_cap);
  if (!p.draws.empty()) p.device->draw(w, logits, p.draws);
}

/// What the layer before has left to be added to the stream; its norm from where it is added. The head is where the last layer is.
Residual residual_of(const Pass& p, std::int64_t layer) {
  if (layer == 0) return {};
  const std::vector<LayerWeights>& layers = p.net.weights.layers;
  const bool is_head = layer == p.net.config.n_layer;
  const Norm& norm = is_head ? layers.back().post_ffn_norm : layers[static_cast<std::size_t>(layer)].residual_norm;
  return {p.delta(), norm, p.net.config.residual_scale};
}

/// The same of a layer's own first half.
Residual residual_inside(const Pass& p, std::int64_t layer) {
  const Config& c = p.net.config;
  const bool side_by_side = c.arch->norm_place == NormPlace::shared;
  return {p.delta(), p.net.weights.layers[static_cast<std::size_t>(layer)].post_attn_norm, c.residual_scale,
          side_by_side};
}

void take(Worker& w, Pass& p, const Leg::Stop& stop) {
  const std::int64_t layer = stop.layer;
  switch (stop.task) {
    case Task::embed:
      return embed(w, p);
    case Task::attention:
      if (p.net.config.arch->attention != Attention::latent) return attention(w, p, layer, residual_of(p, layer));
      return latent_attention(w, p, layer, residual_of(p, layer));
    case Task::feed_forward:
      return feed_forward(w, p, layer, residual_inside(p, layer));
    case Task::ffn_input:
      return ffn_input(w, p, layer, residual_inside(p, layer));
    case Task::experts:
      return experts_apart(w, p, layer);
    case Task::shared_expert:
      return shared_expert(w, p, layer);
    case Task::head:
      return head(w, p, residual_of(p, layer));
  }
}

void turn_rows(Worker& w, const Pass& p) {
  const Rotation& windowed = p.net.rotations.windowed;
  fill(w, p, rope_table(p, false), [&](std::size_t i) -> const Rotation& { return *p.rotations[i]; });
  if (!windowed.inv_freq.empty())
    fill(w, p, rope_table(p, true), [&](std::size_t) -> const Rotation& { return windowed; });
}

void run(Worker& w, Pass& p) {
  if (p.leg == &p.net.legs.front()) turn_rows(w, p);
  if (!p.device->begin(w, p.tables())) return;
  for (const Leg::Stop& stop : p.leg->stops) take(w, p, stop);
}

/// Goes on with a leg, whose first rows the one before has left with the host.
void enter(Pass& p, const Leg& leg) {
  p.leg = &leg;
  p.device = p.net.devices[leg.device].get();
  p.space = &p.workspace.devices[leg.device];
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

Error not_finite(const backend::Where& where) {
  return Error(Status::non_finite, "activations became infinite or NaN; layer " + std::to_string(where.layer) + ", " +
                                       step_name(where.step) +
                                       "; the weights are damaged or the model overflows: check the file" +
                                       (where.step == Step::keys_and_values ? ", or try --kv f32" : ""));
}

Result<void> check_finite(const Pass& p, std::span<const Row> rows, const float* logits) {
  const std::int64_t n_vocab = p.net.config.n_vocab, n = static_cast<std::int64_t>(p.wanted.size()) * n_vocab;
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(logits[i]))
      return Error(
          Status::non_finite,
          "logits are not finite; position " +
              std::to_string(rows[static_cast<std::size_t>(p.wanted[static_cast<std::size_t>(i / n_vocab)])].index) +
              "; the weights are damaged or the model overflows: check the file");
  return {};
}

/// The tokens that the device has chosen, kept beside the pass's other lists; none where it left any to the host.
std::span<const std::int32_t> take_drawn(const Pass& p) {
  if (p.draws.empty()) return {};
  const std::span<const std::int32_t> drawn = p.device->drawn();
  if (std::find(drawn.begin(), drawn.end(), kernels::kNotDrawn) != drawn.end()) return {};
  std::copy(drawn.begin(), drawn.end(), p.workspace.drawn_tokens.data());
  return {p.workspace.drawn_tokens.data(), drawn.size()};
}

}  // namespace

RopeTable rope_table(const Pass& p, bool windowed) {
  Workspace& s = p.workspace;
  const std::int64_t pairs = p.net.config.n_rot / 2;
  return {p.rows(windowed ? s.window_cos : s.cos, pairs), p.rows(windowed ? s.window_sin : s.sin, pairs)};
}

Rows Pass::begins(const Leg& next) const {
  switch (next.begins) {
    case Leg::Begins::with_stream:
      return stream();
    case Leg::Begins::with_normed:
      return input(net.config.dim).x;
    case Leg::Begins::with_delta:
      return delta();
    case Leg::Begins::with_nothing:
      break;
  }
  return {};
}

backend::PassTables Pass::tables() const {
  const RopeTable all = rope_table(*this, false), windowed = rope_table(*this, true);
  const Config& c = net.config;
  std::size_t first = 0, end = 0;  // of the parts that lie there
  for (std::size_t part = 0; part < any.n_parts(); ++part) {
    first += any.device_of(part) < leg->device;
    end += any.device_of(part) <= leg->device;
  }
  return {any.shape(0),
          leg->routes ? c.n_expert_used : 0,
          leg->routes ? c.n_expert : 0,
          {tokens, types, positions},
          {all.cos, all.sin, windowed.cos, windowed.sin},
          wanted,
          draws,
          memory.subspan(first, end - first),
          space->id,
          head == Head::hidden,
          leg->index,
          begins(*leg),
          carried};
}

Result<void> forward(Network& network, std::span<const Row> rows, Workspace& space, Head head) {
  if (rows.empty()) return {};
  space.ended_with = nullptr, space.drawn = {};
  for (const Row& row : rows) HEARTH_CHECK(row.sequence->append(row.index));
  // A prompt's pieces are long and many: a member that gets half of a processor does its half of them.
  constexpr std::size_t kPrompt = 32;
  const Team::Members members = rows.size() < kPrompt ? Team::Members::present : Team::Members::all;
  Pass pass = make_pass(network, rows, space, head);
  for (const Leg& leg : network.legs) {
    enter(pass, leg);
    network.team->run([&](Worker& w) { run(w, pass); }, members);
    const bool last = &leg == &network.legs.back();
    const Rows leaving = !last ? pass.begins(*(&leg + 1)) : pass.draws.empty() ? last_rows(pass) : Rows{};
    HEARTH_TRY(pass.carried, pass.device->finish(leaving, pass.space->fetched.data()));
    if (const auto where = pass.device->take_failure()) return not_finite(*where);
  }
  space.drawn = take_drawn(pass);
  if (!space.drawn.empty()) return {};
  if (!pass.draws.empty()) {
    HEARTH_TRY(pass.carried, pass.device->finish(last_rows(pass), pass.space->fetched.data()));
  }
  space.ended_with = pass.carried;
  return head == Head::hidden ? Result<void>() : check_finite(pass, rows, space.ended_with);
}

}  // namespace hearth::model
