// The verbs on the CPU: parallel loops over the kernels of one table; no arithmetic of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <hearth/result.hpp>
#include <memory>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"

namespace hearth::backend {

class CpuBackend final : public Backend {
 public:
  /// Scratch for each of `n_members` members, for matmuls of up to `widest` inputs.
  static Result<std::unique_ptr<CpuBackend>> make(const kernels::KernelTable& table, int n_members,
                                                  std::int64_t widest);

  /// Bytes that `make` takes.
  static std::uint64_t bytes(const kernels::KernelTable& table, int n_members, std::int64_t widest);

  std::string name() const override { return "cpu"; }
  const Heap& heap() const override { return host_heap(); }
  HeapBytes bytes(const PassLimits&) const override;
  bool begin(Worker& w, const PassTables& tables) override;
  Result<const float*> finish(const Rows& rows, float*) override { return rows.data; }
  std::optional<Where> take_failure() override;
  std::int64_t tile_rows(const AttentionShape& shape) const override;
  void embed(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, float scale, const Rows& x) override;
  void embed_more(Worker& w, const Matrix& table, std::span<const std::int32_t> ids, const Rows& spare,
                  const Rows& x) override;
  void norm(Worker& w, Where where, const Rows& x, const Residual& residual, const Norm& norm, const NormRule& rule,
            const Input& out) override;
  void norm_in_place(Worker& w, const Rows& x, const Norm& norm, const NormRule& rule) override;
  void matmul(Worker& w, const Input& input, std::span<const Product> products) override;
  void rotate_and_store(Worker& w, Where where, const HeadSteps& steps, const Rows& q, const Rows& k, const Rows& v,
                        const Rows& cos, const Rows& sin, const AttentionShape& shape,
                        std::span<const RowPlace> places) override;
  void matmul_heads(Worker& w, const Input& x, std::span<const Matrix> heads, const Rows& y) override;
  void rotate_and_store_latent(Worker& w, Where where, const LatentSteps& steps, const Rows& q, const Rows& absorbed,
                               const Rows& latent, const Rows& cos, const Rows& sin, const AttentionShape& shape,
                               std::span<const RowPlace> places) override;
  void attend(Worker& w, const Rows& q, const AttentionShape& shape, std::span<const AttendTile> tiles,
              std::span<const RowPlace> places, const Rows& out) override;
  void quantize(Worker& w, Where where, const Input& input) override;
  void gate(Worker& w, Where where, Activation activation, const Rows& gate, const Rows& up, const Input& out) override;
  void route(Worker& w, Where where, const Rows& scores, const RouteRule& rule, const float* bias,
             Routes& routes) override;
  void spread(Worker& w, const Input& rows, const Routes& routes, std::span<const kernels::Format> readers,
              const Input& visits) override;
  void matmul_experts(Worker& w, const Input& visits, const Routes& routes,
                      std::span<const ExpertProduct> products) override;
  void combine(Worker& w, const Rows& visits, const Routes& routes, const Rows& to) override;
  void add_gated(Worker& w, const Rows& y, const Rows& x, const Rows& score) override;
  void gather(Worker& w, const Rows& from, const Residual& residual, const NormRule& rule,
              std::span<const std::int64_t> rows, const Rows& to) override;
  void scale(Worker& w, const Rows& y, float by) override;
  void soft_cap(Worker& w, const Rows& y, float cap) override;

 private:
  explicit CpuBackend(const kernels::KernelTable& table) : table_(table) {}

  /// body(i) for every i < n; a false is a row that is not finite, noted as `where`.
  template <class Body> void finite_rows(Worker& w, Where where, std::int64_t n, Body&& body);

  /// Rows of a matrix that a member takes at a time: a panel of many tokens, or some tens of kilobytes of weights for few.
  static constexpr std::int64_t kClaimRows = 32;
  static std::int64_t claims(const Matrix& m) { return pieces(m.n_rows, kClaimRows); }
  static std::int64_t pieces(std::int64_t n, std::int64_t piece) { return (n + piece - 1) / piece; }

  /// Elements of a row that a member takes at a time: one row is shared out too, since decoding has only one.
  static constexpr std::int64_t kSegment = 16 * kernels::kBlock;

  /// One claim of y = m x for rows `first` … first+n-1 of the input.
  void multiply(Worker& w, const Matrix& m, std::int64_t claim, const Input& input, std::int64_t first, std::int64_t n,
                const Rows& y);

  /// to = norm(from), of n elements; they may be the same.
  void norm_row(float* to, const float* from, const Norm& norm, const NormRule& rule, std::int64_t n) const;

  /// to += row i of the residual, if it has rows.
  void add_residual(float* to, const Residual& residual, std::int64_t i, const NormRule& rule) const;

  /// body(row, segment begin, n) for all pieces of kSegment elements of y's rows.
  template <class Body> void segments(Worker& w, const Rows& y, Body&& body);

  std::int64_t n_members() const { return static_cast<std::int64_t>(scratch_.size()); }

  const kernels::KernelTable& table_;
  std::vector<AlignedBuffer<std::byte>> scratch_;  // [member]
  static constexpr std::int64_t kNone = INT64_MAX;
  std::atomic<std::int64_t> failure_{kNone};  // layer and step in one number, the smallest wins
};

template <class Body> void CpuBackend::segments(Worker& w, const Rows& y, Body&& body) {
  const std::int64_t n_segments = pieces(y.width, kSegment);
  w.loop(y.n * n_segments, 1, [&](std::int64_t part, std::int64_t) {
    const std::int64_t from = part % n_segments * kSegment;
    body(part / n_segments, from, std::min(kSegment, y.width - from));
  });
}

template <class Body> void CpuBackend::finite_rows(Worker& w, Where where, std::int64_t n, Body&& body) {
  w.loop(n, 1, [&](std::int64_t i, std::int64_t) {
    if (body(i)) return;
    const std::int64_t place = where.layer * 256 + static_cast<std::int64_t>(where.step);
    std::int64_t first = failure_.load(std::memory_order_relaxed);
    while (place < first && !failure_.compare_exchange_weak(first, place, std::memory_order_relaxed)) {
    }
  });
}

}  // namespace hearth::backend
