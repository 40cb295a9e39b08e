// The tables that this build instantiates; CMake defines HEARTH_HAS_<isa> for each row it compiles.
#pragma once

#include "kernel_table.h"

namespace hearth::kernels {

extern const KernelTable table_scalar;
#ifdef HEARTH_HAS_avx2
extern const KernelTable table_avx2;
#endif
#ifdef HEARTH_HAS_avxvnni
extern const KernelTable table_avxvnni;
#endif
#ifdef HEARTH_HAS_avx512
extern const KernelTable table_avx512;
#endif
#ifdef HEARTH_HAS_amx
extern const KernelTable table_amx;
#endif

}  // namespace hearth::kernels
