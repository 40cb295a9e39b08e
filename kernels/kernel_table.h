// What an instruction set offers: a named table of function pointers. `scalar.cpp` defines what each entry computes; every
// other table computes the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blocks.h"
#include "kv_page.h"

namespace hearth::kernels {

/// 32 activations quantized by ARITHMETIC.md's rule, with the sums that the four kinds of matmul need. One cache line: a tile
/// unit reads the codes of sixteen tokens at once, and a line's border inside them costs it more than the sums do.
struct alignas(64) QBlock {
  std::int8_t q[kBlock];
  float d;                  // am / 127
  float d_sum;              // d * f32(S), S = sum of q
  std::int32_t minus_sum;   // -S
  std::int32_t minus_sum0;  // -S0, the first half's sum
  std::int32_t half_sums;   // S0 and S1 as signed 16-bit halves, S0 in the low one
};
static_assert(sizeof(QBlock) == 64);

constexpr std::int32_t half_sums(std::int32_t s0, std::int32_t s1) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(s0) & 0xffffu) | static_cast<std::uint32_t>(s1) << 16);
}

/// Blocks from one row of activations to the next: odd, so that the same block of many rows lies in many sets of a cache.
constexpr std::int64_t q_stride(std::int64_t k) { return (k + kBlock - 1) / kBlock | 1; }

/// y[t][r] = sum over k of weights[r][k] * x[t][k], for rows row_begin … row_end-1 and every token. Quantized formats
/// store whole groups of rows, so who divides a matrix among threads divides it at multiples of 32.
struct MatmulArgs {
  const std::byte* weights;  // file: [n_rows, row_bytes]; packed: [ceil(n_rows/16), 16 * row_bytes]
  std::int64_t n_rows, k;
  const QBlock* q;                  // [n_tokens, q_stride]: quantized formats
  const float* x;                   // [n_tokens, x_stride]: float formats
  std::int64_t q_stride, x_stride;  // in blocks, in floats
  std::int64_t n_tokens;
  float* y;  // [n_tokens, y_stride]
  std::int64_t y_stride;
  std::int64_t row_begin, row_end;  // both are multiples of 32, or row_end is n_rows
  std::byte* scratch;               // 64-byte aligned, KernelTable::scratch_bytes(k); one per thread
};

struct FormatKernels {
  void (*matmul_file)(const MatmulArgs&);
  void (*matmul_packed)(const MatmulArgs&);
  void (*pack)(std::byte* dst, const std::byte* src, std::int64_t n_rows,
               std::int64_t k);  // src: up to 16 rows; dst: a group
};

/// What a feed-forward does with its hidden rows: y = f(gate) * up, or f(gate) alone where there is no `up`.
enum class Activation : std::uint8_t {
  silu,
  gelu_tanh,
  gelu_erf,
  silu_clamped,  // y = f(min(gate, 7)) * (clamp(up, -7, 7) + 1), f(x) = x * sigmoid(1.702 x): gpt-oss; never without `up`
};
inline constexpr Activation kActivations[] = {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf,
                                              Activation::silu_clamped};

enum class RopeLayout : std::uint8_t { adjacent, halves };  // pairs (2i, 2i+1), or (i, i + n_rot/2)

/// Attention of some queries that read the same K/V head: up to kMaxQueries, or kMaxLatentQueries where it is a latent. Page p
/// holds positions 64p … 64p+63, as kv_page.h says; pages that no query sees are not read.
inline constexpr int kMaxQueries = 8, kMaxLatentQueries = 16;
struct AttendArgs {
  const std::byte* const* pages;
  std::size_t k_offset, v_offset;  // of this head in a page
  KvType type;
  std::int64_t head_dim;
  int n_queries;
  const float* query[kMaxLatentQueries];                          // [head_dim]
  float* out[kMaxLatentQueries];                                  // [head_dim], of a latent [latent_dim]
  std::int64_t begin[kMaxLatentQueries], end[kMaxLatentQueries];  // visible positions: begin <= p < end
  float scale;
  float soft_cap;                        // 0: none
  const float* sink[kMaxLatentQueries];  // a score without a value that each query also sees, or none
  std::int64_t latent_dim = 0;  // of a latent: a value is so many first elements of its key; 0: it is stored beside it
  float slope[kMaxLatentQueries] = {};            // ALiBi: each score is less by slope * |position - p|; 0: none
  std::int64_t position[kMaxLatentQueries] = {};  // of the query; read where it has a slope
  std::int64_t value_dim() const { return latent_dim != 0 ? latent_dim : head_dim; }
};

struct KernelTable {
  const char* name;
  const char* needs;  // the CPU features, in words
  bool (*runs_here)();
  FormatKernels formats[kFormatCount];  // in the order of kFormats
  std::size_t (*scratch_bytes)(std::int64_t k);

  bool (*quantize_row)(QBlock* q, const float* x, std::int64_t n);  // q [ceil(n/32)]; false: x is not finite
  void (*rms_norm)(float* y, const float* x, const float* w, std::int64_t n, float eps);
  void (*layer_norm)(float* y, const float* x, const float* w, const float* b, std::int64_t n,
                     float eps);                                                                      // b: or none
  void (*gate)(float* y, const float* gate, const float* up, std::int64_t n, Activation activation);  // up: or none
  void (*scale)(float* y, float by, std::int64_t n);                                                  // y *= by
  void (*soft_cap)(float* y, float cap, std::int64_t n);  // y = cap * tanh(y / cap); what is not finite stays
  void (*exp_from)(float* y, const float* x, float from, std::int64_t n);     // y = exp(x - from), no x above from
  void (*add)(float* y, const float* x, std::int64_t n);                      // y += x
  void (*add_scaled)(float* y, const float* x, float scale, std::int64_t n);  // y = fma(scale, x, y)
  void (*rope)(float* x, const float* cos, const float* sin, std::int64_t n_head, std::int64_t head_dim,
               std::int64_t n_rot,
               RopeLayout layout);  // x [n_head, head_dim]; cos, sin [n_rot/2]
  /// slot = position mod 64; without v (a latent) keys alone. False: a value (or its scale) is not finite.
  bool (*kv_store)(std::byte* k_page, std::byte* v_page, const float* k, const float* v, std::int64_t slot,
                   std::int64_t head_dim, KvType type);
  void (*attend)(const AttendArgs&);
};

/// y [k] = the row's values as f32: exact (but for the one subtraction of a minimum), so it needs no instruction-set rows.
void dequantize_row(Format format, float* y, const std::byte* row, std::int64_t k);

}  // namespace hearth::kernels
