// Enters: a Config and a tensor directory. Leaves: every weight the forward pass reads, checked.
#include "weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "escape.h"
#include "rope_table.h"
#include "tensor_table.h"
#include "try.h"

namespace hearth::model {
namespace {

std::string shape_text(std::span<const std::uint64_t> dims) {
  std::string text;
  for (const std::uint64_t d : dims) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text;
}

// What a file has for a row of the table: a tensor, or the rows of one that holds several.
struct Found {
  const gguf::Tensor* tensor;
  std::uint64_t first_row = 0;  // of the fused tensor
};

Error wrong_shape(const gguf::Tensor& tensor, std::span<const std::uint64_t> needed, const std::string& keys,
                  const std::string& path) {
  return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' has shape " +
                                      shape_text({tensor.dims.data(), tensor.n_dims}) + ", its model needs " +
                                      shape_text(needed) + " (" + keys + "); data at byte " +
                                      std::to_string(tensor.offset) + " of " + escape(path, 256) +
                                      "; the file is damaged or was converted wrongly");
}

bool has_shape(const gguf::Tensor& tensor, std::span<const std::uint64_t> needed) {
  bool fits = true;
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) fits &= tensor.dims[i] == (i < needed.size() ? needed[i] : 1);
  return fits;
}

Result<void> check_shape(const gguf::Tensor& tensor, const Config& config, const TensorRow& row,
                         const std::string& path) {
  const std::vector<std::uint64_t> needed = tensor_dims(row, config);
  if (has_shape(tensor, needed)) return {};
  std::string keys(row.width->keys);
  if (needed.size() > 1) keys += " x " + std::string(row.rows->keys);
  if (row.depth) keys += " x " + std::string(row.depth->keys);
  return wrong_shape(tensor, needed, keys, path);
}

// Rows (of a vector: elements) that a part takes of the tensor it is fused into.
std::uint64_t fused_rows(const Config& config, std::string_view part) {
  for (const TensorRow& row : tensor_table())
    if (row.name == part) return tensor_dims(row, config).back();
  return 0;
}

// The fused tensor that holds this row's, if the file has it.
Result<std::optional<Found>> find_fused(const Config& config, const gguf::File& file, const TensorRow& row,
                                        std::int64_t layer) {
  for (const FusedRow& fused : fused_tensors()) {
    const auto part = std::find(fused.parts.begin(), fused.parts.end(), row.name);
    if (part == fused.parts.end() || !fused.used(config)) continue;
    if (file.find_tensor(tensor_name(fused.parts.front(), layer))) continue;  // they are there one by one
    const gguf::Tensor* tensor = file.find_tensor(tensor_name(fused.name, layer));
    if (!tensor) continue;
    std::uint64_t before = 0, all = 0;
    for (const std::string_view& p : fused.parts) {
      before += &p < &*part ? fused_rows(config, p) : 0;
      all += fused_rows(config, p);
    }
    std::vector<std::uint64_t> needed = tensor_dims(row, config);
    needed.back() = all;
    if (!has_shape(*tensor, needed)) return wrong_shape(*tensor, needed, "the rows of its parts together", file.path());
    return std::optional(Found{tensor, before});
  }
  return std::optional<Found>();
}

Result<std::optional<Found>> find(const Config& config, const gguf::File& file, const TensorRow& row,
                                  std::int64_t layer) {
  HEARTH_TRY(const std::optional<Found> fused, find_fused(config, file, row, layer));
  if (fused) return fused;
  const gguf::Tensor* tensor = file.find_tensor(tensor_name(row, layer));
  if (!tensor) return std::optional<Found>();
  HEARTH_CHECK(check_shape(*tensor, config, row, file.path()));
  return std::optional(Found{tensor});
}

Error unsupported_type(const gguf::Tensor& tensor, const std::string& path, const char* use) {
  return Error(Status::unsupported, "tensor '" + escape(tensor.name) + "' has type " + std::string(tensor.type->name) +
                                        ", which cannot be used as a " + use + "; " + escape(path, 256) +
                                        "; use a file with another type for it");
}

Result<Matrix> bind_matrix(const Found& found, const TensorRow& row, const Config& config, const std::string& path) {
  const gguf::Tensor& tensor = *found.tensor;
  const kernels::FormatInfo* info = kernels::find_format(tensor.type->id);
  if (!info) return unsupported_type(tensor, path, "weight matrix by this build");
  Matrix m;
  m.format = info->format;
  m.k = static_cast<std::int64_t>(tensor.dims[0]);
  m.n_rows = row.rows->of(config);
  m.file = tensor.data.data() + found.first_row * kernels::row_bytes(*info, m.k);
  return m;
}

