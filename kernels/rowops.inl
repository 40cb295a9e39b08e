// Operations on one row of f32: norm, gate, residual, rotary embedding, quantizing. Sixteen lanes, the order of ARITHMETIC.md.
#pragma once

#include "canonical_math.h"
#include "isa.h"
#include "kernel_table.h"

namespace hearth::kernels::HEARTH_ISA {

struct RowOps {
  using F = Isa::F;
  using I = Isa::I;

  /// exp of lanes that are <= 0 (or -inf); a NaN stays one.
  static HEARTH_INLINE F exp(const F& x) {
    const F n = Isa::round(Isa::mul(x, Isa::set1(1.44269504f)));
    F r = Isa::fnma(n, Isa::set1(0.693145752f), x);
    r = Isa::fnma(n, Isa::set1(1.42860677e-6f), r);
    F p = Isa::fma(Isa::set1(0.00137805939f), r, Isa::set1(0.00837312452f));
    p = Isa::fma(p, r, Isa::set1(0.0416695364f));
    p = Isa::fma(p, r, Isa::set1(0.166664720f));
    p = Isa::fma(p, r, Isa::set1(0.499999851f));
    p = Isa::fma(p, r, Isa::set1(1.0f));
    p = Isa::fma(p, r, Isa::set1(1.0f));
    const F scaled = Isa::as_float(Isa::add_i(Isa::as_int(p), Isa::shl<23>(Isa::to_int(n))));
    return Isa::select_ge(Isa::set1(-87.0f), x, Isa::zero(), scaled);
  }

  static HEARTH_INLINE F sigmoid(const F& x) {
    const F one = Isa::set1(1.0f);
    const F e = exp(Isa::sub(Isa::zero(), Isa::abs(x)));
    return Isa::div(Isa::select_ge(x, Isa::zero(), one, e), Isa::add(one, e));
  }

  /// Activations: what they make of one input, and what a second one multiplies.
  struct Silu {
    static HEARTH_INLINE F of(const F& x) { return Isa::mul(x, sigmoid(x)); }
    static HEARTH_INLINE F gated(const F& x, const F& up) { return Isa::mul(of(x), up); }
  };
  struct GeluTanh {
    static HEARTH_INLINE F of(const F& x) {
      const F cubic = Isa::mul(Isa::mul(Isa::set1(0.044715f), x), x);
      const F u = Isa::mul(Isa::set1(0.79788456f), Isa::fma(cubic, x, x));
      return Isa::mul(x, sigmoid(Isa::mul(Isa::set1(2.0f), u)));
    }
    static HEARTH_INLINE F gated(const F& x, const F& up) { return Isa::mul(of(x), up); }
  };
  struct GeluErf {
    static HEARTH_INLINE F of(const F& x) {
      const F one = Isa::set1(1.0f), a = Isa::abs(x), t = Isa::div(one, Isa::fma(Isa::set1(0.375f), a, one));
      F p = Isa::set1(kNormalTail[0]);
      HEARTH_UNROLL
      for (int i = 1; i < 10; ++i) p = Isa::fma(p, t, Isa::set1(kNormalTail[i]));
      const F tail = Isa::mul(exp(Isa::mul(Isa::mul(a, a), Isa::set1(-0.5f))), Isa::mul(p, t));
      return Isa::mul(x, Isa::select_ge(x, Isa::zero(), Isa::sub(one, tail), tail));
    }
    static HEARTH_INLINE F gated(const F& x, const F& up) { return Isa::mul(of(x), up); }
  };
  struct SiluClamped {
    static HEARTH_INLINE F of(const F& x) {
      const F most = Isa::set1(kSwigluLimit), g = Isa::select_ge(x, most, most, x);
      return Isa::mul(g, sigmoid(Isa::mul(Isa::set1(kSwigluSlope), g)));
    }
    static HEARTH_INLINE F gated(const F& x, const F& up) {
      const F most = Isa::set1(kSwigluLimit), least = Isa::set1(-kSwigluLimit);
      const F u = Isa::select_ge(up, most, most, Isa::select_ge(least, up, least, up));
      return Isa::mul(of(x), Isa::add(u, Isa::set1(1.0f)));
    }
  };

