// Row operations and attention of one instruction set: defined in instantiate_rows.cpp, named in the tables of instantiate.cpp of
// this set and of those that stand on it.
#pragma once

#include <type_traits>

#include "kernel_table.h"

namespace hearth::kernels::HEARTH_BASE {

std::remove_pointer_t<decltype(KernelTable::quantize_row)> quantize_row;
std::remove_pointer_t<decltype(KernelTable::rms_norm)> rms_norm;
std::remove_pointer_t<decltype(KernelTable::layer_norm)> layer_norm;
std::remove_pointer_t<decltype(KernelTable::gate)> gate;
std::remove_pointer_t<decltype(KernelTable::scale)> scale;
std::remove_pointer_t<decltype(KernelTable::soft_cap)> soft_cap;
std::remove_pointer_t<decltype(KernelTable::exp_from)> exp_from;
std::remove_pointer_t<decltype(KernelTable::add)> add;
std::remove_pointer_t<decltype(KernelTable::add_scaled)> add_scaled;
std::remove_pointer_t<decltype(KernelTable::rope)> rope;
std::remove_pointer_t<decltype(KernelTable::kv_store)> kv_store;
std::remove_pointer_t<decltype(KernelTable::attend)> attend;

}  // namespace hearth::kernels::HEARTH_BASE
