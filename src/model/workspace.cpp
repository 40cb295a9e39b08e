// Enters: a Config and how many rows a pass may have. Leaves: everything that a forward pass writes besides KV.
#include "workspace.h"

#include <algorithm>

#include "try.h"

namespace hearth::model {
namespace {

struct Size {
  AlignedBuffer<float>& buffer;
  std::int64_t rows, width;
};

std::int64_t padded(std::int64_t width) { return (width + kernels::kBlock - 1) / kernels::kBlock * kernels::kBlock; }

Result<void> allocate(std::initializer_list<Size> sizes) {
  for (const Size& s : sizes) {
    HEARTH_TRY(s.buffer, AlignedBuffer<float>::make(static_cast<std::size_t>(s.rows * s.width)));
  }
  return {};
}

Result<AlignedBuffer<kernels::QBlock>> allocate_blocks(std::int64_t rows, std::int64_t width) {
  return AlignedBuffer<kernels::QBlock>::make(static_cast<std::size_t>(rows * kernels::q_stride(width)));
}

Result<void> allocate_visits(Workspace& space, const Config& c, std::int64_t n) {
  const std::int64_t n_visits = n * c.n_expert_used, width = std::max(c.dim, c.expert_ffn_dim);
  space.routes.n_used = c.n_expert_used;
  space.routes.experts.resize(static_cast<std::size_t>(n_visits));
  space.routes.weights.resize(static_cast<std::size_t>(n_visits));
  space.routes.visits.resize(static_cast<std::size_t>(n_visits));
  space.routes.groups.resize(static_cast<std::size_t>(c.n_expert));
  HEARTH_CHECK(allocate({{space.scores, n, c.n_expert},
                         {space.visit_h, n_visits, padded(width)},
                         {space.visit_gate, n_visits, c.expert_ffn_dim},
                         {space.visit_up, n_visits, c.expert_ffn_dim},
                         {space.visit_y, n_visits, c.dim}}));
  HEARTH_TRY(space.visit_hq, allocate_blocks(n_visits, width));
  return {};
}

}  // namespace

Result<Workspace> Workspace::make(const Config& c, std::int64_t n_rows, std::int64_t n_logits) {
  Workspace space;
  space.n_rows_ = n_rows;
  space.n_logits_ = n_logits;
  const std::int64_t ffn = std::max({c.ffn_dim, c.shared_ffn_dim, c.dim});
  const std::int64_t window_pairs = c.window_rope_base != 0 ? c.n_rot / 2 : 0;
  HEARTH_CHECK(allocate({{space.x, n_rows, c.dim},
                         {space.delta, n_rows, c.dim},
                         {space.h, n_rows, padded(c.widest())},
                         {space.q, n_rows, c.q_dim()},
                         {space.k, n_rows, c.kv_dim()},
                         {space.v, n_rows, c.kv_dim()},
                         {space.gate, n_rows, ffn},
                         {space.up, n_rows, ffn},
                         {space.cos, n_rows, c.n_rot / 2},
                         {space.sin, n_rows, c.n_rot / 2},
                         {space.window_cos, n_rows, window_pairs},
                         {space.window_sin, n_rows, window_pairs},
                         {space.logits, n_logits, c.n_vocab}}));
  HEARTH_TRY(space.hq, allocate_blocks(n_rows, c.widest()));
  if (c.n_expert != 0) HEARTH_CHECK(allocate_visits(space, c, n_rows));
  return space;
}

}  // namespace hearth::model
