// The vocabulary of architectures: what can differ between families, as named values. Numbers come from the file (Config).
#pragma once

#include <span>
#include <string_view>

#include "backend.h"

namespace hearth::model {

using backend::NormKind;
using kernels::Activation;
using kernels::RopeLayout;
using kernels::Routing;

/// Which rows of a half block are normed: those it reads; what it makes, before that is added; both; those that it reads, once for
/// both halves, which run side by side; or the stream itself, once what it makes has been added.
enum class NormPlace { before, after, around, shared, stream };
enum class Bias { none, qkv, attention, all };  // that must be there; attention: qkv and output, and those of experts

/// What tells positions apart: queries and keys are rotated, rows of a table are added to the tokens', or scores fall with distance.
enum class Positions { rotated, learned, alibi };

/// Queries and keys are normed before they are rotated: each head alike, all heads as one row, or each head by numbers of its own
/// (the last two "where the file has them": not all sizes of such a family do).
enum class QkNorm { none, heads, whole, whole_or_none, own_of_heads };
enum class Ffn { gated, gated_in_one, plain };  // in one: gate and up are one matrix in the file
enum class Attention {
  heads,
  latent
};  // what is stored of a position: keys and values of heads, or one vector for all
enum class SharedExpert {
  none,
  gated,
  plain
};                                       // one more expert that every row visits; gated: by a sigmoid of its own
enum class YarnBounds { whole, exact };  // where YaRN's ramp begins and ends: rounded outwards to whole pairs, or not
enum class Scale { one, root_of_dim };   // of embeddings, where no key says it
enum class LogitScale { factor, divisor };  // what the key is

/// One family. A trait that no row uses is deleted.
struct ArchTraits {
  std::string_view name;  // general.architecture
  RopeLayout rope = RopeLayout::halves;
  bool halves_by_sections = false;  // where the file has sections of positions (M-RoPE), pairs lie in halves
  Positions positions = Positions::rotated;
  bool causal = true;  // where no key says it; else each row sees all rows of its text, and there is nothing to predict
  NormKind norm = NormKind::rms;
  NormPlace norm_place = NormPlace::before;
  Attention attention = Attention::heads;
  Bias bias = Bias::none;
  QkNorm qk_norm = QkNorm::none;
  Ffn ffn = Ffn::gated;
  Activation activation = Activation::silu;
  Routing routing = Routing::none;  // none: the family has no experts
  bool routing_in_file = false;     // its keys say what differs from that
  bool narrow_experts = false;      // where no key says it: those that a row visits share feed_forward_length
  SharedExpert shared_expert = SharedExpert::none;
  YarnBounds yarn_bounds = YarnBounds::whole;
  Scale embedding_scale = Scale::one;
  LogitScale logit_scale = LogitScale::factor;
  double rope_base = 10000.0;               // where no key says it
  bool plain_windows = false;               // layers with a window are not scaled, and may have a base of their own
  double window_rope_base = 0;              // that base, where no key says it; 0: as the others
  std::int64_t window = 0;                  // where no key says it; 0: none
  std::int64_t full_every = 0;              // where there is a window: each n-th layer sees all positions; 0: none does
  double attention_cap = 0, logit_cap = 0;  // where no key says it; 0: none
  std::int64_t unrotated_every = 0;         // each n-th layer does not rotate its queries and keys; 0: all do
  bool sinks = false;                       // each head also sees a score without a value

  // The file's name for the norm before the feed-forward is that of a norm after attention.
  bool ffn_norm_is_post_attention = false;

  // block_count of the one size that scales scores by dim / n_head instead of head_dim: its files do not say so.
  std::int64_t wide_heads_at = 0;
};

/// The table, one row a family: the only place that a new family edits.
std::span<const ArchTraits> arch_table();

/// nullptr when no row has that name.
const ArchTraits* find_arch(std::string_view name);

}  // namespace hearth::model
