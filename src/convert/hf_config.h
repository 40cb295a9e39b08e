// Enters: a model's config.json. Leaves: its values by any of their names, checked.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::convert {

/// Names are alternatives with spaces between; the first that is there and not null counts. A text model inside another
/// ("text_config") is read as if it were alone, and RoPE's settings are found where older and newer files have them.
class HfConfig {
 public:
  /// `where` names the file in errors.
  static Result<HfConfig> from(nlohmann::json document, std::string where);

  /// What the family's config class means by values that a file leaves out: a JSON object.
  void add_defaults(std::string_view json);
  void set(const std::string& name, nlohmann::json value) { values_[name] = std::move(value); }

  /// architectures[0]
  Result<std::string> architecture() const;

  bool has(std::string_view names) const { return find(names) != nullptr; }
  Result<std::optional<std::uint64_t>> count(std::string_view names) const;  ///< below 2^31
  Result<std::optional<double>> number(std::string_view names) const;        ///< within f32, as GGUF keeps them
  Result<std::optional<bool>> flag(std::string_view names) const;
  Result<std::optional<std::string>> text(std::string_view names) const;
  Result<std::vector<double>> numbers(std::string_view names) const;  ///< likewise; empty where there are none

  // The same for values that must be there.
  Result<std::uint64_t> need_count(std::string_view names) const;
  Result<double> need_number(std::string_view names) const;

  /// Of one head: "head_dim", or hidden_size / num_attention_heads.
  Result<std::uint64_t> head_dim() const;

  /// Dimensions of a head that RoPE turns: the part of it that the config names, or else `otherwise`.
  Result<std::uint64_t> n_rot(double otherwise) const;

  /// RoPE's settings as a config of their own, of all layers or of those with full attention: "rope_theta", "rope_type",
  /// "factor", … ; and the base of the layers with a window.
  HfConfig rope() const;
  Result<std::optional<double>> window_rope_theta() const;

  const nlohmann::json* find(std::string_view names) const;
  Error wrong(std::string_view names, const std::string& what) const;

 private:
  HfConfig(nlohmann::json values, std::string where) : values_(std::move(values)), where_(std::move(where)) {}

  nlohmann::json values_;
  std::string where_;
};

/// Calls visit(name) for each of several names with spaces between, until it says true.
template <class Visit> bool any_of_names(std::string_view names, Visit&& visit) {
  while (!names.empty()) {
    const std::size_t end = names.find(' ');
    if (visit(names.substr(0, end))) return true;
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  }
  return false;
}

}  // namespace hearth::convert
