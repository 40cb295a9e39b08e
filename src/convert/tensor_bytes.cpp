// Enters: a planned tensor. Leaves: its bytes.
#include "tensor_bytes.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "escape.h"
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

/// Runs body(i, member of the team) for every i below n. False: it was so for one.
template <class Body> bool for_all(Team& team, std::uint64_t n, std::int64_t grain, Body&& body) {
  std::atomic<bool> all = true;
  team.run([&](Worker& worker) {
    worker.loop(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        if (!body(static_cast<std::uint64_t>(i), static_cast<std::size_t>(worker.index()))) all = false;
    });
  });
  return all;
}

/// A block is a scale and 16 bytes of codes on both sides. There, value 2i and 2i + 1 share a byte; here, i and i + 16.
bool put_mxfp4_block(const PlannedTensor& tensor, std::uint64_t b, Format format, std::byte* out) {
  constexpr std::size_t codes = 16;
  std::byte pairs[codes];
  kernels::BlockMXFP4 block;
  tensor.parts[0].read_bits(b * codes, pairs);
  tensor.parts[1].read_bits(b, std::as_writable_bytes(std::span(&block.e, 1)));
  const auto code = [&](std::size_t i) { return std::to_integer<unsigned>(pairs[i / 2]) >> 4 * (i % 2) & 15u; };
  for (std::size_t i = 0; i < codes; ++i) block.qs[i] = static_cast<std::uint8_t>(code(i) | code(i + codes) << 4);
  if (format == Format::mxfp4) return std::memcpy(out, &block, sizeof block), true;
  float values[kernels::kBlock];
  kernels::dequantize_row(Format::mxfp4, values, reinterpret_cast<const std::byte*>(&block), kernels::kBlock);
  return quant::quantize_row(format, out, values, kernels::kBlock);
}

bool put_mxfp4(const PlannedTensor& tensor, Format format, std::span<std::byte> out, Team& team) {
  constexpr std::int64_t grain = 4096;
  const std::size_t bytes = kernels::row_bytes(kernels::format_info(format), kernels::kBlock);
  return for_all(team, out.size() / bytes, grain, [&](std::uint64_t b, std::size_t) {
    return put_mxfp4_block(tensor, b, format, out.data() + b * bytes);
  });
}

bool put_values(const TensorView& view, Format format, std::byte* out, Team& team) {
  constexpr std::uint64_t most = 65536;  // values at a time: a multiple of every block, and no matter how long a row is
  const kernels::FormatInfo& info = kernels::format_info(format);
  const std::uint64_t size = view.size(), piece = std::min(most, size);
  // [threads, piece]
  const auto scratch = std::make_unique_for_overwrite<float[]>(piece * static_cast<std::size_t>(team.size()));
  return for_all(team, (size + most - 1) / most, 1, [&](std::uint64_t i, std::size_t member) {
    const std::uint64_t first = i * most;
    const std::span<float> values(scratch.get() + member * piece, std::min(most, size - first));
    view.read(first, values);
    return quant::quantize_row(format, out + first / info.block_elements * info.block_bytes, values.data(),
                               static_cast<std::int64_t>(values.size()));
  });
}

}  // namespace

Result<std::span<const std::byte>> tensor_bytes(const PlannedTensor& tensor, Format format,
                                                std::vector<std::byte>& buffer, Team& team) {
  const auto same_bits = [&](const TensorView& part) {
    return part.is_plain() && part.tensor().type->format == format;
  };
  if (tensor.parts.size() == 1 && same_bits(tensor.parts[0]) && tensor.parts[0].is_contiguous())
    return tensor.parts[0].contiguous_bytes();
  const kernels::FormatInfo& info = kernels::format_info(format);
  buffer.resize(bytes_of(tensor, info));
  const auto not_held = [&](const std::string& name) {
    return Error(Status::malformed, "tensor '" + escape(name) + "' has a value that is not finite, or too large for " +
                                        std::string(info.name) +
                                        "; the model folder; fetch the folder again, or choose a wider type");
  };
  if (tensor.mxfp4 && !put_mxfp4(tensor, format, buffer, team)) return not_held(tensor.parts[0].tensor().name);
  if (tensor.mxfp4) return std::span<const std::byte>(buffer);
  const auto n_made = static_cast<std::int64_t>(tensor.values.size());
  if (!quant::quantize_row(format, buffer.data(), tensor.values.data(), n_made)) return not_held(tensor.name);
  std::span<std::byte> rest(buffer);
  for (const TensorView& part : tensor.parts) {
    const auto here = rest.first(part.size() / info.block_elements * info.block_bytes);
    if (same_bits(part)) part.read_bits(0, here);
    else if (!put_values(part, format, here.data(), team)) return not_held(part.tensor().name);
    rest = rest.subspan(here.size());
  }
  return std::span<const std::byte>(buffer);
}

}  // namespace hearth::convert