  /// A NaN stays one.
  static HEARTH_INLINE F tanh(const F& x) {
    const F one = Isa::set1(1.0f);
    const F t = exp(Isa::mul(Isa::set1(-2.0f), Isa::abs(x)));
    const I sign = Isa::and_i(Isa::as_int(x), Isa::set1_i(INT32_MIN));
    const F y = Isa::as_float(Isa::or_i(Isa::as_int(Isa::div(Isa::sub(one, t), Isa::add(one, t))), sign));
    return Isa::select_ge(x, x, y, x);
  }

  static HEARTH_INLINE F capped(const F& x, float cap) {
    return Isa::mul(Isa::set1(cap), tanh(Isa::div(x, Isa::set1(cap))));
  }

  /// The last n < 16 floats of a row, the lanes past them zero.
  static HEARTH_INLINE F load_tail(const float* x, std::int64_t n) {
    alignas(64) float lane[16] = {};
    __builtin_memcpy(lane, x, static_cast<std::size_t>(n) * 4);
    return Isa::load(lane);
  }
  static HEARTH_INLINE void store_tail(float* y, const F& v, std::int64_t n) {
    alignas(64) float lane[16];
    Isa::store(lane, v);
    __builtin_memcpy(y, lane, static_cast<std::size_t>(n) * 4);
  }

  /// y[i] = f(a[i], b[i]) over a row.
  template <class Fn> static HEARTH_INLINE void zip(float* y, const float* a, const float* b, std::int64_t n, Fn fn) {
    std::int64_t i = 0;
    for (; i + 16 <= n; i += 16) Isa::store(y + i, fn(Isa::load(a + i), Isa::load(b + i)));
    if (i < n) store_tail(y + i, fn(load_tail(a + i, n - i), load_tail(b + i, n - i)), n - i);
  }

  static void rms_norm(float* y, const float* x, const float* w, std::int64_t n, float eps) {
    F lane = Isa::zero();
    std::int64_t i = 0;
    for (; i + 16 <= n; i += 16) lane = Isa::fma(Isa::load(x + i), Isa::load(x + i), lane);
    if (i < n) {
      const F v = load_tail(x + i, n - i);
      lane = Isa::select_range(0, static_cast<int>(n - i), Isa::fma(v, v, lane), lane);
    }
    const F r = Isa::set1(1.0f / __builtin_sqrtf(Isa::fold(lane) / static_cast<float>(n) + eps));
    zip(y, x, w, n, [&](const F& a, const F& b) HEARTH_LAMBDA { return Isa::mul(Isa::mul(a, r), b); });
  }

  /// The 16-lane reduction of f(x[i]), added up.
  template <class Fn> static HEARTH_INLINE float sum(const float* x, std::int64_t n, Fn f) {
    F lane = Isa::zero();
    std::int64_t i = 0;
    for (; i + 16 <= n; i += 16) lane = Isa::add(lane, f(Isa::load(x + i)));
    if (i < n) lane = Isa::select_range(0, static_cast<int>(n - i), Isa::add(lane, f(load_tail(x + i, n - i))), lane);
    return Isa::fold(lane);
  }

  static void layer_norm(float* y, const float* x, const float* w, const float* b, std::int64_t n, float eps) {
    const F mean = Isa::set1(sum(x, n, [](const F& a) HEARTH_LAMBDA { return a; }) / static_cast<float>(n));
    const float v = sum(x, n,
                        [&](const F& a) HEARTH_LAMBDA {
                          const F c = Isa::sub(a, mean);
                          return Isa::mul(c, c);
                        }) /
                    static_cast<float>(n);
    const F r = Isa::set1(1.0f / __builtin_sqrtf(v + eps));
    std::int64_t i = 0;
    const auto at = [&](const F& a, const F& weight, const F& bias) HEARTH_LAMBDA {
      const F scaled = Isa::mul(Isa::sub(a, mean), r);
      return b ? Isa::fma(scaled, weight, bias) : Isa::mul(scaled, weight);
    };
    const float* bias = b ? b : w;  // any readable row where there is none
    for (; i + 16 <= n; i += 16) Isa::store(y + i, at(Isa::load(x + i), Isa::load(w + i), Isa::load(bias + i)));
    if (i == n) return;
    store_tail(y + i, at(load_tail(x + i, n - i), load_tail(w + i, n - i), load_tail(bias + i, n - i)), n - i);
  }

