// Enters: a file's metadata. Leaves: the numbers of its architecture, checked.
#include "config.h"

#include <algorithm>
#include <cmath>

#include "escape.h"
#include "try.h"

namespace hearth::model {
namespace {

// Reads the keys of one architecture: "<arch>.<name>".
class Keys {
 public:
  Keys(const gguf::File& file, std::string arch) : file_(file), prefix_(std::move(arch) + ".") {}

  Error bad(const std::string& name, const std::string& found, const std::string& needed) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    const std::string at = key ? " at byte " + std::to_string(key->offset) : "";
    return Error(Status::malformed, "'" + prefix_ + name + "' is " + found + ", it must be " + needed + "; metadata" + at + " of " +
                                        escape(file_.path(), 256) + "; the file is damaged or was converted wrongly");
  }

  // A number of every layer: one integer, or an array of n_layer equal ones.
  Result<std::int64_t> count(const std::string& name, std::int64_t low, std::int64_t high) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    std::int64_t value = 0;
    if (key && key->type == gguf::ValueType::array) {
      HEARTH_TRY(const std::vector<std::int64_t> values, file_.get_ints(prefix_ + name));
      if (values.empty()) return bad(name, "an empty array", "an integer");
      if (std::any_of(values.begin(), values.end(), [&](std::int64_t v) { return v != values[0]; }))
        return Error(Status::unsupported, "'" + prefix_ + name + "' differs between layers; " + escape(file_.path(), 256) + "; this family is run with one value for all layers");
      value = values[0];
    } else {
      HEARTH_TRY(const std::uint64_t number, file_.get_uint(prefix_ + name));
      value = static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
    }
    if (value < low || value > high) return bad(name, std::to_string(value), std::to_string(low) + " to " + std::to_string(high));
    return value;
  }

  Result<std::int64_t> count_or(const std::string& name, std::int64_t otherwise, std::int64_t low, std::int64_t high) const {
    if (!file_.find(prefix_ + name)) return otherwise;
    return count(name, low, high);
  }

  Result<double> positive_or(const std::string& name, double otherwise) const {
    HEARTH_TRY(const std::optional<double> value, file_.optional_float(prefix_ + name));
    if (!value) return otherwise;
    if (!std::isfinite(*value) || *value <= 0) return bad(name, std::to_string(*value), "finite and positive");
    return *value;
  }

  Result<double> positive(const std::string& name) const {
    HEARTH_TRY(const double value, file_.get_float(prefix_ + name));
    if (!std::isfinite(value) || value <= 0) return bad(name, std::to_string(value), "finite and positive");
    return value;
  }

  Result<std::optional<std::string_view>> text(const std::string& name) const { return file_.optional_string(prefix_ + name); }

 private:
  const gguf::File& file_;
  std::string prefix_;
};

Result<const ArchTraits*> read_arch(const gguf::File& file) {
  HEARTH_TRY(const std::string_view name, file.get_string("general.architecture"));
  if (const ArchTraits* arch = find_arch(name)) return arch;
  std::string known;
  for (const ArchTraits& row : arch_table()) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return Error(Status::unsupported, "architecture '" + escape(name) + "' is not one that this build runs; 'general.architecture' of " +
                                        escape(file.path(), 256) + "; it runs: " + known);
}

Result<void> read_heads(const Keys& keys, Config& c) {
  HEARTH_TRY(c.n_head, keys.count("attention.head_count", 1, 65536));
  HEARTH_TRY(c.n_kv_head, keys.count_or("attention.head_count_kv", c.n_head, 1, 65536));
  if (c.n_head % c.n_kv_head != 0)
    return keys.bad("attention.head_count_kv", std::to_string(c.n_kv_head), "a divisor of attention.head_count, " + std::to_string(c.n_head));
  HEARTH_TRY(const std::int64_t key_length, keys.count_or("attention.key_length", 0, 1, 65536));
  if (key_length == 0 && c.dim % c.n_head != 0)
    return keys.bad("attention.head_count", std::to_string(c.n_head), "a divisor of embedding_length, " + std::to_string(c.dim));
  c.head_dim = key_length != 0 ? key_length : c.dim / c.n_head;
  HEARTH_TRY(const std::int64_t value_length, keys.count_or("attention.value_length", c.head_dim, 1, 65536));
  if (value_length != c.head_dim)
    return keys.bad("attention.value_length", std::to_string(value_length), "the key length, " + std::to_string(c.head_dim));
  return {};
}

Result<void> read_rope(const Keys& keys, Config& c) {
  HEARTH_TRY(c.n_rot, keys.count_or("rope.dimension_count", c.head_dim, 2, c.head_dim));
  if (c.n_rot % 2 != 0) return keys.bad("rope.dimension_count", std::to_string(c.n_rot), "even");
  HEARTH_TRY(c.rope_base, keys.positive_or("rope.freq_base", 10000.0));
  HEARTH_TRY(const std::optional<std::string_view> type, keys.text("rope.scaling.type"));
  if (type && *type != "none" && *type != "linear") {
    if (*type != "yarn" && *type != "longrope") return keys.bad("rope.scaling.type", "'" + escape(*type) + "'", "none, linear, yarn or longrope");
    return Error(Status::unsupported, "RoPE scaling '" + std::string(*type) + "' is not run yet; 'rope.scaling.type'; use a file without it");
  }
  HEARTH_TRY(const double factor, keys.positive_or("rope.scaling.factor", 1.0));
  if (type && *type == "linear") c.rope_scale = factor;
  return {};
}

}  // namespace

Result<Config> read_config(const gguf::File& file) {
  constexpr std::int64_t kWidest = std::int64_t{1} << 24, kMostLayers = 512, kMostVocab = std::int64_t{1} << 24, kLongest = std::int64_t{1} << 31;
  Config c;
  HEARTH_TRY(c.arch, read_arch(file));
  const Keys keys(file, std::string(c.arch->name));
  HEARTH_TRY(c.n_layer, keys.count("block_count", 1, kMostLayers));
  HEARTH_TRY(c.dim, keys.count("embedding_length", 1, kWidest));
  HEARTH_TRY(c.ffn_dim, keys.count("feed_forward_length", 1, kWidest));
  HEARTH_TRY(c.n_ctx_train, keys.count("context_length", 1, kLongest));
  HEARTH_CHECK(read_heads(keys, c));
  HEARTH_CHECK(read_rope(keys, c));
  HEARTH_TRY(const double eps, keys.positive("attention.layer_norm_rms_epsilon"));
  c.norm_eps = static_cast<float>(eps);
  HEARTH_TRY(const std::int64_t n_expert, keys.count_or("expert_count", 0, 0, 65536));
  if (n_expert != 0)
    return Error(Status::unsupported, "the model is a mixture of " + std::to_string(n_expert) + " experts, which this build does not run yet; 'expert_count' of " +
                                          escape(file.path(), 256) + "; use a dense model");
  const gguf::Tensor* table = file.find_tensor("token_embd.weight");
  if (!table) return Error(Status::not_found, "tensor 'token_embd.weight' is missing; " + escape(file.path(), 256) + "; the file is incomplete or holds a vocabulary only");
  if (table->dims[1] > static_cast<std::uint64_t>(kMostVocab))
    return Error(Status::malformed, "tensor 'token_embd.weight' has " + std::to_string(table->dims[1]) + " rows, at most 2^24 are possible; " + escape(file.path(), 256) + "; the file is damaged");
  c.n_vocab = static_cast<std::int64_t>(table->dims[1]);
  return c;
}

}  // namespace hearth::model
