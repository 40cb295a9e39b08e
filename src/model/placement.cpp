// Enters: devices, and how many of a model's layers each has. Leaves: who computes what, and the order of a pass by devices.
#include "placement.h"

#include <algorithm>

namespace hearth::model {
namespace {

/// Goes on with the leg under way while the device stays the same.
class Route {
 public:
  explicit Route(std::size_t n_devices) : n_legs_(n_devices) {}

  void go(std::size_t device, Leg::Begins begins, Task task, std::int64_t layer = 0) {
    if (legs_.empty() || legs_.back().device != device) legs_.push_back({device, n_legs_[device]++, false, begins});
    legs_.back().stops.push_back({task, layer});
  }

  std::vector<Leg> legs() && { return std::move(legs_); }

 private:
  std::vector<std::int64_t> n_legs_;
  std::vector<Leg> legs_;
};

}  // namespace

bool Share::attends(const Config& config) const {
  for (std::int64_t layer = 0; layer < config.n_layer; ++layer)
    if (has_layer(layer)) return true;
  return false;
}

bool Share::routes(const Config& config) const {
  for (std::int64_t layer = 0; layer < config.n_layer; ++layer)
    if (config.has_experts(layer) && has_experts(layer)) return true;
  return false;
}

void PlacedBytes::add(const Placement& placement, std::size_t device, HeapBytes bytes) {
  std::uint64_t& own = placement.heaps[device]->on_host() ? host : devices[device];
  own = saturating_add(own, bytes.device);
  host = saturating_add(host, bytes.host);
}

void PlacedBytes::add(const PlacedBytes& more) {
  for (std::size_t i = 0; i < devices.size(); ++i) devices[i] = saturating_add(devices[i], more.devices[i]);
  host = saturating_add(host, more.host);
}

PlacedBytes PlacedBytes::times(std::uint64_t n) const {
  PlacedBytes all = *this;
  for (std::uint64_t& bytes : all.devices) bytes = saturating_multiply(bytes, n);
  all.host = saturating_multiply(all.host, n);
  return all;
}

std::uint64_t PlacedBytes::on_devices() const {
  std::uint64_t all = 0;
  for (const std::uint64_t bytes : devices) all = saturating_add(all, bytes);
  return all;
}

bool PlacedBytes::within(const PlacedBytes& most) const {
  return host <= most.host && std::equal(devices.begin(), devices.end(), most.devices.begin(), std::less_equal<>());
}

std::vector<Leg> make_legs(const Config& config, const Placement& placement) {
  using Begins = Leg::Begins;
  Route route(placement.n_devices());
  route.go(placement.first(), Begins::with_nothing, Task::embed);
  for (std::int64_t layer = 0; layer < config.n_layer; ++layer) {
    const std::size_t device = placement.of_layer(layer), experts = placement.of_experts(layer);
    route.go(device, Begins::with_stream, Task::attention, layer);
    if (!config.has_experts(layer) || experts == device) {
      route.go(device, Begins::with_stream, Task::feed_forward, layer);
      continue;
    }
    route.go(device, Begins::with_stream, Task::ffn_input, layer);
    route.go(experts, Begins::with_normed, Task::experts, layer);
    route.go(device, Begins::with_delta, Task::shared_expert, layer);
  }
  route.go(placement.last(), Begins::with_stream, Task::head, config.n_layer);
  std::vector<Leg> legs = std::move(route).legs();
  for (Leg& leg : legs) leg.routes = Share{placement, leg.device}.routes(config);
  return legs;
}

}  // namespace hearth::model
