// The verbs a device offers to a forward pass. Every member of a team calls each verb with the same arguments; a verb shares
// its work out and returns when all of it is done, or has queued it and returns: rows and weights are then read by verbs alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "draw.h"
#include "heap.h"
#include "kernel_table.h"
#include "parallel.h"
#include "route.h"

namespace hearth::backend {

using kernels::Activation;
using kernels::Draw;
using kernels::KvType;
using kernels::RopeLayout;
using kernels::RouteRule;
using kernels::Routing;

/// A weight matrix: where its rows are, as the file has them and, once repacked, in groups of 16.
struct Matrix {
  kernels::Format format = kernels::Format::f32;
  std::int64_t n_rows = 0, k = 0;
  const std::byte* file = nullptr;    // [n_rows, row bytes]
  const std::byte* packed = nullptr;  // [ceil(n_rows/16), 16 * row bytes], or none; a device has nothing else
  const float* bias = nullptr;        // [n_rows], added to what the rows give; or none
};

enum class NormKind : std::uint8_t { rms, layer };

/// A family's norm.
struct NormRule {
  NormKind kind = NormKind::rms;
  float eps = 0;
  bool of_stream = false;  // what was normed takes the stream's place
};

/// One norm's numbers; without a weight it is none: rows stay as they are.
struct Norm {
  const float *weight = nullptr, *bias = nullptr;  // [width]; a bias, of layer norms, may be absent
};

/// f32 rows. `width` elements each, `stride` floats apart.
struct Rows {
  float* data = nullptr;  // [n, stride]
  std::int64_t n = 0, width = 0, stride = 0;
  float* row(std::int64_t i) const { return data + i * stride; }
};

/// What matmul reads: rows as f32 and, for quantized weights, as blocks of int8.
struct Input {
  Rows x;                        // [n, width]
  kernels::QBlock* q = nullptr;  // [n, q_stride]
  std::int64_t q_stride = 0;     // blocks
  kernels::QBlock* q_row(std::int64_t i) const { return q + i * q_stride; }
};

/// One product y = w x of a group that shares its input.
struct Product {
  const Matrix* w;
  Rows y;  // [n, w->n_rows]
};

/// The same of a group of experts: one matrix each.
struct ExpertProduct {
  std::span<const Matrix> w;  // [n_expert]
  Rows y;                     // [n_visits, w->n_rows]
};

/// Which experts each row visits. Visits stand together by expert, and within an expert in order of rows.
struct Routes {
  struct Group {
    std::int64_t expert, first, n;  // of the visits
  };
  std::int64_t n_used = 0;            // experts that a row visits
  std::vector<std::int32_t> experts;  // [n, n_used], ascending within a row
  std::vector<float> weights;         // [n, n_used]
  std::vector<std::int64_t> visits;   // [n, n_used]: where each stands
  std::vector<Group> groups;          // [n_expert]
  std::int64_t n_groups = 0;          // experts that any row visits: the first so many
};

/// What becomes of queries and keys before they are used, in this order; a step without its numbers is not taken.
struct HeadSteps {
  Norm q_norm, k_norm;           // [head_dim], of each head
  bool own_norm_a_head = false;  // [n_head | n_kv_head, head_dim]: each head has one of its own
  NormRule rule;
  RopeLayout rope = RopeLayout::adjacent;
};

/// The same where one latent is stored for all heads.
struct LatentSteps {
  Norm norm;  // [latent_dim]: of what does not turn
  NormRule rule;
  RopeLayout rope = RopeLayout::adjacent;
};

/// Queries of consecutive rows that read the same cache.
struct AttendTile {
  std::int64_t first_row, n_rows;
  const std::byte* const* pages;
};

/// Where a row's keys and values live and which positions it sees.
struct RowPlace {
  std::byte* page;  // that holds its own position
  std::int64_t position;
  std::int64_t end;  // of the positions that it may see
};

struct AttentionShape {
  std::int64_t n_head, n_kv_head, head_dim;
  float scale, soft_cap;  // 0: no cap
  KvType kv_type;
  std::size_t layer_offset;  // of this layer in a page: [n_kv_head][K, V]
  std::int64_t window;       // positions that a row sees, its own included; 0: all
  const float* sinks;        // [n_head]: a score of each head without a value, or none
  std::int64_t latent_dim =
      0;  // one K/V head is stored, values are so many first elements of its keys; 0: stored beside them
  const float* slopes = nullptr;  // [n_head]: of ALiBi, or none
  std::int64_t first_seen(std::int64_t position) const {
    return window == 0 || position < window ? 0 : position - window + 1;
  }
  std::size_t kv_head_bytes() const { return kernels::kv_head_bytes(kv_type, head_dim); }
  std::size_t k_offset(std::int64_t head) const {
    return layer_offset + static_cast<std::size_t>(head) * (latent_dim != 0 ? 1 : 2) * kv_head_bytes();
  }
  std::size_t v_offset(std::int64_t head) const { return k_offset(head) + (latent_dim != 0 ? 0 : kv_head_bytes()); }
  std::int64_t value_dim() const { return latent_dim != 0 ? latent_dim : head_dim; }
};

/// A pass as one part of its sequences' memory sees it.
struct Memory {
  std::span<const RowPlace> places;  // [n]
  std::span<const AttendTile> tiles;
};

/// What a pass is about to those who prepare it: all that the host makes and the verbs look up, which are given these same lists.
struct PassTables {
  AttentionShape shape{};  // of any layer
  std::int64_t n_used = 0, n_expert = 0;
  std::array<std::span<const std::int32_t>, 3> ids{};  // [n]: tokens, types, positions
  std::array<Rows, 4> angles{};                        // [n, n_rot/2]: cosines and sines, without and with a window
  std::span<const std::int64_t> wanted{};
  std::span<const Draw> draws{};     // [wanted], or none
  std::span<const Memory> memory{};  // [parts]
  std::uint64_t space = 0;  // a number that only these rows' workspace has, as long as its buffers stand where they are
  bool hidden = false;      // the pass ends before logits
  std::int64_t leg = 0;     // how often the pass has been on this device before: the lists are the same then
  Rows arriving{};          // what another device has made of it,
  const float* from = nullptr;  // and where the host has that: [arriving.n, width], or none
};

/// How large passes may be.
struct PassLimits {
  std::int64_t n_rows = 0, n_parts = 0;
  std::int64_t n_pages = 0;   // of all their sequences, in all parts
  std::int64_t longest = 0;   // positions that a row sees
  std::int64_t n_angles = 0;  // cosines and sines of a row
  std::int64_t n_used = 0, n_expert = 0;
  AttentionShape shape{};  // of any layer
};

/// What a half block has made and is still to be added to the stream, normed and scaled first.
struct Residual {
  Rows rows;  // no data: nothing is added
  Norm norm{};
  float scale = 1;
  bool after = false;  // added when the stream has been read: the halves of a parallel block read the same rows
};

/// Where in a forward pass a verb is called, for the error when a row is not finite there.
enum class Step : std::uint8_t {
  attention_input,
  keys_and_values,
  attention_output,
  ffn_input,
  experts,
  ffn_hidden,
  output
};
struct Where {
  std::int64_t layer;
  Step step;
};

/// Verbs that quantize or store rows note the first place where a row was not finite and carry on: a pass is short, and a
/// member that left it early would leave the others waiting.
class Backend {
 public:
  virtual ~Backend() = default;

