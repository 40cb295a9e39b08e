// Enters: beginnings of texts with their pages. Leaves: the longest beginning that is known of another text.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kv_cache.h"

namespace hearth::engine {

/// A tree of pages of 64 tokens for each kind of keys and values: their type, and how they are rotated. It compares tokens, not hashes of them: what is found is the
/// same text. Pages that nobody else has are let go of in the order of their last use, the ends of texts first. Any thread.
class PrefixCache {
 public:
  using Pages = std::vector<model::PageRef>;  // [parts]

  static constexpr std::size_t kKinds = 2 * kernels::kKvTypes.size();
  static std::size_t kind(kernels::KvType type, bool stretched) {
    return 2 * static_cast<std::size_t>(type) + stretched;
  }

  PrefixCache() = default;
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// The pages of the longest known beginning of `tokens`, whole pages only.
  std::vector<Pages> find(std::size_t kind, std::span<const std::int32_t> tokens);

  /// Remembers all whole pages of `tokens`, whose keys and values `cache` has; those that a window has dropped end it.
  void add(std::size_t kind, std::span<const std::int32_t> tokens, const model::KvCache& cache);

  /// Lets go of pages that nobody else has, those used longest ago first, until they make up so many bytes. Returns theirs; 0: there
  /// are none.
  std::uint64_t drop_oldest(std::uint64_t bytes);

  std::int64_t n_pages() const;

 private:
  using PageTokens = std::array<std::int32_t, kernels::kPage>;
  struct Node {
    Node* parent = nullptr;
    PageTokens tokens{};
    Pages pages;
    std::map<PageTokens, std::unique_ptr<Node>> children;
    std::list<Node*>::iterator place{};  // in order_
  };
  void touch(Node* deepest);
  void erase(Node* end);

  mutable std::mutex mutex_;
  std::array<Node, kKinds> roots_;
  std::list<Node*>
      order_;  // latest use first; a page comes before those that follow it in a text, so the last is an end
};

}  // namespace hearth::engine
