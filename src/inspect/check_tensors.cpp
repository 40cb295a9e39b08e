// Enters: a file's tensors. Leaves: which values are not finite, by tensor and byte.
#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "check.h"
#include "escape.h"
#include "progress.h"
#include "try.h"

namespace hearth::inspect {
namespace {

/// How a number lies in a block.
enum class Encoding : std::uint8_t { none, f16, bf16, f32, f64, e8m0, ue4m3, f16_in_nibbles };

/// Where a type keeps its floating-point numbers: all else are integers, which are finite.
struct FloatRow {
  std::string_view type;
  Encoding encoding;
  std::uint32_t count;
  std::uint32_t at[4];  // offsets in the block
};
constexpr FloatRow float_rows[] = {
    {"F32", Encoding::f32, 1, {0}},
    {"F16", Encoding::f16, 1, {0}},
    {"BF16", Encoding::bf16, 1, {0}},
    {"F64", Encoding::f64, 1, {0}},
    {"Q4_0", Encoding::f16, 1, {0}},
    {"Q4_1", Encoding::f16, 2, {0, 2}},
    {"Q5_0", Encoding::f16, 1, {0}},
    {"Q5_1", Encoding::f16, 2, {0, 2}},
    {"Q8_0", Encoding::f16, 1, {0}},
    {"Q8_1", Encoding::f16, 2, {0, 2}},
    {"Q2_K", Encoding::f16, 2, {80, 82}},
    {"Q3_K", Encoding::f16, 1, {108}},
    {"Q4_K", Encoding::f16, 2, {0, 2}},
    {"Q5_K", Encoding::f16, 2, {0, 2}},
    {"Q6_K", Encoding::f16, 1, {208}},
    {"Q8_K", Encoding::f32, 1, {0}},
    {"IQ2_XXS", Encoding::f16, 1, {0}},
    {"IQ2_XS", Encoding::f16, 1, {0}},
    {"IQ2_S", Encoding::f16, 1, {0}},
    {"IQ3_XXS", Encoding::f16, 1, {0}},
    {"IQ3_S", Encoding::f16, 1, {0}},
    {"IQ1_S", Encoding::f16, 1, {0}},
    {"IQ1_M", Encoding::f16_in_nibbles, 1, {48}},
    {"IQ4_NL", Encoding::f16, 1, {0}},
    {"IQ4_XS", Encoding::f16, 1, {0}},
    {"TQ1_0", Encoding::f16, 1, {52}},
    {"TQ2_0", Encoding::f16, 1, {64}},
    {"MXFP4", Encoding::e8m0, 1, {0}},
    {"NVFP4", Encoding::ue4m3, 4, {0, 1, 2, 3}},
    {"Q1_0", Encoding::f16, 1, {0}},
    {"Q2_0", Encoding::f16, 1, {0}},
    {"I8", Encoding::none, 0, {}},
    {"I16", Encoding::none, 0, {}},
    {"I32", Encoding::none, 0, {}},
    {"I64", Encoding::none, 0, {}},
};

template <class T> T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

bool all_set(std::uint64_t value, std::uint64_t exponent) { return (value & exponent) == exponent; }

/// IQ1_M spreads its f16 over the top nibbles of four numbers, the lowest first.
std::uint16_t joined_nibbles(const std::byte* at) {
  unsigned value = 0;
  for (int i = 3; i >= 0; --i) value = value << 4 | load<std::uint16_t>(at + 2 * i) >> 12;
  return static_cast<std::uint16_t>(value);
}

template <Encoding encoding> bool not_finite(const std::byte* at) {
  if constexpr (encoding == Encoding::f16) return all_set(load<std::uint16_t>(at), 0x7c00);
  else if constexpr (encoding == Encoding::bf16) return all_set(load<std::uint16_t>(at), 0x7f80);
  else if constexpr (encoding == Encoding::f32) return all_set(load<std::uint32_t>(at), 0x7f800000);
  else if constexpr (encoding == Encoding::f64) return all_set(load<std::uint64_t>(at), 0x7ff0000000000000);
  else if constexpr (encoding == Encoding::e8m0) return all_set(load<std::uint8_t>(at), 0xff);
  else if constexpr (encoding == Encoding::ue4m3) return all_set(load<std::uint8_t>(at), 0x7f);
  else if constexpr (encoding == Encoding::f16_in_nibbles) return all_set(joined_nibbles(at), 0x7c00);
  else return false;
}

struct NotFinite {
  std::uint64_t count = 0, first = 0;  // byte in the tensor
};

template <Encoding encoding>
NotFinite scan(std::span<const std::byte> data, std::uint32_t block_bytes, const FloatRow& row) {
  NotFinite found;
  for (std::size_t block = 0; block < data.size(); block += block_bytes) {
    for (std::uint32_t i = 0; i < row.count; ++i) {
      if (!not_finite<encoding>(data.data() + block + row.at[i])) continue;
      if (found.count++ == 0) found.first = block + row.at[i];
    }
  }
  return found;
}

using Scan = NotFinite (*)(std::span<const std::byte>, std::uint32_t, const FloatRow&);
constexpr Scan scans[] = {
    // by Encoding
    scan<Encoding::none>, scan<Encoding::f16>,  scan<Encoding::bf16>,  scan<Encoding::f32>,
    scan<Encoding::f64>,  scan<Encoding::e8m0>, scan<Encoding::ue4m3>, scan<Encoding::f16_in_nibbles>,
};

/// The same of all of a tensor, a MiB at a time.
Result<NotFinite> scan_pieces(const gguf::Tensor& tensor, const FloatRow& row,
                              Progress<tools::CheckOptions>& progress) {
  const std::uint32_t block_bytes = tensor.type->block_bytes;
  const std::size_t most = std::max<std::size_t>(1, (std::size_t{1} << 20) / block_bytes) * block_bytes;
  NotFinite all;
  for (std::size_t at = 0; at < tensor.data.size(); at += most) {
    const auto piece = tensor.data.subspan(at, std::min(most, tensor.data.size() - at));
    const NotFinite found = scans[static_cast<std::size_t>(row.encoding)](piece, block_bytes, row);
    if (all.count == 0) all.first = at + found.first;
    all.count += found.count;
    progress.add(piece.size());
    HEARTH_CHECK(progress.goes_on());
  }
  return all;
}

}  // namespace

Result<void> check_tensors(const gguf::File& file, const tools::CheckOptions& options, Findings& findings) {
  using Severity = tools::Finding::Severity;
  std::uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file.tensors()) bytes += tensor.data.size();
  Progress progress(options, bytes, "; checking the tensors; check the file again");
  HEARTH_CHECK(progress.goes_on());
  for (const gguf::Tensor& tensor : file.tensors()) {
    const auto* row = std::find_if(std::begin(float_rows), std::end(float_rows),
                                   [&](const FloatRow& r) { return r.type == tensor.type->name; });
    const std::string name = "tensor '" + escape(tensor.name) + "' (" + std::string(tensor.type->name) + ")";
    if (row == std::end(float_rows)) {
      findings.push_back(
          {Severity::warning, "tensors", name + " was not looked at: the type's scales are not known here"});
      continue;
    }
    HEARTH_TRY(const NotFinite found, scan_pieces(tensor, *row, progress));
    if (found.count == 0) continue;
    const std::uint64_t block = found.first / tensor.type->block_bytes;
    findings.push_back({Severity::fatal, "tensors",
                        name + " has " + std::to_string(found.count) +
                            " values or scales that are not finite, the first in block " + std::to_string(block) +
                            " at byte " + std::to_string(tensor.offset + found.first) +
                            (tensor.shard ? " of shard " + std::to_string(tensor.shard) : "")});
  }
  return {};
}

}  // namespace hearth::inspect
