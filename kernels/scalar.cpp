// THE definition: what every kernel computes, in plain loops, in the order ARITHMETIC.md gives. Also the ISA named "scalar".
#include <cmath>
#include <cstring>
#include <utility>

#include "canonical_math.h"
#include "kernel_table.h"
#include "packing.h"
#include "tables.h"

namespace hearth::kernels {
namespace {

// ---- Reduction: lane i takes elements i, i+16, …; then lanes j+8 into j, j+4, j+2, j+1.

float fold(float (&lane)[16]) {
  for (int half = 8; half >= 1; half /= 2)
    for (int j = 0; j < half; ++j) lane[j] = lane[j] + lane[j + half];
  return lane[0];
}

template <class Weight>  // Weight(k): the k-th weight of the row as f32
float dot_row(Weight weight, const float* x, std::int64_t k) {
  float lane[16] = {};
  for (std::int64_t i = 0; i < k; ++i) lane[i % 16] = std::fma(weight(i), x[i], lane[i % 16]);
  return fold(lane);
}

// ---- Activations.

bool quantize_block(QBlock& out, const float* x, std::int64_t n) {
  float am = 0.0f;
  bool finite = true;
  for (std::int64_t i = 0; i < n; ++i) {
    const float a = std::fabs(x[i]);
    finite = finite && a < INFINITY;
    am = a > am ? a : am;
  }
  out = {};
  if (!finite) return false;
  if (am < 0x1p-100f) return true;
  out.d = am / 127.0f;
  const float id = 127.0f / am;
  std::int32_t sum0 = 0, sum1 = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    out.q[i] = static_cast<std::int8_t>(std::nearbyint(x[i] * id));
    (i < 16 ? sum0 : sum1) += out.q[i];
  }
  out.d_sum = out.d * static_cast<float>(sum0 + sum1);
  out.minus_sum = -(sum0 + sum1);
  out.minus_sum0 = -sum0;
  out.half_sums = half_sums(sum0, sum1);
  return true;
}

bool quantize_row(QBlock* q, const float* x, std::int64_t n) {
  bool finite = true;
  for (std::int64_t i = 0; i < n; i += kBlock)
    if (!quantize_block(q[i / kBlock], x + i, n - i < kBlock ? n - i : kBlock)) finite = false;
  return finite;
}

// ---- Weights: sub-block j (32 consecutive k) of a block, as codes and what turns them into numbers.

struct Codes {
  std::int32_t w[kBlock];     // signed in the kinds scale and two_scales, unsigned in those with a minimum
  float s, s1;                // scale; of two_scales: of the first and the second 16
  float m;                    // minimum of scale_min
  std::int32_t sc[2], mn[2];  // two_scales_min: integer scales and minima of the two 16s, under
  float d, dmin;              // the block's own
};

void low_and_high_nibbles(const std::uint8_t* qs, Codes& c) {
  for (int i = 0; i < 16; ++i) {
    c.w[i] = qs[i] & 15;
    c.w[i + 16] = qs[i] >> 4;
  }
}

void fifth_bits(std::uint32_t qh, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] |= static_cast<std::int32_t>(qh >> i & 1u) << 4;
}

void subtract(std::int32_t zero, Codes& c) {
  for (std::int32_t& w : c.w) w -= zero;
}

// The 6-bit scale and minimum of sub-block j of Q4_K and Q5_K.
void scale_and_minimum(const std::uint8_t* s, int j, std::uint16_t d, std::uint16_t dmin, Codes& c) {
  const int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
  const int mn = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
  c.s = f16_to_f32(d) * static_cast<float>(sc);
  c.m = f16_to_f32(dmin) * static_cast<float>(mn);
}

void decode(const BlockQ4_0& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  subtract(8, c);
  c.s = f16_to_f32(b.d);
}

void decode(const BlockQ4_1& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  c.s = f16_to_f32(b.d);
  c.m = -f16_to_f32(b.m);
}

void decode(const BlockQ5_0& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  fifth_bits(b.qh, c);
  subtract(16, c);
  c.s = f16_to_f32(b.d);
}

