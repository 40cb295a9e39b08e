// Enters: keys and values, position by position. Leaves: pages of 64 positions that attention reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "config.h"
#include "saturating.h"

namespace hearth::model {

/// What one sequence keeps: a list of parts, each for the layers that remember alike. Today's parts are paged keys and values: of
/// layers that see everything, and of layers that see a window and whose old pages are used again. Other kinds of memory
/// (latents, recurrent states) are further parts: they too append, and say how far back they can be truncated.
class KvCache {
 public:
  /// How far back `truncate` always reaches without losing what a window has left behind, besides the longest pass.
  static constexpr std::int64_t kRollback = 64;

  /// Room for n_ctx positions, at most n_pass of them new in one forward pass.
  static Result<KvCache> make(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass);

  /// Whether the model's heads can be stored so.
  static Result<void> check_type(const Config& config, kernels::KvType type);

  /// Bytes that `make` takes.
  static std::uint64_t bytes(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass);

  std::int64_t n_ctx() const { return n_ctx_; }
  std::size_t n_parts() const { return parts_.size(); }
  std::size_t part_of(std::int64_t layer) const { return places_[static_cast<std::size_t>(layer)].part; }
  backend::AttentionShape shape(std::int64_t layer) const;

  /// Makes a position's pages its own, in every part. Positions come in order, each at most n_pass after those truncated to.
  /// Page tables may move: `pages` is asked for after the last append of a pass.
  void append(std::int64_t position);
  std::byte* page(std::size_t part, std::int64_t position) const {
    return parts_[part].pages[static_cast<std::size_t>(position / kernels::kPage)];
  }
  const std::byte* const* pages(std::size_t part) const { return parts_[part].pages.data(); }

  /// Forgets positions from n on. Returns how many are still there: n, or 0 when a window no longer holds what comes before n;
  /// the caller computes the others again.
  std::int64_t truncate(std::int64_t n);

  /// Writes every position, for measuring at a depth that was never computed.
  void fill_with_zero();

 private:
  struct Part {
    std::int64_t window;   // positions that its layers see, their own included; 0: all
    std::int64_t n_layer;  // a page holds 64 positions of each: [n_layer][n_kv_head][K, V]
    std::int64_t n_held;   // pages in memory; page p is the p mod n_held-th of them
    std::size_t page_bytes;
    AlignedBuffer<std::byte> storage;  // not written before it is used: memory is taken as positions are
    std::vector<std::byte*> pages;     // of the positions written so far: a context may be long and hardly used
    std::uint64_t bytes() const { return AlignedBuffer<std::byte>::taken(size()); }
    std::uint64_t size() const { return saturating_multiply(static_cast<std::uint64_t>(n_held), page_bytes); }
  };
  struct Place {
    std::size_t part;
    std::int64_t index;  // among the part's layers
  };

  static KvCache plan(const Config& config, kernels::KvType type, std::int64_t n_ctx, std::int64_t n_pass);

  backend::AttentionShape shape_{};
  std::int64_t n_ctx_ = 0, n_written_ = 0;  // positions; written ones may have been truncated since
  std::vector<Part> parts_;
  std::vector<Place> places_;  // [n_layer]
};

}  // namespace hearth::model
