// The verbs of a mixture of experts: a warp chooses a row's experts, then a warp an expert finds its visits. Nothing is counted by
// atomics: every visit has one place.
#include "cuda_formats.h"
#include "route_steps.h"
#include "row_math.cuh"

namespace hearth::kernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;

// ---- Choosing: a warp a row.

struct RouteLaunch {
  Rows scores;
  RouteRule rule;
  const float* bias;
  Routes routes;
  Watch watch;
};

/// x = its softmax, or its elements' sigmoids; all scores are finite, or false.
__device__ bool weigh(float* x, int n, bool softmaxed) {
  bool finite = true;
  float most = x[0];
  for (int e = lane_of_warp(); e < n; e += kWarp) {
    finite = finite && fabsf(x[e]) < INFINITY;
    most = x[e] > most ? x[e] : most;
  }
  for (int half = 16; half >= 1; half /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, most, half);
    most = other > most ? other : most;
  }
  for (int e = lane_of_warp(); e < n; e += kWarp) x[e] = softmaxed ? exp_nonpositive(x[e] - most) : sigmoid(x[e]);
  __syncwarp();
  if (softmaxed) {
    float sum = 0.0f;  // in order, by every lane
#pragma unroll 8
    for (int e = 0; e < n; ++e) sum = sum + x[e];
    __syncwarp();
    for (int e = lane_of_warp(); e < n; e += kWarp) x[e] = x[e] / sum;
    __syncwarp();
  }
  return finite;
}

/// take_unused_groups by a warp: those groups stay that have fewer than n_group_used before them, of equal ones the lower ids.
__device__ void take_unused_groups(float* x, float* scores, const float* bias, int n_expert, const RouteRule& rule) {
  const int n_group = static_cast<int>(rule.n_group), size = n_expert / n_group;
  if (rule.n_group_used >= rule.n_group) return;
  for (int g = lane_of_warp(); g < n_group; g += kWarp)
    scores[g] = group_score(x + g * size, bias ? bias + g * size : nullptr, size, two_best(rule.routing));
  __syncwarp();
  for (int g = lane_of_warp(); g < n_group; g += kWarp) {
    int before = 0;
    for (int h = 0; h < n_group; ++h) before += scores[h] > scores[g] || (scores[h] == scores[g] && h < g);
    for (int e = g * size; before >= rule.n_group_used && e < (g + 1) * size; ++e) x[e] = kTaken;
  }
  __syncwarp();
}

/// The expert of the largest choice that is not taken, of equal ones the lower id.
__device__ int largest(const float* weights, const float* bias, int n) {
  int best = -1;
  float most = 0.0f;
  const auto consider = [&](int e, float x) {
    if (e < 0 || (best >= 0 && !(x > most || (x == most && e < best)))) return;
    best = e;
    most = x;
  };
  for (int e = lane_of_warp(); e < n; e += kWarp) consider(weights[e] != kTaken ? e : -1, choice(weights, bias, e));
  for (int half = 16; half >= 1; half /= 2) {
    const int e = __shfl_xor_sync(kAllLanes, best, half);
    consider(e, __shfl_xor_sync(kAllLanes, most, half));
  }
  return __shfl_sync(kAllLanes, best, 0);
}

__global__ void __launch_bounds__(kWarp) route_rows(const RouteLaunch a) {
  const int n = static_cast<int>(a.scores.width), n_used = static_cast<int>(a.routes.n_used);
  auto* x = reinterpret_cast<float*>(dynamic_shared());  // [n_expert]
  float* weights = x + n;                                // [n_used]
  auto* experts = reinterpret_cast<std::int32_t*>(weights + n_used);
  auto* group_scores = reinterpret_cast<float*>(experts + n_used);  // [n_group]
  const std::int64_t row = blockIdx.x;
  bool finite = true;
  for (int e = lane_of_warp(); e < n; e += kWarp) {
    x[e] = a.scores.data[row * a.scores.stride + e];
    if (a.bias) finite = finite && fabsf(a.bias[e]) < INFINITY;
  }
  __syncwarp();
  const Routing routing = a.rule.routing;
  finite = weigh(x, n, routing == Routing::softmax || routing == Routing::softmax_renormalised) && finite;
  note(a.watch, finite);
  take_unused_groups(x, group_scores, a.bias, n, a.rule);
  for (int i = 0; i < n_used; ++i) {
    const int e = largest(x, a.bias, n);
    __syncwarp();
    if (lane_of_warp() == 0) {
      int at = i;  // kept in ascending id
      for (; at > 0 && experts[at - 1] > e; --at) {
        experts[at] = experts[at - 1];
        weights[at] = weights[at - 1];
      }
      experts[at] = e;
      weights[at] = x[e];
      x[e] = kTaken;
    }
    __syncwarp();
  }
  if (lane_of_warp() == 0 && (routing == Routing::softmax_renormalised || routing == Routing::sigmoid_renormalised))
    renormalise(weights, n_used);
  __syncwarp();
  for (int i = lane_of_warp(); i < n_used; i += kWarp) {
    a.routes.experts[row * n_used + i] = experts[i];
    a.routes.weights[row * n_used + i] = weights[i] * a.rule.scale;
  }
}

// ---- Ordering: a warp an expert.

