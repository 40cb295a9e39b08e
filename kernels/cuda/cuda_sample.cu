// A row of logits becomes a token: the steps of src/sample in the same order with the same bits. One block a row; sums run in order
// of the candidates, in one thread. Rows whose candidates outnumber its room, or that are not finite, are left to the host.
#include "device.cuh"
#include "draw.h"

namespace hearth::kernels::cuda {
namespace {

constexpr int kThreads = 1024, kMost = 2048;  // candidates
constexpr float kLowest = -3.40282347e+38f;
constexpr unsigned kSign = 0x80000000u;

/// Logit and id in one number: the smallest is the first candidate. Adding +0 makes -0 and +0 one value.
__device__ std::uint64_t key_of(float logit, int id) {
  const auto bits = static_cast<unsigned>(__float_as_int(logit + 0.0f));
  return static_cast<std::uint64_t>(bits & kSign ? bits : bits ^ ~kSign) << 32 | static_cast<unsigned>(id);
}
__device__ float logit_of(std::uint64_t key) {
  const auto descending = static_cast<unsigned>(key >> 32);
  return __int_as_float(static_cast<int>(descending & kSign ? descending : descending ^ ~kSign));
}

/// Puts n elements, a power of two, into order by all threads: comes_first(a, b) is whether a does. A bitonic sort.
template <class T, class First> __device__ void sort(T* list, int n, First comes_first) {
  for (int run = 2; run <= n; run *= 2)
    for (int gap = run / 2; gap > 0; gap /= 2) {
      __syncthreads();
      for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
        const int other = i ^ gap;
        if (other < i) continue;
        const T a = list[i], b = list[other];
        if ((i & run) == 0 ? comes_first(b, a) : comes_first(a, b)) list[i] = b, list[other] = a;
      }
    }
  __syncthreads();
}

__device__ float sum_in_order(const float* weights, int n) {
  float sum = 0.0f;
  for (int i = 0; i < n; ++i) sum += weights[i];
  return sum;
}

__device__ int keep_top_p(const float* weights, int n, float p) {
  const float wanted = p * sum_in_order(weights, n);
  float sum = weights[0];
  int kept = 1;
  while (kept < n && !(sum >= wanted)) sum += weights[kept++];
  return kept;
}

__device__ int keep_min_p(const float* weights, int n, float p) {
  int kept = 1;
  while (kept < n && weights[kept] >= p) ++kept;
  return kept;
}

__device__ int drawn(const float* weights, int n, float u) {
  const float threshold = u * sum_in_order(weights, n);
  float sum = 0.0f;
  for (int i = 0; i < n; ++i) {
    sum += weights[i];
    if (sum > threshold) return i;
  }
  return n - 1;
}

/// weights[i] = exp of how far candidate i lies below the first, at a temperature.
__device__ void weigh(float* weights, const std::uint64_t* keys, int n, float temp) {
  const float first = logit_of(keys[0]) / temp;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads)
    weights[i] = exp_nonpositive(logit_of(keys[i]) / temp - first);
  __syncthreads();
}

struct Shared {
  std::uint64_t keys[kMost];
  union {
    float highs[kThreads];  // the highest logit that each thread has seen
    float weights[kMost];
  };
  int n, failed;
};

/// The highest logits of all threads, in order; false: some logit is not finite.
__device__ bool find_highs(Shared& s, const float* row, int n, bool sorted) {
  const int thread = static_cast<int>(threadIdx.x);
  float high = -INFINITY;
  bool finite = true;
  for (int i = thread; i < n; i += kThreads) {
    finite = finite && fabsf(row[i]) < INFINITY;
    high = row[i] > high ? row[i] : high;
  }
  s.highs[thread] = high;
  if (!finite) s.failed = 1;
  if (sorted) {
    sort(s.highs, kThreads, [](float a, float b) { return a > b; });
  } else {
    for (int half = kThreads / 2; half > 0; half /= 2) {
      __syncthreads();
      if (thread < half && s.highs[thread + half] > s.highs[thread]) s.highs[thread] = s.highs[thread + half];
    }
  }
  __syncthreads();
  return s.failed == 0;
}

/// The lowest id with the best logit.
__device__ std::int32_t first_best(Shared& s, const float* row, int n, float best) {
  if (threadIdx.x == 0) s.n = n;
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads)
    if (row[i] == best) {
      atomicMin(&s.n, i);
      break;
    }
  __syncthreads();
  return s.n;
}

/// All candidates that make a difference, in order; false: there is no room for them.
__device__ bool find_candidates(Shared& s, const float* row, int n, float least) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < n; i += kThreads) {
    if (!(row[i] >= least)) continue;
    const int at = atomicAdd(&s.n, 1);
    if (at < kMost) s.keys[at] = key_of(row[i], i);
  }
  __syncthreads();
  if (s.n > kMost) return false;
  int size = 2;
  while (size < s.n) size *= 2;
  for (int i = s.n + thread; i < size; i += kThreads) s.keys[i] = ~std::uint64_t{0};
  sort(s.keys, size, [](std::uint64_t a, std::uint64_t b) { return a < b; });
  return true;
}

__device__ std::int32_t choose(Shared& s, const float* row, int n, const Draw& draw) {
  const bool first_thread = threadIdx.x == 0;
  if (first_thread) s.n = s.failed = 0;
  __syncthreads();
  if (!find_highs(s, row, n, draw.temp != 0.0f && draw.top_k > 0)) return kNotDrawn;
  const float best = s.highs[0], reached = draw.top_k > 0 && draw.top_k <= kThreads ? s.highs[draw.top_k - 1] : kLowest;
  if (draw.temp == 0.0f) return first_best(s, row, n, best);
  const float least = draw.top_k > 0 ? reached : best - (draw.far + fabsf(best) * 1e-6f);
  if (!find_candidates(s, row, n, least > kLowest ? least : kLowest)) return kNotDrawn;
  if (first_thread && draw.top_k > 0 && draw.top_k < s.n) s.n = draw.top_k;
  __syncthreads();
  if (draw.top_p < 1.0f || draw.min_p > 0.0f) {
    weigh(s.weights, s.keys, s.n, 1.0f);
    if (first_thread && draw.top_p < 1.0f) s.n = keep_top_p(s.weights, s.n, draw.top_p);
    if (first_thread && draw.min_p > 0.0f) s.n = keep_min_p(s.weights, s.n, draw.min_p);
    __syncthreads();
  }
  if (!(fabsf(logit_of(s.keys[0]) / draw.temp) < INFINITY)) return kNotDrawn;
  weigh(s.weights, s.keys, s.n, draw.temp);
  return first_thread ? static_cast<std::int32_t>(s.keys[drawn(s.weights, s.n, draw.u)]) : kNotDrawn;
}

__global__ void __launch_bounds__(kThreads) draw_tokens(const Rows logits, const Draw* draws, std::int32_t* tokens) {
  __shared__ Shared shared;
  const std::int32_t token =
      choose(shared, logits.data + blockIdx.x * logits.stride, static_cast<int>(logits.width), draws[blockIdx.x]);
  if (threadIdx.x == 0) tokens[blockIdx.x] = token;
}

}  // namespace

void draw(Stream stream, const Rows& logits, const Draw* draws, std::int32_t* tokens) {
  launch(stream, draw_tokens, dim3{static_cast<unsigned>(logits.n), 1, 1}, kThreads, 0, logits, draws, tokens);
}

}  // namespace hearth::kernels::cuda
