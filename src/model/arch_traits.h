// The vocabulary of architectures: what can differ between families, as named values. Numbers come from the file (Config).
#pragma once

#include <span>
#include <string_view>

#include "kernel_table.h"
#include "route.h"

namespace hearth::model {

enum class Bias { none, qkv };
enum class QkNorm { none, heads };        // queries and keys of each head are normed before they are rotated
enum class SharedExpert { none, gated };  // one more expert that every row visits, weighted by a sigmoid of its own
enum class PostNorm { none, both };       // what each half block makes is normed before it is added
enum class Scale { one, root_of_dim };    // of embeddings
using kernels::Activation;
using kernels::Routing;

/// One family. A trait that no row uses is deleted.
struct ArchTraits {
  std::string_view name;  // general.architecture
  kernels::RopeLayout rope;
  Bias bias = Bias::none;
  QkNorm qk_norm = QkNorm::none;
  Routing routing = Routing::none;  // none: the family has no experts
  SharedExpert shared_expert = SharedExpert::none;
  PostNorm post_norm = PostNorm::none;
  Activation activation = Activation::silu;
  Scale embedding_scale = Scale::one;
  double window_rope_base = 0;  // of layers with a window, which then are not scaled; 0: as the others
  std::int64_t full_every = 0;  // where there is a window: each n-th layer sees all positions; 0: none does

  // block_count of the one size that scales scores by dim / n_head instead of head_dim: its files do not say so.
  std::int64_t wide_heads_at = 0;
};

/// The table, one row a family: the only place that a new family edits.
std::span<const ArchTraits> arch_table();

/// nullptr when no row has that name.
const ArchTraits* find_arch(std::string_view name);

}  // namespace hearth::model