// The n matrices of a stack, of which `first` is the first.
Stack stack_of(const Matrix& first, std::int64_t n) {
  const std::size_t bytes = file_bytes(first);
  Stack stack(static_cast<std::size_t>(n), first);
  for (std::size_t i = 0; i < stack.size(); ++i) stack[i].file += i * bytes;
  return stack;
}

Result<const float*> bind_vector(const Found& found, const std::string& path,
                                 std::vector<AlignedBuffer<std::byte>>& storage) {
  const gguf::Tensor& tensor = *found.tensor;
  if (tensor.type->name != "F32") return unsupported_type(tensor, path, "vector (F32 is needed)");
  if (reinterpret_cast<std::uintptr_t>(tensor.data.data()) % alignof(float) == 0)
    return reinterpret_cast<const float*>(tensor.data.data()) + found.first_row;
  HEARTH_TRY(auto copy, AlignedBuffer<std::byte>::make(tensor.data.size()));  // a file read at an odd address
  std::memcpy(copy.data(), tensor.data.data(), tensor.data.size());
  storage.push_back(std::move(copy));
  return reinterpret_cast<const float*>(storage.back().data()) + found.first_row;
}

// Every tensor that must be there, at once: one is a damaged name, all are another kind of model.
Result<void> check_presence(const Config& config, const gguf::File& file) {
  constexpr int kShown = 4;
  std::string names;
  int missing = 0;
  for (const TensorRow& row : tensor_table())
    for (std::int64_t layer = 0; layer < (row.per_layer() ? config.n_layer : 1); ++layer) {
      if (row.need(config, layer) != Need::must) continue;
      HEARTH_TRY(const std::optional<Found> found, find(config, file, row, layer));
      if (found) continue;
      if (missing++ < kShown) names += (names.empty() ? "'" : ", '") + tensor_name(row, layer) + "'";
    }
  if (missing == 0) return {};
  const std::string more = missing > kShown ? " and " + std::to_string(missing - kShown) + " more" : "";
  return Error(Status::not_found, (missing == 1 ? "tensor " : "tensors ") + names + more +
                                      (missing == 1 ? " is" : " are") + " missing; " + escape(file.path(), 256) +
                                      "; the file is incomplete");
}

// A tensor's name as rows of the table have it, and its layer where it begins "blk.N.".
struct RowName {
  std::string_view name;
  std::optional<std::int64_t> layer;

  bool of(const TensorRow& row) const { return row.per_layer() == layer.has_value() && row.name == name; }
};

RowName row_name(std::string_view name) {
  const std::size_t dot = name.starts_with("blk.") ? name.find('.', 4) : std::string_view::npos;
  if (dot == std::string_view::npos || dot == 4) return {name, {}};
  const std::string_view number = name.substr(4, dot - 4);
  if (number.find_first_not_of("0123456789") != std::string_view::npos) return {name, {}};
  std::int64_t layer = INT64_MAX;  // where the number is too long for one: beyond all layers as well
  std::from_chars(number.data(), number.data() + number.size(), layer);
  return {name.substr(dot + 1), layer};
}

// What no row of the table has, and what would give other numbers if it was left out: a second norm behind attention, which one size
// of jina-bert-v2 has, and matrices behind pooling.
bool is_missed(std::string_view name) {
  return name.ends_with(".attn_norm_2.weight") || name.starts_with("dense_2.") || name.starts_with("dense_3.");
}

// A tensor without a use, under a name that has one in some family, is a part of the model that would be left out in silence.
Result<void> check_use(const Config& config, const gguf::Tensor& tensor, const std::string& path) {
  const RowName found = row_name(tensor.name);
  const auto rows = tensor_table();
  const bool known = std::any_of(rows.begin(), rows.end(), [&](const TensorRow& row) { return found.of(row); });
  if (known && found.layer.value_or(0) >= config.n_layer)
    return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' lies beyond block_count, " +
                                        std::to_string(config.n_layer) + "; " + escape(path, 256) +
                                        "; the file is damaged");
  const bool used = std::any_of(rows.begin(), rows.end(), [&](const TensorRow& row) {
    return found.of(row) && row.need(config, found.layer.value_or(0)) != Need::no;
  });
  if (!is_missed(tensor.name) && (!known || used)) return {};
  return Error(Status::unsupported,
               "tensor '" + escape(tensor.name) + "' is not one that this build runs in the family '" +
                   std::string(config.arch->name) + "'; data at byte " + std::to_string(tensor.offset) + " of " +
                   escape(path, 256) + "; use another model or size of the family");
}