void decode(const BlockQ5_1& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  fifth_bits(b.qh, c);
  c.s = f16_to_f32(b.d);
  c.m = -f16_to_f32(b.m);
}

void decode(const BlockQ8_0& b, int, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] = b.qs[i];
  c.s = f16_to_f32(b.d);
}

void decode(const BlockQ2_K& b, int j, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] = b.qs[32 * (j / 4) + i] >> 2 * (j % 4) & 3;
  for (int half = 0; half < 2; ++half) {
    c.sc[half] = b.scales[2 * j + half] & 15;
    c.mn[half] = b.scales[2 * j + half] >> 4;
  }
  c.d = f16_to_f32(b.d);
  c.dmin = f16_to_f32(b.dmin);
}

void decode(const BlockQ3_K& b, int j, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] = (b.qs[32 * (j / 4) + i] >> 2 * (j % 4) & 3) | (b.hmask[i] >> j & 1) << 2;
  subtract(4, c);
  const auto scale = [&](int g) {
    const int low = g < 8 ? b.scales[g] & 15 : b.scales[g - 8] >> 4, high = b.scales[8 + g % 4] >> 2 * (g / 4) & 3;
    return f16_to_f32(b.d) * static_cast<float>((low | high << 4) - 32);
  };
  c.s = scale(2 * j);
  c.s1 = scale(2 * j + 1);
}

void decode(const BlockQ4_K& b, int j, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] = b.qs[32 * (j / 2) + i] >> 4 * (j % 2) & 15;
  scale_and_minimum(b.scales, j, b.d, b.dmin, c);
}

void decode(const BlockQ5_K& b, int j, Codes& c) {
  for (int i = 0; i < 32; ++i) c.w[i] = (b.qs[32 * (j / 2) + i] >> 4 * (j % 2) & 15) | (b.qh[i] >> j & 1) << 4;
  scale_and_minimum(b.scales, j, b.d, b.dmin, c);
}

void decode(const BlockQ6_K& b, int j, Codes& c) {
  const int n = j / 4, g = j % 4;
  for (int i = 0; i < 32; ++i)
    c.w[i] = (b.ql[64 * n + 32 * (g % 2) + i] >> 4 * (g / 2) & 15) | (b.qh[32 * n + i] >> 2 * g & 3) << 4;
  subtract(32, c);
  c.s = f16_to_f32(b.d) * static_cast<float>(b.scales[2 * j]);
  c.s1 = f16_to_f32(b.d) * static_cast<float>(b.scales[2 * j + 1]);
}

void decode(const BlockIQ4_NL& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  for (std::int32_t& w : c.w) w = kIq4Codes[w];
  c.s = f16_to_f32(b.d);
}

void decode(const BlockIQ4_XS& b, int j, Codes& c) {
  low_and_high_nibbles(b.qs + 16 * j, c);
  for (std::int32_t& w : c.w) w = kIq4Codes[w];
  const int ls = (b.scales_l[j / 2] >> 4 * (j % 2) & 15) | (b.scales_h >> 2 * j & 3) << 4;
  c.s = f16_to_f32(b.d) * static_cast<float>(ls - 32);
}

void decode(const BlockMXFP4& b, int, Codes& c) {
  low_and_high_nibbles(b.qs, c);
  for (std::int32_t& w : c.w) w = kFp4Codes[w];
  c.s = mxfp4_scale(b.e);
}

template <Format> struct BlockOf;
template <> struct BlockOf<Format::q4_0> { using type = BlockQ4_0; };
template <> struct BlockOf<Format::q4_1> { using type = BlockQ4_1; };
template <> struct BlockOf<Format::q5_0> { using type = BlockQ5_0; };
template <> struct BlockOf<Format::q5_1> { using type = BlockQ5_1; };
template <> struct BlockOf<Format::q8_0> { using type = BlockQ8_0; };
template <> struct BlockOf<Format::q2_k> { using type = BlockQ2_K; };
template <> struct BlockOf<Format::q3_k> { using type = BlockQ3_K; };
template <> struct BlockOf<Format::q4_k> { using type = BlockQ4_K; };
template <> struct BlockOf<Format::q5_k> { using type = BlockQ5_K; };
template <> struct BlockOf<Format::q6_k> { using type = BlockQ6_K; };
template <> struct BlockOf<Format::iq4_nl> { using type = BlockIQ4_NL; };
template <> struct BlockOf<Format::iq4_xs> { using type = BlockIQ4_XS; };
template <> struct BlockOf<Format::mxfp4> { using type = BlockMXFP4; };

