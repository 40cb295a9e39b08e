// Compiled once per instruction set, with -DHEARTH_ISA=<name> and its flags: leaves that set's table and its matmuls.
#include "float_matmul.inl"
#include "matmul.inl"
#include "row_kernels.h"
#include "tables.h"

namespace hearth::kernels {
namespace HEARTH_ISA {

inline std::size_t max_size(std::size_t a, std::size_t b) { return a > b ? a : b; }

template <Format Fmt> constexpr FormatKernels format_kernels() {
  if constexpr (format_info(Fmt).kind == Kind::float_row)
    return {FloatRows<Fmt>::matmul, FloatRows<Fmt>::matmul, FloatRows<Fmt>::pack};
  else return {Quantized<Fmt>::matmul_file, Quantized<Fmt>::matmul_packed, Quantized<Fmt>::pack};
}

template <Format Fmt> constexpr std::size_t scratch_of(std::int64_t k) {
  if constexpr (format_info(Fmt).kind == Kind::float_row) return 0;
  else return Quantized<Fmt>::scratch_bytes(k);
}

template <std::size_t... N> constexpr KernelTable make_table(const char* name, std::index_sequence<N...>) {
  KernelTable table{};
  table.name = name;
  table.needs = Isa::kNeeds;
  table.runs_here = Isa::runs_here;
  ((table.formats[N] = format_kernels<kFormats[N].format>()), ...);
  table.scratch_bytes = [](std::int64_t k) {
    std::size_t most = 64;
    ((most = max_size(most, scratch_of<kFormats[N].format>(k))), ...);
    return most;
  };
  table.quantize_row = quantize_row;
  table.rms_norm = rms_norm;
  table.layer_norm = layer_norm;
  table.gate = gate;
  table.scale = scale;
  table.soft_cap = soft_cap;
  table.exp_from = exp_from;
  table.add = add;
  table.add_scaled = add_scaled;
  table.rope = rope;
  table.kv_store = kv_store;
  table.attend = attend;
  return table;
}

}  // namespace HEARTH_ISA

#define HEARTH_JOIN_(a, b) a##b
#define HEARTH_JOIN(a, b) HEARTH_JOIN_(a, b)
#define HEARTH_TEXT_(a) #a
#define HEARTH_TEXT(a) HEARTH_TEXT_(a)

constexpr KernelTable HEARTH_JOIN(table_,
                                  HEARTH_ISA) = HEARTH_ISA::make_table(HEARTH_TEXT(HEARTH_ISA),
                                                                       std::make_index_sequence<kFormatCount>{});

}  // namespace hearth::kernels