// These few are read at once: the angles they make must be ones whose sines are good (below 2^31).
Result<void> check_rope_factors(const Config& config, const float* factors, const char* name, const std::string& path) {
  const double least = static_cast<double>(config.n_ctx_train) / config.rope_scaling.divisor() / 0x1p31;
  for (std::int64_t i = 0; factors && i < config.n_rot / 2; ++i)
    if (!(factors[i] > 0 && factors[i] < INFINITY && static_cast<double>(factors[i]) >= least))
      return Error(Status::malformed, "tensor '" + std::string(name) + "' has " + std::to_string(factors[i]) +
                                          " at element " + std::to_string(i) +
                                          ", it must be finite and positive and keep angles below 2^31; " +
                                          escape(path, 256) + "; the file is damaged or was converted wrongly");
  return {};
}

// Older files have each head's two matrices behind one another as keys and values are computed from the latent; queries go the
// other way, so the first is turned around, in f32.
struct Split {
  Matrix k, v;  // of one head

  explicit Split(const Config& c)
      : k{.format = kernels::Format::f32, .n_rows = c.latent_dim, .k = c.head_dim - c.n_rot},
        v{.format = kernels::Format::f32, .n_rows = c.value_dim, .k = c.latent_dim} {}
};

std::size_t split_bytes(const Config& c) {
  const Split split(c);
  return static_cast<std::size_t>(c.n_head) * (file_bytes(split.k) + file_bytes(split.v));
}

Result<void> split_kv_b(const Config& c, LayerWeights& l, std::vector<AlignedBuffer<std::byte>>& storage) {
  const std::int64_t still = c.head_dim - c.n_rot, width = c.latent_dim;
  const std::size_t row_bytes = kernels::row_bytes(kernels::format_info(l.attn_kv_b.format), width);
  HEARTH_TRY(auto made, AlignedBuffer<std::byte>::make_unwritten(split_bytes(c)));
  auto* k = reinterpret_cast<float*>(made.data());
  auto* v = k + c.n_head * width * still;
  Split split(c);
  split.k.file = made.data(), split.v.file = reinterpret_cast<const std::byte*>(v);
  l.attn_k_b = stack_of(split.k, c.n_head), l.attn_v_b = stack_of(split.v, c.n_head);
  std::vector<float> row(static_cast<std::size_t>(width));
  const std::byte* from = l.attn_kv_b.file;
  for (std::int64_t h = 0; h < c.n_head; ++h) {
    for (std::int64_t i = 0; i < still; ++i, from += row_bytes) {
      kernels::dequantize_row(l.attn_kv_b.format, row.data(), from, width);
      for (std::int64_t d = 0; d < width; ++d) k[(h * width + d) * still + i] = row[static_cast<std::size_t>(d)];
    }
    for (std::int64_t i = 0; i < c.value_dim; ++i, from += row_bytes, v += width)
      kernels::dequantize_row(l.attn_kv_b.format, v, from, width);
  }
  storage.push_back(std::move(made));
  return {};
}

// Puts what was bound where a row's target says.
struct Place {
  std::int64_t depth;
  Weights& weights;
  LayerWeights& own;
  Part part;
  const Matrix& matrix;
  const float* vector;

  void operator()(Matrix LayerWeights::*to) const { place(own.*to); }
  void operator()(Matrix Weights::*to) const { place(weights.*to); }
  void operator()(Norm LayerWeights::*to) const { place(own.*to); }
  void operator()(Norm Weights::*to) const { place(weights.*to); }
  void operator()(const float* LayerWeights::*to) const { own.*to = vector; }
  void operator()(const float* Weights::*to) const { weights.*to = vector; }
  void operator()(Stack LayerWeights::*to) const {
    Stack& stack = own.*to;
    if (part == Part::weight) stack = stack_of(matrix, depth);
    for (std::size_t i = 0; part == Part::bias && i < stack.size(); ++i)
      stack[i].bias = vector + static_cast<std::int64_t>(i) * stack[i].n_rows;
  }

 private:
  void place(Matrix& to) const {
    if (part == Part::weight) to = matrix;
    else to.bias = vector;
  }
  void place(Norm& to) const { (part == Part::weight ? to.weight : to.bias) = vector; }
};

}  // namespace