// The codes of the 32 weights from k (a multiple of 32) of a row.
template <Format F> void decode_at(const std::byte* row, std::int64_t k, Codes& c) {
  constexpr FormatInfo info = format_info(F);
  typename BlockOf<F>::type block;
  std::memcpy(&block, row + row_bytes(info, k - k % info.block_elements), sizeof block);
  decode(block, static_cast<int>(k % info.block_elements / kBlock), c);
}

template <Format F> float float_weight(const std::byte* row, std::int64_t i) {
  if constexpr (F == Format::f32) {
    float w;
    std::memcpy(&w, row + 4 * i, 4);
    return w;
  } else {
    std::uint16_t bits;
    std::memcpy(&bits, row + 2 * i, 2);
    return F == Format::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
}

// ---- Matmul: one output, one chain over the blocks in order of k.

std::int32_t int_dot(const std::int32_t* w, const std::int8_t* q, int n) {
  std::int32_t sum = 0;
  for (int i = 0; i < n; ++i) sum += w[i] * q[i];
  return sum;
}

template <Format F> float quantized_row(const std::byte* row, const QBlock* q, std::int64_t k) {
  constexpr Kind kind = format_info(F).kind;
  float acc = 0.0f;
  Codes c;
  for (std::int64_t i = 0; i < k; i += kBlock, ++q) {
    decode_at<F>(row, i, c);
    const std::int32_t i0 = int_dot(c.w, q->q, 16), i1 = int_dot(c.w + 16, q->q + 16, 16);
    if constexpr (kind == Kind::scale) {
      acc = std::fma(c.s * q->d, static_cast<float>(i0 + i1), acc);
    } else if constexpr (kind == Kind::scale_min) {
      acc = std::fma(c.s * q->d, static_cast<float>(i0 + i1), acc);
      acc = std::fma(-c.m, q->d_sum, acc);
    } else if constexpr (kind == Kind::two_scales) {
      const float v = c.s * static_cast<float>(i0);
      acc = std::fma(std::fma(c.s1, static_cast<float>(i1), v), q->d, acc);
    } else {
      const std::int32_t s0 = -q->minus_sum0, s1 = q->minus_sum0 - q->minus_sum;
      acc = std::fma(c.d * q->d, static_cast<float>(c.sc[0] * i0 + c.sc[1] * i1), acc);
      acc = std::fma(-(c.dmin * q->d), static_cast<float>(c.mn[0] * s0 + c.mn[1] * s1), acc);
    }
  }
  return acc;
}

template <Format F> float output(const MatmulArgs& a, const std::byte* row, std::int64_t token) {
  if constexpr (format_info(F).kind == Kind::float_row)
    return dot_row([row](std::int64_t i) { return float_weight<F>(row, i); }, a.x + token * a.x_stride, a.k);
  else return quantized_row<F>(row, a.q + token * a.q_stride, a.k);
}

template <Format F> void matmul_file(const MatmulArgs& a) {
  const std::size_t bytes = row_bytes(format_info(F), a.k);
  for (std::int64_t r = a.row_begin; r < a.row_end; ++r)
    for (std::int64_t t = 0; t < a.n_tokens; ++t)
      a.y[t * a.y_stride + r] = output<F>(a, a.weights + static_cast<std::size_t>(r) * bytes, t);
}

template <Format F> void matmul_packed(const MatmulArgs& a) {
  constexpr FormatInfo info = format_info(F);
  for (std::int64_t r = a.row_begin; r < a.row_end; ++r) {
    unpack_row(info, a.scratch, a.weights + static_cast<std::size_t>(r / kGroupRows) * group_bytes(info, a.k),
               r % kGroupRows, a.k);
    for (std::int64_t t = 0; t < a.n_tokens; ++t) a.y[t * a.y_stride + r] = output<F>(a, a.scratch, t);
  }
}

template <Format F> void pack(std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
  pack_group(format_info(F), dst, src, n_rows, k);
}

template <Format F> void dequantize(float* y, const std::byte* row, std::int64_t k) {
  constexpr Kind kind = format_info(F).kind;
  if constexpr (kind == Kind::float_row) {
    for (std::int64_t i = 0; i < k; ++i) y[i] = float_weight<F>(row, i);
  } else {
    Codes c;
    for (std::int64_t i = 0; i < k; i += kBlock) {
      decode_at<F>(row, i, c);
      for (int j = 0; j < kBlock; ++j) {
        const auto w = static_cast<float>(c.w[j]);
        if constexpr (kind == Kind::scale) y[i + j] = c.s * w;
        else if constexpr (kind == Kind::scale_min) y[i + j] = c.s * w - c.m;
        else if constexpr (kind == Kind::two_scales) y[i + j] = (j < 16 ? c.s : c.s1) * w;
        else y[i + j] = c.d * static_cast<float>(c.sc[j / 16]) * w - c.dmin * static_cast<float>(c.mn[j / 16]);
      }
    }
  }
}

template <Format F> constexpr FormatKernels format_kernels() { return {matmul_file<F>, matmul_packed<F>, pack<F>}; }

// ---- Rows.

void rms_norm(float* y, const float* x, const float* w, std::int64_t n, float eps) {
  float lane[16] = {};
  for (std::int64_t i = 0; i < n; ++i) lane[i % 16] = std::fma(x[i], x[i], lane[i % 16]);
  const float r = 1.0f / std::sqrt(fold(lane) / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] * r) * w[i];
}

