// Enters: a file's metadata. Leaves: the numbers of its architecture, each checked for range and against the others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <hearth/result.hpp>
#include <string>
#include <vector>

#include "arch_traits.h"
#include "gguf_reader.h"

namespace hearth::model {

/// How a file stretches the context that its model was first trained on.
struct RopeScaling {
  enum class Kind { none, linear, yarn, longrope };
  Kind kind = Kind::none;
  double factor = 1;                     // linear, yarn
  double ext_factor = 1;                 // yarn: the share of fast pairs' frequencies that is kept
  double beta_fast = 32, beta_slow = 1;  // yarn: turns in the original context that make a pair fast, or slow
  double magnitude = 1;                  // of cosines and sines
  double score_scale = 1;                // of attention
  std::int64_t original_context = 0;     // positions
  double divisor() const { return kind == Kind::linear ? factor : 1.0; }  // of positions
};

/// Whether a layer is each n-th; none is where n is 0.
inline bool is_nth(std::int64_t layer, std::int64_t n) { return n != 0 && (layer + 1) % n == 0; }

struct Config {
  const ArchTraits* arch = nullptr;
  std::int64_t n_layer = 0, n_head = 0, n_kv_head = 0, head_dim = 0, dim = 0, ffn_dim = 0, n_vocab = 0, n_ctx_train = 0;
  std::int64_t latent_dim = 0, value_dim = 0;    // with latents: of what does not turn; of a head's values
  std::int64_t q_low_dim = 0;                    // queries come through so few elements; 0: directly
  bool kv_b_in_one = false;                      // older files with latents: each head's K and V matrices are one
  std::int64_t n_expert = 0, n_expert_used = 0;  // 0: the feed-forward is dense
  std::int64_t n_leading_dense = 0;              // layers, from the first, that have no experts
  kernels::RouteRule routing;
  std::int64_t expert_ffn_dim = 0, shared_ffn_dim = 0;  // of one expert; of the shared one
  std::int64_t n_rot = 0;                               // rotated elements of a head
  backend::NormRule norm;
  float embedding_scale = 1, residual_scale = 1, attention_scale = 0, logit_scale = 1;
  float attention_cap = 0, logit_cap = 0;  // soft caps; 0: none
  std::int64_t window = 0;      // positions that a layer with a window sees, its own included; 0: no layer has one
  double window_rope_base = 0;  // of layers with a window, which then are not scaled; 0: as the others
  double rope_base = 0;
  RopeScaling rope_scaling;
  bool halves_by_sections = false;  // rotated pairs lie in halves, whatever the family's do
  double max_alibi_bias = 0;        // of the first head's slope; 0: no ALiBi
  bool causal = true;               // false: an encoder
  std::int64_t pooling_type = -1;   // 0 none, 1 mean, 2 cls, 3 last, more: not of texts; -1: the file does not say
  std::int64_t n_token_type = 0;    // rows of the table of sentence types; 0: none

  std::int64_t q_dim() const { return n_head * head_dim; }
  std::int64_t kv_dim() const { return n_kv_head * head_dim; }
  std::int64_t key_dim() const { return latent_dim != 0 ? latent_dim + n_rot : head_dim; }      // of a stored key
  std::int64_t mixed_dim() const { return n_head * (latent_dim != 0 ? value_dim : head_dim); }  // what attention makes
  std::int64_t widest() const {                                                                 // input of a matrix
    return std::max({dim, q_dim(), mixed_dim(), q_low_dim, latent_dim, ffn_dim, expert_ffn_dim, shared_ffn_dim});
  }
  bool has_experts(std::int64_t layer) const { return n_expert != 0 && layer >= n_leading_dense; }
  bool rotates(std::int64_t layer) const {
    return arch->positions == Positions::rotated && !is_nth(layer, arch->unrotated_every);
  }
  RopeLayout rope() const { return halves_by_sections ? RopeLayout::halves : arch->rope; }
  std::int64_t window_of(std::int64_t layer) const { return is_nth(layer, arch->full_every) ? 0 : window; }
};

/// Errors name the key, its byte offset, the value found and the range needed. An unknown architecture lists the known ones.
Result<Config> read_config(const gguf::File& file);

}  // namespace hearth::model
