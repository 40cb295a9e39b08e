// Enters: a Config and a tensor directory. Leaves: every weight the forward pass reads, checked.
#include "weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "escape.h"
#include "tensor_table.h"
#include "try.h"

namespace hearth::model {
namespace {

std::string shape_text(std::span<const std::uint64_t> dims) {
  std::string text;
  for (const std::uint64_t d : dims) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text;
}

// The keys that an extent comes from, so that an error names both sides of a disagreement.
std::string_view keys_of(Extent e) {
  switch (e) {
    case Extent::one:
      return "1";
    case Extent::dim:
      return "embedding_length";
    case Extent::q_dim:
      return "attention.head_count * attention.key_length";
    case Extent::kv_dim:
      return "attention.head_count_kv * attention.key_length";
    case Extent::head_dim:
      return "attention.key_length";
    case Extent::ffn_dim:
      return "feed_forward_length";
    case Extent::expert_ffn_dim:
      return "expert_feed_forward_length";
    case Extent::shared_ffn_dim:
      return "expert_shared_feed_forward_length";
    case Extent::n_expert:
      return "expert_count";
    case Extent::n_vocab:
      return "the rows of token_embd.weight";
    case Extent::half_rot:
      return "rope.dimension_count / 2";
  }
  return "";
}

Result<void> check_shape(const gguf::Tensor& tensor, const Config& config, const TensorRow& row,
                         const std::string& path) {
  const std::vector<std::uint64_t> needed = tensor_dims(row, config);
  bool fits = true;
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) fits &= tensor.dims[i] == (i < needed.size() ? needed[i] : 1);
  if (fits) return {};
  std::string keys(keys_of(row.width));
  if (needed.size() > 1) keys += " x " + std::string(keys_of(row.rows));
  if (needed.size() > 2) keys += " x " + std::string(keys_of(Extent::n_expert));
  return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' has shape " +
                                      shape_text({tensor.dims.data(), tensor.n_dims}) + ", its model needs " +
                                      shape_text(needed) + " (" + keys + "); data at byte " +
                                      std::to_string(tensor.offset) + " of " + escape(path, 256) +
                                      "; the file is damaged or was converted wrongly");
}

Error unsupported_type(const gguf::Tensor& tensor, const std::string& path, const char* use) {
  return Error(Status::unsupported, "tensor '" + escape(tensor.name) + "' has type " + std::string(tensor.type->name) +
                                        ", which cannot be used as a " + use + "; " + escape(path, 256) +
                                        "; use a file with another type for it");
}

Result<Matrix> bind_matrix(const gguf::Tensor& tensor, const std::string& path) {
  const kernels::FormatInfo* info = kernels::find_format(tensor.type->id);
  if (!info) return unsupported_type(tensor, path, "weight matrix by this build");
  Matrix m;
  m.format = info->format;
  m.k = static_cast<std::int64_t>(tensor.dims[0]);
  m.n_rows = static_cast<std::int64_t>(tensor.dims[1]);
  m.file = tensor.data.data();
  return m;
}

// The experts' matrices of a stack, of which `first` is the first.
Experts experts_of(const Matrix& first, std::int64_t n_expert) {
  const std::size_t bytes =
      static_cast<std::size_t>(first.n_rows) * kernels::row_bytes(kernels::format_info(first.format), first.k);
  Experts experts(static_cast<std::size_t>(n_expert), first);
  for (std::size_t e = 0; e < experts.size(); ++e) experts[e].file += e * bytes;
  return experts;
}

Result<const float*> bind_vector(const gguf::Tensor& tensor, const std::string& path,
                                 std::vector<AlignedBuffer<std::byte>>& storage) {
  if (tensor.type->name != "F32") return unsupported_type(tensor, path, "vector (F32 is needed)");
  if (reinterpret_cast<std::uintptr_t>(tensor.data.data()) % alignof(float) == 0)
    return reinterpret_cast<const float*>(tensor.data.data());
  HEARTH_TRY(auto copy, AlignedBuffer<std::byte>::make(tensor.data.size()));  // a file read at an odd address
  std::memcpy(copy.data(), tensor.data.data(), tensor.data.size());
  storage.push_back(std::move(copy));
  return reinterpret_cast<const float*>(storage.back().data());
}

