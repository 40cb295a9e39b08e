// Leaves: what this process may really use: processors and memory, as affinity, cgroups and the system grant them.
#pragma once

#include <cstdint>

namespace hearth {

/// Threads worth starting: the affinity mask's processors, no more than the cgroup's CPU quota (rounded up), at least 1.
int usable_processors();

/// Bytes that can still be allocated: the smaller of the system's available memory and what the cgroup's limit leaves.
std::uint64_t available_memory();

/// Highest resident set of this process so far, in bytes.
std::uint64_t peak_resident_bytes();

}  // namespace hearth
