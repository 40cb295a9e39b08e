// Compiled once per instruction set, apart from matmul, which takes minutes: leaves that set's row operations and attention.
#include "attend.inl"
#include "attend_latent.inl"
#include "row_kernels.h"
#include "rowops.inl"

namespace hearth::kernels::HEARTH_ISA {

bool quantize_row(QBlock* q, const float* x, std::int64_t n) { return RowOps::quantize_row(q, x, n); }

void rms_norm(float* y, const float* x, const float* w, std::int64_t n, float eps) {
  RowOps::rms_norm(y, x, w, n, eps);
}

void layer_norm(float* y, const float* x, const float* w, const float* b, std::int64_t n, float eps) {
  RowOps::layer_norm(y, x, w, b, n, eps);
}

void gate(float* y, const float* gate, const float* up, std::int64_t n, Activation activation) {
  static constexpr decltype(&RowOps::gate<RowOps::Silu>) gates[] = {
      RowOps::gate<RowOps::Silu>, RowOps::gate<RowOps::GeluTanh>, RowOps::gate<RowOps::GeluErf>,
      RowOps::gate<RowOps::SiluClamped>};
  gates[static_cast<std::size_t>(activation)](y, gate, up, n);
}

void scale(float* y, float by, std::int64_t n) { RowOps::scale(y, by, n); }

void soft_cap(float* y, float cap, std::int64_t n) { RowOps::soft_cap(y, cap, n); }

void exp_from(float* y, const float* x, float from, std::int64_t n) { RowOps::exp_from(y, x, from, n); }

void add(float* y, const float* x, std::int64_t n) { RowOps::add(y, x, n); }

void add_scaled(float* y, const float* x, float scale, std::int64_t n) { RowOps::add_scaled(y, x, scale, n); }

void rope(float* x, const float* cos, const float* sin, std::int64_t n_head, std::int64_t head_dim, std::int64_t n_rot,
          RopeLayout layout) {
  RowOps::rope(x, cos, sin, n_head, head_dim, n_rot, layout);
}

bool kv_store(std::byte* k_page, std::byte* v_page, const float* k, const float* v, std::int64_t slot,
              std::int64_t head_dim, KvType type) {
  static constexpr decltype(&Attend<KvType::f32>::kv_store) stores[] = {
      Attend<KvType::f32>::kv_store, Attend<KvType::f16>::kv_store, Attend<KvType::q8_0>::kv_store};
  return stores[static_cast<std::size_t>(type)](k_page, v_page, k, v, slot, head_dim);
}

void attend(const AttendArgs& a) {
  static constexpr decltype(&Attend<KvType::f32>::attend) attends[] = {
      Attend<KvType::f32>::attend, Attend<KvType::f16>::attend, Attend<KvType::q8_0>::attend};
  static constexpr decltype(&Attend<KvType::f32>::attend) latents[] = {
      AttendLatent<KvType::f32>::attend, AttendLatent<KvType::f16>::attend, AttendLatent<KvType::q8_0>::attend};
  (a.latent_dim != 0 ? latents : attends)[static_cast<std::size_t>(a.type)](a);
}

}  // namespace hearth::kernels::HEARTH_ISA
