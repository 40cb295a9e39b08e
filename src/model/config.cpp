// Enters: a file's metadata. Leaves: the numbers of its architecture, checked.
#include "config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "escape.h"
#include "rope_scaling.h"
#include "try.h"

namespace hearth::model {
namespace {

constexpr std::int64_t kWidest = std::int64_t{1} << 24;
constexpr std::int64_t kMostExperts = 1024;  // each is a matrix more to keep, and every row looks at all of them

// Reads the keys of one architecture: "<arch>.<name>".
class Keys {
 public:
  Keys(const gguf::File& file, std::string arch) : file_(file), prefix_(std::move(arch) + ".") {}

  Error bad(const std::string& name, const std::string& found, const std::string& needed) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    const std::string at = key ? " at byte " + std::to_string(key->offset) : "";
    return Error(Status::malformed, "'" + prefix_ + name + "' is " + found + ", it must be " + needed + "; metadata" +
                                        at + " of " + escape(file_.path(), 256) +
                                        "; the file is damaged or was converted wrongly");
  }

  Result<std::int64_t> count(const std::string& name, std::int64_t low, std::int64_t high) const {
    HEARTH_TRY(const std::uint64_t number, file_.get_uint(prefix_ + name));
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return bad(name, std::to_string(number), range(low, high));
    return within(name, static_cast<std::int64_t>(number), low, high);
  }

  Result<std::int64_t> count_or(const std::string& name, std::int64_t otherwise, std::int64_t low,
                                std::int64_t high) const {
    if (!file_.find(prefix_ + name)) return otherwise;
    return count(name, low, high);
  }

  // A number of every layer: one integer, or an array of n_layer equal ones.
  Result<std::int64_t> layer_count(const std::string& name, std::int64_t n_layer, std::int64_t low,
                                   std::int64_t high) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    if (!key || key->type != gguf::ValueType::array) return count(name, low, high);
    if (gguf::value_bytes(key->element_type) < 4)
      return bad(name, "an array of " + std::string(gguf::name(key->element_type)),
                 "an integer or an array of i32 or u32");
    if (key->count != static_cast<std::uint64_t>(n_layer))
      return bad(name, "an array of " + std::to_string(key->count),
                 "an array of block_count, " + std::to_string(n_layer));
    HEARTH_TRY(const std::vector<std::int64_t> values, file_.get_ints(prefix_ + name));
    for (const std::int64_t value : values) HEARTH_CHECK(within(name, value, low, high));
    if (std::any_of(values.begin(), values.end(), [&](std::int64_t v) { return v != values[0]; }))
      return Error(Status::unsupported, "'" + prefix_ + name + "' differs between layers; " +
                                            escape(file_.path(), 256) +
                                            "; this family is run with one value for all layers");
    return values[0];
  }

  Result<std::int64_t> layer_count_or(const std::string& name, std::int64_t otherwise, std::int64_t n_layer,
                                      std::int64_t low, std::int64_t high) const {
    if (!file_.find(prefix_ + name)) return otherwise;
    return layer_count(name, n_layer, low, high);
  }

  // Numbers that are used as f32 (or divide one) are held to a range in which they stay what they are.
  Result<double> number(const std::string& name, double low, double high) const {
    HEARTH_TRY(const double value, file_.get_float(prefix_ + name));
    if (value >= low && value <= high) return value;
    return bad(name, shown(value), "finite and from " + shown(low) + " to " + shown(high));
  }

  Result<double> number_or(const std::string& name, double otherwise, double low, double high) const {
    if (!file_.find(prefix_ + name)) return otherwise;
    return number(name, low, high);
  }

  // 0 stands for an absent one.
  Result<double> positive_or_none(const std::string& name) const {
    HEARTH_TRY(const double value, number_or(name, 0.0, 0.0, 1e6));
    return value == 0 ? 0.0 : number(name, 1e-6, 1e6);
  }

  Result<bool> flag(const std::string& name, bool otherwise = false) const {
    HEARTH_TRY(const std::optional<bool> set, file_.optional_bool(prefix_ + name));
    return set.value_or(otherwise);
  }

  // A key that changes what the model computes in a way that is not run: absent, or 0.
  Result<void> unused(const std::string& name) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    if (!key) return {};
    const auto number = file_.get_float(prefix_ + name);
    const auto whole = file_.get_uint(prefix_ + name);
    if ((number && *number == 0) || (whole && *whole == 0)) return {};
    return Error(Status::unsupported,
                 "'" + prefix_ + name + "' asks for what this build does not run; metadata at byte " +
                     std::to_string(key->offset) + " of " + escape(file_.path(), 256) + "; use a file without it");
  }

  Result<std::optional<std::string_view>> text(const std::string& name) const {
    return file_.optional_string(prefix_ + name);
  }

 private:
  static std::string shown(double value) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  static std::string range(std::int64_t low, std::int64_t high) {
    return std::to_string(low) + " to " + std::to_string(high);
  }
  Result<std::int64_t> within(const std::string& name, std::int64_t value, std::int64_t low, std::int64_t high) const {
    if (value < low || value > high) return bad(name, std::to_string(value), range(low, high));
    return value;
  }

  const gguf::File& file_;
  std::string prefix_;
};

