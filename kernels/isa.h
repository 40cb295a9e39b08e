// The instruction set that this translation unit is compiled for, by its flags, or one lane: a thread of a GPU.
#pragma once

#if defined(HEARTH_ONE_LANE)
#include "isa_one_lane.h"
#elif defined(__AVX512F__)
#include "isa_avx512.h"
#elif defined(__AVX2__)
#include "isa_avx2.h"
#endif
