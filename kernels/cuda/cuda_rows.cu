// The verbs that change rows: residual and norm, activation, copies, caps. A norm reads its row from shared memory; every row that
// a product reads next is quantized where it is made.
#include "row_math.cuh"

namespace hearth::kernels::cuda {
namespace {

constexpr int kRowThreads = 256, kRowWarps = kRowThreads / kWarp;

// Where there are fewer rows than blocks of threads that run at once, a long row alone gets more threads: it is their time.
constexpr int kLongRowThreads = 1024;
constexpr std::int64_t kFewRows = 128, kLongRow = 1024;

// ---- Rows of the stream: + residual, norm, quantized.

struct StreamLaunch {
  const float* from;
  const std::int64_t* ids;  // row i comes from row ids[i], or from row i
  float* to;                // the stream's row, written where it changes
  std::int64_t from_stride, to_stride;
  const float* residual;
  std::int64_t residual_stride;
  Norm residual_norm, norm;
  float residual_scale;
  NormRule rule;
  bool after, of_stream;
  float* out;
  QBlock* q;
  std::int64_t out_stride, q_stride;
  int n;
  Watch watch;
};

/// to[i] = the norm of from[i], by all threads. They may be the same.
template <int kThreads>
__device__ void norm_row(float* to, const float* from, const Norm& norm, const NormRule& rule, int n) {
  constexpr int kAhead = kThreads == kLongRowThreads ? 32 : 8;
  __shared__ Scaling shared;
  if (threadIdx.x < kWarp) {
    const Scaling s = scaling_of<kAhead>(from, n, rule);
    if (threadIdx.x == 0) shared = s;
  }
  __syncthreads();
  const Scaling s = shared;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) to[i] = normed(from[i], i, s, norm, rule.kind);
  __syncthreads();
}

/// x += the residual's row; `spare` is written over.
template <int kThreads> __device__ void add_residual(float* x, float* spare, const StreamLaunch& a, std::int64_t row) {
  for (int i = static_cast<int>(threadIdx.x); i < a.n; i += kThreads)
    spare[i] = a.residual[row * a.residual_stride + i];
  __syncthreads();
  if (a.residual_norm.weight) norm_row<kThreads>(spare, spare, a.residual_norm, a.rule, a.n);
  for (int i = static_cast<int>(threadIdx.x); i < a.n; i += kThreads)
    x[i] = x[i] + (a.residual_scale != 1.0f ? spare[i] * a.residual_scale : spare[i]);
  __syncthreads();
}

template <int kThreads> __global__ void __launch_bounds__(kThreads) stream_rows(const StreamLaunch a) {
  auto* x = reinterpret_cast<float*>(dynamic_shared());  // [n]
  float* y = x + a.n;                                    // [n]
  const std::int64_t i = blockIdx.x, source = a.ids ? a.ids[i] : i;
  const int thread = static_cast<int>(threadIdx.x);
  for (int e = thread; e < a.n; e += kThreads) x[e] = a.from[source * a.from_stride + e];
  __syncthreads();
  if (a.residual && !a.after) add_residual<kThreads>(x, y, a, source);
  if (a.norm.weight) norm_row<kThreads>(y, x, a.norm, a.rule, a.n);
  else
    for (int e = thread; e < a.n; e += kThreads) y[e] = x[e];
  __syncthreads();
  if (a.out)
    for (int e = thread; e < a.n; e += kThreads) a.out[i * a.out_stride + e] = y[e];
  bool finite = true;
  if (a.q)
    for (int first = thread / kWarp * kBlock; first < a.n; first += kThreads)
      finite = quantize_at(a.q + i * a.q_stride, y, first, a.n) && finite;
  note(a.watch, finite);
  __syncthreads();
  if (a.of_stream)
    for (int e = thread; e < a.n; e += kThreads) x[e] = y[e];
  __syncthreads();
  if (a.residual && a.after) add_residual<kThreads>(x, y, a, source);
  if (a.to)
    for (int e = thread; e < a.n; e += kThreads) a.to[i * a.to_stride + e] = x[e];
}

void queue(Stream stream, const StreamLaunch& a, std::int64_t n_rows) {
  const bool long_row = n_rows <= kFewRows && a.n >= kLongRow;
  launch(stream, long_row ? stream_rows<kLongRowThreads> : stream_rows<kRowThreads>,
         dim3{static_cast<unsigned>(n_rows), 1, 1}, long_row ? kLongRowThreads : kRowThreads,
         2 * sizeof(float) * static_cast<std::size_t>(a.n), a);
}

void set_residual(StreamLaunch& a, const Residual& residual) {
  a.residual = residual.rows.data;
  a.residual_stride = residual.rows.stride;
  a.residual_norm = residual.norm;
  a.residual_scale = residual.scale;
  a.after = residual.after;
}

// ---- Blocks of a row: 32 elements a warp.

struct BlocksLaunch {
  const float *gate, *up;  // up: or none
  float* out;
  QBlock* q;
  std::int64_t gate_stride, up_stride, out_stride, q_stride;
  int n;
  Activation activation;
  Watch watch;
};

__device__ float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::silu:
      return silu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::gelu_erf:
      return gelu_erf(x);
    case Activation::silu_clamped:
      return silu_clamped(x);
  }
  return x;
}

