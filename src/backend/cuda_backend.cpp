// The verbs on a CUDA device: what each is given, in the kernels' words. No arithmetic of its own.
#include "cuda_backend.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "cuda.h"
#include "cuda_words.h"

namespace hearth::backend {
namespace {

namespace cuda = kernels::cuda;

std::int64_t power_of_two(std::int64_t n, std::int64_t least) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max(n, least))));
}

constexpr std::int64_t kLeastLongest = 256;

/// As texts grow, room comes in doublings.
PassLimits rounded(PassLimits l) {
  l.n_pages = power_of_two(l.n_pages, 1024);
  l.longest = power_of_two(l.longest, kLeastLongest);
  return l;
}

PassLimits larger(const PassLimits& a, const PassLimits& b) {
  PassLimits l = b;
  for (const auto member : {&PassLimits::n_rows, &PassLimits::n_parts, &PassLimits::n_pages, &PassLimits::longest,
                            &PassLimits::n_angles, &PassLimits::n_used, &PassLimits::n_expert})
    l.*member = std::max(a.*member, b.*member);
  return l;
}

bool equal(const PassLimits& a, const PassLimits& b) {
  return a.n_rows == b.n_rows && a.n_parts == b.n_parts && a.n_pages == b.n_pages && a.longest == b.longest &&
         a.n_angles == b.n_angles && a.n_used == b.n_used && a.n_expert == b.n_expert;
}

/// The most that passes of up to so many rows, and of rows up to so long, need: few rows, or short ones, may need more than many or
/// long ones, since their work is cut smaller. `longest` is rounded, as a pass has it.
std::size_t attend_bytes(const PassLimits& l) {
  const cuda::AttentionShape shape = in_cuda(l.shape);
  std::size_t most = 0;
  for (std::int64_t longest = l.longest; longest >= kLeastLongest; longest /= 2)
    for (std::int64_t n = 1; n <= l.n_rows; ++n) most = std::max(most, cuda::attend_scratch_bytes(n, shape, longest));
  return most;
}

std::int64_t route_tiles(const PassLimits& l) {
  std::int64_t most = 0;
  for (std::int64_t n = 1; n <= l.n_rows; ++n) most = std::max(most, cuda::most_route_tiles(n * l.n_used, l.n_expert));
  return l.n_expert == 0 ? 0 : most;
}

/// Where each list lies behind `at`, which is left behind the last.
cuda::Routes lay_out_routes(const PassLimits& l, std::uintptr_t& at) {
  const auto take = [&at]<class T>(T*& list, std::int64_t n) {
    list = reinterpret_cast<T*>(at);
    at += whole_lines(static_cast<std::size_t>(n) * sizeof(T));
  };
  cuda::Routes routes{.n_used = l.n_used, .n_expert = l.n_expert};
  if (l.n_expert == 0) return routes;
  take(routes.experts, l.n_rows * l.n_used);
  take(routes.counts, l.n_expert);
  take(routes.weights, l.n_rows * l.n_used);
  take(routes.visits, l.n_rows * l.n_used);
  take(routes.tiles, route_tiles(l));
  take(routes.n_tiles, 1);
  return routes;
}

std::uint64_t scratch_bytes(const PassLimits& l) {
  std::uintptr_t end = 0;
  lay_out_routes(l, end);
  return end + attend_bytes(l);
}

PassShape shape_of(const PassTables& tables, std::int64_t longest) {
  return {.space = tables.space,
          .n_rows = static_cast<std::int64_t>(tables.ids[0].size()),
          .n_wanted = static_cast<std::int64_t>(tables.wanted.size()),
          .n_tiles = static_cast<std::int64_t>(tables.memory.front().tiles.size()),  // the same in every part
          .longest = longest,
          .hidden = tables.hidden,
          .draws = !tables.draws.empty()};
}

Error no_such_device(const std::string& what, int device) {
  return Error(Status::unsupported, what + "; device cuda:" + std::to_string(device) +
                                        "; use --device cpu, or one of the devices that the driver lists");
}

}  // namespace

Result<std::unique_ptr<Backend>> open_cuda(int device) {
  const int n = cuda::device_count();
  if (n == 0) return no_such_device("this machine has no CUDA driver or no device", device);
  if (device >= n) return no_such_device("this machine has CUDA devices 0 to " + std::to_string(n - 1), device);
  cuda::DeviceFacts facts;
  if (!cuda::use_device(device) || !cuda::device_facts(device, facts)) {
    HEARTH_CHECK(check_cuda(device));
    return no_such_device("the device does not answer", device);
  }
  if (facts.major < 8 || facts.block_shared_bytes < cuda::kBlockShared)
    return no_such_device("it is an sm_" + std::to_string(facts.major) + std::to_string(facts.minor) + " with " +
                              std::to_string(facts.block_shared_bytes) + " bytes of shared memory a block, sm_80 and " +
                              std::to_string(cuda::kBlockShared) + " are needed",
                          device);
  auto made = std::make_unique<CudaBackend>(device, "cuda:" + std::to_string(device) + " (" + facts.name + ")");
  HEARTH_CHECK(check_cuda(device));
  return std::unique_ptr<Backend>(std::move(made));
}