  /// "cpu", or "cuda:N (what it calls itself)".
  virtual std::string name() const = 0;

  /// Where what the verbs read and write lies; the lists of a pass are the host's.
  virtual const Heap& heap() const = 0;

  /// Bytes of its own for passes up to these limits.
  virtual HeapBytes bytes(const PassLimits& limits) const = 0;

  /// Every member calls it before a pass, or before the device goes on with one: whether it calls the verbs too.
  virtual bool begin(Worker& w, const PassTables& tables) = 0;

  /// After that, all verbs are done: these rows where the host reads them, which is their own place or a copy in `to`.
  virtual Result<const float*> finish(const Rows& rows, float* to) = 0;

  /// Whether `draw` is one of its verbs: rows that the host reads where they are it chooses from itself.
  virtual bool draws() const { return false; }

  /// Once the pass is finished: a token for each row of logits, or kNotDrawn; until the next pass.
  virtual std::span<const std::int32_t> drawn() const { return {}; }

  /// The first place noted since the last call, if any. Between passes only.
  virtual std::optional<Where> take_failure() = 0;

  /// Rows in one tile of attention.
  virtual std::int64_t tile_rows(const AttentionShape& shape) const = 0;

  /// x = rows `ids` of the table, dequantized and scaled.
  virtual void embed(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, float scale, const Rows& x) = 0;

