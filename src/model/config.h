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

struct Config {
  const ArchTraits* arch = nullptr;
  std::int64_t n_layer = 0, n_head = 0, n_kv_head = 0, head_dim = 0, dim = 0, ffn_dim = 0, n_vocab = 0, n_ctx_train = 0;
  std::int64_t n_expert = 0, n_expert_used = 0;         // 0: the feed-forward is dense
  std::int64_t expert_ffn_dim = 0, shared_ffn_dim = 0;  // of one expert; of the shared one
  std::int64_t n_rot = 0;                               // rotated elements of a head
  backend::NormRule norm;
  float embedding_scale = 1, residual_scale = 1, attention_scale = 0, logit_scale = 1;
  float attention_cap = 0, logit_cap = 0;  // soft caps; 0: none
  std::int64_t window = 0;      // positions that a layer with a window sees, its own included; 0: no layer has one
  double window_rope_base = 0;  // of layers with a window; 0: as the others
  double rope_base = 0, rope_scale = 1;  // positions are divided by the scale ("linear")

  std::int64_t q_dim() const { return n_head * head_dim; }
  std::int64_t kv_dim() const { return n_kv_head * head_dim; }
  std::int64_t widest() const {  // input of a matrix
    return std::max({dim, q_dim(), ffn_dim, expert_ffn_dim, shared_ffn_dim});
  }
  bool rotates(std::int64_t layer) const {
    return arch->unrotated_every == 0 || (layer + 1) % arch->unrotated_every != 0;
  }
  std::int64_t window_of(std::int64_t layer) const {
    return arch->full_every != 0 && (layer + 1) % arch->full_every == 0 ? 0 : window;
  }
};

/// Errors name the key, its byte offset, the value found and the range needed. An unknown architecture lists the known ones.
Result<Config> read_config(const gguf::File& file);

}  // namespace hearth::model
