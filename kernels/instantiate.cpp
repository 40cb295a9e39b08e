// Compiled once per instruction set, with -DHEARTH_ISA=<name> and its flags: leaves that set's table and its matmuls. A set that
// stands on another, its HEARTH_BASE, has only what its own instructions change; the rest is the other's.
#include <string_view>

#include "float_matmul.inl"
#include "matmul.inl"
#include "row_kernels.h"
#include "tables.h"

#define HEARTH_JOIN_(a, b) a##b
#define HEARTH_JOIN(a, b) HEARTH_JOIN_(a, b)
#define HEARTH_TEXT_(a) #a
#define HEARTH_TEXT(a) HEARTH_TEXT_(a)

namespace hearth::kernels {
namespace HEARTH_ISA {

inline constexpr std::string_view kName = HEARTH_TEXT(HEARTH_ISA), kBase = HEARTH_TEXT(HEARTH_BASE);
inline constexpr bool kStandsAlone = kName == kBase;

inline std::size_t max_size(std::size_t a, std::size_t b) { return a > b ? a : b; }

inline const KernelTable& base() { return HEARTH_JOIN(table_, HEARTH_BASE); }

template <std::size_t N> constexpr FormatKernels format_kernels() {
  constexpr Format Fmt = kFormats[N].format;
  constexpr bool kFloat = kFormats[N].kind == Kind::float_row;
  constexpr FormatKernels of_base{[](const MatmulArgs& a) { base().formats[N].matmul_file(a); },
                                  [](const MatmulArgs& a) { base().formats[N].matmul_packed(a); },
                                  [](std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
                                    base().formats[N].pack(dst, src, n_rows, k);
                                  }};
  if constexpr (kStandsAlone && kFloat) {
    return {FloatRows<Fmt>::matmul, FloatRows<Fmt>::matmul, FloatRows<Fmt>::pack};
  } else if constexpr (kStandsAlone) {
    return {Quantized<Fmt>::matmul_file, Quantized<Fmt>::matmul_packed, Quantized<Fmt>::pack};
  } else if constexpr (kFloat) {
    return of_base;
  } else if constexpr (Isa::kTiles) {
    return {[](const MatmulArgs& a) {
              if (a.n_tokens < kTileLeast) return base().formats[N].matmul_file(a);
              Quantized<Fmt>::prompt_file(a);
            },
            [](const MatmulArgs& a) {
              if (a.n_tokens < kTileLeast) return base().formats[N].matmul_packed(a);
              Quantized<Fmt>::prompt_packed(a);
            },
            of_base.pack};
  } else {
    return {Quantized<Fmt>::matmul_file, Quantized<Fmt>::matmul_packed, of_base.pack};
  }
}

template <Format Fmt> constexpr std::size_t scratch_of(std::int64_t k) {
  if constexpr (format_info(Fmt).kind == Kind::float_row) return 0;
  else if constexpr (Isa::kTiles) return Quantized<Fmt>::prompt_scratch_bytes(k);
  else return Quantized<Fmt>::scratch_bytes(k);
}

template <std::size_t... N> constexpr KernelTable make_table(std::index_sequence<N...>) {
  KernelTable table{};
  table.name = HEARTH_TEXT(HEARTH_ISA);
  table.needs = Isa::kNeeds;
  table.runs_here = Isa::runs_here;
  ((table.formats[N] = format_kernels<N>()), ...);
  table.scratch_bytes = [](std::int64_t k) {
    std::size_t most = kStandsAlone ? 64 : base().scratch_bytes(k);
    ((most = max_size(most, scratch_of<kFormats[N].format>(k))), ...);
    return most;
  };
  table.quantize_row = HEARTH_BASE::quantize_row;
  table.rms_norm = HEARTH_BASE::rms_norm;
  table.layer_norm = HEARTH_BASE::layer_norm;
  table.gate = HEARTH_BASE::gate;
  table.scale = HEARTH_BASE::scale;
  table.soft_cap = HEARTH_BASE::soft_cap;
  table.exp_from = HEARTH_BASE::exp_from;
  table.add = HEARTH_BASE::add;
  table.add_scaled = HEARTH_BASE::add_scaled;
  table.rope = HEARTH_BASE::rope;
  table.kv_store = HEARTH_BASE::kv_store;
  table.attend = HEARTH_BASE::attend;
  return table;
}

}  // namespace HEARTH_ISA

constexpr KernelTable HEARTH_JOIN(table_,
                                  HEARTH_ISA) = HEARTH_ISA::make_table(std::make_index_sequence<kFormatCount>{});

}  // namespace hearth::kernels