__device__ float factor(float up, Activation activation) {
  if (activation != Activation::silu_clamped) return up;
  return (up >= kSwigluLimit ? kSwigluLimit : -kSwigluLimit >= up ? -kSwigluLimit : up) + 1.0f;
}

template <bool kGates> __global__ void __launch_bounds__(kRowThreads) block_rows(const BlocksLaunch a) {
  const std::int64_t row = blockIdx.x;
  const int first = (static_cast<int>(blockIdx.y) * kRowWarps + static_cast<int>(threadIdx.x) / kWarp) * kBlock;
  if (first >= a.n) return;
  const int i = first + lane_of_warp();
  float* out = a.out + row * a.out_stride;
  if (kGates && i < a.n) {
    const float y = activated(a.gate[row * a.gate_stride + i], a.activation);
    out[i] = a.up ? y * factor(a.up[row * a.up_stride + i], a.activation) : y;
  }
  note(a.watch, quantize_at(a.q + row * a.q_stride, out, first, a.n));
}

/// Rows along x: there may be more than the 65,535 that y has room for, many heads or experts to a token.
dim3 block_grid(std::int64_t width, std::int64_t n_rows) {
  constexpr std::int64_t kPart = kRowWarps * kBlock;
  return {static_cast<unsigned>(n_rows), static_cast<unsigned>((width + kPart - 1) / kPart), 1};
}

// ---- Elements alone.

enum class Change { scale, cap, add, add_by_score };

template <Change C>
__global__ void __launch_bounds__(kRowThreads) change_rows(const Rows y, const float* x, std::int64_t x_stride,
                                                           const float* score, std::int64_t score_stride, float by) {
  const std::int64_t row = blockIdx.x, i = static_cast<std::int64_t>(blockIdx.y) * kRowThreads + threadIdx.x;
  if (i >= y.width) return;
  float& to = y.data[row * y.stride + i];
  if constexpr (C == Change::scale) to = to * by;
  if constexpr (C == Change::cap) to = fabsf(to) < INFINITY ? by * tanh(to / by) : to;
  if constexpr (C == Change::add) to = to + x[row * x_stride + i];
  if constexpr (C == Change::add_by_score) to = fmaf(sigmoid(score[row * score_stride]), x[row * x_stride + i], to);
}

template <Change C> void change(Stream stream, const Rows& y, const Rows& x, const Rows& score, float by) {
  launch(stream, change_rows<C>, block_grid(y.width, y.n), kRowThreads, 0, y, x.data, x.stride, score.data,
         score.stride, by);
}

}  // namespace

void norm(Stream stream, const Watch& watch, const Rows& x, const Residual& residual, const Norm& norm,
          const NormRule& rule, bool of_stream, const Input& out) {
  StreamLaunch a{};
  a.from = x.data;
  a.from_stride = a.to_stride = x.stride;
  a.n = static_cast<int>(x.width);
  set_residual(a, residual);
  a.to = residual.rows.data || of_stream ? x.data : nullptr;
  a.norm = norm;
  a.rule = rule;
  a.of_stream = of_stream;
  a.out = out.x.data;
  a.out_stride = out.x.stride;
  a.q = out.q;
  a.q_stride = out.q_stride;
  a.watch = watch;
  queue(stream, a, x.n);
}

void norm_in_place(Stream stream, const Rows& x, const Norm& norm, const NormRule& rule) {
  cuda::norm(stream, {}, x, {}, norm, rule, true, {});
}

void gather(Stream stream, const Rows& from, const Residual& residual, const NormRule& rule, const std::int64_t* rows,
            const Rows& to) {
  StreamLaunch a{};
  a.from = from.data;
  a.from_stride = from.stride;
  a.ids = rows;
  a.to = to.data;
  a.to_stride = to.stride;
  a.n = static_cast<int>(from.width);
  a.rule = rule;
  set_residual(a, residual);
  queue(stream, a, to.n);
}

void quantize(Stream stream, const Watch& watch, const Input& input) {
  BlocksLaunch a{};
  a.out = input.x.data;
  a.out_stride = input.x.stride;
  a.q = input.q;
  a.q_stride = input.q_stride;
  a.n = static_cast<int>(input.x.width);
  a.watch = watch;
  launch(stream, block_rows<false>, block_grid(input.x.width, input.x.n), kRowThreads, 0, a);
}

void gate(Stream stream, const Watch& watch, Activation activation, const Rows& gate, const Rows& up,
          const Input& out) {
  const BlocksLaunch a{gate.data,    up.data,      out.x.data,
                       out.q,        gate.stride,  up.stride,
                       out.x.stride, out.q_stride, static_cast<int>(gate.width),
                       activation,   watch};
  launch(stream, block_rows<true>, block_grid(gate.width, gate.n), kRowThreads, 0, a);
}

void add_gated(Stream stream, const Rows& y, const Rows& x, const Rows& score) {
  if (score.data) change<Change::add_by_score>(stream, y, x, score, 0.0f);
  else change<Change::add>(stream, y, x, {}, 0.0f);
}

void scale(Stream stream, const Rows& y, float by) { change<Change::scale>(stream, y, {}, {}, by); }

void soft_cap(Stream stream, const Rows& y, float cap) { change<Change::cap>(stream, y, {}, {}, cap); }

}  // namespace hearth::kernels::cuda
