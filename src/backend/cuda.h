// Enters: a device's number. Leaves: that device, where this build and this machine have it. cuda_backend.cpp or no_cuda.cpp says so:
// the build compiles one of them.
#pragma once

#include <hearth/result.hpp>
#include <memory>

#include "backend.h"

namespace hearth::backend {

/// Errors: unsupported, where the build has no CUDA or the machine no driver or no such device.
Result<std::unique_ptr<Backend>> open_cuda(int device);

}  // namespace hearth::backend
