// Enters: a model folder's settings. Leaves: GGUF's keys for them.
#include "metadata_keys.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "escape.h"
#include "try.h"

namespace hearth::convert {
namespace {

Result<void> add_rows(std::span<const KeyRow> rows, const HfConfig& config, KeySink& keys) {
  for (const KeyRow& row : rows) {
    if (row.kind == KeyKind::count) {
      HEARTH_TRY(const auto value, config.count(row.from));
      if (value) keys.set_count(row.key, *value);
    } else if (row.kind == KeyKind::real) {
      HEARTH_TRY(const auto value, config.number(row.from));
      if (value) keys.set_real(row.key, *value);
    } else {
      HEARTH_TRY(const auto value, config.flag(row.from));
      if (value) keys.set(row.key, *value);
    }
  }
  return {};
}

constexpr KeyRow yarn_keys[] = {
    {"rope.scaling.original_context_length", KeyKind::count, "original_max_position_embeddings"},
    {"rope.scaling.yarn_ext_factor", KeyKind::real, "extrapolation_factor"},
    {"rope.scaling.yarn_attn_factor", KeyKind::real, "attention_factor attn_factor"},
    {"rope.scaling.yarn_beta_fast", KeyKind::real, "beta_fast"},
    {"rope.scaling.yarn_beta_slow", KeyKind::real, "beta_slow"},
};

/// How a config calls a way to stretch RoPE, and what GGUF has of it; rope_freqs and factors are tensors.
struct RopeScalingRow {
  std::string_view type, written;  // written: rope.scaling.type, empty for none
  bool has_factor;
  std::span<const KeyRow> keys;
};
constexpr RopeScalingRow rope_scalings[] = {
    {"default", "", false, {}},        {"llama3", "", false, {}},           {"linear", "linear", true, {}},
    {"yarn", "yarn", true, yarn_keys}, {"longrope", "longrope", false, {}}, {"su", "longrope", false, {}},
};

Result<void> add_rope_keys(const HfConfig& config, KeySink& keys) {
  const HfConfig rope = config.rope();
  HEARTH_TRY(const auto base, rope.number("rope_theta"));
  if (base) keys.set_real("rope.freq_base", *base);
  HEARTH_TRY(const auto window_base, config.window_rope_theta());
  if (window_base) keys.set_real("rope.freq_base_swa", *window_base);
  HEARTH_TRY(const auto type, rope.text("rope_type"));
  if (!type) return {};
  const auto row = std::find_if(std::begin(rope_scalings), std::end(rope_scalings),
                                [&](const RopeScalingRow& known) { return known.type == *type; });
  if (row == std::end(rope_scalings))
    return config.wrong("rope_type", "is '" + escape(*type) + "', which GGUF has no name for");
  HEARTH_TRY(const auto factor, rope.number("factor"));
  if (row->has_factor && !factor) return config.wrong("factor", "of rope type '" + *type + "' is absent");
  if (!row->written.empty()) keys.set("rope.scaling.type", std::string(row->written));
  if (row->has_factor) keys.set_real("rope.scaling.factor", *factor);
  return add_rows(row->keys, rope, keys);
}

Result<void> add_gating(const HfConfig& config, KeySink& keys) {
  struct Row {
    std::string_view name;
    std::uint32_t number;
  };
  constexpr Row functions[] = {{"softmax", 1}, {"sigmoid", 2}};
  HEARTH_TRY(const auto name, config.text("scoring_func score_function score_func"));
  if (!name) return {};
  for (const Row& row : functions)
    if (row.name == *name) return keys.set("expert_gating_func", row.number), Result<void>();
  return config.wrong("scoring_func", "is '" + escape(*name) + "', softmax and sigmoid are known");
}

}  // namespace

Result<void> add_config_keys(const Family& family, const HfConfig& config, Metadata& metadata) {
  HEARTH_CHECK(check_windows(config, family.full_every));
  KeySink keys(metadata, family.arch);
  HEARTH_CHECK(add_rows(common_keys(), config, keys));
  HEARTH_CHECK(add_rope_keys(config, keys));
  HEARTH_CHECK(add_gating(config, keys));
  HEARTH_CHECK(add_rows(family.keys, config, keys));
  return family.more_keys ? family.more_keys(config, keys) : Result<void>();
}

Result<void> add_pooling(const ModelFolder& folder, const Family& family, Metadata& metadata) {
  HEARTH_TRY(const auto modules, folder.json("modules.json"));
  if (!family.pooled || !modules.is_array()) return {};
  for (const nlohmann::json& module : modules) {
    const auto type = module.is_object() ? module.find("type") : module.end();
    if (type == module.end() || !type->is_string() || !type->get<std::string>().ends_with("Pooling")) continue;
    const auto path = module.find("path");
    // A folder's name alone: modules.json must not lead elsewhere.
    if (path == module.end() || !path->is_string() || path->get<std::string>().find("..") != std::string::npos ||
        std::filesystem::path(path->get<std::string>()).is_absolute())
      return Error(Status::malformed, "the pooling's 'path' is no folder here; " +
                                          quoted_path(folder.path_of("modules.json")) + "; correct the file");
    const std::string file = path->get<std::string>() + "/config.json";
    HEARTH_TRY(auto document, folder.json(file));
    if (document.is_null())
      return Error(Status::not_found, "no pooling config; " + quoted_path(folder.path_of(file)) +
                                          "; fetch the folder again, this file with it");
    HEARTH_TRY(const HfConfig pooling, HfConfig::from(std::move(document), quoted_path(folder.path_of(file))));
    struct Row {
      const char *flag, *mode;
      std::uint32_t number;
    };
    constexpr Row kinds[] = {{"pooling_mode_mean_tokens", "mean", 1},
                             {"pooling_mode_cls_token", "cls", 2},
                             {"pooling_mode_lasttoken", "lasttoken", 3}};
    HEARTH_TRY(const auto mode, pooling.text("pooling_mode"));
    for (const Row& row : kinds) {
      HEARTH_TRY(const auto chosen, pooling.flag(row.flag));
      if (!chosen.value_or(false) && mode != row.mode) continue;
      KeySink(metadata, family.arch).set("pooling_type", row.number);
      return {};
    }
    return pooling.wrong("pooling_mode", "is none of mean, cls and last token");
  }
  return {};
}

Result<void> add_sampling_keys(const ModelFolder& folder, Metadata& metadata) {
  struct Row {
    const char *key, *from;
    KeyKind kind;
  };
  constexpr Row rows[] = {
      {"top_k", "top_k", KeyKind::count},
      {"top_p", "top_p", KeyKind::real},
      {"min_p", "min_p", KeyKind::real},
      {"xtc_probability", "xtc_probability", KeyKind::real},
      {"xtc_threshold", "xtc_threshold", KeyKind::real},
      {"temp", "temperature", KeyKind::real},
      {"penalty_last_n", "penalty_last_n", KeyKind::count},
      {"penalty_repeat", "penalty_repeat repetition_penalty", KeyKind::real},
      {"mirostat", "mirostat", KeyKind::count},
      {"mirostat_tau", "mirostat_tau", KeyKind::real},
      {"mirostat_eta", "mirostat_eta", KeyKind::real},
  };
  HEARTH_TRY(auto document, folder.json("generation_config.json"));
  if (document.is_null()) return {};
  const std::string where = quoted_path(folder.path_of("generation_config.json"));
  HEARTH_TRY(const HfConfig settings, HfConfig::from(std::move(document), where));
  for (const Row& row : rows) {
    const std::string key = "general.sampling." + std::string(row.key);
    if (row.kind == KeyKind::count) {
      HEARTH_TRY(const auto value, settings.count(row.from));
      if (value) metadata.set(key, static_cast<std::int32_t>(*value));
    } else {
      HEARTH_TRY(const auto value, settings.number(row.from));
      if (value) metadata.set(key, static_cast<float>(*value));
    }
  }
  return {};
}

}  // namespace hearth::convert
