// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads.
#include "kv_cache.h"

#include <cmath>
#include <cstring>

#include "try.h"

namespace hearth::model {
namespace {

backend::AttentionShape shape_of(const Config& c, kernels::KvType type) {
  return {c.n_head, c.n_kv_head, c.head_dim, 1.0f / std::sqrt(static_cast<float>(c.head_dim)), type, 0};
}

std::uint64_t layer_bytes(const backend::AttentionShape& shape) {
  return 2 * shape.kv_head_bytes() * static_cast<std::uint64_t>(shape.n_kv_head);
}

std::int64_t n_pages(std::int64_t n_ctx) { return (n_ctx + kernels::kPage - 1) / kernels::kPage; }

}  // namespace

std::uint64_t KvCache::bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx) {
  return static_cast<std::uint64_t>(n_pages(n_ctx)) * static_cast<std::uint64_t>(config.n_layer) *
         layer_bytes(shape_of(config, type));
}

Result<KvCache> KvCache::make(const Config& config, kernels::KvType type, std::int64_t n_ctx) {
  if (!kernels::kv_fits(type, config.head_dim))
    return Error(Status::unsupported, "keys and values of type " + std::string(kernels::kv_info(type).name) +
                                          " need heads of a multiple of " + std::to_string(kernels::kBlock) +
                                          ", the model's have " + std::to_string(config.head_dim) +
                                          " elements; KV type; use f16 or f32");
  KvCache cache;
  cache.shape_ = shape_of(config, type);
  cache.n_ctx_ = n_ctx;
  const std::uint64_t total = bytes(config, type, n_ctx);
  cache.page_bytes_ = static_cast<std::uint64_t>(config.n_layer) * layer_bytes(cache.shape_);
  auto storage = AlignedBuffer<std::byte>::make_unwritten(total);
  if (!storage)
    return Error(Status::out_of_memory, "the KV cache of " + std::to_string(n_ctx) + " positions needs " +
                                            std::to_string(total) +
                                            " bytes, which the system refused; context; ask for a smaller --ctx");
  cache.storage_ = std::move(*storage);
  for (std::int64_t p = 0; p < n_pages(n_ctx); ++p)
    cache.pages_.push_back(cache.storage_.data() + static_cast<std::uint64_t>(p) * cache.page_bytes_);
  return cache;
}

void KvCache::fill_with_zero() {
  for (std::byte* page : pages_) std::memset(page, 0, page_bytes_);
}

backend::AttentionShape KvCache::shape(std::int64_t layer) const {
  backend::AttentionShape shape = shape_;
  shape.layer_offset = static_cast<std::size_t>(layer) * layer_bytes(shape_);
  return shape;
}

}  // namespace hearth::model
