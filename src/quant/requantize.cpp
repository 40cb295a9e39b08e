// Enters: a GGUF file. Leaves: the same model with other weight types.
#include "requantize.h"

#include <memory>
#include <vector>

#include "escape.h"
#include "float_state.h"
#include "kernel_table.h"
#include "quantize_row.h"
#include "try.h"

namespace hearth::quant {
namespace {

/// False: a value that the new type does not hold.
bool convert(const gguf::Tensor& tensor, const kernels::FormatInfo& from, const kernels::FormatInfo& to,
             std::vector<std::byte>& bytes) {
  const FloatState canonical;
  const auto k = static_cast<std::int64_t>(tensor.dims[0]);
  const std::size_t in = kernels::row_bytes(from, k), out = kernels::row_bytes(to, k), n_rows = tensor.data.size() / in;
  bytes.resize(n_rows * out);
  std::vector<float> row(tensor.dims[0]);
  bool sound = true;
  for (std::size_t r = 0; r < n_rows; ++r) {
    kernels::dequantize_row(from.format, row.data(), tensor.data.data() + r * in, k);
    sound &= quantize_row(to.format, bytes.data() + r * out, row.data(), k);
  }
  return sound;
}

Error cannot(const gguf::Tensor& tensor, const std::string& why) {
  return Error(Status::unsupported,
               "tensor '" + escape(tensor.name) + "' cannot be converted: " + why + "; quantize; keep its type");
}

}  // namespace

Result<void> requantize(const gguf::File& file, const Choose& choose, gguf::Writer& writer) {
  for (const gguf::KeyValue& pair : file.metadata())
    if (!pair.key.starts_with("split.")) writer.copy(pair);  // what is written is one file
  for (const gguf::Tensor& tensor : file.tensors()) {
    const std::span<const std::uint64_t> dims(tensor.dims.data(), tensor.n_dims);
    const std::optional<kernels::Format> format = choose(tensor);
    if (!format || static_cast<std::uint32_t>(*format) == tensor.type->id) {
      writer.add_tensor(tensor.name, tensor.type->id, dims, tensor.data);
      continue;
    }
    const kernels::FormatInfo* from = kernels::find_format(tensor.type->id);
    const kernels::FormatInfo& to = kernels::format_info(*format);
    if (!from) return cannot(tensor, "type " + std::string(tensor.type->name) + " is not read by this build");
    if (tensor.dims[0] % to.block_elements != 0)
      return cannot(tensor, "rows of " + std::to_string(tensor.dims[0]) + " are no multiple of " +
                                std::to_string(to.block_elements));
    auto bytes = std::make_shared<std::vector<std::byte>>();
    writer.add_tensor(tensor.name, static_cast<std::uint32_t>(*format), dims,
                      [&tensor, from, &to, bytes]() -> Result<std::span<const std::byte>> {
                        if (!convert(tensor, *from, to, *bytes))
                          return cannot(tensor, "a value is not finite, or too large for " + std::string(to.name));
                        return std::span<const std::byte>(*bytes);
                      });
  }
  return {};
}

}  // namespace hearth::quant
