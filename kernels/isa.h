// The instruction set that this translation unit is compiled for, by its flags.
#pragma once

#if defined(__AVX512F__)
#include "isa_avx512.h"
#elif defined(__AVX2__)
#include "isa_avx2.h"
#endif
