// Enters: a Config and a file's tensor directory. Leaves: every weight the forward pass reads, its shape and type checked.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "config.h"
#include "gguf_reader.h"

namespace hearth::model {

using backend::Matrix;
using Experts = std::vector<Matrix>;  // [n_expert]

struct LayerWeights {
  const float* attn_norm = nullptr;                                                    // [dim]
  Matrix attn_q, attn_k, attn_v;                                                       // [q_dim | kv_dim, dim]
  const float *attn_q_bias = nullptr, *attn_k_bias = nullptr, *attn_v_bias = nullptr;  // [q_dim | kv_dim], or none
  const float *attn_q_norm = nullptr, *attn_k_norm = nullptr;                          // [head_dim], or none
  Matrix attn_output;                                                                  // [dim, q_dim]
  const float *post_attn_norm = nullptr, *post_ffn_norm = nullptr;                     // [dim], or none
  const float* ffn_norm = nullptr;                                                     // [dim]
  Matrix ffn_gate, ffn_up;                                                             // [ffn_dim, dim]
  Matrix ffn_down;                                                                     // [dim, ffn_dim]
  Matrix router;                                                                       // [n_expert, dim]
  Experts expert_gate, expert_up;                                                      // [expert_ffn_dim, dim] each
  Experts expert_down;                                                                 // [dim, expert_ffn_dim] each
  Matrix shared_router;                                                                // [1, dim]
  Matrix shared_gate, shared_up;                                                       // [shared_ffn_dim, dim]
  Matrix shared_down;                                                                  // [dim, shared_ffn_dim]
};

/// Views into the file, and copies of the vectors that lie at odd addresses in it.
class Weights {
 public:
  static Result<Weights> bind(const Config& config, const gguf::File& file);

  /// Bytes of the matrices that a pass of one row reads: of the experts, those that one row visits.
  std::uint64_t matrix_bytes(const Config& config) const;

  /// Calls visit(matrix) for every matrix that a pass multiplies with; those that the model lacks have no rows.
  template <class Visit> void visit_matrices(Visit visit) { visit_all(*this, visit); }
  template <class Visit> void visit_matrices(Visit visit) const { visit_all(*this, visit); }

  Matrix token_embd;  // [n_vocab, dim]
  std::vector<LayerWeights> layers;
  const float* output_norm = nullptr;   // [dim]
  Matrix output;                        // [n_vocab, dim]; tied: the embedding table
  const float* rope_factors = nullptr;  // [n_rot/2], or none

 private:
  template <class Self, class Visit> static void visit_all(Self& self, Visit& visit) {
    for (auto& l : self.layers) {
      for (auto* m : {&l.attn_q, &l.attn_k, &l.attn_v, &l.attn_output, &l.ffn_gate, &l.ffn_up, &l.ffn_down, &l.router,
                      &l.shared_router, &l.shared_gate, &l.shared_up, &l.shared_down})
        visit(*m);
      for (auto* experts : {&l.expert_gate, &l.expert_up, &l.expert_down})
        for (auto& m : *experts) visit(m);
    }
    visit(self.output);
  }

  std::vector<AlignedBuffer<std::byte>> storage_;
};

}  // namespace hearth::model
