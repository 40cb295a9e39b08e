// Enters: device pointers and a stream. Leaves: the verbs of src/backend/backend.h queued on that stream, with the bits of
// kernels/scalar.cpp. Plain C++: whoever includes this needs no CUDA header.
//
// What lives on the device
//   weights     a matrix is kernels/packing.h's groups of 16 rows, as the CPU repacks them: lane = row, so that a warp reads
//               whole lines and kernels/unpack.inl serves the GPU too. Float formats lie as in the file. Experts, and the
//               matrices of MLA's heads, are stacks: one shape, `stride` bytes apart.
//   rows        f32 and QBlock rows as on the CPU. A pass never moves them: fixed addresses let a graph be replayed.
//   cache       pages as kv_page.h has them. A sequence has an array of page pointers, in device memory, a part.
//   a pass      ids, places, tiles, cosines and sines are made on the host (angles are f64) and copied in one transfer to
//               fixed addresses before the pass; everything after is queued without waiting.
//   routes      made and read on the device alone. Launches are sized for the most tiles that the rows could make; a block
//               beyond the tiles that there are returns at once. The host never waits for a router.
//   failure     one number in device memory: layer and step of the first row that was not finite, read back with the logits.
//
// Launches never throw and never wait. What a launch reports is kept until take_error() (cuda_device.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "draw.h"
#include "kernel_table.h"
#include "route.h"

struct CUstream_st;

