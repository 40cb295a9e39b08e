// Enters: a Config, how many rows a pass may have, a device's memory. Leaves: everything that a forward pass writes besides KV.
#include "workspace.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kv_cache.h"
#include "try.h"

namespace hearth::model {
namespace {

using backend::Routes;
using W = Workspace;

std::int64_t padded(std::int64_t width) { return (width + kernels::kBlock - 1) / kernels::kBlock * kernels::kBlock; }

// Calls visit(buffer, elements) for what the verbs write; these two are the only places that know a workspace's sizes.
template <class Visit> void visit_device(const Config& c, std::int64_t n_rows, std::int64_t n_logits, Visit visit) {
  const std::int64_t ffn = std::max({c.ffn_dim, c.shared_ffn_dim, c.dim});
  const bool latent = c.latent_dim != 0;
  const std::int64_t n_heads = latent ? n_rows * c.n_head : 0;
  visit(&W::x, n_rows * c.dim);
  visit(&W::delta, n_rows * c.dim);
  visit(&W::h, n_rows * padded(c.widest()));
  visit(&W::hq, n_rows * kernels::q_stride(c.widest()));
  visit(&W::q, n_rows * c.q_dim());
  visit(&W::k, n_rows * c.n_kv_head * c.key_dim());
  visit(&W::v, n_rows * (latent ? 0 : c.kv_dim()));
  visit(&W::q_low, n_rows * c.q_low_dim);
  visit(&W::absorbed, n_heads * c.key_dim());
  visit(&W::mixed, n_heads * c.latent_dim);
  visit(&W::head_hq, n_heads * kernels::q_stride(std::max(c.latent_dim, c.head_dim - c.n_rot)));
  visit(&W::gate, n_rows * ffn);
  visit(&W::up, n_rows * ffn);
  visit(&W::logits, n_logits * c.n_vocab);

  const std::int64_t n_visits = n_rows * c.n_expert_used, width = std::max(c.dim, c.expert_ffn_dim);
  visit(&W::scores, n_rows * c.n_expert);
  visit(&W::visit_h, n_visits * padded(width));
  visit(&W::visit_hq, n_visits * kernels::q_stride(width));
  visit(&W::visit_gate, n_visits * c.expert_ffn_dim);
  visit(&W::visit_up, n_visits * c.expert_ffn_dim);
  visit(&W::visit_y, n_visits * c.dim);
}

// The same for what the host makes and reads.
template <class Visit>
void visit_host(const Config& c, std::int64_t n_rows, std::int64_t n_logits, bool apart, Visit visit) {
  const std::int64_t pairs = c.n_rot / 2, window_pairs = c.window_rope_base != 0 ? pairs : 0;
  visit(&W::cos, n_rows * pairs);
  visit(&W::sin, n_rows * pairs);
  visit(&W::window_cos, n_rows * window_pairs);
  visit(&W::window_sin, n_rows * window_pairs);

  const auto n_parts = static_cast<std::int64_t>(KvCache::n_parts(c));
  visit(&W::tokens, n_rows);
  visit(&W::types, n_rows);
  visit(&W::positions, n_rows);
  visit(&W::rotations, n_rows);
  visit(&W::wanted, n_rows);
  visit(&W::ends, n_rows);
  visit(&W::places, n_parts * n_rows);
  visit(&W::tiles, n_parts * n_rows);
  visit(&W::memory, n_parts);

  if (apart) return visit(&W::fetched, std::max(n_logits * c.n_vocab, n_rows * c.dim));
  const std::int64_t n_visits = n_rows * c.n_expert_used;
  visit(&Routes::experts, n_visits);
  visit(&Routes::weights, n_visits);
  visit(&Routes::visits, n_visits);
  visit(&Routes::groups, c.n_expert);
}

struct Count {
  const Heap& heap;
  std::uint64_t& bytes;
  template <class Holder, class Buffer> void operator()(Buffer Holder::*, std::int64_t elements) {
    using Element = std::remove_reference_t<decltype(*std::declval<Buffer&>().data())>;
    const std::uint64_t n = static_cast<std::uint64_t>(elements) * sizeof(Element);
    bytes += std::is_same_v<Buffer, AlignedBuffer<Element>> ? heap.taken(n) : n;
  }
};

struct Allocate {
  const Heap& heap;
  Workspace& space;
  Result<void>& done;
  template <class T> void operator()(AlignedBuffer<T> Workspace::*buffer, std::int64_t elements) {
    if (!done) return;
    auto made = AlignedBuffer<T>::make(static_cast<std::size_t>(elements), heap);
    if (made) space.*buffer = std::move(*made);
    else done = std::move(made).error();
  }
  template <class T> void operator()(std::vector<T> Routes::*buffer, std::int64_t elements) {
    if (done) (space.routes.*buffer).resize(static_cast<std::size_t>(elements));
  }
};

Result<void> check_left(const Heap& heap, std::uint64_t needed, std::int64_t n_rows) {
  const std::uint64_t left = heap.left();
  if (needed <= left) return {};
  return Error(Status::out_of_memory, "a pass of " + std::to_string(n_rows) + " rows needs " + std::to_string(needed) +
                                          " bytes, " + std::to_string(left) +
                                          " are left; workspace; ask for a smaller --chunk or --batch");
}

}  // namespace

HeapBytes Workspace::bytes(const Config& config, std::int64_t n_rows, std::int64_t n_logits, const Heap& heap) {
  HeapBytes total;
  visit_device(config, n_rows, n_logits, Count{heap, total.device});
  visit_host(config, n_rows, n_logits, !heap.on_host(), Count{heap.host(), heap.on_host() ? total.device : total.host});
  return total;
}

Result<Workspace> Workspace::make(const Config& config, std::int64_t n_rows, std::int64_t n_logits, const Heap& heap) {
  const HeapBytes needed = bytes(config, n_rows, n_logits, heap);
  HEARTH_CHECK(check_left(heap, needed.device, n_rows));
  HEARTH_CHECK(check_left(heap.host(), needed.host, n_rows));
  Workspace space;
  space.heap_ = &heap;
  space.n_rows_ = n_rows;
  space.n_logits_ = n_logits;
  space.routes.n_used = config.n_expert_used;
  Result<void> done;
  visit_device(config, n_rows, n_logits, Allocate{heap, space, done});
  visit_host(config, n_rows, n_logits, !heap.on_host(), Allocate{heap.host(), space, done});
  if (!done) return std::move(done).error();
  space.id_ = heap.fresh_number();
  return space;
}

Result<void> Workspace::more_logits(const Config& config, std::int64_t n_logits) {
  if (n_logits <= n_logits_) return {};
  const auto n = static_cast<std::size_t>(n_logits * config.n_vocab);
  HEARTH_TRY(logits, AlignedBuffer<float>::make(n, *heap_));
  if (fetched.size() != 0 && fetched.size() < n) {
    HEARTH_TRY(fetched, AlignedBuffer<float>::make(n, heap_->host()));
  }
  n_logits_ = n_logits;
  id_ = heap_->fresh_number();
  return {};
}

}  // namespace hearth::model