Result<const ArchTraits*> read_arch(const gguf::File& file) {
  HEARTH_TRY(const std::string_view name, file.get_string("general.architecture"));
  if (const ArchTraits* arch = find_arch(name)) return arch;
  std::string known;
  for (const ArchTraits& row : arch_table()) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return Error(Status::unsupported, "architecture '" + escape(name) +
                                        "' is not one that this build runs; 'general.architecture' of " +
                                        escape(file.path(), 256) + "; it runs: " + known);
}

Result<void> read_rotated(const Keys& keys, Config& c) {
  if (c.arch->positions != Positions::rotated) return {};
  if (c.arch->attention == Attention::latent) {
    HEARTH_TRY(c.n_rot, keys.count("rope.dimension_count", 2, 65536));
  } else {
    HEARTH_TRY(c.n_rot, keys.count_or("rope.dimension_count", c.head_dim, 2, c.head_dim));
  }
  if (c.n_rot % 2 != 0) return keys.bad("rope.dimension_count", std::to_string(c.n_rot), "even");
  return {};
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
  if (key_length == 0 && c.dim % c.n_head != 0)
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
  HEARTH_CHECK(keys.unused("attention.temperature_scale"));
  return keys.unused("nextn_predict_layers");
}

Result<void> read_yarn(const Keys& keys, Config& c) {
  RopeScaling& s = c.rope_scaling;
  HEARTH_TRY(s.factor, keys.number_or("rope.scaling.factor", 1.0, 1.0, 1e6));
  HEARTH_TRY(s.ext_factor, keys.number_or("rope.scaling.yarn_ext_factor", 1.0, 0.0, 1.0));
  HEARTH_TRY(s.beta_fast, keys.number_or("rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6));
  HEARTH_TRY(s.beta_slow, keys.number_or("rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6));
  HEARTH_TRY(const double given, keys.positive_or_none("rope.scaling.yarn_attn_factor"));
  HEARTH_TRY(double multiplier, keys.number_or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 1e3));
  // What scores are multiplied by is no longer in the magnitude. Files with latents hold a tenth of the multiplier, and their
  // models have one multiplier for both.
  const bool latent = c.arch->attention == Attention::latent;
  if (latent) multiplier *= 10;
  const double in_scores = yarn_magnitude(s.factor, multiplier);
  const double usual = latent && multiplier != 0 ? 1.0 : yarn_magnitude(s.factor, 1.0) / in_scores;
  if (s.ext_factor != 0) s.magnitude = given != 0 ? given : usual;
  if (latent) s.score_scale = in_scores * in_scores;
  return {};
}

Result<void> read_rope(const Keys& keys, Config& c) {
  if (c.arch->positions != Positions::rotated) return {};
  using Kind = RopeScaling::Kind;
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"none", Kind::none}, {"linear", Kind::linear}, {"yarn", Kind::yarn}, {"longrope", Kind::longrope}};
  RopeScaling& s = c.rope_scaling;
  HEARTH_TRY(const std::optional<std::string_view> type, keys.text("rope.scaling.type"));
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const auto& row) { return row.first == type.value_or("none"); });
  if (kind == std::end(kKinds))
    return keys.bad("rope.scaling.type", "'" + escape(*type) + "'", "none, linear, yarn or longrope");
  s.kind = kind->second;
  // From 1 up no frequency is above 1, so angles stay below 2^31, where their sines are good; YaRN divides by its logarithm.
  HEARTH_TRY(c.rope_base, keys.number_or("rope.freq_base", 10000.0, s.kind == Kind::yarn ? 2.0 : 1.0, 1e30));
  HEARTH_TRY(s.original_context,
             keys.count_or("rope.scaling.original_context_length", c.n_ctx_train, 1, std::int64_t{1} << 31));
  if (s.kind == Kind::yarn) {
    HEARTH_CHECK(read_yarn(keys, c));
  } else {
    HEARTH_TRY(s.factor, keys.number_or("rope.scaling.factor", 1.0, 1e-3, 1e6));
  }
  HEARTH_TRY(const double attention_factor, keys.number_or("rope.scaling.attn_factor", 1.0, 1e-3, 1e3));
  s.magnitude *= attention_factor;
  if (c.arch->window_rope_base != 0) {
    HEARTH_TRY(c.window_rope_base, keys.number_or("rope.freq_base_swa", c.arch->window_rope_base, 1.0, 1e30));
  }
  if (static_cast<double>(c.n_ctx_train) / s.divisor() > 0x1p31)
    return keys.bad("rope.scaling.factor", "too small for context_length, " + std::to_string(c.n_ctx_train),
                    "large enough to keep angles below 2^31");
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
  HEARTH_TRY(const double attention_cap, keys.positive_or_none("attn_logit_softcapping"));
  HEARTH_TRY(const double logit_cap, keys.positive_or_none("final_logit_softcapping"));
  c.attention_cap = static_cast<float>(attention_cap);
  c.logit_cap = static_cast<float>(logit_cap);
  return {};
}

