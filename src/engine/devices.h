// Enters: names of devices, how many layers each is to have, a file's header. Leaves: the devices, opened, and who computes what.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "placement.h"
#include "weights.h"

namespace hearth::engine {

/// Devices beside the CPU, in the order of their layers.
using Devices = std::vector<std::unique_ptr<backend::Backend>>;

/// The devices of that name, or none where it is the CPU. One that is unknown or not there is an error that says which.
Result<Devices> open_devices(const std::string& name);

/// Who computes what: the devices what they are asked to, the CPU, which is then the last device, what is left. With gpu_layers
/// "auto", devices that get no layer are closed. Errors: invalid_argument, out_of_memory.
Result<model::Placement> choose_placement(Devices& devices, const ModelOptions& how, const model::Config& config,
                                          const model::Weights& weights);

/// Whether the CPU has a part in it, which is the last device's.
inline bool on_cpu(const model::Placement& placement) { return placement.heaps.back()->on_host(); }
inline model::Share cpu_share(const model::Placement& placement) { return {placement, placement.n_devices() - 1}; }

/// "cuda:0 (its name), cpu", as Backend::name has it.
std::string device_names(const Devices& devices, const model::Placement& placement);

}  // namespace hearth::engine
