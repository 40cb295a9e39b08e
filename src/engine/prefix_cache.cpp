// Enters: beginnings of texts with their pages. Leaves: the longest beginning that is known of another text.
#include "prefix_cache.h"

#include <algorithm>
#include <iterator>

namespace hearth::engine {
namespace {

constexpr std::size_t kTokens = kernels::kPage;

std::array<std::int32_t, kTokens> page_of(std::span<const std::int32_t> tokens, std::size_t page) {
  std::array<std::int32_t, kTokens> key;
  std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(page * kTokens), kTokens, key.begin());
  return key;
}

bool in_use(const PrefixCache::Pages& pages) {
  return std::any_of(pages.begin(), pages.end(), [](const model::PageRef& page) { return page.shared(); });
}

}  // namespace

PrefixCache::~PrefixCache() {
  while (!order_.empty()) erase(order_.back());  // ends first: a long text is a deep tree
}

std::vector<PrefixCache::Pages> PrefixCache::find(std::size_t kind, std::span<const std::int32_t> tokens) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Pages> found;
  Node* node = &roots_[kind];
  for (std::size_t page = 0; page < tokens.size() / kTokens; ++page) {
    const auto child = node->children.find(page_of(tokens, page));
    if (child == node->children.end()) break;
    node = child->second.get();
    found.push_back(node->pages);
  }
  touch(node);
  return found;
}

void PrefixCache::add(std::size_t kind, std::span<const std::int32_t> tokens, const model::KvCache& cache) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Node* node = &roots_[kind];
  for (std::size_t page = 0; page < tokens.size() / kTokens; ++page) {
    const PageTokens key = page_of(tokens, page);
    auto child = node->children.find(key);
    if (child == node->children.end()) {
      Pages pages = cache.share(static_cast<std::int64_t>(page));
      if (pages.empty()) break;
      auto made = std::make_unique<Node>();
      made->parent = node, made->tokens = key, made->pages = std::move(pages);
      std::list<Node*> place(1, made.get());  // in the order once it is in the tree: either may find no memory
      made->place = place.begin();
      child = node->children.emplace(key, std::move(made)).first;
      order_.splice(node->parent ? std::next(node->place) : order_.begin(), place);  // never before what it follows
    }
    node = child->second.get();
  }
  touch(node);
}

// From the deepest page up, so that each beginning is younger than what follows it.
void PrefixCache::touch(Node* deepest) {
  for (Node* node = deepest; node->parent; node = node->parent) order_.splice(order_.begin(), order_, node->place);
}

// Once through the order is enough: what follows a page in a text is come to before it.
std::uint64_t PrefixCache::drop_oldest(std::uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::uint64_t dropped = 0;
  for (auto end = order_.end(); end != order_.begin() && dropped < bytes;) {
    const auto at = std::prev(end);
    Node* node = *at;
    if (!node->children.empty() || in_use(node->pages)) {
      end = at;
      continue;
    }
    for (const model::PageRef& page : node->pages) dropped += page.bytes();
    erase(node);
  }
  return dropped;
}

void PrefixCache::erase(Node* end) {
  order_.erase(end->place);
  const PageTokens key = end->tokens;  // a copy: the map compares it while the node goes
  end->parent->children.erase(key);
}

std::int64_t PrefixCache::n_pages() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<std::int64_t>(order_.size());
}

}  // namespace hearth::engine