void layer_norm(float* y, const float* x, const float* w, const float* b, std::int64_t n, float eps) {
  float lane[16] = {};
  for (std::int64_t i = 0; i < n; ++i) lane[i % 16] = lane[i % 16] + x[i];
  const float mean = fold(lane) / static_cast<float>(n);
  float square[16] = {};
  for (std::int64_t i = 0; i < n; ++i) square[i % 16] = square[i % 16] + (x[i] - mean) * (x[i] - mean);
  const float r = 1.0f / std::sqrt(fold(square) / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) y[i] = b ? std::fma((x[i] - mean) * r, w[i], b[i]) : (x[i] - mean) * r * w[i];
}

float activated(float x, Activation activation) {
  static constexpr decltype(&silu) activations[] = {silu, gelu_tanh, gelu_erf, silu_clamped};
  return activations[static_cast<std::size_t>(activation)](x);
}

float factor(float up, Activation activation) {
  if (activation != Activation::silu_clamped) return up;
  return (up >= kSwigluLimit ? kSwigluLimit : -kSwigluLimit >= up ? -kSwigluLimit : up) + 1.0f;
}

void gate(float* y, const float* gate, const float* up, std::int64_t n, Activation activation) {
  for (std::int64_t i = 0; i < n; ++i)
    y[i] = up ? activated(gate[i], activation) * factor(up[i], activation) : activated(gate[i], activation);
}

void scale(float* y, float by, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = y[i] * by;
}

float capped(float x, float cap) { return cap * tanh(x / cap); }

void soft_cap(float* y, float cap, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    if (std::isfinite(y[i])) y[i] = capped(y[i], cap);
}

void exp_from(float* y, const float* x, float from, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = exp_nonpositive(x[i] - from);
}

void add(float* y, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = y[i] + x[i];
}

void add_scaled(float* y, const float* x, float scale, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = std::fma(scale, x[i], y[i]);
}