HeapBytes CudaBackend::bytes(const PassLimits& limits) const {
  const PassLimits l = rounded(limits);
  const std::uint64_t tables = CudaTables::bytes(l);
  return {heap_.taken(tables) + heap_.taken(scratch_bytes(l)), heap_.host().taken(tables)};
}

Result<void> CudaBackend::reserve(const PassLimits& limits) {
  const PassLimits needed = larger(limits_, rounded(limits));
  if (equal(needed, limits_)) return {};
  recordings_.clear();
  limits_ = {};
  HEARTH_CHECK(tables_.reserve(needed));
  if (const std::uint64_t bytes = scratch_bytes(needed); bytes > scratch_.size()) {
    scratch_ = {};
    HEARTH_TRY(scratch_, AlignedBuffer<std::byte>::make_unwritten(bytes, heap_));
  }
  limits_ = needed;
  auto end = reinterpret_cast<std::uintptr_t>(scratch_.data());
  routes_ = lay_out_routes(needed, end);
  attend_scratch_ = reinterpret_cast<std::byte*>(end);
  return {};
}

bool CudaBackend::begin(Worker& w, const PassTables& tables) {
  if (w.index() != 0) return false;
  cuda::use_device(device_);
  if (tables.leg == 0) begun_ = bring(tables);
  if (!begun_) return false;
  if (const Rows& to = tables.arriving; tables.from)
    cuda::copy_to_device(stream_, to.data, tables.from, static_cast<std::size_t>(to.n * to.width) * sizeof(float));
  under_way_ = &recordings_[tables.leg];
  return !records_ || under_way_->begin(stream_, shape_of(tables, longest_));
}

Result<void> CudaBackend::bring(const PassTables& tables) {
  if (!cuda::can_attend(in_cuda(tables.shape)))
    return Error(Status::unsupported, "attention with heads of " + std::to_string(tables.shape.head_dim) +
                                          " elements has no room there; device cuda:" + std::to_string(device_) +
                                          "; use --kv f16, or --device cpu");
  const PassLimits limits = CudaTables::limits(tables);
  HEARTH_CHECK(reserve(limits));
  longest_ = rounded(limits).longest;
  tables_.bring(stream_, tables);
  return {};
}

Result<const float*> CudaBackend::finish(const Rows& rows, float* to) {
  HEARTH_CHECK(std::exchange(begun_, {}));
  cuda::use_device(device_);
  if (!under_way_->end(stream_)) return refused_recording();
  if (rows.n != 0)
    cuda::copy_to_host(stream_, to, rows.data, static_cast<std::size_t>(rows.n * rows.width) * sizeof(float));
  tables_.fetch_answers(stream_);
  cuda::wait(stream_);
  if (auto sound = check_cuda(device_); !sound) {
    recordings_.clear();  // one that was recorded meanwhile may lack what the device refused
    return std::move(sound).error();
  }
  first_failure_ = *tables_.failure_here();
  return to;
}

Error CudaBackend::refused_recording() {
  records_ = false;
  const char* const why = cuda::take_error();
  cuda::wait(stream_);
  recordings_.clear();
  return Error(Status::internal, std::string("a pass could not be recorded: ") + (why ? why : "no reason is given") +
                                     "; device cuda:" + std::to_string(device_) +
                                     "; try again: from now on passes are queued launch by launch");
}

std::optional<Where> CudaBackend::take_failure() {
  const unsigned long long place = std::exchange(first_failure_, kNone);
  if (place == kNone) return std::nullopt;
  return Where{static_cast<std::int64_t>(place / 256), static_cast<Step>(place % 256)};
}

std::int64_t CudaBackend::tile_rows(const AttentionShape& shape) const { return cuda::attend_rows(in_cuda(shape)); }

cuda::Watch CudaBackend::watch(Where where) {
  return {tables_.failure(),
          static_cast<unsigned long long>(where.layer) * 256 + static_cast<unsigned long long>(where.step)};
}

void CudaBackend::embed(Worker&, const Matrix& table, std::span<const std::int32_t> ids, float scale, const Rows& x) {
  cuda::embed(stream_, in_cuda(table), tables_.at<std::int32_t>(ids.data()), scale, false, in_cuda(x));
}

void CudaBackend::embed_more(Worker&, const Matrix& table, std::span<const std::int32_t> ids, const Rows&,
                             const Rows& x) {
  cuda::embed(stream_, in_cuda(table), tables_.at<std::int32_t>(ids.data()), 1.0f, true, in_cuda(x));
}

void CudaBackend::norm(Worker&, Where where, const Rows& x, const Residual& residual, const Norm& norm,
                       const NormRule& rule, const Input& out) {
  cuda::norm(stream_, watch(where), in_cuda(x), in_cuda(residual), in_cuda(norm), in_cuda(rule), rule.of_stream,
             in_cuda(out));
}

