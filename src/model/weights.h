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
using backend::Norm;
using Experts = std::vector<Matrix>;  // [n_expert]

/// A matrix that the model lacks has no rows; a norm, no weight.
struct LayerWeights {
  Norm attn_norm;                      // [dim]
  Matrix attn_q, attn_k, attn_v;       // [q_dim | kv_dim, dim]
  Norm attn_q_norm, attn_k_norm;       // as the family's QkNorm says
  const float* attn_sinks = nullptr;   // [n_head], or none
  Matrix attn_output;                  // [dim, q_dim]
  Norm post_attn_norm, post_ffn_norm;  // [dim]
  Norm ffn_norm;                       // [dim]
  Matrix ffn_gate, ffn_up;             // [ffn_dim, dim]
  Matrix ffn_down;                     // [dim, ffn_dim]
  Matrix router;                       // [n_expert, dim]
  Experts expert_gate, expert_up;      // [expert_ffn_dim, dim] each
  Experts expert_down;                 // [dim, expert_ffn_dim] each
  Matrix shared_router;                // [1, dim]
  Matrix shared_gate, shared_up;       // [shared_ffn_dim, dim]
  Matrix shared_down;                  // [dim, shared_ffn_dim]
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
  Norm output_norm;                     // [dim]
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
