// THE table of architectures, one row a family.
#include <array>

#include "arch_traits.h"

namespace hearth::model {

using kernels::RopeLayout;

std::span<const ArchTraits> arch_table() {
  static constexpr std::array rows = {
      ArchTraits{.name = "gemma2",
                 .rope = RopeLayout::halves,
                 .post_norm = PostNorm::both,
                 .activation = Activation::gelu_tanh,
                 .embedding_scale = Scale::root_of_dim,
                 .full_every = 2,
                 .wide_heads_at = 46},
      ArchTraits{.name = "gemma3",
                 .rope = RopeLayout::halves,
                 .qk_norm = QkNorm::heads,
                 .post_norm = PostNorm::both,
                 .activation = Activation::gelu_tanh,
                 .embedding_scale = Scale::root_of_dim,
                 .window_rope_base = 10000.0,
                 .full_every = 6,
                 .wide_heads_at = 62},
      ArchTraits{.name = "llama", .rope = RopeLayout::adjacent, .routing = Routing::softmax_renormalised},
      ArchTraits{.name = "qwen2", .rope = RopeLayout::halves, .bias = Bias::qkv},
      ArchTraits{.name = "qwen2moe",
                 .rope = RopeLayout::halves,
                 .bias = Bias::qkv,
                 .routing = Routing::softmax,
                 .shared_expert = SharedExpert::gated},
      ArchTraits{.name = "qwen3", .rope = RopeLayout::halves, .qk_norm = QkNorm::heads},
      ArchTraits{.name = "qwen3moe",
                 .rope = RopeLayout::halves,
                 .qk_norm = QkNorm::heads,
                 .routing = Routing::softmax_renormalised},
  };
  return rows;
}

const ArchTraits* find_arch(std::string_view name) {
  for (const ArchTraits& row : arch_table())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace hearth::model
