// Enters: a format. Leaves: the kernels that read it, with what a launch must know of each.
#pragma once

#include "cuda_kernels.h"

namespace hearth::kernels::cuda {

struct MatmulLaunch;
struct EmbedLaunch;

struct MatmulKernel {
  void (*kernel)(MatmulLaunch);
  int rows, tokens, threads;  // of one block of threads
  std::size_t shared_bytes;
};

/// Products with one token, with two, with few, with some, and with many; and rows as f32.
struct FormatLaunches {
  MatmulKernel one, two, few, some, many;
  void (*embed)(EmbedLaunch);
};

/// Formats are compiled in groups, by their place in kFormats, so that a build can use several cores.
inline constexpr int kFormatGroups = 4;
template <int Group> FormatLaunches launches_of_group(Format format);
FormatLaunches launches_of(Format format);

}  // namespace hearth::kernels::cuda
