// Enters: names of devices, how many layers each is to have, a file's header. Leaves: the devices, opened, and who computes what.
#include "devices.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <string_view>

#include "cuda.h"
#include "device_weights.h"
#include "escape.h"
#include "plan.h"
#include "try.h"

namespace hearth::engine {
namespace {

using Counts = std::vector<std::int64_t>;  // [n_device]: layers

/// "0,2,1", or none where it is no list of numbers.
std::optional<Counts> numbers(std::string_view list) {
  Counts all;
  for (const char *at = list.data(), *const end = at + list.size(); at <= end; ++at) {
    const auto [stop, error] = std::from_chars(at, end, all.emplace_back());
    if (error != std::errc() || all.back() < 0 || (stop != end && *stop != ',')) return std::nullopt;
    at = stop;
  }
  return all;
}

Error unknown_device(const std::string& name) {
  return Error(Status::invalid_argument,
               "device '" + escape(name) + "' is unknown; --device; use cpu, cuda, cuda:N or cuda:N,N");
}

Error bad_layers(const std::string& what, const std::string& to_do) {
  return Error(Status::invalid_argument, what + "; --gpu-layers; " + to_do);
}

/// The first counts[0] layers on the first device and so on, the rest on the CPU, and experts there where they are to be.
model::Placement place(const Devices& devices, const Counts& counts, const ModelOptions& how,
                       const model::Config& config) {
  model::Placement placement;
  placement.heaps.clear();
  for (std::size_t device = 0; device < devices.size(); ++device) {
    placement.heaps.push_back(&devices[device]->heap());
    placement.layers.insert(placement.layers.end(), static_cast<std::size_t>(counts[device]), device);
  }
  const bool layers_left = static_cast<std::int64_t>(placement.layers.size()) < config.n_layer;
  placement.layers.resize(static_cast<std::size_t>(config.n_layer), devices.size());
  if (how.cpu_moe) placement.experts = devices.size();
  if (layers_left || how.cpu_moe) placement.heaps.push_back(&host_heap());
  return placement;
}

/// Bytes of each layer's weights on a device: as if each had one of its own.
std::vector<double> layer_bytes(const Heap& heap, const model::Config& config, const model::Weights& weights,
                                bool without_experts) {
  const auto n = static_cast<std::size_t>(config.n_layer);
  model::Placement each;
  each.heaps.assign(n + 1, &heap);
  each.layers.resize(n);
  std::iota(each.layers.begin(), each.layers.end(), std::size_t{0});
  if (without_experts) each.experts = n;
  std::vector<double> bytes;
  for (std::size_t layer = 0; layer < n; ++layer)
    bytes.push_back(static_cast<double>(model::device_weights_bytes(weights, {each, layer})));
  return bytes;
}

/// The first n layers, so that what each device gets is to the others' as the memory it has left; each gets one.
Counts divide(std::int64_t n, const Devices& devices, const std::vector<double>& bytes) {
  std::vector<double> left, until{0};  // of each device; of the layers before each
  for (const auto& device : devices) left.push_back(static_cast<double>(device->heap().left()));
  for (std::size_t layer = 0; layer < static_cast<std::size_t>(n); ++layer)
    until.push_back(until.back() + bytes[layer]);
  const double all_left = std::accumulate(left.begin(), left.end(), 0.0);
  const auto middle = [&](std::int64_t layer) {
    return (until[static_cast<std::size_t>(layer)] + until[static_cast<std::size_t>(layer) + 1]) / 2;
  };
  const auto n_devices = static_cast<std::int64_t>(devices.size());
  Counts counts;
  double share = 0;
  for (std::int64_t d = 0, begin = 0, end = 0; d < n_devices; ++d, begin = end) {
    share += left[static_cast<std::size_t>(d)] / all_left;
    while (end < n && middle(end) <= until.back() * share) ++end;
    end = d + 1 == n_devices ? n : std::clamp(end, begin + 1, n - (n_devices - 1 - d));
    counts.push_back(end - begin);
  }
  return counts;
}

/// One device after the other gets as many layers as fit into 70% of the memory it has left, with keys and values of a context of
/// kAutoContext positions and a pass's workspace. Devices that get none are closed.
Result<Counts> as_many_as_fit(Devices& devices, const ModelOptions& how, const model::Config& config,
                              const model::Weights& weights) {
  Counts counts(devices.size());
  std::int64_t n_left = config.n_layer;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const std::uint64_t most = memory_budget(devices[d]->heap());
    const auto fits = [&](std::int64_t n) {
      counts[d] = n;
      return bytes_when_placed(devices, place(devices, counts, how, config), config, weights).devices[d] <= most;
    };
    while (n_left > 0 && fits(counts[d] + 1)) --n_left;
    if (n_left > 0) --counts[d];
  }
  for (std::size_t d = devices.size(); d-- > 0;) {
    if (counts[d] != 0) continue;
    if (devices.size() == 1)
      return Error(Status::out_of_memory, "not one layer fits into 70% of the " +
                                              std::to_string(devices[d]->heap().left()) + " bytes left on " +
                                              devices[d]->name() + "; --gpu-layers auto; use --device cpu");
    devices.erase(devices.begin() + static_cast<std::ptrdiff_t>(d));
    counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(d));
  }
  return counts;
}

