// Enters: an instruction set. Leaves: loops that do nothing but multiply and add in its registers: what a core can do at most.
#pragma once

#include <cstdint>

namespace hearth::bench {

/// Each loop returns something of its result, so that no compiler leaves the work out.
struct PeakLoops {
  const char* name;                         // of the instruction set, as in its kernel table
  std::int64_t fma_per_step, dot_per_step;  // operations: a multiplication and an addition are two
  float (*fma)(std::int64_t steps);         // fused multiply-add of f32
  std::int32_t (*dot)(std::int64_t steps);  // int8 dot products as the matmuls of this set take them
};

#define HEARTH_DECLARE(isa) extern const PeakLoops peak_loops_##isa;
HEARTH_PEAK_ISAS(HEARTH_DECLARE)
#undef HEARTH_DECLARE

}  // namespace hearth::bench