namespace hearth::kernels::cuda {

using Stream = CUstream_st*;

/// f32 rows: `width` elements each, `stride` floats apart.
struct Rows {
  float* data = nullptr;  // [n, stride]
  std::int64_t n = 0, width = 0, stride = 0;
};

/// What a product reads: rows as f32 and, for quantized weights, as blocks of int8.
struct Input {
  Rows x;                     // [n, width]
  QBlock* q = nullptr;        // [n, q_stride]
  std::int64_t q_stride = 0;  // blocks
};

/// A matrix, or a stack of matrices of one shape.
struct Matrix {
  Format format = Format::f32;
  std::int64_t n_rows = 0, k = 0;
  const std::byte* groups = nullptr;  // [ceil(n_rows/16)][16 rows], as packing.h has them; 16-byte aligned
  std::size_t stride = 0;             // bytes from one matrix of a stack to the next
  const float* bias = nullptr;        // [n_rows], of a stack [n, n_rows]; or none
};

/// Bytes that a matrix takes on the device: whole groups, the missing rows of the last one are zeros.
constexpr std::size_t matrix_bytes(Format format, std::int64_t n_rows, std::int64_t k) {
  return static_cast<std::size_t>((n_rows + kGroupRows - 1) / kGroupRows * kGroupRows) *
         row_bytes(format_info(format), k);
}

struct Product {
  Matrix w;
  Rows y;  // [n, w.n_rows]
};

/// Where a row that is not finite is noted: the least layer * 256 + step of all is kept.
struct Watch {
  unsigned long long* first = nullptr;  // in device memory, starts as all ones; none: not noted
  unsigned long long place = 0;
};

enum class NormKind : std::uint8_t { rms, layer };
struct NormRule {
  NormKind kind = NormKind::rms;
  float eps = 0;
};
struct Norm {
  const float *weight = nullptr, *bias = nullptr;  // [width]; without a weight: rows stay as they are
};

/// Added to the stream, normed and scaled first.
struct Residual {
  Rows rows;  // no data: nothing is added
  Norm norm;
  float scale = 1;
  bool after = false;  // added when the stream has been read
};

/// Where a row's keys and values live and which positions it sees.
struct RowPlace {
  std::byte* page;  // that holds its own position
  std::int64_t position, end;
  const std::byte* const* pages;  // of its sequence, in device memory
};

/// Consecutive rows of one sequence that are attended together, at most attend_rows() of them.
struct AttendTile {
  std::int64_t first_row, n_rows;
};

struct AttentionShape {
  std::int64_t n_head, n_kv_head, head_dim;
  float scale, soft_cap;  // 0: no cap
  KvType kv_type;
  std::size_t layer_offset;  // of this layer in a page: [n_kv_head][K, V]
  std::int64_t window;       // 0: all positions
  const float* sinks;        // [n_head], or none
  const float* slopes;       // [n_head], or none
  std::int64_t latent_dim;   // 0: values are stored beside keys
};

/// What becomes of queries and keys before they are used.
struct HeadSteps {
  Norm q_norm, k_norm;           // [head_dim]
  bool own_norm_a_head = false;  // [n_head | n_kv_head, head_dim]
  NormRule rule;
  RopeLayout rope = RopeLayout::adjacent;
};

/// Some visits of one expert, multiplied together.
struct RouteTile {
  std::int32_t expert, first, n;  // of the visits, which stand together by expert and within one in order of rows
};

/// Which experts each row visits; all in device memory.
struct Routes {
  std::int64_t n_used = 0, n_expert = 0;
  std::int32_t* experts = nullptr;  // [n, n_used], ascending within a row
  std::int32_t* counts = nullptr;   // [n_expert]: visits of each
  float* weights = nullptr;         // [n, n_used]
  std::int32_t* visits = nullptr;   // [n, n_used]: where each stands
  RouteTile* tiles = nullptr;       // [most_route_tiles]
  std::int32_t* n_tiles = nullptr;  // [1]
};

/// Visits that a tile holds at most, by how many an expert has on average; and tiles that so many visits can make.
std::int64_t route_tile_visits(std::int64_t n_visits, std::int64_t n_expert);
std::int64_t most_route_tiles(std::int64_t n_visits, std::int64_t n_expert);

// ---- The verbs, in the order of a pass. Spans are of host memory and are read before the call returns; other pointers are the device's.

/// x = rows `ids` of the table, scaled; `more`: added to x instead.
void embed(Stream stream, const Matrix& table, const std::int32_t* ids, float scale, bool more, const Rows& x);

/// out = norm(x), also quantized. of_stream: what was normed takes x's place.
void norm(Stream stream, const Watch& watch, const Rows& x, const Residual& residual, const Norm& norm,
          const NormRule& rule, bool of_stream, const Input& out);

/// x = norm(x).
void norm_in_place(Stream stream, const Rows& x, const Norm& norm, const NormRule& rule);

/// All products of one input; those of one format in one launch.
void matmul(Stream stream, const Input& input, std::span<const Product> products);

/// y = w[h] x for each head of each row: head h of row i is row i * n_head + h of x and y.
void matmul_heads(Stream stream, const Input& x, const Matrix& heads, std::int64_t n_head, const Rows& y);

void rotate_and_store(Stream stream, const Watch& watch, const HeadSteps& steps, const Rows& q, const Rows& k,
                      const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& shape,
                      const RowPlace* places);

/// Norms (over latent_dim) and rotates each row's latent and stores it; puts the last elements of the queries, rotated, behind the
/// absorbed ones.
void rotate_and_store_latent(Stream stream, const Watch& watch, const Norm& norm, const NormRule& rule, RopeLayout rope,
                             const Rows& q, const Rows& absorbed, const Rows& latent, const Rows& cos, const Rows& sin,
                             const AttentionShape& shape, const RowPlace* places);

/// Shared memory that a block takes at most: data-centre GPUs from sm_80 on have it.
inline constexpr std::size_t kBlockShared = 160 << 10;

/// Whether attention of this shape has room in registers and in a block's shared memory: values of at most 512 elements, and a page of
/// keys and values beside its queries.
bool can_attend(const AttentionShape& shape);

/// Rows in one tile of attention: rows times the heads that share a K/V head are what one block of threads holds.
std::int64_t attend_rows(const AttentionShape& shape);

/// Attention splits a row's positions over blocks of threads where there are few rows: bytes of what they hand over, of several
/// rows at most 256 MiB. Not monotonous: more rows, or longer ones, may not be split and need none.
std::size_t attend_scratch_bytes(std::int64_t n_rows, const AttentionShape& shape, std::int64_t longest);

/// out = attention of each row; no row's `end` is beyond `longest`, which sizes the launch. Same bits split or not.
void attend(Stream stream, const Rows& q, const AttentionShape& shape, const AttendTile* tiles, std::int64_t n_tiles,
            const RowPlace* places, std::int64_t longest, std::byte* scratch, const Rows& out);

/// Quantizes rows that another verb left in input.x.
void quantize(Stream stream, const Watch& watch, const Input& input);

/// out = activation(gate) * up, also quantized. No `up` data: activation(gate).
void gate(Stream stream, const Watch& watch, Activation activation, const Rows& gate, const Rows& up, const Input& out);

/// Chooses each row's experts, orders the visits and cuts them into tiles.
void route(Stream stream, const Watch& watch, const Rows& scores, const RouteRule& rule, const float* bias,
           const Routes& routes);

/// Copies each row to all of its visits: f32 where `floats`, blocks where `blocks`.
void spread(Stream stream, const Input& rows, const Routes& routes, bool floats, bool blocks, const Input& visits);

/// All products of all visits; w are stacks of n_expert. An expert that no row visits is not read.
void matmul_experts(Stream stream, const Input& visits, const Routes& routes, std::span<const Product> products);

/// to[i] = sum of row i's visits by weight, in ascending id of the expert.
void combine(Stream stream, const Rows& visits, const Routes& routes, const Rows& to);

/// y[i] += sigmoid(score[i]) * x[i]; score [n, 1]; without its data, y[i] += x[i].
void add_gated(Stream stream, const Rows& y, const Rows& x, const Rows& score);

/// to[i] = from[rows[i]] + residual[rows[i]].
void gather(Stream stream, const Rows& from, const Residual& residual, const NormRule& rule, const std::int64_t* rows,
            const Rows& to);

/// y *= by.
void scale(Stream stream, const Rows& y, float by);

/// y = cap * tanh(y / cap).
void soft_cap(Stream stream, const Rows& y, float cap);

/// tokens[i] = what draws[i] chooses of row i, or kNotDrawn.
void draw(Stream stream, const Rows& logits, const Draw* draws, std::int32_t* tokens);

}  // namespace hearth::kernels::cuda
