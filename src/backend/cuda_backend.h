// The verbs on a CUDA device: each is queued on one stream by one member of the team, and nobody waits before the pass ends.
#pragma once

#include <map>
#include <memory>

#include "backend.h"
#include "cuda_heap.h"
#include "cuda_recordings.h"
#include "cuda_tables.h"

namespace hearth::backend {

class CudaBackend final : public Backend {
 public:
  CudaBackend(int device, std::string name)
      : device_(device), name_(std::move(name)), heap_(device), stream_(kernels::cuda::make_stream()), tables_(heap_) {}
  ~CudaBackend() override { kernels::cuda::release_stream(stream_); }

  std::string name() const override { return name_; }
  const Heap& heap() const override { return heap_; }
  HeapBytes bytes(const PassLimits& limits) const override;
  bool begin(Worker& w, const PassTables& tables) override;
  Result<const float*> finish(const Rows& rows, float* to) override;
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
  bool draws() const override { return true; }
  void draw(Worker& w, const Rows& logits, std::span<const Draw> draws) override;
  std::span<const std::int32_t> drawn() const override { return tables_.drawn_here(); }

 private:
  Result<void> reserve(const PassLimits& limits);
  Result<void> bring(const PassTables& tables);
  Error refused_recording();
  kernels::cuda::Watch watch(Where where);

  int device_;
  std::string name_;
  CudaHeap heap_;
  kernels::cuda::Stream stream_;
  CudaTables tables_;
  PassLimits limits_;                 // of the passes that there is room for
  AlignedBuffer<std::byte> scratch_;  // routes, and what attention hands over
  kernels::cuda::Routes routes_;      // of the pass
  std::byte* attend_scratch_ = nullptr;
  std::map<std::int64_t, CudaRecordings> recordings_;  // by how often a pass has been here before
  CudaRecordings* under_way_ = nullptr;
  bool records_ = true;       // until a recording came to nothing: launches are then queued one by one
  std::int64_t longest_ = 0;  // positions that a row of the pass sees at most, rounded up
  unsigned long long first_failure_ = kNone;
  Result<void> begun_;  // what kept the pass from beginning
  static constexpr unsigned long long kNone = ~0ull;
};

}  // namespace hearth::backend