void rope(float* x, const float* cos, const float* sin, std::int64_t n_head, std::int64_t head_dim, std::int64_t n_rot,
          RopeLayout layout) {
  for (std::int64_t h = 0; h < n_head; ++h, x += head_dim)
    for (std::int64_t i = 0; i < n_rot / 2; ++i) {
      float& x0 = layout == RopeLayout::adjacent ? x[2 * i] : x[i];
      float& x1 = layout == RopeLayout::adjacent ? x[2 * i + 1] : x[i + n_rot / 2];
      const float y0 = std::fma(x0, cos[i], -(x1 * sin[i]));
      const float y1 = std::fma(x0, sin[i], x1 * cos[i]);
      x0 = y0;
      x1 = y1;
    }
}

// ---- KV pages and attention.

// A head's keys (or values) in a page: element `at`, of a scaled type with scale `scale_at`.
float kv_read(const std::byte* page, std::int64_t at, std::int64_t scale_at, KvType type, std::int64_t head_dim) {
  if (type == KvType::f32) return float_weight<Format::f32>(page, at);
  if (type == KvType::f16) return float_weight<Format::f16>(page, at);
  const auto code = static_cast<std::int8_t>(page[at]);
  return static_cast<float>(code) * float_weight<Format::f16>(page + kv_scales_offset(type, head_dim), scale_at);
}

float key(const AttendArgs& a, std::int64_t p, std::int64_t d) {
  return kv_read(a.pages[p / kPage] + a.k_offset, key_index(p % kPage, d, a.head_dim),
                 key_scale_index(p % kPage, d, a.head_dim), a.type, a.head_dim);
}

float value(const AttendArgs& a, std::int64_t p, std::int64_t d) {
  if (a.latent_dim != 0) return key(a, p, d);
  return kv_read(a.pages[p / kPage] + a.v_offset, value_index(p % kPage, d, a.head_dim),
                 value_scale_index(p % kPage, d), a.type, a.head_dim);
}

bool write_f16(std::byte* at, float x) {
  const std::uint16_t half = f32_to_f16(x);
  std::memcpy(at, &half, 2);
  return (half & 0x7c00u) != 0x7c00u;
}

bool kv_write(std::byte* page, std::int64_t at, float x, KvType type) {
  if (type == KvType::f16) return write_f16(page + 2 * at, x);
  std::memcpy(page + 4 * at, &x, 4);
  return std::fabs(x) < INFINITY;
}

// One position of a scaled type; index(d) and scale_index(d) say where its codes and scales lie.
template <class Index, class ScaleIndex>
bool kv_write_blocks(std::byte* page, const float* x, std::int64_t head_dim, KvType type, Index index,
                     ScaleIndex scale_index) {
  std::byte* scales = page + kv_scales_offset(type, head_dim);
  bool finite = true;
  for (std::int64_t d = 0; d < head_dim; d += kBlock) {
    QBlock block;
    finite = quantize_block(block, x + d, kBlock) && finite;
    finite = write_f16(scales + 2 * scale_index(d), block.d) && finite;
    for (std::int64_t i = 0; i < kBlock; ++i) page[index(d + i)] = static_cast<std::byte>(block.q[i]);
  }
  return finite;
}

bool kv_store(std::byte* k_page, std::byte* v_page, const float* k, const float* v, std::int64_t slot,
              std::int64_t head_dim, KvType type) {
  const auto k_at = [&](std::int64_t d) { return key_index(slot, d, head_dim); };
  const auto v_at = [&](std::int64_t d) { return value_index(slot, d, head_dim); };
  if (kv_info(type).scaled) {
    const bool keys = kv_write_blocks(k_page, k, head_dim, type, k_at,
                                      [&](std::int64_t d) { return key_scale_index(slot, d, head_dim); });
    return (!v || kv_write_blocks(v_page, v, head_dim, type, v_at,
                                  [&](std::int64_t d) { return value_scale_index(slot, d); })) &&
           keys;
  }
  bool finite = true;
  for (std::int64_t d = 0; d < head_dim; ++d) {
    finite = kv_write(k_page, k_at(d), k[d], type) && finite;
    if (v) finite = kv_write(v_page, v_at(d), v[d], type) && finite;
  }
  return finite;
}

struct Softmax {  // the running maximum and sum of one query
  float m = -INFINITY, l = 0.0f;
};

