// Leaves: what this process may really use: processors and memory, as affinity, cgroups and the system grant them.
#pragma once

#include <cstdint>

namespace hearth {

/// A team has no more.
inline constexpr int kMostThreads = 1024;

/// Threads worth starting: the affinity mask's processors, no more than the cgroups' CPU quota (rounded up), 1 to kMostThreads.
int usable_processors();

/// The calling thread, as the system numbers it.
int this_thread();

/// Seconds so far in which a thread of this process had work and no processor; 0 where the system does not tell. Allocates nothing.
double seconds_queued(int thread);

/// Bytes that can still be allocated: the smaller of the system's available memory and what the cgroups' limits leave.
std::uint64_t available_memory();

/// Highest resident set of this process so far, in bytes.
std::uint64_t peak_resident_bytes();

}  // namespace hearth
