// Enters: a Config, how many rows a pass may have, a placement. Leaves: everything that a forward pass writes besides KV.
#include "workspace.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kv_cache.h"
#include "try.h"

namespace hearth::model {
namespace {

using backend::Routes;
using D = DeviceBuffers;
using W = Workspace;

std::int64_t padded(std::int64_t width) { return (width + kernels::kBlock - 1) / kernels::kBlock * kernels::kBlock; }

/// What a workspace is for.
struct Size {
  const Config& c;
  std::int64_t n_rows, n_logits;
};

// Calls visit(buffer, elements) for what the verbs of one device write; these four are the only places that know a workspace's sizes.
template <class Visit> void visit_layers(const Size& size, Visit& visit) {
  const auto& [c, n_rows, n_logits] = size;
  const std::int64_t ffn = std::max({c.ffn_dim, c.shared_ffn_dim, c.dim});
  const bool latent = c.latent_dim != 0;
  const std::int64_t n_heads = latent ? n_rows * c.n_head : 0;
  visit(&D::q, n_rows * c.q_dim());
  visit(&D::k, n_rows * c.n_kv_head * c.key_dim());
  visit(&D::v, n_rows * (latent ? 0 : c.kv_dim()));
  visit(&D::q_low, n_rows * c.q_low_dim);
  visit(&D::absorbed, n_heads * c.key_dim());
  visit(&D::mixed, n_heads * c.latent_dim);
  visit(&D::head_hq, n_heads * kernels::q_stride(std::max(c.latent_dim, c.head_dim - c.n_rot)));
  visit(&D::gate, n_rows * ffn);
  visit(&D::up, n_rows * ffn);
}

template <class Visit> void visit_experts(const Size& size, bool routed, Visit& visit) {
  const auto& [c, n_rows, n_logits] = size;
  const std::int64_t n_visits = routed ? n_rows * c.n_expert_used : 0, width = std::max(c.dim, c.expert_ffn_dim),
                     n_shared = c.shared_ffn_dim != 0 ? n_rows : 0;
  visit(&D::scores, routed ? n_rows * c.n_expert : n_shared);
  visit(&D::visit_h, n_visits * padded(width));
  visit(&D::visit_hq, n_visits * kernels::q_stride(width));
  visit(&D::visit_gate, n_visits * c.expert_ffn_dim);
  visit(&D::visit_up, n_visits * c.expert_ffn_dim);
  visit(&D::visit_y, (routed ? n_visits : n_shared) * c.dim);
}

template <class Visit> void visit_device(const Size& size, const Share& share, Visit visit) {
  const auto& [c, n_rows, n_logits] = size;
  visit(&D::stream, 2 * n_rows * c.dim);
  visit(&D::h, n_rows * padded(c.widest()));
  visit(&D::hq, n_rows * kernels::q_stride(c.widest()));
  if (share.attends(c)) visit_layers(size, visit);
  visit_experts(size, share.routes(c), visit);
  visit(&D::logits, share.ends() ? n_logits * c.n_vocab : 0);
}

// The same for what the host keeps beside them.
template <class Visit> void visit_beside(const Size& size, const Share& share, Visit visit) {
  const auto& [c, n_rows, n_logits] = size;
  const bool apart = !share.placement.heaps[share.device]->on_host(), alone = share.placement.n_devices() == 1;
  const std::int64_t stream = n_rows * c.dim * (alone ? 1 : 2);
  if (apart) return visit(&D::fetched, std::max(share.ends() ? n_logits * c.n_vocab : 0, stream));
  if (!share.routes(c)) return;
  const std::int64_t n_visits = n_rows * c.n_expert_used;
  visit(&Routes::experts, n_visits);
  visit(&Routes::weights, n_visits);
  visit(&Routes::visits, n_visits);
  visit(&Routes::groups, c.n_expert);
}

// And for what it looks up by row.
template <class Visit> void visit_tables(const Size& size, const Placement& placement, Visit visit) {
  const auto& [c, n_rows, n_logits] = size;
  const std::int64_t pairs = c.n_rot / 2, window_pairs = c.window_rope_base != 0 ? pairs : 0;
  visit(&W::cos, n_rows * pairs);
  visit(&W::sin, n_rows * pairs);
  visit(&W::window_cos, n_rows * window_pairs);
  visit(&W::window_sin, n_rows * window_pairs);

  const auto n_parts = static_cast<std::int64_t>(KvCache::n_parts(c, placement));
  visit(&W::tokens, n_rows);
  visit(&W::types, n_rows);
  visit(&W::positions, n_rows);
  visit(&W::rotations, n_rows);
  visit(&W::wanted, n_rows);
  visit(&W::draws, n_rows);
  visit(&W::drawn_tokens, n_rows);
  visit(&W::ends, n_rows);
  visit(&W::places, n_parts * n_rows);
  visit(&W::tiles, n_parts * n_rows);
  visit(&W::memory, n_parts);
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

template <class Holder> struct Allocate {
  const Heap& heap;
  Holder& holder;
  Result<void>& done;
  template <class T> void operator()(AlignedBuffer<T> Holder::*buffer, std::int64_t elements) {
    if (!done) return;
    auto made = AlignedBuffer<T>::make(static_cast<std::size_t>(elements), heap);
    if (made) holder.*buffer = std::move(*made);
    else done = std::move(made).error();
  }
  template <class T> void operator()(std::vector<T> Routes::*buffer, std::int64_t elements) {
    if (done) (holder.routes.*buffer).resize(static_cast<std::size_t>(elements));
  }
};

Result<void> check_left(const Heap& heap, std::uint64_t needed, std::int64_t n_rows) {
  const std::uint64_t left = heap.left();
  if (needed <= left) return {};
  return Error(Status::out_of_memory, "a pass of " + std::to_string(n_rows) + " rows needs " + std::to_string(needed) +
                                          " bytes, " + std::to_string(left) + " are left" +
                                          (heap.on_host() ? "" : " on " + heap.name()) +
                                          "; workspace; ask for a smaller --chunk or --batch");
}

}  // namespace

PlacedBytes Workspace::bytes(const Config& config, std::int64_t n_rows, std::int64_t n_logits,
                             const Placement& placement) {
  const Size size{config, n_rows, n_logits};
  PlacedBytes all(placement);
  for (std::size_t device = 0; device < placement.n_devices(); ++device) {
    const Heap& heap = *placement.heaps[device];
    HeapBytes bytes;
    visit_device(size, {placement, device}, Count{heap, bytes.device});
    visit_beside(size, {placement, device}, Count{heap.host(), bytes.host});
    all.add(placement, device, bytes);
  }
  visit_tables(size, placement, Count{host_heap(), all.host});
  return all;
}

Result<Workspace> Workspace::make(const Config& config, std::int64_t n_rows, std::int64_t n_logits,
                                  const Placement& placement) {
  const Size size{config, n_rows, n_logits};
  const PlacedBytes needed = bytes(config, n_rows, n_logits, placement);
  for (std::size_t device = 0; device < placement.n_devices(); ++device)
    HEARTH_CHECK(check_left(*placement.heaps[device], needed.devices[device], n_rows));
  HEARTH_CHECK(check_left(host_heap(), needed.host, n_rows));
  Workspace space;
  space.placement_ = placement;
  space.n_rows_ = n_rows;
  space.n_logits_ = n_logits;
  space.devices.resize(placement.n_devices());
  Result<void> done;
  for (std::size_t device = 0; device < placement.n_devices(); ++device) {
    const Heap& heap = *placement.heaps[device];
    DeviceBuffers& buffers = space.devices[device];
    buffers.routes.n_used = config.n_expert_used;
    visit_device(size, {placement, device}, Allocate<DeviceBuffers>{heap, buffers, done});
    visit_beside(size, {placement, device}, Allocate<DeviceBuffers>{heap.host(), buffers, done});
    buffers.id = heap.fresh_number();
  }
  visit_tables(size, placement, Allocate<Workspace>{host_heap(), space, done});
  if (!done) return std::move(done).error();
  return space;
}

Result<std::span<const float>> Workspace::logits(const Config& config, std::int64_t row) {
  const auto n = static_cast<std::size_t>(config.n_vocab);
  const std::int64_t first = row * config.n_vocab;
  if (ended_with) return std::span(ended_with + first, n);
  const Heap& heap = *placement_.heaps[placement_.last()];
  DeviceBuffers& last = devices[placement_.last()];
  heap.fetch(reinterpret_cast<std::byte*>(last.fetched.data()),
             reinterpret_cast<const std::byte*>(last.logits.data() + first), n * sizeof(float));
  HEARTH_CHECK(heap.check());
  return std::span<const float>(last.fetched.data(), n);
}

Result<void> Workspace::more_logits(const Config& config, std::int64_t n_logits) {
  if (n_logits <= n_logits_) return {};
  const auto n = static_cast<std::size_t>(n_logits * config.n_vocab);
  const Heap& heap = *placement_.heaps[placement_.last()];
  DeviceBuffers& last = devices[placement_.last()];
  const bool fetches = last.fetched.size() != 0 && last.fetched.size() < n;
  HEARTH_TRY(auto logits, AlignedBuffer<float>::make(n, heap));
  HEARTH_TRY(auto fetched, AlignedBuffer<float>::make(fetches ? n : 0, heap.host()));
  last.logits = std::move(logits);  // neither or both: a recorded pass knows them by the number below
  if (fetches) last.fetched = std::move(fetched);
  n_logits_ = n_logits;
  last.id = heap.fresh_number();
  return {};
}

}  // namespace hearth::model