  template <class Act> static void gate(float* y, const float* gate, const float* up, std::int64_t n) {
    if (up) zip(y, gate, up, n, [](const F& g, const F& u) HEARTH_LAMBDA { return Act::gated(g, u); });
    else zip(y, gate, gate, n, [](const F& g, const F&) HEARTH_LAMBDA { return Act::of(g); });
  }

  static void scale(float* y, float by, std::int64_t n) {
    zip(y, y, y, n, [&](const F& a, const F&) HEARTH_LAMBDA { return Isa::mul(a, Isa::set1(by)); });
  }

  static void soft_cap(float* y, float cap, std::int64_t n) {
    zip(y, y, y, n, [&](const F& a, const F&) HEARTH_LAMBDA {
      return Isa::select_ge(Isa::abs(a), Isa::set1(__builtin_inff()), a, capped(a, cap));
    });
  }

  static void exp_from(float* y, const float* x, float from, std::int64_t n) {
    zip(y, x, x, n, [&](const F& a, const F&) HEARTH_LAMBDA { return exp(Isa::sub(a, Isa::set1(from))); });
  }

  static void add(float* y, const float* x, std::int64_t n) {
    zip(y, y, x, n, [](const F& a, const F& b) HEARTH_LAMBDA { return Isa::add(a, b); });
  }

  static void add_scaled(float* y, const float* x, float scale, std::int64_t n) {
    const F by = Isa::set1(scale);
    zip(y, y, x, n, [&](const F& a, const F& b) HEARTH_LAMBDA { return Isa::fma(by, b, a); });
  }

  static void rope(float* x, const float* cos, const float* sin, std::int64_t n_head, std::int64_t head_dim,
                   std::int64_t n_rot, RopeLayout layout) {
    const std::int64_t pairs = n_rot / 2;
    for (std::int64_t h = 0; h < n_head; ++h, x += head_dim)
      for (std::int64_t i = 0; i < pairs; ++i) {
        float& x0 = layout == RopeLayout::adjacent ? x[2 * i] : x[i];
        float& x1 = layout == RopeLayout::adjacent ? x[2 * i + 1] : x[i + pairs];
        const float y0 = __builtin_fmaf(x0, cos[i], -(x1 * sin[i]));
        const float y1 = __builtin_fmaf(x0, sin[i], x1 * cos[i]);
        x0 = y0;
        x1 = y1;
      }
  }

  /// 32 activations as two vectors (lanes past the end zero) -> one QBlock. False: not finite.
  static HEARTH_INLINE bool quantize_block(QBlock& out, const F& x0, const F& x1) {
    const float am = Isa::reduce_max(Isa::max(Isa::abs(x0), Isa::abs(x1)));
    const bool finite = all_finite(x0, x1);
    if (!finite || am < 0x1p-100f) {
      out = QBlock{};
      return finite;
    }
    const F id = Isa::set1(127.0f / am);
    const I q0 = Isa::to_int(Isa::mul(x0, id)), q1 = Isa::to_int(Isa::mul(x1, id));
    Isa::store_i8(out.q, q0);
    Isa::store_i8(out.q + 16, q1);
    const std::int32_t sum0 = Isa::reduce_add_i(q0), sum = sum0 + Isa::reduce_add_i(q1);
    out.d = am / 127.0f;
    out.d_sum = out.d * static_cast<float>(sum);
    out.minus_sum = -sum;
    out.minus_sum0 = -sum0;
    out.half_sums = half_sums(sum0, sum - sum0);
    return true;
  }

  static bool quantize_row(QBlock* q, const float* x, std::int64_t n) {
    bool finite = true;
    std::int64_t i = 0;
    for (; i + kBlock <= n; i += kBlock, ++q)
      finite = quantize_block(*q, Isa::load(x + i), Isa::load(x + i + 16)) && finite;
    if (i == n) return finite;
    alignas(64) float last[kBlock] = {};
    __builtin_memcpy(last, x + i, static_cast<std::size_t>(n - i) * 4);
    return quantize_block(*q, Isa::load(last), Isa::load(last + 16)) && finite;
  }

  /// A maximum loses a NaN; x - x is zero for finite x only, and a sum does not lose it.
  static HEARTH_INLINE bool all_finite(const F& x0, const F& x1) {
    const F zero = Isa::add(Isa::sub(x0, x0), Isa::sub(x1, x1));
    return Isa::fold(zero) == 0.0f;
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
