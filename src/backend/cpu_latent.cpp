// The verbs of attention over latents on the CPU: each head has matrices of its own, and all heads share what is stored.
#include <cstring>

#include "cpu_backend.h"

namespace hearth::backend {

void CpuBackend::matmul_heads(Worker& w, const Input& x, std::span<const Matrix> heads, const Rows& y) {
  const auto n_head = static_cast<std::int64_t>(heads.size());
  const std::int64_t n_claims = claims(heads.front());  // of one head
  const auto of_head = [&](const Rows& rows, std::int64_t h) {
    return Rows{rows.row(h), rows.n / n_head, rows.width, rows.stride * n_head};
  };
  w.loop(n_head * n_claims, 1, [&](std::int64_t part, std::int64_t) {
    const std::int64_t h = part / n_claims;
    const Input own{of_head(x.x, h), x.q_row(h), x.q_stride * n_head};
    multiply(w, heads[static_cast<std::size_t>(h)], part % n_claims, own, 0, own.x.n, of_head(y, h));
  });
}

void CpuBackend::rotate_and_store_latent(Worker& w, Where where, const LatentSteps& steps, const Rows& q,
                                         const Rows& absorbed, const Rows& latent, const Rows& cos, const Rows& sin,
                                         const AttentionShape& s, std::span<const RowPlace> places) {
  const std::int64_t n_rot = s.head_dim - s.latent_dim, q_dim = q.width / s.n_head;
  finite_rows(w, where, q.n, [&](std::int64_t i) {
    for (std::int64_t h = 0; h < s.n_head; ++h)
      std::memcpy(absorbed.row(i) + h * s.head_dim + s.latent_dim, q.row(i) + (h + 1) * q_dim - n_rot,
                  static_cast<std::size_t>(n_rot) * sizeof(float));
    const auto rotate = [&](float* x, std::int64_t n_head) {
      table_.rope(x + s.latent_dim, cos.row(i), sin.row(i), n_head, s.head_dim, n_rot, steps.rope);
    };
    rotate(absorbed.row(i), s.n_head);
    norm_row(latent.row(i), latent.row(i), steps.norm, steps.rule, s.latent_dim);
    rotate(latent.row(i), 1);
    const RowPlace& place = places[static_cast<std::size_t>(i)];
    return table_.kv_store(place.page + s.k_offset(0), nullptr, latent.row(i), nullptr, place.position % kernels::kPage,
                           s.head_dim, s.kv_type);
  });
}

}  // namespace hearth::backend
