// The verbs of a mixture of experts on the CPU: rows are grouped by expert, and each expert multiplies its rows at once.
#include <algorithm>
#include <cstring>

#include "canonical_math.h"
#include "cpu_backend.h"

namespace hearth::backend {
namespace {

// Where the visits of each expert begin, and so where each visit stands.
void group_visits(Routes& routes, std::int64_t n_visits, std::int64_t n_expert) {
  for (std::int64_t e = 0; e < n_expert; ++e) routes.groups[static_cast<std::size_t>(e)] = {e, 0, 0};
  for (std::int64_t v = 0; v < n_visits; ++v)
    ++routes.groups[static_cast<std::size_t>(routes.experts[static_cast<std::size_t>(v)])].n;
  std::int64_t first = 0;
  for (std::int64_t e = 0; e < n_expert; ++e) {
    Routes::Group& group = routes.groups[static_cast<std::size_t>(e)];
    group.first = first;
    first += group.n;
  }
  for (std::int64_t v = 0; v < n_visits; ++v) {
    const auto at = static_cast<std::size_t>(v);
    routes.visits[at] = routes.groups[static_cast<std::size_t>(routes.experts[at])].first++;
  }
  routes.n_groups = 0;
  for (std::int64_t e = 0; e < n_expert; ++e) {
    const Routes::Group& group = routes.groups[static_cast<std::size_t>(e)];
    if (group.n != 0) routes.groups[static_cast<std::size_t>(routes.n_groups++)] = {e, group.first - group.n, group.n};
  }
}

}  // namespace

void CpuBackend::route(Worker& w, Where where, const Rows& scores, const RouteRule& rule, const float* bias,
                       Routes& routes) {
  finite_rows(w, where, scores.n, [&](std::int64_t i) {
    const std::int64_t at = i * routes.n_used;
    return kernels::route(routes.experts.data() + at, routes.weights.data() + at, scores.row(i), bias, scores.width,
                          routes.n_used, rule);
  });
  w.once([&] { group_visits(routes, scores.n * routes.n_used, scores.width); });
}

void CpuBackend::spread(Worker& w, const Input& rows, const Routes& routes, std::span<const kernels::Format> readers,
                        const Input& visits) {
  const auto is_float = [](kernels::Format f) { return kernels::format_info(f).kind == kernels::Kind::float_row; };
  const bool floats = std::any_of(readers.begin(), readers.end(), is_float);
  const bool blocks = !std::all_of(readers.begin(), readers.end(), is_float);
  const auto x_bytes = static_cast<std::size_t>(rows.x.width) * sizeof(float);
  const auto q_bytes = static_cast<std::size_t>(pieces(rows.x.width, kernels::kBlock)) * sizeof(kernels::QBlock);
  w.loop(rows.x.n * routes.n_used, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t visit = routes.visits[static_cast<std::size_t>(i)], row = i / routes.n_used;
      if (floats) std::memcpy(visits.x.row(visit), rows.x.row(row), x_bytes);
      if (blocks) std::memcpy(visits.q_row(visit), rows.q_row(row), q_bytes);
    }
  });
}

void CpuBackend::matmul_experts(Worker& w, const Input& visits, const Routes& routes,
                                std::span<const ExpertProduct> products) {
  std::int64_t n_claims = 0;  // of one expert
  for (const ExpertProduct& p : products) n_claims += claims(p.w.front());
  w.loop(routes.n_groups * n_claims, 1, [&](std::int64_t begin, std::int64_t) {
    const Routes::Group& group = routes.groups[static_cast<std::size_t>(begin / n_claims)];
    std::int64_t claim = begin % n_claims;
    const ExpertProduct* p = products.data();
    while (claim >= claims(p->w.front())) claim -= claims(p++->w.front());
    multiply(w, p->w[static_cast<std::size_t>(group.expert)], claim, visits, group.first, group.n, p->y);
  });
}

void CpuBackend::combine(Worker& w, const Rows& visits, const Routes& routes, const Rows& to) {
  const std::int64_t segments = pieces(to.width, kSegment);
  w.loop(to.n * segments, 1, [&](std::int64_t part, std::int64_t) {
    const std::int64_t i = part / segments, from = part % segments * kSegment, n = std::min(kSegment, to.width - from);
    float* sum = to.row(i) + from;
    std::memset(sum, 0, static_cast<std::size_t>(n) * sizeof(float));
    for (std::int64_t v = i * routes.n_used; v < (i + 1) * routes.n_used; ++v) {
      const auto at = static_cast<std::size_t>(v);
      table_.add_scaled(sum, visits.row(routes.visits[at]) + from, routes.weights[at], n);
    }
  });
}

void CpuBackend::add_gated(Worker& w, const Rows& y, const Rows& x, const Rows& score) {
  w.loop(y.n, 1, [&](std::int64_t i, std::int64_t) {
    if (score.data) table_.add_scaled(y.row(i), x.row(i), kernels::sigmoid(*score.row(i)), y.width);
    else table_.add(y.row(i), x.row(i), y.width);
  });
}

}  // namespace hearth::backend
