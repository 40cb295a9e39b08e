// Enters: a planned tensor. Leaves: its bytes.
#include "tensor_bytes.h"

#include <cstring>

#include "kernel_table.h"
#include "quantize_row.h"

namespace hearth::convert {
namespace {

using kernels::Format;

std::uint64_t bytes_of(const PlannedTensor& tensor, const kernels::FormatInfo& info) {
  std::uint64_t elements = 1;
  for (const std::uint64_t count : tensor.shape) elements *= count;
  return elements / info.block_elements * info.block_bytes;
}

/// A block is a scale and 16 bytes of codes on both sides. There, value 2i and 2i + 1 share a byte; here, i and i + 16.
void put_mxfp4(const PlannedTensor& tensor, Format format, std::vector<std::byte>& out) {
  constexpr std::size_t codes = 16;
  const std::size_t bytes = kernels::row_bytes(kernels::format_info(format), kernels::kBlock);
  std::byte pairs[codes];
  for (std::uint64_t b = 0; b < out.size() / bytes; ++b) {
    kernels::BlockMXFP4 block;
    tensor.parts[0].read_bits(b * codes, pairs);
    tensor.parts[1].read_bits(b, std::as_writable_bytes(std::span(&block.e, 1)));
    const auto code = [&](std::size_t i) { return std::to_integer<unsigned>(pairs[i / 2]) >> 4 * (i % 2) & 15u; };
    for (std::size_t i = 0; i < codes; ++i) block.qs[i] = static_cast<std::uint8_t>(code(i) | code(i + codes) << 4);
    if (format == Format::mxfp4) {
      std::memcpy(out.data() + b * bytes, &block, bytes);
      continue;
    }
    float values[kernels::kBlock];
    kernels::dequantize_row(Format::mxfp4, values, reinterpret_cast<const std::byte*>(&block), kernels::kBlock);
    quant::quantize_row(format, out.data() + b * bytes, values, kernels::kBlock);
  }
}

void put_rows(const TensorView& view, std::uint64_t k, Format format, std::byte* out) {
  const std::size_t row_bytes = kernels::row_bytes(kernels::format_info(format), static_cast<std::int64_t>(k));
  std::vector<float> row(k);
  for (std::uint64_t at = 0, n = view.size(); at < n; at += k, out += row_bytes) {
    view.read(at, row);
    quant::quantize_row(format, out, row.data(), static_cast<std::int64_t>(k));
  }
}

}  // namespace

Result<std::span<const std::byte>> tensor_bytes(const PlannedTensor& tensor, Format format,
                                                std::vector<std::byte>& buffer) {
  const auto same_bits = [&](const TensorView& part) {
    return part.added() == 0 && part.tensor().type->format == format;
  };
  if (tensor.parts.size() == 1 && same_bits(tensor.parts[0]) && tensor.parts[0].is_contiguous())
    return tensor.parts[0].contiguous_bytes();
  const kernels::FormatInfo& info = kernels::format_info(format);
  buffer.resize(bytes_of(tensor, info));
  if (tensor.mxfp4) {
    put_mxfp4(tensor, format, buffer);
    return std::span<const std::byte>(buffer);
  }
  if (!tensor.values.empty()) {
    quant::quantize_row(format, buffer.data(), tensor.values.data(), static_cast<std::int64_t>(tensor.values.size()));
    return std::span<const std::byte>(buffer);
  }
  std::span<std::byte> rest(buffer);
  for (const TensorView& part : tensor.parts) {
    const auto here = rest.first(part.size() / info.block_elements * info.block_bytes);
    if (same_bits(part)) part.read_bits(0, here);
    else put_rows(part, tensor.shape.back(), format, here.data());
    rest = rest.subspan(here.size());
  }
  return std::span<const std::byte>(buffer);
}

}  // namespace hearth::convert
