// Enters: a Config, how many rows a pass may have, a placement. Leaves: everything that a forward pass writes besides KV.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "aligned_buffer.h"
#include "backend.h"
#include "config.h"
#include "placement.h"

namespace hearth::model {

using backend::Memory;
struct Rotation;

/// What the verbs of one device write.
struct DeviceBuffers {
  AlignedBuffer<float>
      stream;              // [2 n_rows, dim]: of a pass's n rows the residual stream, then what a half block adds to it
  AlignedBuffer<float> h;  // [n_rows, widest]: a matmul's input
  AlignedBuffer<kernels::QBlock> hq;  // [n_rows, q_stride(widest)]
  AlignedBuffer<float> q, k, v;       // [n_rows, q_dim | kv_dim]
  AlignedBuffer<float> gate, up;      // [n_rows, ffn_dim, or dim]
  AlignedBuffer<float> logits;        // [n_logits, n_vocab]

  // With latents; those of the rows are in k.
  AlignedBuffer<float> q_low;              // [n_rows, q_low_dim]
  AlignedBuffer<float> absorbed;           // [n_rows, n_head, key_dim]: queries as they meet latents
  AlignedBuffer<float> mixed;              // [n_rows, n_head, latent_dim]
  AlignedBuffer<kernels::QBlock> head_hq;  // [n_rows, n_head, q_stride of a head's input]

  // Of a mixture of experts; n_visits = n_rows * n_expert_used.
  backend::Routes routes;                     // its lists are the host's; a device keeps its own
  AlignedBuffer<float> scores;                // [n_rows, n_expert]
  AlignedBuffer<float> visit_h;               // [n_visits, dim or expert_ffn_dim]
  AlignedBuffer<kernels::QBlock> visit_hq;    // [n_visits, q_stride of that]
  AlignedBuffer<float> visit_gate, visit_up;  // [n_visits, expert_ffn_dim]
  AlignedBuffer<float> visit_y;               // [n_visits, dim]

  /// Rows that leave a device whose memory is not the host's: [n_logits, n_vocab] or up to [2 n_rows, dim].
  AlignedBuffer<float> fetched;

  std::uint64_t id = 0;  // a number that no others on the device have had; another one when buffers have moved
};

/// Sized once, reused: a pass takes no memory of its own.
class Workspace {
 public:
  /// `n_logits`: rows of one pass that may want logits. What is more than the memory that is left is refused before it is taken.
  static Result<Workspace> make(const Config& config, std::int64_t n_rows, std::int64_t n_logits,
                                const Placement& placement = {});

  /// Bytes that `make` takes.
  static PlacedBytes bytes(const Config& config, std::int64_t n_rows, std::int64_t n_logits,
                           const Placement& placement);
  static std::uint64_t bytes(const Config& config, std::int64_t n_rows, std::int64_t n_logits) {
    return bytes(config, n_rows, n_logits, {}).host;
  }

  /// Room for so many rows of logits, at least; what was in them is gone.
  Result<void> more_logits(const Config& config, std::int64_t n_logits);

  std::int64_t n_rows() const { return n_rows_; }
  std::int64_t n_logits() const { return n_logits_; }

  /// Logits [wanting, n_vocab] or hidden rows [wanting, dim] of the last pass, where the host reads them; none where tokens were
  /// drawn.
  const float* ended_with = nullptr;

  /// Tokens that the device has chosen for the last pass's wanting rows, or none.
  std::span<const std::int32_t> drawn;

  /// Logits [n_vocab] of one of the last pass's wanting rows, brought here if they are not yet; until the next call.
  Result<std::span<const float>> logits(const Config& config, std::int64_t row);

  std::vector<DeviceBuffers> devices;  // [n_device]

  // What a pass looks up by row, made by the host and for it.
  AlignedBuffer<float> cos, sin;                // [n_rows, n_rot/2]
  AlignedBuffer<float> window_cos, window_sin;  // the same for layers with a window, where they rotate otherwise
  AlignedBuffer<std::int32_t> tokens, types, positions;  // [n_rows]
  AlignedBuffer<const Rotation*> rotations;              // [n_rows]
  AlignedBuffer<std::int64_t> wanted;                    // [n_rows]: the rows that want logits come first
  AlignedBuffer<backend::Draw> draws;                    // [n_rows]: of those that want logits
  AlignedBuffer<std::int32_t> drawn_tokens;              // [n_rows]
  AlignedBuffer<std::int64_t> ends;                      // [n_rows]: of the positions that each may see
  AlignedBuffer<backend::RowPlace> places;               // [parts, n_rows]
  AlignedBuffer<backend::AttendTile> tiles;              // [parts, n_rows]
  AlignedBuffer<Memory> memory;                          // [parts]

 private:
  Placement placement_;
  std::int64_t n_rows_ = 0, n_logits_ = 0;
};

}  // namespace hearth::model
