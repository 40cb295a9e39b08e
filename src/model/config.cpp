// Enters: a file's metadata. Leaves: the numbers of its architecture, checked.
#include "config.h"

#include <algorithm>
#include <cmath>

#include "config_keys.h"
#include "escape.h"
#include "rope_scaling.h"
#include "try.h"

namespace hearth::model {
namespace {

constexpr std::int64_t kWidest = std::int64_t{1} << 24;
constexpr std::int64_t kLongest = std::int64_t{1} << 31;
constexpr std::int64_t kMostExperts = 1024;  // each is a matrix more to keep, and every row looks at all of them
constexpr const char* kPattern = "attention.sliding_window_pattern";

Result<const ArchTraits*> read_arch(const gguf::File& file) {
  HEARTH_TRY(const std::string_view name, file.get_string("general.architecture"));
  if (const ArchTraits* arch = find_arch(name)) return arch;
  std::string known;
  for (const ArchTraits& row : arch_table()) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return Error(Status::unsupported, "architecture '" + escape(name) +
                                        "' is not one that this build runs; 'general.architecture' of " +
                                        escape(file.path(), 256) + "; it runs: " + known);
}

// A text has one position in all sections (M-RoPE), so nothing is left of them but where such files have rotated pairs.
Result<void> read_sections(const Keys& keys, Config& c) {
  if (c.arch->rope == RopeLayout::halves) return {};
  HEARTH_CHECK(keys.unused("rope.mrope_section"));
  if (!c.arch->halves_by_sections) return keys.unused("rope.dimension_sections");
  if (!keys.has("rope.dimension_sections")) return {};
  HEARTH_TRY(const std::vector<std::int64_t> sections, keys.list("rope.dimension_sections"));
  c.halves_by_sections = std::any_of(sections.begin(), sections.end(), [](std::int64_t n) { return n != 0; });
  return {};
}

Result<void> read_rotated(const Keys& keys, Config& c) {
  if (c.arch->positions != Positions::rotated) return {};
  if (c.arch->attention == Attention::latent) {
    HEARTH_TRY(c.n_rot, keys.count("rope.dimension_count", 2, 65536));
  } else {
    HEARTH_TRY(c.n_rot, keys.count_or("rope.dimension_count", c.head_dim, 2, c.head_dim));
  }
  if (c.n_rot % 2 != 0) return keys.bad("rope.dimension_count", std::to_string(c.n_rot), "even");
  return read_sections(keys, c);
}

Result<void> read_heads(const Keys& keys, Config& c) {
  HEARTH_TRY(c.n_head, keys.layer_count("attention.head_count", c.n_layer, 1, 65536));
  HEARTH_TRY(c.n_kv_head, keys.layer_count_or("attention.head_count_kv", c.n_head, c.n_layer, 1, 65536));
  if (c.n_head % c.n_kv_head != 0)
    return keys.bad("attention.head_count_kv", std::to_string(c.n_kv_head),
                    "a divisor of attention.head_count, " + std::to_string(c.n_head));
  return {};
}

Result<void> read_head_lengths(const Keys& keys, Config& c) {
  HEARTH_TRY(const std::int64_t key_length, keys.count_or("attention.key_length", 0, 1, 65536));
  const bool wide = c.arch->wide_heads_at == c.n_layer;  // the scale follows from the width
  if ((key_length == 0 || wide) && c.dim % c.n_head != 0)
    return keys.bad("attention.head_count", std::to_string(c.n_head),
                    "a divisor of embedding_length, " + std::to_string(c.dim));
  c.head_dim = key_length != 0 ? key_length : c.dim / c.n_head;
  HEARTH_TRY(const std::int64_t value_length, keys.count_or("attention.value_length", c.head_dim, 1, 65536));
  if (value_length != c.head_dim)
    return keys.bad("attention.value_length", std::to_string(value_length),
                    "the key length, " + std::to_string(c.head_dim));
  return read_rotated(keys, c);
}

// Newer files give the lengths of what is stored, and those of heads under names of their own; older ones those of heads.
Result<void> read_latent(const Keys& keys, const gguf::File& file, Config& c) {
  HEARTH_CHECK(read_rotated(keys, c));
  HEARTH_TRY(c.latent_dim, keys.count("attention.kv_lora_rank", 1, 65536));
  HEARTH_TRY(c.q_low_dim, keys.count_or("attention.q_lora_rank", 0, 0, kWidest));
  HEARTH_TRY(const std::int64_t heads_key, keys.count_or("attention.key_length_mla", 0, 1, 65536));
  const std::string suffix = heads_key != 0 ? "_mla" : "";
  HEARTH_TRY(c.head_dim, keys.count("attention.key_length" + suffix, 1, 65536));
  HEARTH_TRY(c.value_dim, keys.count("attention.value_length" + suffix, 1, 65536));
  if (c.head_dim <= c.n_rot)
    return keys.bad("attention.key_length" + suffix, std::to_string(c.head_dim),
                    "more than rope.dimension_count, " + std::to_string(c.n_rot));
  HEARTH_TRY(const std::int64_t key_length, keys.count_or("attention.key_length", c.key_dim(), 1, 65536));
  if (heads_key != 0 && key_length != c.key_dim())
    return keys.bad("attention.key_length", std::to_string(key_length),
                    "attention.kv_lora_rank + rope.dimension_count, " + std::to_string(c.key_dim()));
  HEARTH_TRY(const std::int64_t value_length, keys.count_or("attention.value_length", c.latent_dim, 1, 65536));
  if (heads_key != 0 && value_length != c.latent_dim)
    return keys.bad("attention.value_length", std::to_string(value_length),
                    "attention.kv_lora_rank, " + std::to_string(c.latent_dim));
  c.n_kv_head = 1;  // whatever the file says: every head reads the one latent
  c.kv_b_in_one = file.find_tensor("blk.0.attn_kv_b.weight") && !file.find_tensor("blk.0.attn_k_b.weight");
  return {};
}

// For each layer, whether it has a window by what the file says: one by one, or that each n-th has none. Few files say it.
Result<std::vector<std::int64_t>> windows_in_file(const Keys& keys, const Config& c) {
  if (keys.has_list(kPattern)) return keys.list(kPattern);
  HEARTH_TRY(const std::int64_t n, keys.count_or(kPattern, c.arch->full_every, 0, INT32_MAX));
  std::vector<std::int64_t> windows;
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) windows.push_back(c.window != 0 && !is_nth(layer, n));
  return windows;
}

// The table says which layers have a window; a file that says it too must say the same.
Result<void> read_windows(const Keys& keys, Config& c) {
  HEARTH_TRY(c.window, keys.count_or("attention.sliding_window", c.arch->window, 0, kLongest));
  HEARTH_TRY(const std::vector<std::int64_t> windows, windows_in_file(keys, c));
  if (windows.size() != static_cast<std::size_t>(c.n_layer))
    return keys.bad(kPattern, "an array of " + std::to_string(windows.size()),
                    "an array of block_count, " + std::to_string(c.n_layer));
  for (std::int64_t layer = 0; layer < c.n_layer; ++layer) {
    const bool has = windows[static_cast<std::size_t>(layer)] != 0, runs = c.window_of(layer) != 0;
    if (has != runs)
      return keys.not_run(kPattern,
                          "gives layer " + std::to_string(layer) + (has ? " a" : " no") +
                              " window, its family gives it " + (runs ? "one" : "none"),
                          "use a file with the family's own pattern");
  }
  return {};
}

Result<void> read_scales(const Keys& keys, Config& c) {
  HEARTH_TRY(const double scale, keys.positive_or_none("attention.scale"));
  const bool wide = c.arch->wide_heads_at == c.n_layer;
  const auto width = static_cast<float>(wide ? c.dim / c.n_head : c.head_dim);
  const auto magnified = static_cast<float>(c.rope_scaling.score_scale);
  c.attention_scale = scale != 0 ? static_cast<float>(scale) : 1.0f / std::sqrt(width) * magnified;
  const bool root = c.arch->embedding_scale == Scale::root_of_dim;
  const float usual = root ? std::sqrt(static_cast<float>(c.dim)) : 1.0f;
  HEARTH_TRY(const double embedding_scale, keys.positive_or_none("embedding_scale"));
  HEARTH_TRY(const double residual_scale, keys.positive_or_none("residual_scale"));
  HEARTH_TRY(const double logit_scale, keys.positive_or_none("logit_scale"));
  c.embedding_scale = embedding_scale != 0 ? static_cast<float>(embedding_scale) : usual;
  c.residual_scale = residual_scale != 0 ? static_cast<float>(residual_scale) : 1.0f;
  c.logit_scale = logit_scale != 0 ? static_cast<float>(logit_scale) : 1.0f;
  if (c.arch->logit_scale == LogitScale::divisor) c.logit_scale = 1.0f / c.logit_scale;
  HEARTH_TRY(const double attention_cap, keys.positive_or_none("attn_logit_softcapping", c.arch->attention_cap));
  HEARTH_TRY(const double logit_cap, keys.positive_or_none("final_logit_softcapping", c.arch->logit_cap));
  c.attention_cap = static_cast<float>(attention_cap);
  c.logit_cap = static_cast<float>(logit_cap);
  return {};
}

Result<void> read_routing(const Keys& keys, const gguf::File& file, Config& c) {
  kernels::RouteRule& rule = c.routing;
  HEARTH_TRY(c.n_leading_dense, keys.count_or("leading_dense_block_count", 0, 0, c.n_layer));
  // Where no key says how experts are scored, it is by a softmax; but models that choose by a bias have sigmoids.
  const bool biased = file.find_tensor("blk." + std::to_string(c.n_leading_dense) + ".exp_probs_b.bias");
  HEARTH_TRY(const std::int64_t gating, keys.count_or("expert_gating_func", biased ? 2 : 1, 1, 2));
  HEARTH_TRY(const bool renormalised, keys.flag("expert_weights_norm"));
  constexpr Routing kRoutings[2][2] = {{Routing::softmax, Routing::softmax_renormalised},
                                       {Routing::sigmoid, Routing::sigmoid_renormalised}};
  rule.routing = kRoutings[gating - 1][renormalised ? 1 : 0];
  HEARTH_TRY(const double scale, keys.positive_or_none("expert_weights_scale"));
  if (scale != 0) rule.scale = static_cast<float>(scale);
  HEARTH_TRY(rule.n_group, keys.positive_count_or("expert_group_count", 1, c.n_expert));
  if (c.n_expert % rule.n_group != 0)
    return keys.bad("expert_group_count", std::to_string(rule.n_group),
                    "a divisor of expert_count, " + std::to_string(c.n_expert));
  HEARTH_TRY(rule.n_group_used, keys.positive_count_or("expert_group_used_count", rule.n_group, rule.n_group));
  if (rule.n_group_used * (c.n_expert / rule.n_group) < c.n_expert_used)
    return keys.bad("expert_group_used_count", std::to_string(rule.n_group_used),
                    "enough for the groups to hold expert_used_count, " + std::to_string(c.n_expert_used));
  return {};
}

// Shared experts are one in the file, as wide as they are together.
Result<void> read_shared_count(const Keys& keys, Config& c) {
  HEARTH_TRY(const std::int64_t n_shared, keys.count_or("expert_shared_count", 0, 0, kWidest / c.expert_ffn_dim));
  c.shared_ffn_dim = n_shared * c.expert_ffn_dim;
  return {};
}

Result<void> read_experts(const Keys& keys, const gguf::File& file, Config& c) {
  HEARTH_TRY(c.n_expert, keys.count_or("expert_count", 0, 0, kMostExperts));
  HEARTH_TRY(c.n_expert_used, keys.count_or("expert_used_count", 0, 0, kMostExperts));
  if (c.n_expert_used > c.n_expert)
    return keys.bad("expert_used_count", std::to_string(c.n_expert_used),
                    "at most expert_count, " + std::to_string(c.n_expert));
  if (c.n_expert == 0) return {};
  if (c.arch->routing == Routing::none)
    return Error(Status::unsupported, "the model is a mixture of " + std::to_string(c.n_expert) +
                                          " experts, its family '" + std::string(c.arch->name) +
                                          "' has none; 'expert_count' of " + escape(file.path(), 256) +
                                          "; the file was converted wrongly");
  if (c.n_expert_used == 0) return keys.bad("expert_used_count", "0", "1 to expert_count");
  const std::int64_t width =
      c.arch->narrow_experts ? std::max<std::int64_t>(1, c.ffn_dim / c.n_expert_used) : c.ffn_dim;
  HEARTH_TRY(c.expert_ffn_dim, keys.count_or("expert_feed_forward_length", width, 1, kWidest));
  c.routing.routing = c.arch->routing;
  if (c.arch->routing_in_file) HEARTH_CHECK(read_routing(keys, file, c));
  if (c.arch->shared_expert == SharedExpert::plain) return read_shared_count(keys, c);
  if (c.arch->shared_expert == SharedExpert::none) return {};
  HEARTH_TRY(c.shared_ffn_dim, keys.count_or("expert_shared_feed_forward_length", c.ffn_dim, 1, kWidest));
  return {};
}

// What an encoder has, and what says how a model's rows become an embedding.
Result<void> read_encoder(const Keys& keys, const gguf::File& file, Config& c) {
  constexpr std::int64_t kFarthest = std::int64_t{1} << 24;  // distances are exact as f32
  HEARTH_TRY(c.causal, keys.flag("attention.causal", c.arch->causal));
  HEARTH_TRY(c.pooling_type, keys.count_or("pooling_type", -1, 0, INT32_MAX));
  if (!c.causal && c.window != 0)
    return keys.bad("attention.sliding_window", std::to_string(c.window), "absent where each row sees all others");
  if (const gguf::Tensor* types = file.find_tensor("token_types.weight"))
    c.n_token_type = static_cast<std::int64_t>(std::min(types->dims[1], std::uint64_t{kWidest}));
  if (c.arch->positions != Positions::alibi) return {};
  HEARTH_TRY(c.max_alibi_bias, keys.number_or("attention.max_alibi_bias", 8.0, 1e-3, 1e3));
  if (c.n_ctx_train > kFarthest)
    return keys.bad("context_length", std::to_string(c.n_ctx_train), "at most 2^24 with ALiBi");
  return {};
}

}  // namespace

