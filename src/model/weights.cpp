// Enters: a Config and a tensor directory. Leaves: every weight the forward pass reads, checked; repacked copies.
#include "weights.h"

#include <cstring>

#include "escape.h"
#include "packing.h"
#include "tensor_table.h"
#include "try.h"

namespace hearth::model {
namespace {

std::string shape_text(std::span<const std::uint64_t> dims) {
  std::string text;
  for (const std::uint64_t d : dims) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text;
}

Result<void> check_shape(const gguf::Tensor& tensor, std::int64_t width, std::int64_t rows, const std::string& path) {
  const auto w = static_cast<std::uint64_t>(width), r = static_cast<std::uint64_t>(rows);
  if (tensor.dims[0] == w && tensor.dims[1] == r && tensor.dims[2] == 1 && tensor.dims[3] == 1) return {};
  return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' has shape " + shape_text({tensor.dims.data(), tensor.n_dims}) + ", its model needs " +
                                      std::to_string(width) + (rows == 1 ? "" : " x " + std::to_string(rows)) + "; data at byte " +
                                      std::to_string(tensor.offset) + " of " + escape(path, 256) + "; the file is damaged or was converted wrongly");
}

Error unsupported_type(const gguf::Tensor& tensor, const std::string& path, const char* use) {
  return Error(Status::unsupported, "tensor '" + escape(tensor.name) + "' has type " + std::string(tensor.type->name) + ", which cannot be used as a " + use +
                                        "; " + escape(path, 256) + "; use a file with another type for it");
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

Result<const float*> bind_vector(const gguf::Tensor& tensor, const std::string& path, std::vector<AlignedBuffer<std::byte>>& storage) {
  if (tensor.type->name != "F32") return unsupported_type(tensor, path, "vector (F32 is needed)");
  if (reinterpret_cast<std::uintptr_t>(tensor.data.data()) % alignof(float) == 0) return reinterpret_cast<const float*>(tensor.data.data());
  HEARTH_TRY(auto copy, AlignedBuffer<std::byte>::make(tensor.data.size()));  // a file read at an odd address
  std::memcpy(copy.data(), tensor.data.data(), tensor.data.size());
  storage.push_back(std::move(copy));
  return reinterpret_cast<const float*>(storage.back().data());
}

}  // namespace

Result<Weights> Weights::bind(const Config& config, const gguf::File& file) {
  Weights weights;
  weights.layers.resize(static_cast<std::size_t>(config.n_layer));
  const std::string& path = file.path();
  for (const TensorRow& row : tensor_table()) {
    for (std::int64_t layer = 0; layer < (row.per_layer() ? config.n_layer : 1); ++layer) {
      const std::string name = tensor_name(row, layer);
      const gguf::Tensor* tensor = file.find_tensor(name);
      if (!tensor) {
        if (!present(config, row.presence)) continue;
        return Error(Status::not_found, "tensor '" + name + "' is missing; " + escape(path, 256) + "; the file is incomplete");
      }
      HEARTH_CHECK(check_shape(*tensor, extent(config, row.width), extent(config, row.rows), path));
      LayerWeights& own = weights.layers[static_cast<std::size_t>(layer)];
      if (row.is_matrix()) {
        HEARTH_TRY(const Matrix matrix, bind_matrix(*tensor, path));
        if (const auto* member = std::get_if<Matrix LayerWeights::*>(&row.target)) own.*(*member) = matrix;
        else weights.*std::get<Matrix Weights::*>(row.target) = matrix;
      } else {
        HEARTH_TRY(const float* vector, bind_vector(*tensor, path, weights.storage_));
        if (const auto* member = std::get_if<const float* LayerWeights::*>(&row.target)) own.*(*member) = vector;
        else weights.*std::get<const float* Weights::*>(row.target) = vector;
      }
    }
  }
  const std::string beyond = "blk." + std::to_string(config.n_layer) + ".attn_norm.weight";
  if (file.find_tensor(beyond))
    return Error(Status::malformed, "tensor '" + beyond + "' lies beyond block_count, " + std::to_string(config.n_layer) + "; " + escape(path, 256) + "; the file is damaged");
  if (!weights.output.file) weights.output = weights.token_embd;
  return weights;
}

template <class Visit>
void Weights::visit_matrices(Visit visit) {
  for (LayerWeights& l : layers)
    for (Matrix* m : {&l.attn_q, &l.attn_k, &l.attn_v, &l.attn_output, &l.ffn_gate, &l.ffn_up, &l.ffn_down}) visit(*m);
  visit(output);
}

namespace {

bool worth_packing(const Matrix& m) { return kernels::format_info(m.format).kind != kernels::Kind::float_row; }

std::int64_t n_groups(const Matrix& m) { return (m.n_rows + kernels::kGroupRows - 1) / kernels::kGroupRows; }

std::size_t packed_bytes(const Matrix& m) {
  return static_cast<std::size_t>(n_groups(m)) * kernels::group_bytes(kernels::format_info(m.format), m.k);
}

}  // namespace

std::uint64_t Weights::repacked_bytes() const {
  std::uint64_t bytes = 0;
  const_cast<Weights*>(this)->visit_matrices([&](const Matrix& m) { bytes += worth_packing(m) ? packed_bytes(m) : 0; });
  return bytes;
}

Result<void> Weights::repack(const kernels::KernelTable& table, Team& team) {
  std::optional<Error> error;
  visit_matrices([&](Matrix& m) {
    if (error || m.packed || !worth_packing(m)) return;
    auto buffer = AlignedBuffer<std::byte>::make(packed_bytes(m));
    if (!buffer) {
      error = std::move(buffer).error();
      return;
    }
    const kernels::FormatInfo& info = kernels::format_info(m.format);
    const std::size_t row = kernels::row_bytes(info, m.k), group = kernels::group_bytes(info, m.k);
    const auto pack = table.formats[kernels::format_index(m.format)].pack;
    team.run([&](Worker& w) {
      w.loop(n_groups(m), 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t g = begin; g < end; ++g)
          pack(buffer->data() + static_cast<std::size_t>(g) * group, m.file + static_cast<std::size_t>(g) * kernels::kGroupRows * row,
               std::min<std::int64_t>(kernels::kGroupRows, m.n_rows - g * kernels::kGroupRows), m.k);
      });
    });
    m.packed = buffer->data();
    storage_.push_back(std::move(*buffer));
  });
  if (error) return *error;
  return {};
}

}  // namespace hearth::model
