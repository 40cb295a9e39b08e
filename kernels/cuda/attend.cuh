// Attention over pages: a block of threads stages a chunk of 64 positions of one K/V head in shared memory, and each warp takes its
// queries through it. Scores: lane = position; values: lane = elements. Chunks are merged in order, here or by merge_chunks.
#pragma once

#include "row_math.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kAttendThreads = 128, kAttendWarps = kAttendThreads / kWarp;

struct AttendLaunch {
  const float* q;
  float* out;
  float* partial;  // [row][head][n_chunks][maximum, sum, values], where chunks are merged later; or none
  std::int64_t q_stride, out_stride;
  const AttendTile* tiles;
  const RowPlace* places;
  AttentionShape shape;
  std::size_t head_bytes, scales_offset;  // of one head's keys or values in a page
  int n_chunks, parts;                    // chunks of the longest row; blocks of threads that share a tile's queries
  std::int64_t value_dim;
};

__device__ __forceinline__ std::int64_t first_seen(std::int64_t window, std::int64_t position) {
  return window == 0 || position < window ? 0 : position - window + 1;
}

/// Where a chunk lies in shared memory. Between groups of 16 positions of keys lies room for one d more: other banks.
template <KvType T> struct Stage {
  static constexpr int kSize = T == KvType::f32 ? 4 : T == KvType::f16 ? 2 : 1;
  static constexpr bool kScaled = T == KvType::q8_0;
  int dim;
  std::byte *keys, *values;
  const std::uint16_t *key_scales, *value_scales;

  __host__ __device__ static int key_bytes(int dim) { return 4 * 16 * (dim + 1) * kSize; }
  __host__ __device__ static int scale_bytes(int dim) { return kScaled ? kPage * (dim / kBlock) * 2 : 0; }
  __host__ __device__ static int bytes(int dim, bool latent) {
    return key_bytes(dim) + scale_bytes(dim) + (latent ? 0 : kPage * dim * kSize + scale_bytes(dim));
  }

  static __device__ __forceinline__ float element(const std::byte* at) {
    if constexpr (T == KvType::f32) return *reinterpret_cast<const float*>(at);
    else if constexpr (T == KvType::f16) return half_to_float(*reinterpret_cast<const std::uint16_t*>(at));
    else return small_to_float(*reinterpret_cast<const std::int8_t*>(at));
  }
  __device__ __forceinline__ float key(int slot, int d) const {
    const float x = element(keys + ((slot / 16 * (dim + 1) + d) * 16 + slot % 16) * kSize);
    if constexpr (kScaled)
      return x * half_to_float(key_scales[(slot / 16 * (dim / kBlock) + d / kBlock) * 16 + slot % 16]);
    else return x;
  }
  __device__ __forceinline__ float value(int slot, int d) const {
    const float x = element(values + (slot * dim + d) * kSize);
    if constexpr (kScaled) return x * half_to_float(value_scales[d / kBlock * kPage + slot]);
    else return x;
  }
};

__device__ __forceinline__ void copy_all(std::byte* to, const std::byte* from, int bytes) {
  for (int i = static_cast<int>(threadIdx.x) * 16; i < bytes; i += kAttendThreads * 16) copy_16(to + i, from + i);
}

/// Copies a head's chunk of a page, not waited for.
template <KvType T>
__device__ __forceinline__ Stage<T> stage_chunk(std::byte* memory, const std::byte* page, const AttendLaunch& a) {
  using S = Stage<T>;
  const int dim = static_cast<int>(a.shape.head_dim), group = 16 * dim * S::kSize, padded = 16 * (dim + 1) * S::kSize;
  std::byte* key_scales = memory + S::key_bytes(dim);
  std::byte* values = key_scales + S::scale_bytes(dim);
  std::byte* value_scales = values + kPage * dim * S::kSize;
  for (int g = 0; g < 4; ++g) copy_all(memory + g * padded, page + g * group, group);
  if (S::kScaled) copy_all(key_scales, page + a.scales_offset, S::scale_bytes(dim));
  if (a.shape.latent_dim == 0) {
    copy_all(values, page + a.head_bytes, kPage * dim * S::kSize);
    if (S::kScaled) copy_all(value_scales, page + a.head_bytes + a.scales_offset, S::scale_bytes(dim));
  }
  return {dim, memory, values, reinterpret_cast<const std::uint16_t*>(key_scales),
          reinterpret_cast<const std::uint16_t*>(value_scales)};
}

/// One query of a warp: what it is, and what it has seen of its chunks.
struct Query {
  std::int64_t row, head, begin, end, position;
  float slope;
  bool there;
};

