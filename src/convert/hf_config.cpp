// Enters: a model's config.json. Leaves: its values.
#include "hf_config.h"

#include <cmath>
#include <limits>

#include "escape.h"
#include "try.h"

namespace hearth::convert {
namespace {

using Json = nlohmann::json;

constexpr std::string_view rope_thetas = "global_rope_theta rope_theta rotary_emb_base";
constexpr std::string_view window_thetas = "local_rope_theta rope_local_base_freq swa_rope_theta";

/// Whether GGUF, which keeps f32, can have it.
bool fits_f32(const Json& value) {
  return value.is_number() && std::fabs(value.get<double>()) <= std::numeric_limits<float>::max();
}

std::string shown(const Json& value) {
  return value.is_number() ? value.dump() : "of type " + std::string(value.type_name());
}

}  // namespace

Result<HfConfig> HfConfig::from(Json document, std::string where) {
  if (!document.is_object())
    return Error(Status::malformed, "the file is no JSON object; " + where + "; fetch the file again");
  if (const auto inner = document.find("text_config"); inner != document.end() && inner->is_object()) {
    const Json text = *inner;  // a copy: update() must not read what it changes
    for (const auto& [name, value] : text.items())
      if (name != "architectures") document[name] = value;
  }
  return HfConfig(std::move(document), std::move(where));
}

void HfConfig::add_defaults(std::string_view json) {
  const Json defaults = Json::parse(json);
  for (const auto& [name, value] : defaults.items())
    if (!find(name)) values_[name] = value;
}

const Json* HfConfig::find(std::string_view names) const {
  const Json* found = nullptr;
  any_of_names(names, [&](std::string_view name) {
    const auto at = values_.find(name);
    if (at == values_.end() || at->is_null()) return false;
    found = &*at;
    return true;
  });
  return found;
}

Error HfConfig::wrong(std::string_view names, const std::string& what) const {
  return Error(Status::malformed, "'" + std::string(names.substr(0, names.find(' '))) + "' " + what + "; " + where_ +
                                      "; correct the file or fetch it again");
}

Result<std::string> HfConfig::architecture() const {
  const Json* list = find("architectures");
  if (!list || !list->is_array() || list->empty() || !list->front().is_string())
    return wrong("architectures", "names no architecture");
  return list->front().get<std::string>();
}

Result<std::optional<std::uint64_t>> HfConfig::count(std::string_view names) const {
  constexpr std::uint64_t most = (std::uint64_t{1} << 31) - 1;
  const Json* value = find(names);
  if (!value) return std::optional<std::uint64_t>();
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most)
    return wrong(names, "is " + escape(value->dump(-1, ' ', true, Json::error_handler_t::replace)) +
                            ", a count below 2147483648 is needed");
  return std::optional(value->get<std::uint64_t>());
}

Result<std::optional<double>> HfConfig::number(std::string_view names) const {
  const Json* value = find(names);
  if (!value) return std::optional<double>();
  if (!fits_f32(*value)) return wrong(names, "is " + shown(*value) + ", a finite number that f32 holds is needed");
  return std::optional(value->get<double>());
}

Result<std::optional<bool>> HfConfig::flag(std::string_view names) const {
  const Json* value = find(names);
  if (!value) return std::optional<bool>();
  if (!value->is_boolean())
    return wrong(names, "is of type " + std::string(value->type_name()) + ", true or false is needed");
  return std::optional(value->get<bool>());
}

Result<std::optional<std::string>> HfConfig::text(std::string_view names) const {
  const Json* value = find(names);
  if (!value) return std::optional<std::string>();
  if (!value->is_string()) return wrong(names, "is of type " + std::string(value->type_name()) + ", a text is needed");
  return std::optional(value->get<std::string>());
}

Result<std::vector<double>> HfConfig::numbers(std::string_view names) const {
  std::vector<double> list;
  const Json* value = find(names);
  if (!value) return list;
  if (!value->is_array()) return wrong(names, "is of type " + std::string(value->type_name()) + ", a list is needed");
  for (const Json& item : *value) {
    if (!fits_f32(item)) return wrong(names, "holds " + shown(item) + ", finite numbers that f32 holds are needed");
    list.push_back(item.get<double>());
  }
  return list;
}

Result<std::uint64_t> HfConfig::need_count(std::string_view names) const {
  HEARTH_TRY(const auto value, count(names));
  if (!value || *value == 0) return wrong(names, value ? "is 0" : "is absent");
  return *value;
}

Result<double> HfConfig::need_number(std::string_view names) const {
  HEARTH_TRY(const auto value, number(names));
  if (!value) return wrong(names, "is absent");
  return *value;
}

Result<std::uint64_t> HfConfig::head_dim() const {
  HEARTH_TRY(const auto given, count("head_dim"));
  if (given && *given != 0) return *given;
  HEARTH_TRY(const std::uint64_t dim, need_count("hidden_size n_embd"));
  HEARTH_TRY(const std::uint64_t n_head, need_count("num_attention_heads n_head"));
  return dim / n_head;
}

Result<std::uint64_t> HfConfig::n_rot(double otherwise) const {
  HEARTH_TRY(const std::uint64_t dim, head_dim());
  HEARTH_TRY(const std::optional<double> given, rope().number("partial_rotary_factor"));
  const double part = given.value_or(otherwise);
  if (!(part > 0 && part <= 1))
    return wrong("partial_rotary_factor", "is " + Json(part).dump() + ", a number above 0 and up to 1 is needed");
  return static_cast<std::uint64_t>(static_cast<double>(dim) * part);
}

HfConfig HfConfig::rope() const {
  const Json* given = find("rope_parameters rope_scaling");
  Json rope = given && given->is_object() ? *given : Json::object();
  if (const auto full = rope.find("full_attention"); full != rope.end() && full->is_object()) rope = Json(*full);
  HfConfig made(std::move(rope), where_);
  // What newer files have inside, older ones have outside or under another name.
  const auto inherit = [&](const std::string& name, std::string_view from) {
    if (const Json* value = find(from); value && !made.has(name)) made.set(name, *value);
  };
  inherit("rope_theta", rope_thetas);
  inherit("partial_rotary_factor", "partial_rotary_factor rope_pct rotary_pct");
  inherit("original_max_position_embeddings", "original_max_position_embeddings");
  if (const Json* type = made.find("type"); type && !made.has("rope_type")) made.set("rope_type", Json(*type));
  return made;
}

Result<std::optional<double>> HfConfig::window_rope_theta() const {
  if (const Json* rope = find("rope_parameters"); rope && rope->is_object()) {
    const auto window = rope->find("sliding_attention");
    if (window != rope->end() && window->is_object()) return HfConfig(*window, where_).number("rope_theta");
  }
  return number(window_thetas);
}

}  // namespace hearth::convert
