// Enters: nothing. Leaves: the time that this process has computed. What a test bounds should not grow with its neighbours' work.
#pragma once

#include <ctime>

namespace hearth::test {

inline double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace hearth::test