Result<Weights> Weights::bind(const Config& config, const gguf::File& file) {
  Weights weights;
  weights.layers.resize(static_cast<std::size_t>(config.n_layer));
  const std::string& path = file.path();
  HEARTH_CHECK(check_presence(config, file));
  for (const gguf::Tensor& tensor : file.tensors()) HEARTH_CHECK(check_use(config, tensor, path));
  for (const TensorRow& row : tensor_table()) {
    for (std::int64_t layer = 0; layer < (row.per_layer() ? config.n_layer : 1); ++layer) {
      if (row.need(config, layer) < Need::may) continue;
      HEARTH_TRY(const std::optional<Found> found, find(config, file, row, layer));
      if (!found) continue;
      LayerWeights& own = weights.layers[static_cast<std::size_t>(layer)];
      if (row.is_matrix()) {
        HEARTH_TRY(const Matrix matrix, bind_matrix(*found, row, config, path));
        std::visit(Place{row.depth ? row.depth->of(config) : 1, weights, own, row.part, matrix, nullptr}, row.target);
      } else {
        HEARTH_TRY(const float* vector, bind_vector(*found, path, weights.storage_));
        weights.note_vector(row, config, vector);
        std::visit(Place{1, weights, own, row.part, {}, vector}, row.target);
      }
    }
  }
  HEARTH_CHECK(check_rope_factors(config, weights.rope_factors, "rope_freqs.weight", path));
  HEARTH_CHECK(check_rope_factors(config, weights.rope_factors_short, "rope_factors_short.weight", path));
  HEARTH_CHECK(check_rope_factors(config, weights.rope_factors_long, "rope_factors_long.weight", path));
  for (LayerWeights& l : weights.layers) {
    if (!l.attn_kv_b.file) continue;
    const Split split(config);
    const auto n_head = static_cast<std::size_t>(config.n_head);
    l.attn_k_b.assign(n_head, split.k), l.attn_v_b.assign(n_head, split.v);
  }
  if (const float* bias = weights.output.bias; !weights.output.file)
    weights.output = weights.token_embd, weights.output.bias = bias;
  if (!config.causal) weights.output = {};
  for (std::size_t i = 1; i < weights.layers.size(); ++i)
    weights.layers[i].residual_norm = weights.layers[i - 1].post_ffn_norm;
  if (config.arch->norm_place == NormPlace::stream) weights.hand_norms_on();
  weights.make_slopes(config);
  return weights;
}

Result<void> Weights::make_copies(const Config& config) {
  for (LayerWeights& l : layers)
    if (l.attn_kv_b.file) HEARTH_CHECK(split_kv_b(config, l, storage_));
  return {};
}

std::uint64_t Weights::copied_bytes(const Config& config) const {
  using Buffer = AlignedBuffer<std::byte>;
  std::uint64_t bytes = 0;
  for (const Buffer& made : storage_) bytes += Buffer::taken(made.size());
  for (const LayerWeights& l : layers)
    if (l.attn_kv_b.file && !l.attn_k_b.front().file) bytes += Buffer::taken(split_bytes(config));
  return bytes;
}

std::vector<std::span<const std::byte>> Weights::copied_from() const {
  std::vector<std::span<const std::byte>> all;
  for (const LayerWeights& l : layers)
    if (l.attn_kv_b.file) all.emplace_back(l.attn_kv_b.file, file_bytes(l.attn_kv_b));
  return all;
}

// A stream that is normed after each half block is normed where it is read next: these files name a norm by what comes before it.
void Weights::hand_norms_on() {
  const Norm* norm = &token_embd_norm;
  for (LayerWeights& layer : layers) {
    layer.attn_norm = *norm;
    norm = &layer.layer_output_norm;
  }
  output_norm = *norm;
}

void Weights::note_vector(const TensorRow& row, const Config& config, const float* vector) {
  std::int64_t n = 1;
  for (const std::uint64_t dim : tensor_dims(row, config)) n *= static_cast<std::int64_t>(dim);
  vectors_[vector] = n;
}

std::span<const float> Weights::vector_around(const float* element) const {
  const auto after = vectors_.upper_bound(element);
  return {std::prev(after)->first, static_cast<std::size_t>(std::prev(after)->second)};
}

void Weights::make_slopes(const Config& config) {
  if (config.max_alibi_bias == 0) return;
  slopes_.resize(static_cast<std::size_t>(config.n_head));
  kernels::alibi_slopes(slopes_.data(), config.n_head, config.max_alibi_bias);
  for (LayerWeights& layer : layers) layer.attn_slopes = slopes_.data();
  vectors_[slopes_.data()] = config.n_head;
}

std::uint64_t Weights::matrix_bytes(const Config& config, std::int64_t n_rows) const {
  std::uint64_t bytes = 0;
  visit_matrices([&](const Matrix& m) { bytes += file_bytes(m); });
  // That nobody visits; written so that it is whole for one row.
  const auto n = static_cast<double>(config.n_expert), left = n - static_cast<double>(config.n_expert_used);
  const double idle = config.n_expert == 0 ? 0 : left * std::pow(left / n, static_cast<double>(n_rows - 1));
  for (const LayerWeights& l : layers)
    for (const Stack* experts : {&l.expert_gate, &l.expert_up, &l.expert_down})
      if (!experts->empty())
        bytes -= static_cast<std::uint64_t>(std::llround(idle * static_cast<double>(file_bytes(experts->front()))));
  return bytes;
}

}  // namespace hearth::model
