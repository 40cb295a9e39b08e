// Enters: this CPU, a name. Leaves: kernel tables: all that were built, those that run here, the best, or the one asked for.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "kernel_table.h"

namespace hearth::kernels {

/// Every table in this build, slowest first; "scalar" is always the first.
std::span<const KernelTable* const> built();

/// Those that run on this CPU, slowest first.
std::vector<const KernelTable*> runnable();

/// The fastest table that runs on this CPU.
const KernelTable& best();

/// The table of that name, or nullptr when this build has none. It may not run here: ask `runs_here`.
const KernelTable* find(std::string_view name);

}  // namespace hearth::kernels
