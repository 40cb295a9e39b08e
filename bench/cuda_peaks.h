// Enters: a stream. Leaves: a launch that does nothing but multiply int8 matrices, as the kernels for many tokens do.
#pragma once

#include "cuda_device.h"

namespace hearth::bench {

/// Additions and multiplications of one launch.
double int8_operations(int n_multiprocessors);
void queue_int8_peak(kernels::cuda::Stream stream, int n_multiprocessors);

}  // namespace hearth::bench