// Every tensor that must be there, at once: one is a damaged name, all are another kind of model.
Result<void> check_presence(const Config& config, const gguf::File& file) {
  constexpr int kShown = 4;
  std::string names;
  int missing = 0;
  for (const TensorRow& row : tensor_table()) {
    if (!present(config, row.presence)) continue;
    for (std::int64_t layer = 0; layer < (row.per_layer() ? config.n_layer : 1); ++layer) {
      const std::string name = tensor_name(row, layer);
      if (file.find_tensor(name)) continue;
      if (missing++ < kShown) names += (names.empty() ? "'" : ", '") + name + "'";
    }
  }
  if (missing == 0) return {};
  const std::string more = missing > kShown ? " and " + std::to_string(missing - kShown) + " more" : "";
  return Error(Status::not_found, (missing == 1 ? "tensor " : "tensors ") + names + more +
                                      (missing == 1 ? " is" : " are") + " missing; " + escape(file.path(), 256) +
                                      "; the file is incomplete");
}

// Whether the name is "blk.N." and a row of the table, for an N that is no layer of the model.
bool beyond_layers(std::string_view name, std::int64_t n_layer) {
  if (name.substr(0, 4) != "blk.") return false;
  name.remove_prefix(4);
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos ||
      name.substr(0, dot).find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  std::int64_t layer = 0;
  const bool fits = std::from_chars(name.data(), name.data() + dot, layer).ec == std::errc();
  if (fits && layer < n_layer) return false;
  const auto rows = tensor_table();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const TensorRow& row) { return row.per_layer() && row.name == name.substr(dot + 1); });
}

Result<void> check_layers(const Config& config, const gguf::File& file) {
  for (const gguf::Tensor& tensor : file.tensors())
    if (beyond_layers(tensor.name, config.n_layer))
      return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' lies beyond block_count, " +
                                          std::to_string(config.n_layer) + "; " + escape(file.path(), 256) +
                                          "; the file is damaged");
  return {};
}

// These few are read at once: the angles they make must be ones whose sines are good (below 2^31).
Result<void> check_rope_factors(const Config& config, const float* factors, const std::string& path) {
  const double least = static_cast<double>(config.n_ctx_train) / config.rope_scale / 0x1p31;
  for (std::int64_t i = 0; factors && i < config.n_rot / 2; ++i)
    if (!(factors[i] > 0 && factors[i] < INFINITY && static_cast<double>(factors[i]) >= least))
      return Error(Status::malformed, "tensor 'rope_freqs.weight' has " + std::to_string(factors[i]) + " at element " +
                                          std::to_string(i) +
                                          ", it must be finite and positive and keep angles below 2^31; " +
                                          escape(path, 256) + "; the file is damaged or was converted wrongly");
  return {};
}

}  // namespace

Result<Weights> Weights::bind(const Config& config, const gguf::File& file) {
  Weights weights;
  weights.layers.resize(static_cast<std::size_t>(config.n_layer));
  const std::string& path = file.path();
  HEARTH_CHECK(check_presence(config, file));
  HEARTH_CHECK(check_layers(config, file));
  for (const TensorRow& row : tensor_table()) {
    for (std::int64_t layer = 0; layer < (row.per_layer() ? config.n_layer : 1); ++layer) {
      const std::string name = tensor_name(row, layer);
      const gguf::Tensor* tensor = file.find_tensor(name);
      if (!tensor) continue;
      HEARTH_CHECK(check_shape(*tensor, config, row, path));
      LayerWeights& own = weights.layers[static_cast<std::size_t>(layer)];
      if (!row.is_vector()) {
        HEARTH_TRY(const Matrix matrix, bind_matrix(*tensor, path));
        if (const auto* member = std::get_if<Matrix LayerWeights::*>(&row.target)) own.*(*member) = matrix;
        else if (row.is_experts())
          own.*std::get<Experts LayerWeights::*>(row.target) = experts_of(matrix, config.n_expert);
        else weights.*std::get<Matrix Weights::*>(row.target) = matrix;
      } else {
        HEARTH_TRY(const float* vector, bind_vector(*tensor, path, weights.storage_));
        if (const auto* member = std::get_if<const float * LayerWeights::*>(&row.target)) own.*(*member) = vector;
        else weights.*std::get<const float * Weights::*>(row.target) = vector;
      }
    }
  }
  HEARTH_CHECK(check_rope_factors(config, weights.rope_factors, path));
  if (!weights.output.file) weights.output = weights.token_embd;
  return weights;
}

std::uint64_t Weights::matrix_bytes(const Config& config) const {
  const auto size = [](const Matrix& m) {
    return static_cast<std::uint64_t>(m.n_rows) * kernels::row_bytes(kernels::format_info(m.format), m.k);
  };
  std::uint64_t bytes = 0;
  visit_matrices([&](const Matrix& m) { bytes += size(m); });
  const auto idle = static_cast<std::uint64_t>(config.n_expert - config.n_expert_used);
  for (const LayerWeights& l : layers)
    for (const Experts* experts : {&l.expert_gate, &l.expert_up, &l.expert_down})
      if (!experts->empty()) bytes -= idle * size(experts->front());
  return bytes;
}

}  // namespace hearth::model
