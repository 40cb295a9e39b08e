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

/// Bytes that they take there.
std::uint64_t device_weights_bytes(const Weights& weights, const Heap& heap);

/// Brings all that verbs read to the heap; the weights then point there. Each of a stack's matrices lies as far behind the one
/// before as the second behind the first. `goes_on` is told how much is done, and may end it with an error.
Result<AlignedBuffer<std::byte>> bring_weights(Weights& weights, const Heap& heap, const kernels::KernelTable& table,
                                               Team& team, const std::function<Result<void>(double)>& goes_on);

}  // namespace hearth::model
