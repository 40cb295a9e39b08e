// Enters: a Config and a file's tensor directory. Leaves: every weight the forward pass reads, its shape and type checked.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "config.h"
#include "gguf_reader.h"
#include "packing.h"
#include "placement.h"

namespace hearth::model {

using backend::Matrix;
using backend::Norm;
using Stack = std::vector<Matrix>;  // of experts or of heads
struct TensorRow;

/// Of a matrix: its bytes as the file has it; where its rows lie in groups of 16, how many groups, and the bytes of one.
inline std::int64_t n_groups(const Matrix& m) { return (m.n_rows + kernels::kGroupRows - 1) / kernels::kGroupRows; }
inline std::size_t file_bytes(const Matrix& m) {
  return static_cast<std::size_t>(m.n_rows) * kernels::row_bytes(kernels::format_info(m.format), m.k);
}
inline std::size_t group_bytes(const Matrix& m) { return kernels::group_bytes(kernels::format_info(m.format), m.k); }

/// A matrix that the model lacks has no rows; a norm, no weight.
struct LayerWeights {
  Norm attn_norm;                 // [dim]
  Matrix attn_q, attn_k, attn_v;  // [q_dim | kv_dim, dim]
  Norm attn_q_norm, attn_k_norm;  // as the family's QkNorm says
  Matrix attn_q_a, attn_q_b;      // [q_low_dim, dim], [q_dim, q_low_dim]
  Norm attn_q_a_norm;             // [q_low_dim]
  Matrix attn_kv_a;               // [latent_dim + n_rot, dim]
  Norm attn_kv_a_norm;            // [latent_dim]
  Stack attn_k_b, attn_v_b;       // of each head: [latent_dim, head_dim - n_rot], [value_dim, latent_dim]
  Matrix attn_kv_b;  // both as older files have them: [n_head * (head_dim - n_rot + value_dim), latent_dim]
  const float* attn_sinks = nullptr;     // [n_head], or none
  const float* attn_slopes = nullptr;    // [n_head], where scores fall with distance
  Matrix attn_output;                    // [dim, mixed_dim]
  Norm post_attn_norm, post_ffn_norm;    // [dim]
  Norm residual_norm;                    // [dim], the post_ffn_norm of the layer before, for this one
  Norm ffn_norm;                         // [dim]
  Norm layer_output_norm;                // [dim], of a stream that is normed; the next layer's attn_norm
  Matrix ffn_gate, ffn_up;               // [ffn_dim, dim]
  Matrix ffn_down;                       // [dim, ffn_dim]
  Matrix router;                         // [n_expert, dim]
  const float* router_choice = nullptr;  // [n_expert], added to what experts are chosen by; or none
  Stack expert_gate, expert_up;          // of each expert: [expert_ffn_dim, dim]
  Stack expert_down;                     // of each expert: [dim, expert_ffn_dim]
  Matrix shared_router;                  // [1, dim]
  Matrix shared_gate, shared_up;         // [shared_ffn_dim, dim]
  Matrix shared_down;                    // [dim, shared_ffn_dim]
};

/// Views into the file, and copies of what cannot be read where it lies: vectors at odd addresses, attn_kv_b.
class Weights {
 public:
  /// All but the copies of attn_kv_b, which are large: until make_copies() their matrices are shapes alone.
  static Result<Weights> bind(const Config& config, const gguf::File& file);

  /// Makes those; no pass without. Errors: out_of_memory.
  Result<void> make_copies(const Config& config);

  /// Bytes that all copies take, made or not.
  std::uint64_t copied_bytes(const Config& config) const;

  /// The file's bytes that are read no more once all are made.
  std::vector<std::span<const std::byte>> copied_from() const;

  /// Bytes of the matrices that a pass of n_rows >= 1 reads. Of n experts, of which each row visits k, those that are to be expected
  /// if every choice is as likely as any other: n * (1 - (1 - k/n)^n_rows) of each layer, for one row k.
  std::uint64_t matrix_bytes(const Config& config, std::int64_t n_rows = 1) const;

  /// Calls visit(matrix) for every matrix that a pass multiplies with on a device; those that the model lacks have no rows.
  template <class Visit> void visit_matrices(Visit visit, const Share& share = {}) {
    visit_shared(*this, visit, Ignore{}, share);
  }
  template <class Visit> void visit_matrices(Visit visit, const Share& share = {}) const {
    visit_shared(*this, visit, Ignore{}, share);
  }