float score(const AttendArgs& a, int query, std::int64_t p) {
  float dot = 0.0f;
  for (std::int64_t d = 0; d < a.head_dim; ++d) dot = std::fma(a.query[query][d], key(a, p, d), dot);
  const float s = a.soft_cap != 0.0f ? capped(dot * a.scale, a.soft_cap) : dot * a.scale;
  if (a.slope[query] == 0.0f) return s;
  return std::fma(-a.slope[query], std::fabs(static_cast<float>(p - a.position[query])), s);
}

// Positions begin <= p < end of one chunk; merges them into (state, o).
void attend_chunk(const AttendArgs& a, int query, std::int64_t begin, std::int64_t end, Softmax& state, float* o) {
  float s[kPage];
  float mc = -INFINITY;
  for (std::int64_t p = begin; p < end; ++p) {
    s[p % kPage] = score(a, query, p);
    mc = s[p % kPage] > mc ? s[p % kPage] : mc;
  }
  float lane[16] = {};
  for (std::int64_t p = begin; p < end; ++p) {
    s[p % kPage] = exp_nonpositive(s[p % kPage] - mc);
    lane[p % 16] = lane[p % 16] + s[p % kPage];
  }
  const float lc = fold(lane);
  const float mn = state.m > mc ? state.m : mc;
  const float old_weight = exp_nonpositive(state.m - mn), new_weight = exp_nonpositive(mc - mn);
  state = {mn, std::fma(lc, new_weight, state.l * old_weight)};
  for (std::int64_t d = 0; d < a.value_dim(); ++d) {
    float oc = 0.0f;
    for (std::int64_t p = begin; p < end; ++p) oc = std::fma(s[p % kPage], value(a, p, d), oc);
    o[d] = std::fma(oc, new_weight, o[d] * old_weight);
  }
}

void see_sink(float sink, Softmax& state, float* o, std::int64_t value_dim) {
  const float mn = state.m > sink ? state.m : sink;
  const float old_weight = exp_nonpositive(state.m - mn);
  state = {mn, std::fma(state.l, old_weight, exp_nonpositive(sink - mn))};
  for (std::int64_t d = 0; d < value_dim; ++d) o[d] = o[d] * old_weight;
}

void attend(const AttendArgs& a) {
  for (int i = 0; i < a.n_queries; ++i) {
    Softmax state;
    float* o = a.out[i];
    for (std::int64_t d = 0; d < a.value_dim(); ++d) o[d] = 0.0f;
    for (std::int64_t p = a.begin[i]; p < a.end[i]; p = (p / kPage + 1) * kPage)
      attend_chunk(a, i, p, a.end[i] < (p / kPage + 1) * kPage ? a.end[i] : (p / kPage + 1) * kPage, state, o);
    if (a.sink[i]) see_sink(*a.sink[i], state, o, a.value_dim());
    const float inverse = 1.0f / state.l;
    for (std::int64_t d = 0; d < a.value_dim(); ++d) o[d] = o[d] * inverse;
  }
}

std::size_t scratch_bytes(std::int64_t k) { return static_cast<std::size_t>(k) * 4; }  // one row of any format

bool runs_here() { return true; }

template <std::size_t... N> constexpr KernelTable make_table(std::index_sequence<N...>) {
  KernelTable table{};
  table.name = "scalar";
  table.needs = "nothing";
  table.runs_here = runs_here;
  ((table.formats[N] = format_kernels<kFormats[N].format>()), ...);
  table.scratch_bytes = scratch_bytes;
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

template <std::size_t... N>
void dequantize_any(Format format, float* y, const std::byte* row, std::int64_t k, std::index_sequence<N...>) {
  ((kFormats[N].format == format ? dequantize<kFormats[N].format>(y, row, k) : void()), ...);
}

}  // namespace

constexpr KernelTable table_scalar = make_table(std::make_index_sequence<kFormatCount>{});

void dequantize_row(Format format, float* y, const std::byte* row, std::int64_t k) {
  dequantize_any(format, y, row, k, std::make_index_sequence<kFormatCount>{});
}

}  // namespace hearth::kernels
