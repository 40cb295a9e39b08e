// What the files of a forward pass share: the rows of one pass, where they live, and the two halves of a block.
#pragma once

#include <span>

#include "forward.h"

namespace hearth::model {

using backend::AttendTile;
using backend::Input;
using backend::Residual;
using backend::RowPlace;
using backend::Rows;
using backend::Step;

/// What one pass is about, derived from its rows before the team starts, and where it stands. The lists lie in its workspace.
struct Pass {
  Network& net;
  Workspace& workspace;
  const KvCache& any;  // all sequences of a model share their shape
  Head head;
  const Leg* leg = nullptr;                            // under way
  backend::Backend* device = nullptr;                  // its device,
  DeviceBuffers* space = nullptr;                      // and what that writes
  const float* carried = nullptr;                      // the rows that it begins with, where the host has them
  std::span<const std::int32_t> tokens{};              // [n]
  std::span<const std::int32_t> types{}, positions{};  // [n]: what else their rows are made of
  std::span<const Rotation* const> rotations{};        // [n]
  std::span<const Memory> memory{};                    // [parts]
  std::span<const std::int64_t> wanted{};              // rows that want logits
  std::span<const backend::Draw> draws{};              // how their tokens are chosen, where the device does

  backend::PassTables tables() const;

  /// The stream, and what a half block adds to it; the two together, as they go from device to device.
  Rows x() const { return {space->stream.data(), n(), net.config.dim, net.config.dim}; }
  Rows delta() const { return {x().row(n()), n(), net.config.dim, net.config.dim}; }
  Rows stream() const { return {x().data, 2 * n(), net.config.dim, net.config.dim}; }

  /// What a leg begins with, on its device or on the one before.
  Rows begins(const Leg& leg) const;

  std::int64_t n() const { return static_cast<std::int64_t>(tokens.size()); }
  Rows rows(AlignedBuffer<float>& buffer, std::int64_t width) const { return {buffer.data(), n(), width, width}; }
  Input input(std::int64_t width) const { return {rows(space->h, width), space->hq.data(), kernels::q_stride(width)}; }

  /// Heads of all rows, of which one matrix each reads `width` elements; they lie `stride` apart.
  Input heads(AlignedBuffer<float>& buffer, std::int64_t stride, std::int64_t width) const {
    return {{buffer.data(), n() * net.config.n_head, width, stride}, space->head_hq.data(), kernels::q_stride(width)};
  }

  Rows visits(AlignedBuffer<float>& buffer, std::int64_t width) const {
    return {buffer.data(), n() * net.config.n_expert_used, width, width};
  }
  Input visit_input(std::int64_t width) const {
    return {visits(space->visit_h, width), space->visit_hq.data(), kernels::q_stride(width)};
  }
};

/// Cosines and sines of the rows' positions: those of layers that see all, or those of layers with a window.
struct RopeTable {
  Rows cos, sin;  // [n, n_rot/2]
};
RopeTable rope_table(const Pass& p, bool windowed);

/// x += residual; delta = attention(norm(x)) of one layer.
void attention(Worker& w, Pass& p, std::int64_t layer, const Residual& residual);
void latent_attention(Worker& w, Pass& p, std::int64_t layer, const Residual& residual);

/// x += residual; delta = ffn(norm(x)) of one layer.
void feed_forward(Worker& w, Pass& p, std::int64_t layer, const Residual& residual);

/// The same where experts are computed by another device: h = norm(x); delta = experts(h) there; delta += shared expert(h).
void ffn_input(Worker& w, Pass& p, std::int64_t layer, const Residual& residual);
void experts_apart(Worker& w, Pass& p, std::int64_t layer);
void shared_expert(Worker& w, Pass& p, std::int64_t layer);

}  // namespace hearth::model
