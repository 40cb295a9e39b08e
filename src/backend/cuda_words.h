// Enters: what verbs are given. Leaves: the same in the kernels' words; pointers are the device's already.
#pragma once

#include <array>
#include <span>

#include "backend.h"
#include "cuda_kernels.h"

namespace hearth::backend {

inline kernels::cuda::Rows in_cuda(const Rows& r) { return {r.data, r.n, r.width, r.stride}; }
inline kernels::cuda::Input in_cuda(const Input& i) { return {in_cuda(i.x), i.q, i.q_stride}; }
inline kernels::cuda::Norm in_cuda(const Norm& n) { return {n.weight, n.bias}; }
inline kernels::cuda::NormRule in_cuda(const NormRule& r) {
  return {r.kind == NormKind::layer ? kernels::cuda::NormKind::layer : kernels::cuda::NormKind::rms, r.eps};
}
inline kernels::cuda::Residual in_cuda(const Residual& r) {
  return {in_cuda(r.rows), in_cuda(r.norm), r.scale, r.after};
}
inline kernels::cuda::HeadSteps in_cuda(const HeadSteps& s) {
  return {in_cuda(s.q_norm), in_cuda(s.k_norm), s.own_norm_a_head, in_cuda(s.rule), s.rope};
}
inline kernels::cuda::AttentionShape in_cuda(const AttentionShape& s) {
  return {s.n_head,       s.n_kv_head, s.head_dim, s.scale,  s.soft_cap,  s.kv_type,
          s.layer_offset, s.window,    s.sinks,    s.slopes, s.latent_dim};
}

/// One matrix, or a stack: its matrices lie one behind the other, and so do their biases.
inline kernels::cuda::Matrix in_cuda(std::span<const Matrix> stack) {
  const Matrix& m = stack.front();
  const auto stride = stack.size() > 1 ? static_cast<std::size_t>(stack[1].packed - m.packed) : 0;
  return {m.format, m.n_rows, m.k, m.packed, stride, m.bias};
}
inline kernels::cuda::Matrix in_cuda(const Matrix& m) { return in_cuda(std::span(&m, 1)); }

/// The products of one verb.
class ProductList {
 public:
  explicit ProductList(std::span<const Product> products) {
    for (const Product& p : products) list_[n_++] = {in_cuda(*p.w), in_cuda(p.y)};
  }
  explicit ProductList(std::span<const ExpertProduct> products) {
    for (const ExpertProduct& p : products) list_[n_++] = {in_cuda(p.w), in_cuda(p.y)};
  }
  std::span<const kernels::cuda::Product> all() const { return {list_.data(), n_}; }

 private:
  static constexpr std::size_t kMost = 4;  // that share an input in any family
  std::array<kernels::cuda::Product, kMost> list_;
  std::size_t n_ = 0;
};

}  // namespace hearth::backend
