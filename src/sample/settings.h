// Enters: sampling settings. Leaves: whether they can be used, and the steps that they turn on.
#pragma once

#include <hearth/hearth.hpp>
#include <hearth/result.hpp>

namespace hearth::sample {

using Settings = SamplingOptions;

/// An error names the setting, its value and the range.
Result<void> validate(const Settings& settings);

/// A step's name and whether it runs. The table's order is the order they run in.
struct Step {
  std::string_view name;
  bool (*is_on)(const Settings&);
};
std::span<const Step> steps();

// The same questions where the steps are taken.
bool is_greedy(const Settings&);
bool has_bias(const Settings&);
bool has_penalties(const Settings&);
bool has_dry(const Settings&);
bool has_top_n_sigma(const Settings&);
bool has_top_k(const Settings&);
bool has_typical(const Settings&);
bool has_top_p(const Settings&);
bool has_min_p(const Settings&);
bool has_xtc(const Settings&);
bool has_dynatemp(const Settings&);
bool has_mirostat(const Settings&);

}  // namespace hearth::sample