__device__ __forceinline__ int expert_of_warp() {
  return static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / kWarp;
}

/// visit(v, number) for the visits v of an expert, in order; returns how many. `number` counts them.
template <class Visit> __device__ int each_visit(const Routes& routes, int expert, int n_visits, Visit&& visit) {
  int n = 0;
  for (int first = 0; first < n_visits; first += kWarp) {
    const int v = first + lane_of_warp();
    const bool mine = v < n_visits && routes.experts[v] == expert;
    const unsigned all = __ballot_sync(kAllLanes, mine);
    if (mine) visit(v, n + __popc(all & ((1u << lane_of_warp()) - 1)));
    n += __popc(all);
  }
  return n;
}

__global__ void __launch_bounds__(kThreads) count_visits(const Routes routes, int n_visits) {
  const int expert = expert_of_warp();
  if (expert >= routes.n_expert) return;
  const int n = each_visit(routes, expert, n_visits, [](int, int) {});
  if (lane_of_warp() == 0) routes.counts[expert] = n;
}

__global__ void __launch_bounds__(kThreads) place_visits(const Routes routes, int n_visits, int tile_visits) {
  const int expert = expert_of_warp();
  if (expert >= routes.n_expert) return;
  int first = 0, first_tile = 0;  // of this expert's
  for (int e = lane_of_warp(); e < expert; e += kWarp) {
    first += routes.counts[e];
    first_tile += (routes.counts[e] + tile_visits - 1) / tile_visits;
  }
  for (int half = 16; half >= 1; half /= 2) {
    first += __shfl_xor_sync(kAllLanes, first, half);
    first_tile += __shfl_xor_sync(kAllLanes, first_tile, half);
  }
  const int n = each_visit(routes, expert, n_visits, [&](int v, int number) { routes.visits[v] = first + number; });
  const int n_tiles = (n + tile_visits - 1) / tile_visits;
  for (int t = lane_of_warp(); t < n_tiles; t += kWarp) {
    const int left = n - t * tile_visits;
    routes.tiles[first_tile + t] = {expert, first + t * tile_visits, left < tile_visits ? left : tile_visits};
  }
  if (lane_of_warp() == 0 && expert + 1 == routes.n_expert) *routes.n_tiles = first_tile + n_tiles;
}

// ---- Visits' rows.

__global__ void __launch_bounds__(kThreads)
    spread_rows(const Input rows, const Routes routes, const Input visits, bool floats, bool blocks) {
  const std::int64_t visit = routes.visits[blockIdx.x], row = blockIdx.x / static_cast<unsigned>(routes.n_used);
  const int thread = static_cast<int>(threadIdx.x);
  for (int e = thread; floats && e < rows.x.width; e += kThreads)
    visits.x.data[visit * visits.x.stride + e] = rows.x.data[row * rows.x.stride + e];
  const auto* from = reinterpret_cast<const int4*>(rows.q + row * rows.q_stride);
  auto* to = reinterpret_cast<int4*>(visits.q + visit * visits.q_stride);
  constexpr int kPieces = sizeof(QBlock) / sizeof(int4);
  for (int i = thread; blocks && i < (rows.x.width + kBlock - 1) / kBlock * kPieces; i += kThreads) to[i] = from[i];
}

__global__ void __launch_bounds__(kThreads) combine_rows(const Rows visits, const Routes routes, const Rows to) {
  const std::int64_t row = blockIdx.y, e = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (e >= to.width) return;
  float sum = 0.0f;
  for (std::int64_t v = row * routes.n_used; v < (row + 1) * routes.n_used; ++v)
    sum = fmaf(routes.weights[v], visits.data[routes.visits[v] * visits.stride + e], sum);
  to.data[row * to.stride + e] = sum;
}

}  // namespace

void route(Stream stream, const Watch& watch, const Rows& scores, const RouteRule& rule, const float* bias,
           const Routes& routes) {
  const auto n_visits = static_cast<int>(scores.n * routes.n_used);
  const std::size_t shared = sizeof(float) * static_cast<std::size_t>(scores.width + 2 * routes.n_used + rule.n_group);
  const dim3 experts{static_cast<unsigned>((routes.n_expert + kWarps - 1) / kWarps), 1, 1};
  const RouteLaunch a{scores, rule, bias, routes, watch};
  launch(stream, route_rows, dim3{static_cast<unsigned>(scores.n), 1, 1}, kWarp, shared, a);
  launch(stream, count_visits, experts, kThreads, 0, routes, n_visits);
  launch(stream, place_visits, experts, kThreads, 0, routes, n_visits,
         static_cast<int>(route_tile_visits(n_visits, routes.n_expert)));
}

void spread(Stream stream, const Input& rows, const Routes& routes, bool floats, bool blocks, const Input& visits) {
  launch(stream, spread_rows, dim3{static_cast<unsigned>(rows.x.n * routes.n_used), 1, 1}, kThreads, 0, rows, routes,
         visits, floats, blocks);
}

void combine(Stream stream, const Rows& visits, const Routes& routes, const Rows& to) {
  const dim3 grid{static_cast<unsigned>((to.width + kThreads - 1) / kThreads), static_cast<unsigned>(to.n), 1};
  launch(stream, combine_rows, grid, kThreads, 0, visits, routes, to);
}

}  // namespace hearth::kernels::cuda