  /// Calls visit(pointer) for everything that verbs read besides, and visit(matrix) for the tables that rows are looked up in.
  template <class Visit> void visit_vectors(Visit visit, const Share& share = {}) {
    visit_shared(
        *this, [&](Matrix& m) { visit(m.bias); }, visit, share);
  }
  template <class Visit> void visit_vectors(Visit visit, const Share& share = {}) const {
    visit_shared(
        *this, [&](const Matrix& m) { visit(m.bias); }, visit, share);
  }
  template <class Visit> void visit_tables(Visit visit, const Share& share = {}) {
    visit_all_tables(*this, visit, share);
  }
  template <class Visit> void visit_tables(Visit visit, const Share& share = {}) const {
    visit_all_tables(*this, visit, share);
  }

  /// The whole vector that the file has around an element: the biases of a stack are one.
  std::span<const float> vector_around(const float* element) const;

  Matrix token_embd;     // [n_vocab, dim]
  Matrix token_types;    // [n_token_type, dim]
  Matrix position_embd;  // [n_ctx_train, dim]
  Norm token_embd_norm;  // [dim], of a stream that is normed; the first layer's attn_norm
  std::vector<LayerWeights> layers;
  Norm output_norm;                     // [dim]
  Matrix output;                        // [n_vocab, dim]; tied: the embedding table, but for its bias
  const float* rope_factors = nullptr;  // [n_rot/2], or none
  const float *rope_factors_short = nullptr, *rope_factors_long = nullptr;  // the same by the length of the context

 private:
  void hand_norms_on();
  void note_vector(const TensorRow& row, const Config& config, const float* vector);
  void make_slopes(const Config& config);

  struct Ignore {
    void operator()(const float*) const {}
  };

  template <class Self, class Visit> static void visit_all_tables(Self& self, Visit& visit, const Share& share) {
    if (share.embeds()) visit(self.token_embd), visit(self.token_types), visit(self.position_embd);
  }

  template <class Self, class OnMatrix, class OnVector>
  static void visit_shared(Self& self, OnMatrix on_matrix, OnVector on_vector, const Share& share) {
    for (std::size_t i = 0; i < self.layers.size(); ++i) {
      if (share.has_layer(static_cast<std::int64_t>(i))) visit_own(self.layers[i], on_matrix, on_vector);
      if (share.has_experts(static_cast<std::int64_t>(i))) visit_routed(self.layers[i], on_matrix, on_vector);
    }
    if (!share.ends()) return;
    on_matrix(self.output);
    on_vector(self.output_norm.weight), on_vector(self.output_norm.bias);
  }

  template <class Layer, class OnMatrix, class OnVector>
  static void visit_own(Layer& l, OnMatrix& on_matrix, OnVector& on_vector) {
    for (auto* m :
         {&l.attn_q, &l.attn_k, &l.attn_v, &l.attn_q_a, &l.attn_q_b, &l.attn_kv_a, &l.attn_output, &l.ffn_gate,
          &l.ffn_up, &l.ffn_down, &l.shared_router, &l.shared_gate, &l.shared_up, &l.shared_down})
      on_matrix(*m);
    for (auto* stack : {&l.attn_k_b, &l.attn_v_b})
      for (auto& m : *stack) on_matrix(m);
    for (auto* norm : {&l.attn_norm, &l.attn_q_norm, &l.attn_k_norm, &l.attn_q_a_norm, &l.attn_kv_a_norm,
                       &l.post_attn_norm, &l.post_ffn_norm, &l.residual_norm, &l.ffn_norm})
      on_vector(norm->weight), on_vector(norm->bias);
    on_vector(l.attn_sinks), on_vector(l.attn_slopes);
  }

  /// The experts, and what chooses them.
  template <class Layer, class OnMatrix, class OnVector>
  static void visit_routed(Layer& l, OnMatrix& on_matrix, OnVector& on_vector) {
    on_matrix(l.router);
    for (auto* stack : {&l.expert_gate, &l.expert_up, &l.expert_down})
      for (auto& m : *stack) on_matrix(m);
    on_vector(l.router_choice);
  }

  std::vector<AlignedBuffer<std::byte>> storage_;
  std::vector<float> slopes_;
  std::map<const float*, std::int64_t> vectors_;  // where they begin, and their elements
};

}  // namespace hearth::model
