// The verbs on the CPU: parallel loops over the kernels of one table.
#include "cpu_backend.h"

#include <algorithm>
#include <cstring>

namespace hearth::backend {

Result<std::unique_ptr<CpuBackend>> CpuBackend::make(const kernels::KernelTable& table, int n_members,
                                                     std::int64_t widest) {
  std::unique_ptr<CpuBackend> backend(new CpuBackend(table));
  for (int i = 0; i < n_members; ++i) {
    HEARTH_TRY(auto scratch, AlignedBuffer<std::byte>::make_unwritten(table.scratch_bytes(widest)));
    backend->scratch_.push_back(std::move(scratch));
  }
  return backend;
}

std::uint64_t CpuBackend::bytes(const kernels::KernelTable& table, int n_members, std::int64_t widest) {
  return static_cast<std::uint64_t>(n_members) * AlignedBuffer<std::byte>::taken(table.scratch_bytes(widest));
}

HeapBytes CpuBackend::bytes(const PassLimits&) const {
  HeapBytes all;
  for (const auto& scratch : scratch_) all.device += heap().taken(scratch.bytes());
  return all;
}

bool CpuBackend::begin(Worker& w, const PassTables& tables) {
  const Rows& to = tables.arriving;
  if (!tables.from) return true;
  w.loop(to.n, 1, [&](std::int64_t i, std::int64_t) {
    std::memcpy(to.row(i), tables.from + i * to.width, static_cast<std::size_t>(to.width) * sizeof(float));
  });
  return true;
}

std::int64_t CpuBackend::tile_rows(const AttentionShape& s) const {
  return std::max<std::int64_t>(1, kernels::kMaxQueries * s.n_kv_head / s.n_head);
}

std::optional<Where> CpuBackend::take_failure() {
  const std::int64_t place = failure_.exchange(kNone);
  if (place == kNone) return std::nullopt;
  return Where{place / 256, static_cast<Step>(place % 256)};
}

void CpuBackend::embed(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, float scale, const Rows& x) {
  const std::size_t bytes = kernels::row_bytes(kernels::format_info(table.format), table.k);
  w.loop(x.n, 1, [&](std::int64_t i, std::int64_t) {
    kernels::dequantize_row(table.format, x.row(i),
                            table.file + static_cast<std::size_t>(ids[static_cast<std::size_t>(i)]) * bytes, table.k);
    if (scale != 1.0f) table_.scale(x.row(i), scale, x.width);
  });
}

void CpuBackend::embed_more(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, const Rows& spare,
                            const Rows& x) {
  embed(w, table, ids, 1.0f, spare);
  w.loop(x.n, 1, [&](std::int64_t i, std::int64_t) { table_.add(x.row(i), spare.row(i), x.width); });
}

void CpuBackend::norm_row(float* to, const float* from, const Norm& norm, const NormRule& rule, std::int64_t n) const {
  if (!norm.weight && to != from) std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
  if (!norm.weight) return;
  if (rule.kind == NormKind::layer) table_.layer_norm(to, from, norm.weight, norm.bias, n, rule.eps);
  else table_.rms_norm(to, from, norm.weight, n, rule.eps);
}

void CpuBackend::add_residual(float* to, const Residual& residual, std::int64_t i, const NormRule& rule) const {
  if (!residual.rows.data) return;
  float* row = residual.rows.row(i);
  norm_row(row, row, residual.norm, rule, residual.rows.width);
  if (residual.scale != 1.0f) table_.scale(row, residual.scale, residual.rows.width);
  table_.add(to, row, residual.rows.width);
}

void CpuBackend::norm(Worker& w, Where where, const Rows& x, const Residual& residual, const Norm& norm,
                      const NormRule& rule, const Input& out) {
  finite_rows(w, where, x.n, [&](std::int64_t i) {
    if (!residual.after) add_residual(x.row(i), residual, i, rule);
    norm_row(out.x.row(i), x.row(i), norm, rule, x.width);
    if (rule.of_stream) std::memcpy(x.row(i), out.x.row(i), static_cast<std::size_t>(x.width) * sizeof(float));
    if (residual.after) add_residual(x.row(i), residual, i, rule);
    return table_.quantize_row(out.q_row(i), out.x.row(i), x.width);
  });
}

void CpuBackend::norm_in_place(Worker& w, const Rows& x, const Norm& norm, const NormRule& rule) {
  w.loop(x.n, 1, [&](std::int64_t i, std::int64_t) { norm_row(x.row(i), x.row(i), norm, rule, x.width); });
}

void CpuBackend::matmul(Worker& w, const Input& input, std::span<const Product> products) {
  std::int64_t n_claims = 0;
  for (const Product& p : products) n_claims += claims(*p.w);
  w.loop(n_claims, 1, [&](std::int64_t claim, std::int64_t) {
    const Product* p = products.data();
    while (claim >= claims(*p->w)) claim -= claims(*p++->w);
    multiply(w, *p->w, claim, input, 0, input.x.n, p->y);
  });
}

void CpuBackend::multiply(Worker& w, const Matrix& m, std::int64_t claim, const Input& input, std::int64_t first,
                          std::int64_t n, const Rows& y) {
  const kernels::FormatKernels& format = table_.formats[kernels::format_index(m.format)];
  const std::int64_t begin = claim * kClaimRows, end = std::min(m.n_rows, begin + kClaimRows);
  (m.packed ? format.matmul_packed : format.matmul_file)({
      .weights = m.packed ? m.packed : m.file,
      .n_rows = m.n_rows,
      .k = m.k,
      .q = input.q_row(first),
      .x = input.x.row(first),
      .q_stride = input.q_stride,
      .x_stride = input.x.stride,
      .n_tokens = n,
      .y = y.row(first),
      .y_stride = y.stride,
      .row_begin = begin,
      .row_end = end,
      .scratch = scratch_[static_cast<std::size_t>(w.index())].data(),
  });
  for (std::int64_t i = first; m.bias && i < first + n; ++i) table_.add(y.row(i) + begin, m.bias + begin, end - begin);
}

void CpuBackend::rotate_and_store(Worker& w, Where where, const HeadSteps& steps, const Rows& q, const Rows& k,
                                  const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& s,
                                  std::span<const RowPlace> places) {
  const auto finish = [&](std::int64_t i, const Rows& x, std::int64_t first_head, std::int64_t n_head,
                          const Norm& norm) {
    float* heads = x.row(i) + first_head * s.head_dim;
    for (std::int64_t h = 0; norm.weight && h < n_head; ++h) {
      const std::int64_t own = steps.own_norm_a_head ? (first_head + h) * s.head_dim : 0;
      norm_row(heads + h * s.head_dim, heads + h * s.head_dim, {norm.weight + own}, steps.rule, s.head_dim);
    }
    table_.rope(heads, cos.row(i), sin.row(i), n_head, s.head_dim, 2 * cos.width, steps.rope);
  };
  const std::int64_t group = s.n_head / s.n_kv_head;
  finite_rows(w, where, q.n * s.n_kv_head, [&](std::int64_t part) {  // one K/V head of one row and its queries
    const std::int64_t i = part / s.n_kv_head, h = part % s.n_kv_head, at = h * s.head_dim;
    finish(i, q, h * group, group, steps.q_norm);
    finish(i, k, h, 1, steps.k_norm);
    const RowPlace& place = places[static_cast<std::size_t>(i)];
    return table_.kv_store(place.page + s.k_offset(h), place.page + s.v_offset(h), k.row(i) + at, v.row(i) + at,
                           place.position % kernels::kPage, s.head_dim, s.kv_type);
  });
}

void CpuBackend::attend(Worker& w, const Rows& q, const AttentionShape& s, std::span<const AttendTile> tiles,
                        std::span<const RowPlace> places, const Rows& out) {
  const std::int64_t group = s.n_head / s.n_kv_head;  // heads that share a K/V head
  const auto n_tiles = static_cast<std::int64_t>(tiles.size());
  // Latents are read fastest for many heads at once, as long as every member has some.
  const bool many = s.latent_dim != 0 && n_tiles * pieces(group, kernels::kMaxLatentQueries) >= n_members();
  const std::int64_t heads =  // in one call
      std::min<std::int64_t>(group, many ? kernels::kMaxLatentQueries : kernels::kMaxQueries);
  const std::int64_t parts = pieces(group, heads);
  w.loop(n_tiles * s.n_kv_head * parts, 1, [&](std::int64_t begin, std::int64_t) {
    const AttendTile& tile =
        tiles[static_cast<std::size_t>(n_tiles - 1 - begin / (s.n_kv_head * parts))];  // the longest first
    const std::int64_t kv_head = begin / parts % s.n_kv_head, first = begin % parts * heads;
    kernels::AttendArgs args{tile.pages,
                             s.k_offset(kv_head),
                             s.v_offset(kv_head),
                             s.kv_type,
                             s.head_dim,
                             0,
                             {},
                             {},
                             {},
                             {},
                             s.scale,
                             s.soft_cap,
                             {},
                             s.latent_dim};
    for (std::int64_t row = tile.first_row; row < tile.first_row + tile.n_rows; ++row)
      for (std::int64_t h = first; h < std::min(first + heads, group); ++h) {
        const std::int64_t head = kv_head * group + h;
        const int n = args.n_queries++;
        args.query[n] = q.row(row) + head * s.head_dim;
        args.out[n] = out.row(row) + head * s.value_dim();
        const RowPlace& place = places[static_cast<std::size_t>(row)];
        args.begin[n] = s.first_seen(place.position);
        args.end[n] = place.end;
        args.slope[n] = s.slopes ? s.slopes[head] : 0.0f;
        args.position[n] = place.position;
        args.sink[n] = s.sinks ? s.sinks + head : nullptr;
      }
    table_.attend(args);
  });
}

void CpuBackend::quantize(Worker& w, Where where, const Input& input) {
  finite_rows(w, where, input.x.n,
              [&](std::int64_t i) { return table_.quantize_row(input.q_row(i), input.x.row(i), input.x.width); });
}

void CpuBackend::gate(Worker& w, Where where, Activation activation, const Rows& gate, const Rows& up,
                      const Input& out) {
  const std::int64_t segments = pieces(gate.width, kSegment);
  finite_rows(w, where, gate.n * segments, [&](std::int64_t part) {
    const std::int64_t i = part / segments, from = part % segments * kSegment,
                       n = std::min(kSegment, gate.width - from);
    table_.gate(out.x.row(i) + from, gate.row(i) + from, up.data ? up.row(i) + from : nullptr, n, activation);
    return table_.quantize_row(out.q_row(i) + from / kernels::kBlock, out.x.row(i) + from, n);
  });
}

void CpuBackend::gather(Worker& w, const Rows& from, const Residual& residual, const NormRule& rule,
                        std::span<const std::int64_t> rows, const Rows& to) {
  w.loop(to.n, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t source = rows[static_cast<std::size_t>(i)];
    std::memcpy(to.row(i), from.row(source), static_cast<std::size_t>(from.width) * sizeof(float));
    add_residual(to.row(i), residual, source, rule);
  });
}

void CpuBackend::scale(Worker& w, const Rows& y, float by) {
  segments(w, y, [&](std::int64_t i, std::int64_t from, std::int64_t n) { table_.scale(y.row(i) + from, by, n); });
}

void CpuBackend::soft_cap(Worker& w, const Rows& y, float cap) {
  segments(w, y, [&](std::int64_t i, std::int64_t from, std::int64_t n) { table_.soft_cap(y.row(i) + from, cap, n); });
}

}  // namespace hearth::backend
