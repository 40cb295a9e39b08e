// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "config.h"

namespace hearth::model {

/// One sequence's keys and values. A page holds 64 positions of every layer: [n_layer][n_kv_head][K, V].
class KvCache {
 public:
  static Result<KvCache> make(const Config& config, kernels::KvType type, std::int64_t n_ctx);

  /// Bytes that `make` takes for this context.
  static std::uint64_t bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx);

  backend::AttentionShape shape(std::int64_t layer) const;
  std::byte* page(std::int64_t position) const { return pages_[static_cast<std::size_t>(position / kernels::kPage)]; }
  const std::byte* const* pages() const { return pages_.data(); }
  std::int64_t n_ctx() const { return n_ctx_; }
  kernels::KvType type() const { return shape_.kv_type; }

  /// Writes every position, for measuring at a depth that was never computed.
  void fill_with_zero();

 private:
  backend::AttentionShape shape_{};
  std::int64_t n_ctx_ = 0;
  std::uint64_t page_bytes_ = 0;
  AlignedBuffer<std::byte> storage_;  // not written before it is used: memory is taken as positions are
  std::vector<std::byte*> pages_;     // [n_ctx / 64]
};

}  // namespace hearth::model
