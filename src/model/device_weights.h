// Enters: weights as the file has them. Leaves: the same weights in a device's memory, matrices in groups of 16 rows.
#pragma once

#include <cstdint>
#include <functional>
#include <hearth/result.hpp>

#include "aligned_buffer.h"
#include "kernel_table.h"
#include "parallel.h"
#include "weights.h"

namespace hearth::model {

/// Bytes that a device's share takes there.
std::uint64_t device_weights_bytes(const Weights& weights, const Share& share);

/// Bytes of the file that a share of the host's is read from; copies are yet to be made.
std::uint64_t file_bytes(const Weights& weights, const Share& share);

/// Brings all that verbs read of the share to its device; the weights then point there. Each of a stack's matrices lies as far behind the one
/// before as the second behind the first. `goes_on` is told how much is done, and may end it with an error.
Result<AlignedBuffer<std::byte>> bring_weights(Weights& weights, const Share& share, const kernels::KernelTable& table,
                                               Team& team, const std::function<Result<void>(double)>& goes_on);

}  // namespace hearth::model