  /// x += rows `ids` of another table; `spare` [n, width] is written over.
  virtual void embed_more(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, const Rows& spare,
                          const Rows& x) = 0;

  /// out = norm(x), also quantized. The residual is added to x, before that or after.
  virtual void norm(Worker& w, Where where, const Rows& x, const Residual& residual, const Norm& norm,
                    const NormRule& rule, const Input& out) = 0;

  /// x = norm(x).
  virtual void norm_in_place(Worker& w, const Rows& x, const Norm& norm, const NormRule& rule) = 0;

  /// All products of one input in one sharing-out, their biases added.
  virtual void matmul(Worker& w, const Input& input, std::span<const Product> products) = 0;

  /// Takes the steps, rotates q and k by cos and sin [n, n_rot/2] (no width: not at all), then stores k and v where each row's position lives.
  virtual void rotate_and_store(Worker& w, Where where, const HeadSteps& steps, const Rows& q, const Rows& k,
                                const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& shape,
                                std::span<const RowPlace> places) = 0;

  /// y = w[h] x for each head of each row: head h of row i is row i * n_head + h of x and y.
  virtual void matmul_heads(Worker& w, const Input& x, std::span<const Matrix> heads, const Rows& y) = 0;

  /// Norms and rotates each row's latent [n, head_dim] and stores it; puts the last elements of the queries [n, n_head, …], rotated,
  /// behind the absorbed ones [n, n_head, head_dim].
  virtual void rotate_and_store_latent(Worker& w, Where where, const LatentSteps& steps, const Rows& q,
                                       const Rows& absorbed, const Rows& latent, const Rows& cos, const Rows& sin,
                                       const AttentionShape& shape, std::span<const RowPlace> places) = 0;

  /// out = attention of each row over the positions that it sees.
  virtual void attend(Worker& w, const Rows& q, const AttentionShape& shape, std::span<const AttendTile> tiles,
                      std::span<const RowPlace> places, const Rows& out) = 0;

  /// Quantizes rows that another verb left in input.x.
  virtual void quantize(Worker& w, Where where, const Input& input) = 0;

  /// out = activation(gate) * up, also quantized. No `up` data: activation(gate).
  virtual void gate(Worker& w, Where where, Activation activation, const Rows& gate, const Rows& up,
                    const Input& out) = 0;

  /// Chooses each row's experts by its scores [n, n_expert], which are overwritten, and a bias [n_expert] or none.
  virtual void route(Worker& w, Where where, const Rows& scores, const RouteRule& rule, const float* bias,
                     Routes& routes) = 0;

  /// Copies each row to all of its visits, in the forms that the formats which follow read.
  virtual void spread(Worker& w, const Input& rows, const Routes& routes, std::span<const kernels::Format> readers,
                      const Input& visits) = 0;

  /// All products of all visits in one sharing-out; a matrix that no row visits is not read.
  virtual void matmul_experts(Worker& w, const Input& visits, const Routes& routes,
                              std::span<const ExpertProduct> products) = 0;

  /// to[i] = sum of row i's visits by weight, in ascending id of the expert.
  virtual void combine(Worker& w, const Rows& visits, const Routes& routes, const Rows& to) = 0;

  /// y[i] += sigmoid(score[i]) * x[i]; score [n, 1]; without its data, y[i] += x[i].
  virtual void add_gated(Worker& w, const Rows& y, const Rows& x, const Rows& score) = 0;

  /// to[i] = from[rows[i]] + residual[rows[i]].
  virtual void gather(Worker& w, const Rows& from, const Residual& residual, const NormRule& rule,
                      std::span<const std::int64_t> rows, const Rows& to) = 0;

  /// y *= by.
  virtual void scale(Worker& w, const Rows& y, float by) = 0;

  /// y = cap * tanh(y / cap); what is not finite stays, so that it is still found afterwards.
  virtual void soft_cap(Worker& w, const Rows& y, float cap) = 0;

  /// Chooses a token from each row of logits, where the device draws.
  virtual void draw(Worker&, const Rows&, std::span<const Draw>) {}
};

}  // namespace hearth::backend