__device__ __forceinline__ Query query_of(const AttendLaunch& a, const AttendTile& tile, std::int64_t kv_head,
                                          std::int64_t index) {
  const std::int64_t group = a.shape.n_head / a.shape.n_kv_head;
  Query query{tile.first_row + index / group, kv_head * group + index % group, 0, 0, 0, 0.0f,
              index < tile.n_rows * group};
  if (!query.there) return query;
  const RowPlace& place = a.places[query.row];
  query.position = place.position;
  query.begin = first_seen(a.shape.window, place.position);
  query.end = place.end;
  query.slope = a.shape.slopes ? a.shape.slopes[query.head] : 0.0f;
  return query;
}

__device__ __forceinline__ float finish_score(const AttentionShape& s, const Query& query, std::int64_t p, float dot) {
  float x = dot * s.scale;
  if (s.soft_cap != 0.0f) x = s.soft_cap * tanh(x / s.soft_cap);
  if (query.slope == 0.0f) return x;
  return fmaf(-query.slope, fabsf(static_cast<float>(p - query.position)), x);
}

/// Maximum and sum of a chunk.
struct ChunkSum {
  float m, l;
};

/// Scores of two positions a lane become weights in shared memory; [lo, hi) of the chunk is visible.
__device__ __forceinline__ ChunkSum weigh(float* weights, float s0, float s1, int lo, int hi) {
  const int lane = lane_of_warp();
  const bool sees0 = lane >= lo && lane < hi, sees1 = lane + kWarp >= lo && lane + kWarp < hi;
  float mc = sees0 && s0 > -INFINITY ? s0 : -INFINITY;
  mc = sees1 && s1 > mc ? s1 : mc;
  for (int half = 16; half >= 1; half /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, mc, half);
    mc = other > mc ? other : mc;
  }
  weights[lane] = exp_nonpositive(s0 - mc);
  weights[lane + kWarp] = exp_nonpositive(s1 - mc);
  __syncwarp();
  float l = 0.0f;
  for (int j = lane % 16; j < kPage; j += 16)
    if (j >= lo && j < hi) l = l + weights[j];
  return {mc, fold(l)};
}

/// R queries of a warp, whose lanes own pairs of elements: 2 lane + 64 i and the next.
template <KvType T, int R, int kPairs> struct WarpQueries {
  Query query[R];
  float m[R], l[R], o[R][2 * kPairs];

  /// weights [R, 64]; the queries themselves in shared memory, [R, dim].
  __device__ __forceinline__ void see(const AttendLaunch& a, const Stage<T>& stage, const float* q, float* weights,
                                      int chunk) {
    const int lane = lane_of_warp();
    float s[R][2] = {};
    for (int d = 0; d < stage.dim; ++d) {
      const float k0 = stage.key(lane, d), k1 = stage.key(lane + kWarp, d);
#pragma unroll
      for (int r = 0; r < R; ++r) {
        s[r][0] = fmaf(q[r * stage.dim + d], k0, s[r][0]);
        s[r][1] = fmaf(q[r * stage.dim + d], k1, s[r][1]);
      }
    }
    const std::int64_t first = static_cast<std::int64_t>(chunk) * kPage;
    int lo[R], hi[R], from = kPage, to = 0;
    ChunkSum sum[R];
    __syncwarp();
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const Query& own = query[r];
      lo[r] = static_cast<int>(own.begin > first ? (own.begin - first < kPage ? own.begin - first : kPage) : 0);
      hi[r] = static_cast<int>(own.end < first ? 0 : own.end - first < kPage ? own.end - first : kPage);
      if (lo[r] >= hi[r]) continue;
      from = lo[r] < from ? lo[r] : from;
      to = hi[r] > to ? hi[r] : to;
      sum[r] = weigh(weights + r * kPage, finish_score(a.shape, own, first + lane, s[r][0]),
                     finish_score(a.shape, own, first + lane + kWarp, s[r][1]), lo[r], hi[r]);
    }
    float oc[R][2 * kPairs] = {};
    for (int j = from; j < to; ++j) {
      float v[2 * kPairs];
#pragma unroll
      for (int e = 0; e < 2 * kPairs; ++e) {
        const int d = 2 * lane + e / 2 * 64 + e % 2;
        v[e] = d >= a.value_dim ? 0.0f : a.shape.latent_dim != 0 ? stage.key(j, d) : stage.value(j, d);
      }
#pragma unroll
      for (int r = 0; r < R; ++r) {
        if (j < lo[r] || j >= hi[r]) continue;
        const float p = weights[r * kPage + j];
#pragma unroll
        for (int e = 0; e < 2 * kPairs; ++e) oc[r][e] = fmaf(p, v[e], oc[r][e]);
      }
    }
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (lo[r] >= hi[r]) continue;
      if (a.partial) put_partial(a, query[r], chunk, sum[r], oc[r]);
      else merge(r, sum[r], oc[r]);
    }
  }

  __device__ __forceinline__ void merge(int r, const ChunkSum& sum, const float (&oc)[2 * kPairs]) {
    const float mn = m[r] > sum.m ? m[r] : sum.m;
    const float old_weight = exp_nonpositive(m[r] - mn), new_weight = exp_nonpositive(sum.m - mn);
    m[r] = mn;
    l[r] = fmaf(sum.l, new_weight, l[r] * old_weight);
    for (int e = 0; e < 2 * kPairs; ++e) o[r][e] = fmaf(oc[e], new_weight, o[r][e] * old_weight);
  }

  __device__ __forceinline__ void put_partial(const AttendLaunch& a, const Query& own, int chunk, const ChunkSum& sum,
                                              const float (&oc)[2 * kPairs]) {
    float* at = a.partial + ((own.row * a.shape.n_head + own.head) * a.n_chunks + chunk) * (a.value_dim + 2);
    if (lane_of_warp() == 0) {
      at[0] = sum.m;
      at[1] = sum.l;
    }
    for (int e = 0; e < 2 * kPairs; ++e) {
      const int d = 2 * lane_of_warp() + e / 2 * 64 + e % 2;
      if (d < a.value_dim) at[2 + d] = oc[e];
    }
  }

  __device__ __forceinline__ void put(const AttendLaunch& a, int r) {
    const Query& own = query[r];
    if (a.shape.sinks) {
      const float sink = a.shape.sinks[own.head], mn = m[r] > sink ? m[r] : sink;
      const float old_weight = exp_nonpositive(m[r] - mn);
      l[r] = fmaf(l[r], old_weight, exp_nonpositive(sink - mn));
      for (int e = 0; e < 2 * kPairs; ++e) o[r][e] = o[r][e] * old_weight;
    }
    const float inverse = 1.0f / l[r];
    float* out = a.out + own.row * a.out_stride + own.head * a.value_dim;
    for (int e = 0; e < 2 * kPairs; ++e) {
      const int d = 2 * lane_of_warp() + e / 2 * 64 + e % 2;
      if (d < a.value_dim) out[d] = o[r][e] * inverse;
    }
  }
};

