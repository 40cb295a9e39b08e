// The verbs around the cache: queries, keys and values are normed, turned and stored; attention reads what is stored.
#include <algorithm>

#include "attend.cuh"

namespace hearth::kernels::cuda {
namespace {

// ---- Rotating and storing: a warp a head.

struct StoreLaunch {
  HeadSteps steps;
  Rows q, k, v, absorbed, cos, sin;
  AttentionShape shape;
  const RowPlace* places;
  std::size_t head_bytes, scales_offset;
  Watch watch;
};

/// A head's norm by one warp, in place.
__device__ void norm_head(float* x, const Norm& norm, const NormRule& rule, int n) {
  const Scaling s = scaling_of(x, n, rule);
  __syncwarp();
  for (int i = lane_of_warp(); i < n; i += kWarp) x[i] = normed(x[i], i, s, norm, rule.kind);
  __syncwarp();
}

/// Where element d of a key or a value lies, and the scale of its block of 32.
struct Slot {
  std::int64_t slot, dim;
  bool is_key;
  __device__ std::int64_t at(std::int64_t d) const {
    return is_key ? (slot / 16 * dim + d) * 16 + slot % 16 : slot * dim + d;
  }
  __device__ std::int64_t scale_at(std::int64_t d) const {
    const std::int64_t block = d / kBlock;
    return is_key ? (slot / 16 * (dim / kBlock) + block) * 16 + slot % 16 : block * kPage + slot;
  }
};

__device__ __forceinline__ bool finite_half(std::uint16_t half) { return (half & 0x7c00u) != 0x7c00u; }

/// A warp stores one head of one position; false: a value, or its scale, is not finite.
__device__ bool store(std::byte* head, const float* x, const Slot& slot, KvType type, std::size_t scales_offset) {
  bool finite = true;
  for (std::int64_t first = 0; first < slot.dim; first += kWarp) {
    const std::int64_t d = first + lane_of_warp();
    if (type == KvType::q8_0) {
      const Quantized block = quantize_block(x[d]);
      const std::uint16_t scale = float_to_half(block.d);
      head[slot.at(d)] = static_cast<std::byte>(block.q);
      if (lane_of_warp() == 0) reinterpret_cast<std::uint16_t*>(head + scales_offset)[slot.scale_at(d)] = scale;
      finite = finite && block.finite && finite_half(scale);
    } else if (d < slot.dim && type == KvType::f16) {
      const std::uint16_t half = float_to_half(x[d]);
      reinterpret_cast<std::uint16_t*>(head)[slot.at(d)] = half;
      finite = finite && finite_half(half);
    } else if (d < slot.dim) {
      reinterpret_cast<float*>(head)[slot.at(d)] = x[d];
      finite = finite && fabsf(x[d]) < INFINITY;
    }
  }
  return finite;
}

__device__ __forceinline__ void load_head(float* to, const float* from, int n) {
  for (int i = lane_of_warp(); i < n; i += kWarp) to[i] = from[i];
  __syncwarp();
}

/// blockIdx: x the K/V head, y the row. Warps take the head's queries, then its key, then its value.
__global__ void __launch_bounds__(kAttendThreads) store_heads(const StoreLaunch a) {
  const std::int64_t kv_head = blockIdx.x, row = blockIdx.y, group = a.shape.n_head / a.shape.n_kv_head;
  const int dim = static_cast<int>(a.shape.head_dim), warp = static_cast<int>(threadIdx.x) / kWarp;
  float* x = reinterpret_cast<float*>(dynamic_shared()) + warp * dim;
  const RowPlace& place = a.places[row];
  const Slot slot{place.position % kPage, dim, true};
  std::byte* keys = place.page + a.shape.layer_offset + static_cast<std::size_t>(kv_head) * 2 * a.head_bytes;
  bool finite = true;
  for (std::int64_t item = warp; item < group + 2; item += kAttendWarps) {
    const bool is_query = item<group, is_value = item> group;
    const std::int64_t head = is_query ? kv_head * group + item : kv_head;
    const Rows& rows = is_query ? a.q : is_value ? a.v : a.k;
    float* own = rows.data + row * rows.stride + head * dim;
    load_head(x, own, dim);
    if (!is_value) {
      Norm norm = is_query ? a.steps.q_norm : a.steps.k_norm;
      if (norm.weight && a.steps.own_norm_a_head) norm.weight += head * dim;
      if (norm.weight) norm_head(x, {norm.weight, nullptr}, a.steps.rule, dim);
      rotate(x, a.cos.data + row * a.cos.stride, a.sin.data + row * a.sin.stride, static_cast<int>(a.cos.width),
             a.steps.rope);
      __syncwarp();
    }
    if (!is_query)
      finite = store(is_value ? keys + a.head_bytes : keys, x, {slot.slot, slot.dim, !is_value}, a.shape.kv_type,
                     a.scales_offset) &&
               finite;
    for (int d = lane_of_warp(); is_query && d < dim; d += kWarp) own[d] = x[d];
    __syncwarp();
  }
  note(a.watch, finite);
}

/// blockIdx.x: the row. Warps take the queries' turning ends, the last item is the latent.
__global__ void __launch_bounds__(kAttendThreads) store_latents(const StoreLaunch a) {
  const std::int64_t row = blockIdx.x;
  const int dim = static_cast<int>(a.shape.head_dim), still = static_cast<int>(a.shape.latent_dim), n_rot = dim - still;
  const int n_head = static_cast<int>(a.shape.n_head), warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t q_dim = a.q.width / n_head;
  float* x = reinterpret_cast<float*>(dynamic_shared()) + warp * dim;
  const float *cos = a.cos.data + row * a.cos.stride, *sin = a.sin.data + row * a.sin.stride;
  const RowPlace& place = a.places[row];
  for (int h = warp; h <= n_head; h += kAttendWarps) {
    const bool is_latent = h == n_head;
    if (is_latent) {
      load_head(x, a.k.data + row * a.k.stride, dim);
      if (a.steps.k_norm.weight) norm_head(x, a.steps.k_norm, a.steps.rule, still);
    } else {
      load_head(x + still, a.q.data + row * a.q.stride + (h + 1) * q_dim - n_rot, n_rot);
    }
    rotate(x + still, cos, sin, static_cast<int>(a.cos.width), a.steps.rope);
    __syncwarp();
    float* turned = a.absorbed.data + row * a.absorbed.stride + static_cast<std::int64_t>(h) * dim;
    for (int d = still + lane_of_warp(); !is_latent && d < dim; d += kWarp) turned[d] = x[d];
    if (is_latent)
      note(a.watch, store(place.page + a.shape.layer_offset, x, {place.position % kPage, dim, true}, a.shape.kv_type,
                          a.scales_offset));
    __syncwarp();
  }
}

StoreLaunch store_launch(const Watch& watch, const AttentionShape& shape, const RowPlace* places) {
  StoreLaunch a{};
  a.shape = shape;
  a.places = places;
  a.head_bytes = kv_head_bytes(shape.kv_type, shape.head_dim);
  a.scales_offset = kv_scales_offset(shape.kv_type, shape.head_dim);
  a.watch = watch;
  return a;
}

std::size_t warp_rows_bytes(const AttentionShape& shape) {
  return sizeof(float) * kAttendWarps * static_cast<std::size_t>(shape.head_dim);
}

// ---- Merging, and choosing how to attend.

/// out = what a query's chunks make in order; blockIdx: x the head, y the row. The running maximum is a maximum of maxima, so the
/// weights of all chunks are known at once and a chain is one fma a chunk.
__global__ void __launch_bounds__(kAttendThreads) merge_chunks(const AttendLaunch a) {
  const std::int64_t head = blockIdx.x, row = blockIdx.y;
  const RowPlace& place = a.places[row];
  const int first = static_cast<int>(first_seen(a.shape.window, place.position) / kPage);
  const int n = static_cast<int>((place.end + kPage - 1) / kPage) - first;
  auto* most = reinterpret_cast<float*>(dynamic_shared());  // [n + 1]: before each chunk, and in the end
  float *old_weight = most + a.n_chunks + 1, *new_weight = old_weight + a.n_chunks, *sum = new_weight + a.n_chunks;
  const std::int64_t stride = a.value_dim + 2;
  const float* partial = a.partial + ((row * a.shape.n_head + head) * a.n_chunks + first) * stride;
  for (int c = static_cast<int>(threadIdx.x); c < n; c += kAttendThreads) {
    new_weight[c] = partial[c * stride];  // the maximum, until it is known what it weighs
    sum[c] = partial[c * stride + 1];
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    float m = -INFINITY;
    for (int c = 0; c < n; ++c) {
      most[c] = m;
      m = m > new_weight[c] ? m : new_weight[c];
    }
    most[n] = m;
  }
  __syncthreads();
  for (int c = static_cast<int>(threadIdx.x); c < n; c += kAttendThreads) {
    old_weight[c] = exp_nonpositive(most[c] - most[c + 1]);
    new_weight[c] = exp_nonpositive(new_weight[c] - most[c + 1]);
  }
  __syncthreads();
  float l = 0.0f;
  for (int c = 0; c < n; ++c) l = fmaf(sum[c], new_weight[c], l * old_weight[c]);
  float sink_weight = 1.0f;
  if (a.shape.sinks) {
    const float sink = a.shape.sinks[head], mn = most[n] > sink ? most[n] : sink;
    sink_weight = exp_nonpositive(most[n] - mn);
    l = fmaf(l, sink_weight, exp_nonpositive(sink - mn));
  }
  const float inverse = 1.0f / l;
  for (std::int64_t d = threadIdx.x; d < a.value_dim; d += kAttendThreads) {
    float o = 0.0f;
#pragma unroll 4
    for (int c = 0; c < n; ++c) o = fmaf(partial[c * stride + 2 + d], new_weight[c], o * old_weight[c]);
    if (a.shape.sinks) o = o * sink_weight;
    a.out[row * a.out_stride + head * a.value_dim + d] = o * inverse;
  }
}

constexpr std::int64_t kQueries = 16;  // of a tile, where there are so many
constexpr std::int64_t kManyBlocks =
    264;  // of threads, two a multiprocessor of a large GPU: no need to split positions
constexpr std::size_t kMostScratch = std::size_t{256} << 20;  // for split positions of several rows

std::int64_t value_dim(const AttentionShape& s) { return s.latent_dim != 0 ? s.latent_dim : s.head_dim; }
std::int64_t group_of(const AttentionShape& s) { return s.n_head / s.n_kv_head; }
std::int64_t pieces(std::int64_t n, std::int64_t piece) { return (n + piece - 1) / piece; }

/// What merge_chunks has in shared memory.
std::size_t merge_bytes(std::int64_t n_chunks) { return sizeof(float) * static_cast<std::size_t>(4 * n_chunks + 1); }

std::size_t partial_bytes(std::int64_t n_rows, const AttentionShape& shape, std::int64_t longest) {
  return sizeof(float) *
         static_cast<std::size_t>(n_rows * shape.n_head * pieces(longest, kPage) * (value_dim(shape) + 2));
}

/// Where there are few blocks of threads otherwise. What several rows hand over is limited; a row alone is always worth it, as
/// long as merge_chunks has room.
bool splits(std::int64_t n_rows, const AttentionShape& shape, std::int64_t longest) {
  return longest > kPage && pieces(n_rows * group_of(shape), kQueries) * shape.n_kv_head < kManyBlocks &&
         merge_bytes(pieces(longest, kPage)) <= kBlockShared &&
         (n_rows == 1 || partial_bytes(n_rows, shape, longest) <= kMostScratch);
}

/// Queries of one warp where values have many elements: f32's keys leave less room.
template <KvType T> constexpr int kManyElementRows = T == KvType::f32 ? 1 : 2;

template <KvType T> std::size_t shared_bytes(const AttentionShape& shape, int n_rows) {
  const auto dim = static_cast<std::size_t>(shape.head_dim);
  return static_cast<std::size_t>(Stage<T>::bytes(static_cast<int>(dim), shape.latent_dim != 0)) +
         sizeof(float) * static_cast<std::size_t>(kAttendWarps * n_rows) * (dim + kPage) + 16;
}

template <KvType T> bool has_room(const AttentionShape& shape) {
  return value_dim(shape) <= 512 &&
         shared_bytes<T>(shape, value_dim(shape) <= 256 ? 4 : kManyElementRows<T>) <= kBlockShared;
}

template <KvType T, int R, int kPairs>
void queue(Stream stream, AttendLaunch& a, std::int64_t n_tiles, std::int64_t tile_rows) {
  a.parts = static_cast<int>(pieces(tile_rows * group_of(a.shape), kAttendWarps * R));
  const dim3 grid{a.partial ? static_cast<unsigned>(a.n_chunks) : 1u,
                  static_cast<unsigned>(a.shape.n_kv_head * a.parts), static_cast<unsigned>(n_tiles)};
  launch(stream, attend_chunks<T, R, kPairs>, grid, kAttendThreads, shared_bytes<T>(a.shape, R), a);
}

template <KvType T> void queue_type(Stream stream, AttendLaunch& a, std::int64_t n_tiles, std::int64_t tile_rows) {
  const bool few = tile_rows == 1 && group_of(a.shape) <= kAttendWarps;  // no more queries than warps
  if (a.value_dim <= 64)
    return few ? queue<T, 1, 1>(stream, a, n_tiles, tile_rows) : queue<T, 4, 1>(stream, a, n_tiles, tile_rows);
  if (a.value_dim <= 128)
    return few ? queue<T, 1, 2>(stream, a, n_tiles, tile_rows) : queue<T, 4, 2>(stream, a, n_tiles, tile_rows);
  if (a.value_dim <= 256)
    return few ? queue<T, 1, 4>(stream, a, n_tiles, tile_rows) : queue<T, 4, 4>(stream, a, n_tiles, tile_rows);
  return few ? queue<T, 1, 8>(stream, a, n_tiles, tile_rows)
             : queue<T, kManyElementRows<T>, 8>(stream, a, n_tiles, tile_rows);
}

}  // namespace

void rotate_and_store(Stream stream, const Watch& watch, const HeadSteps& steps, const Rows& q, const Rows& k,
                      const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& shape,
                      const RowPlace* places) {
  StoreLaunch a = store_launch(watch, shape, places);
  a.steps = steps;
  a.q = q;
  a.k = k;
  a.v = v;
  a.cos = cos;
  a.sin = sin;
  launch(stream, store_heads, dim3{static_cast<unsigned>(shape.n_kv_head), static_cast<unsigned>(q.n), 1},
         kAttendThreads, warp_rows_bytes(shape), a);
}

void rotate_and_store_latent(Stream stream, const Watch& watch, const Norm& norm, const NormRule& rule, RopeLayout rope,
                             const Rows& q, const Rows& absorbed, const Rows& latent, const Rows& cos, const Rows& sin,
                             const AttentionShape& shape, const RowPlace* places) {
  StoreLaunch a = store_launch(watch, shape, places);
  a.steps.k_norm = norm;
  a.steps.rule = rule;
  a.steps.rope = rope;
  a.q = q;
  a.absorbed = absorbed;
  a.k = latent;
  a.cos = cos;
  a.sin = sin;
  launch(stream, store_latents, dim3{static_cast<unsigned>(q.n), 1, 1}, kAttendThreads, warp_rows_bytes(shape), a);
}

bool can_attend(const AttentionShape& shape) {
  if (shape.kv_type == KvType::f32) return has_room<KvType::f32>(shape);
  return shape.kv_type == KvType::f16 ? has_room<KvType::f16>(shape) : has_room<KvType::q8_0>(shape);
}

std::int64_t attend_rows(const AttentionShape& shape) { return std::max<std::int64_t>(1, kQueries / group_of(shape)); }

std::size_t attend_scratch_bytes(std::int64_t n_rows, const AttentionShape& shape, std::int64_t longest) {
  return splits(n_rows, shape, longest) ? partial_bytes(n_rows, shape, longest) : 0;
}

void attend(Stream stream, const Rows& q, const AttentionShape& shape, const AttendTile* tiles, std::int64_t n_tiles,
            const RowPlace* places, std::int64_t longest, std::byte* scratch, const Rows& out) {
  AttendLaunch a{};
  a.q = q.data;
  a.q_stride = q.stride;
  a.out = out.data;
  a.out_stride = out.stride;
  a.tiles = tiles;
  a.places = places;
  a.shape = shape;
  a.head_bytes = kv_head_bytes(shape.kv_type, shape.head_dim);
  a.scales_offset = kv_scales_offset(shape.kv_type, shape.head_dim);
  a.n_chunks = static_cast<int>(pieces(longest, kPage));
  a.value_dim = value_dim(shape);
  a.partial = splits(q.n, shape, longest) ? reinterpret_cast<float*>(scratch) : nullptr;
  const std::int64_t tile_rows = q.n == n_tiles ? 1 : attend_rows(shape);  // at most
  if (shape.kv_type == KvType::f32) queue_type<KvType::f32>(stream, a, n_tiles, tile_rows);
  if (shape.kv_type == KvType::f16) queue_type<KvType::f16>(stream, a, n_tiles, tile_rows);
  if (shape.kv_type == KvType::q8_0) queue_type<KvType::q8_0>(stream, a, n_tiles, tile_rows);
  if (a.partial)
    launch(stream, merge_chunks, dim3{static_cast<unsigned>(shape.n_head), static_cast<unsigned>(q.n), 1},
           kAttendThreads, merge_bytes(a.n_chunks), a);
}

}  // namespace hearth::kernels::cuda
