// Enters: devices, and how many of a model's layers each has. Leaves: who computes what, and the order of a pass by devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config.h"
#include "heap.h"
#include "saturating.h"

namespace hearth::model {

/// Devices by their numbers: the first layers are on the first, the next on the next. A layer's keys and values lie with it; the
/// embedding is with the first layer, the head with the last.
struct Placement {
  std::vector<const Heap*> heaps{&host_heap()};  // [n_device]
  std::vector<std::size_t> layers{};             // [n_layer], ascending; empty: all are on the first
  std::optional<std::size_t> experts{};  // has the routed experts of all layers, in place of the layers' devices

  std::size_t n_devices() const { return heaps.size(); }
  std::size_t of_layer(std::int64_t layer) const {
    return layers.empty() ? 0 : layers[static_cast<std::size_t>(layer)];
  }
  std::size_t of_experts(std::int64_t layer) const { return experts.value_or(of_layer(layer)); }
  std::size_t first() const { return layers.empty() ? 0 : layers.front(); }
  std::size_t last() const { return layers.empty() ? 0 : layers.back(); }
};

/// What of a model one device has; by itself, all.
struct Share {
  Placement placement{};
  std::size_t device = 0;

  bool embeds() const { return placement.first() == device; }
  bool has_layer(std::int64_t layer) const { return placement.of_layer(layer) == device; }
  bool has_experts(std::int64_t layer) const { return placement.of_experts(layer) == device; }
  bool ends() const { return placement.last() == device; }

  /// Of a model's layers: whether any attends here, or is routed here.
  bool attends(const Config& config) const;
  bool routes(const Config& config) const;
};

/// Bytes of memory by where it is: a device that has none of its own takes the host's.
struct PlacedBytes {
  std::vector<std::uint64_t> devices;  // [n_device]: in memory of their own
  std::uint64_t host = 0;

  explicit PlacedBytes(const Placement& placement) : devices(placement.n_devices()) {}
  void add(const Placement& placement, std::size_t device, HeapBytes bytes);
  void add(const PlacedBytes& more);
  PlacedBytes times(std::uint64_t n) const;
  std::uint64_t on_devices() const;
  std::uint64_t total() const { return saturating_add(on_devices(), host); }
  bool within(const PlacedBytes& most) const;
};

/// Halves of a block and what stands before and behind all of them. Where experts are computed apart, their half falls in three.
enum class Task : std::uint8_t { embed, attention, feed_forward, ffn_input, experts, shared_expert, head };

/// What one device does of a pass without another.
struct Leg {
  /// The rows that it begins with, which the leg before has made.
  enum class Begins : std::uint8_t { with_nothing, with_stream, with_normed, with_delta };
  struct Stop {
    Task task;
    std::int64_t layer;
  };
  std::size_t device = 0;
  std::int64_t index = 0;  // among the legs of its device,
  bool routes = false;     // which has routed experts
  Begins begins = Begins::with_nothing;
  std::vector<Stop> stops{};
};

std::vector<Leg> make_legs(const Config& config, const Placement& placement);

}  // namespace hearth::model
