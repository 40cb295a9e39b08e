// The rates of the instruction that the kernels use, and of its like for bf16: eight independent sums a warp, operands in registers.
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

/// c [16, 8] += a [16, 16] b [16, 8], each lane with its part (PTX ISA, mma.m16n8k16).
__device__ __forceinline__ void multiply_bf16(float (&c)[4], const int (&a)[4], int b0, int b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__global__ void __launch_bounds__(kThreads) multiply_bf16_forever(float* sink) {
  const int thread = static_cast<int>(threadIdx.x), a[4] = {thread, thread + 1, thread + 2, thread + 3};
  float c[kSums][4] = {};
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int i = 0; i < kSums; ++i) multiply_bf16(c[i], a, thread ^ i, step);
  float sum = 0;
  for (int i = 0; i < kSums; ++i)
    for (int j = 0; j < 4; ++j) sum += c[i][j];
  if (sum == 1.0f) *sink = sum;  // keeps the work
}

/// Of launches whose instructions multiply [16, k] by [k, 8].
double operations(int k, int n_multiprocessors) {
  return 2.0 * 16 * 8 * k * kSums * kSteps * (kThreads / 32) * kBlocks * n_multiprocessors;
}

dim3 grid(int n_multiprocessors) { return {static_cast<unsigned>(kBlocks * n_multiprocessors), 1, 1}; }

}  // namespace

double int8_operations(int n_multiprocessors) { return operations(32, n_multiprocessors); }
double bf16_operations(int n_multiprocessors) { return operations(16, n_multiprocessors); }

void queue_int8_peak(kernels::cuda::Stream stream, int n_multiprocessors) {
  kernels::cuda::launch(stream, multiply_forever, grid(n_multiprocessors), kThreads, 0, static_cast<int*>(nullptr));
}

void queue_bf16_peak(kernels::cuda::Stream stream, int n_multiprocessors) {
  kernels::cuda::launch(stream, multiply_bf16_forever, grid(n_multiprocessors), kThreads, 0,
                        static_cast<float*>(nullptr));
}

}  // namespace hearth::bench
