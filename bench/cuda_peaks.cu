// The int8 rate of the instruction that the kernels use: eight independent sums a warp, operands in registers.
#include "cuda_peaks.h"
#include "device.cuh"

namespace hearth::bench {
namespace {

constexpr int kThreads = 256, kBlocks = 2, kSteps = 20000, kSums = 8;  // blocks of threads a multiprocessor

__global__ void __launch_bounds__(kThreads) multiply_forever(int* sink) {
  const int thread = static_cast<int>(threadIdx.x), a[4] = {thread, thread + 1, thread + 2, thread + 3};
  int c[kSums][4] = {};
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int i = 0; i < kSums; ++i) kernels::cuda::multiply_32(c[i], a, thread ^ i, step);
  int sum = 0;
  for (int i = 0; i < kSums; ++i)
    for (int j = 0; j < 4; ++j) sum ^= c[i][j];
  if (sum == 0x12345678) *sink = sum;  // keeps the work
}

}  // namespace

double int8_operations(int n_multiprocessors) {
  return 2.0 * 16 * 8 * 32 * kSums * kSteps * (kThreads / 32) * kBlocks * n_multiprocessors;
}

void queue_int8_peak(kernels::cuda::Stream stream, int n_multiprocessors) {
  kernels::cuda::launch(stream, multiply_forever, dim3{static_cast<unsigned>(kBlocks * n_multiprocessors), 1, 1},
                        kThreads, 0, static_cast<int*>(nullptr));
}

}  // namespace hearth::bench