Result<Counts> count_layers(Devices& devices, const ModelOptions& how, const model::Config& config,
                            const model::Weights& weights) {
  const std::int64_t n_layer = config.n_layer;
  if (how.gpu_layers == "auto") return as_many_as_fit(devices, how, config, weights);
  const std::optional<Counts> given = how.gpu_layers == "all" ? Counts{n_layer} : numbers(how.gpu_layers);
  const std::string has = "the model has " + std::to_string(n_layer);
  if (!given)
    return bad_layers("'" + escape(how.gpu_layers) + "' is no number of layers",
                      "use all, auto, a number, or one for each device: N,N");
  if (given->size() != 1 && given->size() != devices.size())
    return bad_layers(std::to_string(given->size()) + " numbers of layers were given for " +
                          std::to_string(devices.size()) + " devices",
                      "give one for all of them together or one for each");
  std::int64_t sum = 0;  // of numbers that are all at most n_layer
  for (const std::int64_t n : *given) sum = n > n_layer ? n_layer + 1 : std::min(sum + n, n_layer + 1);
  if (sum > n_layer) return bad_layers("more layers were asked for than there are: " + has, "use all or fewer");
  const std::int64_t least = *std::min_element(given->begin(), given->end());
  if (least == 0 || sum < static_cast<std::int64_t>(devices.size()))
    return bad_layers("a device was given no layer, " + has, "use --device cpu or fewer devices");
  if (given->size() == devices.size()) return *given;
  return divide(sum, devices, layer_bytes(devices.front()->heap(), config, weights, how.cpu_moe));
}

}  // namespace

Result<Devices> open_devices(const std::string& name) {
  constexpr std::string_view kCuda = "cuda";
  Devices devices;
  if (name == "cpu") return devices;
  std::optional<Counts> list;
  if (name == kCuda) list = Counts{0};
  else if (name.starts_with("cuda:")) list = numbers(std::string_view(name).substr(kCuda.size() + 1));
  if (!list) return unknown_device(name);
  for (auto number = list->begin(); number != list->end(); ++number) {
    if (*number > INT32_MAX || std::find(list->begin(), number, *number) != number) return unknown_device(name);
    HEARTH_TRY(auto device, backend::open_cuda(static_cast<int>(*number)));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<model::Placement> choose_placement(Devices& devices, const ModelOptions& how, const model::Config& config,
                                          const model::Weights& weights) {
  if (devices.empty() && (how.gpu_layers != "all" || how.cpu_moe))
    return Error(Status::invalid_argument,
                 "layers or experts were placed, but there is no device besides the CPU; --gpu-layers, --cpu-moe; "
                 "use --device cuda, or neither");
  if (devices.empty()) return model::Placement();
  if (how.cpu_moe && config.n_expert == 0)
    return Error(Status::invalid_argument, "the model has no experts; --cpu-moe; leave it out");
  HEARTH_TRY(const Counts counts, count_layers(devices, how, config, weights));
  return place(devices, counts, how, config);
}

std::string device_names(const Devices& devices, const model::Placement& placement) {
  std::string names;
  for (const auto& device : devices) names += (names.empty() ? "" : ", ") + device->name();
  return on_cpu(placement) ? names + (names.empty() ? "cpu" : ", cpu") : names;
}

}  // namespace hearth::engine