Result<void> read_routing(const Keys& keys, Config& c) {
  kernels::RouteRule& rule = c.routing;
  HEARTH_TRY(const std::int64_t gating, keys.count_or("expert_gating_func", 1, 1, 2));
  HEARTH_TRY(const bool renormalised, keys.flag("expert_weights_norm"));
  constexpr Routing kRoutings[2][2] = {{Routing::softmax, Routing::softmax_renormalised},
                                       {Routing::sigmoid, Routing::sigmoid_renormalised}};
  rule.routing = kRoutings[gating - 1][renormalised ? 1 : 0];
  HEARTH_TRY(const double scale, keys.positive_or_none("expert_weights_scale"));
  if (scale != 0) rule.scale = static_cast<float>(scale);
  HEARTH_TRY(rule.n_group, keys.count_or("expert_group_count", 1, 1, c.n_expert));
  if (c.n_expert % rule.n_group != 0)
    return keys.bad("expert_group_count", std::to_string(rule.n_group),
                    "a divisor of expert_count, " + std::to_string(c.n_expert));
  HEARTH_TRY(rule.n_group_used, keys.count_or("expert_group_used_count", rule.n_group, 1, rule.n_group));
  if (rule.n_group_used * (c.n_expert / rule.n_group) < c.n_expert_used)
    return keys.bad("expert_group_used_count", std::to_string(rule.n_group_used),
                    "enough for the groups to hold expert_used_count, " + std::to_string(c.n_expert_used));
  HEARTH_TRY(c.n_leading_dense, keys.count_or("leading_dense_block_count", 0, 0, c.n_layer));
  return {};
}

// Shared experts are one in the file, as wide as they are together.
Result<void> read_shared_count(const Keys& keys, Config& c) {
  HEARTH_TRY(const std::int64_t n_shared, keys.count_or("expert_shared_count", 0, 0, kWidest / c.expert_ffn_dim));
  c.shared_ffn_dim = n_shared * c.expert_ffn_dim;
  return {};
}

Result<void> read_experts(const Keys& keys, const std::string& path, Config& c) {
  HEARTH_TRY(c.n_expert, keys.count_or("expert_count", 0, 0, kMostExperts));
  HEARTH_TRY(c.n_expert_used, keys.count_or("expert_used_count", 0, 0, kMostExperts));
  if (c.n_expert_used > c.n_expert)
    return keys.bad("expert_used_count", std::to_string(c.n_expert_used),
                    "at most expert_count, " + std::to_string(c.n_expert));
  if (c.n_expert == 0) return {};
  if (c.arch->routing == Routing::none)
    return Error(Status::unsupported, "the model is a mixture of " + std::to_string(c.n_expert) +
                                          " experts, its family '" + std::string(c.arch->name) +
                                          "' has none; 'expert_count' of " + escape(path, 256) +
                                          "; the file was converted wrongly");
  if (c.n_expert_used == 0) return keys.bad("expert_used_count", "0", "1 to expert_count");
  HEARTH_TRY(c.expert_ffn_dim, keys.count_or("expert_feed_forward_length", c.ffn_dim, 1, kWidest));
  c.routing.routing = c.arch->routing;
  if (c.arch->routing_in_file) HEARTH_CHECK(read_routing(keys, c));
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
  constexpr std::int64_t kMostLayers = 512, kMostVocab = std::int64_t{1} << 24, kLongest = std::int64_t{1} << 31;
  Config c;
  HEARTH_TRY(c.arch, read_arch(file));
  const Keys keys(file, std::string(c.arch->name));
  HEARTH_TRY(c.n_layer, keys.count("block_count", 1, kMostLayers));
  HEARTH_TRY(c.dim, keys.count("embedding_length", 1, kWidest));
  HEARTH_TRY(c.ffn_dim, keys.layer_count("feed_forward_length", c.n_layer, 1, kWidest));
  HEARTH_TRY(c.n_ctx_train, keys.count("context_length", 1, kLongest));
  HEARTH_CHECK(read_heads(keys, c));
  HEARTH_CHECK(c.arch->attention == Attention::latent ? read_latent(keys, file, c) : read_head_lengths(keys, c));
  HEARTH_CHECK(read_rope(keys, c));
  HEARTH_TRY(c.window, keys.count_or("attention.sliding_window", 0, 0, kLongest));
  const char* eps_key =
      c.arch->norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
  HEARTH_TRY(const double eps, keys.number(eps_key, 1e-30, 1.0));
  c.norm = {c.arch->norm, static_cast<float>(eps), c.arch->norm_place == NormPlace::stream};
  HEARTH_CHECK(read_scales(keys, c));
  HEARTH_CHECK(read_experts(keys, file.path(), c));
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