Result<Config> read_config(const gguf::File& file) {
  constexpr std::int64_t kMostLayers = 512, kMostVocab = std::int64_t{1} << 24;
  Config c;
  HEARTH_TRY(c.arch, read_arch(file));
  const Keys keys(file, std::string(c.arch->name));
  HEARTH_TRY(c.n_layer, keys.count("block_count", 1, kMostLayers));
  HEARTH_TRY(c.dim, keys.count("embedding_length", 1, kWidest));
  HEARTH_TRY(c.ffn_dim, keys.layer_count("feed_forward_length", c.n_layer, 1, kWidest));
  HEARTH_TRY(c.n_ctx_train, keys.count("context_length", 1, kLongest));
  for (const char* name : {"nextn_predict_layers", "attention.temperature_scale"}) HEARTH_CHECK(keys.unused(name));
  HEARTH_CHECK(read_heads(keys, c));
  HEARTH_CHECK(c.arch->attention == Attention::latent ? read_latent(keys, file, c) : read_head_lengths(keys, c));
  HEARTH_CHECK(read_windows(keys, c));
  HEARTH_CHECK(read_rope(keys, c));
  const char* eps_key =
      c.arch->norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
  HEARTH_TRY(const double eps, keys.number(eps_key, 1e-30, 1.0));
  c.norm = {c.arch->norm, static_cast<float>(eps), c.arch->norm_place == NormPlace::stream};
  HEARTH_CHECK(read_scales(keys, c));
  HEARTH_CHECK(read_experts(keys, file, c));
  HEARTH_CHECK(read_encoder(keys, file, c));
  const gguf::Tensor* table = file.find_tensor("token_embd.weight");
  if (!table)
    return Error(Status::not_found, "tensor 'token_embd.weight' is missing; " + escape(file.path(), 256) +
                                        "; the file is incomplete or holds a vocabulary only");
  if (table->dims[1] > static_cast<std::uint64_t>(kMostVocab))
    return Error(Status::malformed, "tensor 'token_embd.weight' has " + std::to_string(table->dims[1]) +
                                        " rows, at most 2^24 are possible; " + escape(file.path(), 256) +
                                        "; the file is damaged");
  c.n_vocab = static_cast<std::int64_t>(table->dims[1]);
  return c;
}

}  // namespace hearth::model
