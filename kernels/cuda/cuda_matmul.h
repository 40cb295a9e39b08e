// Enters: a format. Leaves: the kernels that multiply with it, with what a launch must know of each.
#pragma once

#include "cuda_kernels.h"

namespace hearth::kernels::cuda {

struct MatmulLaunch;

struct MatmulKernel {
  void (*kernel)(MatmulLaunch);
  int rows, tokens, threads;  // of one block of threads
  std::size_t shared_bytes;
};

/// For one token, for two, for few, and for many.
struct MatmulKernels {
  MatmulKernel one, two, few, many;
};

/// Formats are compiled in groups, by their place in kFormats, so that a build can use several cores.
inline constexpr int kFormatGroups = 4;
template <int Group> MatmulKernels matmul_kernels_of(Format format);
MatmulKernels matmul_kernels(Format format);

}  // namespace hearth::kernels::cuda