void CudaBackend::norm_in_place(Worker&, const Rows& x, const Norm& norm, const NormRule& rule) {
  cuda::norm_in_place(stream_, in_cuda(x), in_cuda(norm), in_cuda(rule));
}

void CudaBackend::matmul(Worker&, const Input& input, std::span<const Product> products) {
  const ProductList list(products);
  cuda::matmul(stream_, in_cuda(input), list.all());
}

void CudaBackend::rotate_and_store(Worker&, Where where, const HeadSteps& steps, const Rows& q, const Rows& k,
                                   const Rows& v, const Rows& cos, const Rows& sin, const AttentionShape& shape,
                                   std::span<const RowPlace> places) {
  cuda::rotate_and_store(stream_, watch(where), in_cuda(steps), in_cuda(q), in_cuda(k), in_cuda(v), tables_.angles(cos),
                         tables_.angles(sin), in_cuda(shape), tables_.at<cuda::RowPlace>(places.data()));
}

void CudaBackend::matmul_heads(Worker&, const Input& x, std::span<const Matrix> heads, const Rows& y) {
  cuda::matmul_heads(stream_, in_cuda(x), in_cuda(heads), static_cast<std::int64_t>(heads.size()), in_cuda(y));
}

void CudaBackend::rotate_and_store_latent(Worker&, Where where, const LatentSteps& steps, const Rows& q,
                                          const Rows& absorbed, const Rows& latent, const Rows& cos, const Rows& sin,
                                          const AttentionShape& shape, std::span<const RowPlace> places) {
  cuda::rotate_and_store_latent(stream_, watch(where), in_cuda(steps.norm), in_cuda(steps.rule), steps.rope, in_cuda(q),
                                in_cuda(absorbed), in_cuda(latent), tables_.angles(cos), tables_.angles(sin),
                                in_cuda(shape), tables_.at<cuda::RowPlace>(places.data()));
}

void CudaBackend::attend(Worker&, const Rows& q, const AttentionShape& shape, std::span<const AttendTile> tiles,
                         std::span<const RowPlace> places, const Rows& out) {
  cuda::attend(stream_, in_cuda(q), in_cuda(shape), tables_.at<cuda::AttendTile>(tiles.data()),
               static_cast<std::int64_t>(tiles.size()), tables_.at<cuda::RowPlace>(places.data()), longest_,
               attend_scratch_, in_cuda(out));
}

void CudaBackend::quantize(Worker&, Where where, const Input& input) {
  cuda::quantize(stream_, watch(where), in_cuda(input));
}

void CudaBackend::gate(Worker&, Where where, Activation activation, const Rows& gate, const Rows& up,
                       const Input& out) {
  cuda::gate(stream_, watch(where), activation, in_cuda(gate), in_cuda(up), in_cuda(out));
}

void CudaBackend::route(Worker&, Where where, const Rows& scores, const RouteRule& rule, const float* bias, Routes&) {
  cuda::route(stream_, watch(where), in_cuda(scores), rule, bias, routes_);
}

void CudaBackend::spread(Worker&, const Input& rows, const Routes&, std::span<const kernels::Format> readers,
                         const Input& visits) {
  const auto is_float = [](kernels::Format f) { return kernels::format_info(f).kind == kernels::Kind::float_row; };
  cuda::spread(stream_, in_cuda(rows), routes_, std::any_of(readers.begin(), readers.end(), is_float),
               !std::all_of(readers.begin(), readers.end(), is_float), in_cuda(visits));
}

void CudaBackend::matmul_experts(Worker&, const Input& visits, const Routes&, std::span<const ExpertProduct> products) {
  const ProductList list(products);
  cuda::matmul_experts(stream_, in_cuda(visits), routes_, list.all());
}

void CudaBackend::combine(Worker&, const Rows& visits, const Routes&, const Rows& to) {
  cuda::combine(stream_, in_cuda(visits), routes_, in_cuda(to));
}

void CudaBackend::add_gated(Worker&, const Rows& y, const Rows& x, const Rows& score) {
  cuda::add_gated(stream_, in_cuda(y), in_cuda(x), in_cuda(score));
}

void CudaBackend::gather(Worker&, const Rows& from, const Residual& residual, const NormRule& rule,
                         std::span<const std::int64_t> rows, const Rows& to) {
  cuda::gather(stream_, in_cuda(from), in_cuda(residual), in_cuda(rule), tables_.at<std::int64_t>(rows.data()),
               in_cuda(to));
}

void CudaBackend::scale(Worker&, const Rows& y, float by) { cuda::scale(stream_, in_cuda(y), by); }

void CudaBackend::draw(Worker&, const Rows& logits, std::span<const Draw> draws) {
  cuda::draw(stream_, in_cuda(logits), tables_.at<Draw>(draws.data()), tables_.drawn());
}

void CudaBackend::soft_cap(Worker&, const Rows& y, float cap) { cuda::soft_cap(stream_, in_cuda(y), cap); }

}  // namespace hearth::backend
