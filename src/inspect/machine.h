// Leaves: what this build and machine are: version, instruction sets, threads, read bandwidth.
#pragma once

#include <hearth/tools.hpp>

namespace hearth::inspect {

Result<tools::MachineInfo> machine(bool measure);

}  // namespace hearth::inspect
