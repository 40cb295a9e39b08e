// THE table of architectures, one row a family.
#include <array>

#include "arch_traits.h"

namespace hearth::model {

std::span<const ArchTraits> arch_table() {
  static constexpr std::array rows = {
      ArchTraits{.name = "bert",
                 .positions = Positions::learned,
                 .causal = false,
                 .norm = NormKind::layer,
                 .norm_place = NormPlace::stream,
                 .bias = Bias::all,
                 .ffn = Ffn::plain,
                 .activation = Activation::gelu_erf},
      ArchTraits{.name = "cohere2",
                 .rope = RopeLayout::adjacent,
                 .norm = NormKind::layer,
                 .norm_place = NormPlace::shared,
                 .full_every = 4,
                 .unrotated_every = 4},
      ArchTraits{.name = "command-r",
                 .rope = RopeLayout::adjacent,
                 .norm = NormKind::layer,
                 .norm_place = NormPlace::shared,
                 .qk_norm = QkNorm::own_of_heads},
      ArchTraits{.name = "deepseek2",
                 .rope = RopeLayout::adjacent,
                 .attention = Attention::latent,
                 .routing = Routing::softmax,
                 .routing_in_file = true,
                 .shared_expert = SharedExpert::plain},
      ArchTraits{.name = "ernie4_5", .rope = RopeLayout::adjacent},
      ArchTraits{.name = "gemma2",
                 .rope = RopeLayout::halves,
                 .norm_place = NormPlace::around,
                 .activation = Activation::gelu_tanh,
                 .embedding_scale = Scale::root_of_dim,
                 .full_every = 2,
                 .wide_heads_at = 46},
      ArchTraits{.name = "gemma3",
                 .rope = RopeLayout::halves,
                 .norm_place = NormPlace::around,
                 .qk_norm = QkNorm::heads,
                 .activation = Activation::gelu_tanh,
                 .embedding_scale = Scale::root_of_dim,
                 .window_rope_base = 10000.0,
                 .full_every = 6,
                 .wide_heads_at = 62},
      ArchTraits{
          .name = "glm4", .rope = RopeLayout::adjacent, .norm_place = NormPlace::around, .ffn = Ffn::gated_in_one},
      ArchTraits{.name = "gpt-oss",
                 .rope = RopeLayout::halves,
                 .bias = Bias::attention,
                 .activation = Activation::silu_clamped,
                 .routing = Routing::softmax_renormalised,
                 .yarn_bounds = YarnBounds::exact,
                 .full_every = 2,
                 .sinks = true,
                 .ffn_norm_is_post_attention = true},
      ArchTraits{.name = "granite", .rope = RopeLayout::adjacent, .logit_scale = LogitScale::divisor},
      ArchTraits{.name = "jina-bert-v2",
                 .positions = Positions::alibi,
                 .causal = false,
                 .norm = NormKind::layer,
                 .norm_place = NormPlace::stream,
                 .bias = Bias::attention,
                 .qk_norm = QkNorm::whole_or_none,
                 .ffn = Ffn::gated_in_one,
                 .activation = Activation::gelu_erf},
      ArchTraits{.name = "llama", .rope = RopeLayout::adjacent, .routing = Routing::softmax_renormalised},
      ArchTraits{.name = "nomic-bert",
                 .rope = RopeLayout::halves,
                 .causal = false,
                 .norm = NormKind::layer,
                 .norm_place = NormPlace::stream},
      ArchTraits{.name = "olmo2", .rope = RopeLayout::halves, .norm_place = NormPlace::after, .qk_norm = QkNorm::whole},
      ArchTraits{.name = "phi3", .rope = RopeLayout::halves, .ffn = Ffn::gated_in_one},
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
      ArchTraits{.name = "smollm3", .rope = RopeLayout::adjacent, .unrotated_every = 4},
      ArchTraits{.name = "starcoder2",
                 .rope = RopeLayout::halves,
                 .norm = NormKind::layer,
                 .bias = Bias::all,
                 .ffn = Ffn::plain,
                 .activation = Activation::gelu_tanh},
  };
  return rows;
}

const ArchTraits* find_arch(std::string_view name) {
  for (const ArchTraits& row : arch_table())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace hearth::model
