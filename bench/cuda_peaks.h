// Enters: a stream. Leaves: a launch that does nothing but multiply matrices, of int8 as the kernels for many tokens do, or of bf16.
#pragma once

#include "cuda_device.h"

namespace hearth::bench {

/// Additions and multiplications of one launch.
double int8_operations(int n_multiprocessors);
void queue_int8_peak(kernels::cuda::Stream stream, int n_multiprocessors);

/// The same of bf16 matrices whose sums are f32: what a program that dequantizes its weights could reach by that instruction.
double bf16_operations(int n_multiprocessors);
void queue_bf16_peak(kernels::cuda::Stream stream, int n_multiprocessors);

}  // namespace hearth::bench