/// blockIdx: x the chunk where chunks are merged later, y K/V head and part of the tile's queries, z the tile, the last first.
template <KvType T, int R, int kPairs>
__global__ void __launch_bounds__(kAttendThreads) attend_chunks(const AttendLaunch a) {
  const AttendTile tile = a.tiles[gridDim.z - 1 - blockIdx.z];
  const std::int64_t kv_head = blockIdx.y / static_cast<unsigned>(a.parts),
                     part = blockIdx.y % static_cast<unsigned>(a.parts);
  const std::int64_t first_query = part * kAttendWarps * R;
  if (first_query >= tile.n_rows * (a.shape.n_head / a.shape.n_kv_head)) return;  // a smaller tile than others
  const int dim = static_cast<int>(a.shape.head_dim), warp = static_cast<int>(threadIdx.x) / kWarp;
  std::byte* memory = dynamic_shared();
  auto* q = reinterpret_cast<float*>(memory + Stage<T>::bytes(dim, a.shape.latent_dim != 0)) + warp * R * dim;
  float* weights = q + (kAttendWarps - warp) * R * dim + warp * R * kPage;

  WarpQueries<T, R, kPairs> mine = {};
  std::int64_t begin = INT64_MAX, end = 0;  // of what any row of the tile sees
  for (std::int64_t row = tile.first_row; row < tile.first_row + tile.n_rows; ++row) {
    const std::int64_t from = first_seen(a.shape.window, a.places[row].position);
    begin = from < begin ? from : begin;
    end = a.places[row].end > end ? a.places[row].end : end;
  }
  int first = static_cast<int>(begin / kPage), last = static_cast<int>((end + kPage - 1) / kPage);
  if (a.partial) {  // one chunk, if it is seen
    const int chunk = static_cast<int>(blockIdx.x);
    if (chunk < first || chunk >= last) return;
    first = chunk;
    last = chunk + 1;
  }
  for (int r = 0; r < R; ++r) {
    mine.query[r] = query_of(a, tile, kv_head, first_query + warp * R + r);
    mine.m[r] = -INFINITY;
    const float* from = a.q + mine.query[r].row * a.q_stride + mine.query[r].head * dim;
    for (int d = lane_of_warp(); d < dim; d += kWarp) q[r * dim + d] = mine.query[r].there ? from[d] : 0.0f;
  }
  const std::byte* const* pages = a.places[tile.first_row].pages;
  const std::size_t offset =
      a.shape.layer_offset + static_cast<std::size_t>(kv_head) * a.head_bytes * (a.shape.latent_dim != 0 ? 1 : 2);
  for (int chunk = first; chunk < last; ++chunk) {
    const Stage<T> stage = stage_chunk<T>(memory, pages[chunk] + offset, a);
    end_of_copies();
    wait_for_copies();
    __syncthreads();
    mine.see(a, stage, q, weights, chunk);
    __syncthreads();
  }
  for (int r = 0; r < R; ++r)
    if (!a.partial && mine.query[r].there) mine.put(a, r);
}

}  // namespace hearth::kernels::cuda
