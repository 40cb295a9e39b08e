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

std::int64_t CpuBackend::tile_rows(std::int64_t heads_per_kv_head) const {
  return std::max<std::int64_t>(1, kernels::kMaxQueries / heads_per_kv_head);
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

void CpuBackend::add_residual(float* to, const Residual& residual, std::int64_t i, float eps) const {
  float* row = residual.rows.row(i);
  if (residual.norm) table_.rms_norm(row, row, residual.norm, residual.rows.width, eps);
  table_.add(to, row, residual.rows.width);
}

void CpuBackend::norm(Worker& w, Where where, const Rows& x, const Residual& residual, const float* weight, float eps,
                      const Input& out) {
  finite_rows(w, where, x.n, [&](std::int64_t i) {
    if (residual.rows.data) add_residual(x.row(i), residual, i, eps);
    table_.rms_norm(out.x.row(i), x.row(i), weight, x.width, eps);
    return table_.quantize_row(out.q_row(i), out.x.row(i), x.width);
  });
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
      .row_begin = claim * kClaimRows,
      .row_end = std::min(m.n_rows, (claim + 1) * kClaimRows),
      .scratch = scratch_[static_cast<std::size_t>(w.index())].data(),
  });
}

void CpuBackend::rotate_and_store(Worker& w, Where where, const HeadSteps& steps, const Rows& q, const Rows& k,
                                  const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& s,
                                  std::span<const RowPlace> places) {
  const auto finish = [&](std::int64_t i, const Rows& x, std::int64_t first_head, std::int64_t n_head,
                          const float* bias, const float* norm) {
    const std::int64_t at = first_head * s.head_dim;
    float* heads = x.row(i) + at;
    if (bias) table_.add(heads, bias + at, n_head * s.head_dim);
    for (std::int64_t h = 0; norm && h < n_head; ++h)
      table_.rms_norm(heads + h * s.head_dim, heads + h * s.head_dim, norm, s.head_dim, steps.norm_eps);
    table_.rope(heads, cos.row(i), sin.row(i), n_head, s.head_dim, 2 * cos.width, steps.rope);
  };
  const std::int64_t group = s.n_head / s.n_kv_head;
  finite_rows(w, where, q.n * s.n_kv_head, [&](std::int64_t part) {  // one K/V head of one row and its queries
    const std::int64_t i = part / s.n_kv_head, h = part % s.n_kv_head, at = h * s.head_dim;
    finish(i, q, h * group, group, steps.q_bias, steps.q_norm);
    finish(i, k, h, 1, steps.k_bias, steps.k_norm);
    if (steps.v_bias) table_.add(v.row(i) + at, steps.v_bias + at, s.head_dim);
    const RowPlace& place = places[static_cast<std::size_t>(i)];
    return table_.kv_store(place.page + s.k_offset(h), place.page + s.v_offset(h), k.row(i) + at, v.row(i) + at,
                           place.position % kernels::kPage, s.head_dim, s.kv_type);
  });
}

void CpuBackend::attend(Worker& w, const Rows& q, const AttentionShape& s, std::span<const AttendTile> tiles,
                        std::span<const RowPlace> places, const Rows& out) {
  const std::int64_t group = s.n_head / s.n_kv_head;                               // heads that share a K/V head
  const std::int64_t heads = std::min<std::int64_t>(group, kernels::kMaxQueries);  // of them in one call
  const std::int64_t parts = pieces(group, heads);
  const auto n_tiles = static_cast<std::int64_t>(tiles.size());
  w.loop(n_tiles * s.n_kv_head * parts, 1, [&](std::int64_t begin, std::int64_t) {
    const AttendTile& tile =
        tiles[static_cast<std::size_t>(n_tiles - 1 - begin / (s.n_kv_head * parts))];  // the longest first
    const std::int64_t kv_head = begin / parts % s.n_kv_head, first = begin % parts * heads;
    kernels::AttendArgs args{
        tile.pages, s.k_offset(kv_head), s.v_offset(kv_head), s.kv_type, s.head_dim, 0, {}, {}, {}, {},
        s.scale,    s.soft_cap};
    for (std::int64_t row = tile.first_row; row < tile.first_row + tile.n_rows; ++row)
      for (std::int64_t h = first; h < std::min(first + heads, group); ++h) {
        const std::int64_t at = (kv_head * group + h) * s.head_dim;
        const int n = args.n_queries++;
        args.query[n] = q.row(row) + at;
        args.out[n] = out.row(row) + at;
        const std::int64_t position = places[static_cast<std::size_t>(row)].position;
        args.begin[n] = s.first_seen(position);
        args.end[n] = position + 1;
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
  const auto multiply = activation == Activation::silu ? table_.silu_mul : table_.gelu_mul;
  const std::int64_t segments = pieces(gate.width, kSegment);
  finite_rows(w, where, gate.n * segments, [&](std::int64_t part) {
    const std::int64_t i = part / segments, from = part % segments * kSegment,
                       n = std::min(kSegment, gate.width - from);
    multiply(out.x.row(i) + from, gate.row(i) + from, up.row(i) + from, n);
    return table_.quantize_row(out.q_row(i) + from / kernels::kBlock, out.x.row(i) + from, n);
  });
}

void CpuBackend::gather(Worker& w, const Rows& from, const Residual& residual, float eps,
                        std::span<const std::int64_t> rows, const Rows& to) {
  w.loop(to.n, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t source = rows[static_cast<std::size_t>(i)];
    std::memcpy(to.row(i), from.row(source), static_cast<std::size_t>(from.width) * sizeof(float));
    add_residual(to.row(i), residual, source, eps);
  });
}

void CpuBackend::soft_cap(Worker& w, const Rows& y, float cap) {
  constexpr std::int64_t kPiece = 4096;
  const std::int64_t n_pieces = pieces(y.width, kPiece);
  w.loop(y.n * n_pieces, 1, [&](std::int64_t piece, std::int64_t) {
    const std::int64_t from = piece % n_pieces * kPiece;
    table_.soft_cap(y.row(piece / n_pieces) + from, cap, std::min(kPiece, y.width - from));
  });
}

}  // namespace hearth::backend
