// Enters: the tensor table of a file. Leaves: its tensors, each with bytes that lie in the data section and are its
// own.
#include <algorithm>
#include <limits>
#include <numeric>

#include "escape.h"
#include "gguf_index.h"
#include "gguf_parse.h"
#include "try.h"

namespace hearth::gguf {
namespace {

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (std::uint32_t i = 0; i < tensor.n_dims; ++i) text += (i == 0 ? "" : ", ") + std::to_string(tensor.dims[i]);
  return text + "]";
}

std::string tensor_text(const Tensor& tensor) { return "'" + escape(tensor.name) + "'"; }

/// Where a row of the table keeps its fields.
std::uint64_t dims_at(const Tensor& tensor) { return tensor.info_offset + 8 + tensor.name.size() + 4; }
std::uint64_t type_at(const Tensor& tensor) { return dims_at(tensor) + 8 * std::uint64_t{tensor.n_dims}; }
std::uint64_t offset_at(const Tensor& tensor) { return type_at(tensor) + 4; }

Result<void> read_shape(Cursor& in, Tensor& tensor) {
  const std::uint64_t at = in.position();
  HEARTH_TRY(tensor.n_dims, in.number<std::uint32_t>("dimension count"));
  if (tensor.n_dims == 0 || tensor.n_dims > max_dims)
    return in.error("dimension count " + std::to_string(tensor.n_dims) + " is not one of 1..4", "dimension count", at);
  for (std::uint32_t i = 0; i < tensor.n_dims; ++i) {
    HEARTH_TRY(tensor.dims[i], in.number<std::uint64_t>("dimension"));
  }
  std::uint64_t product = 1;
  bool overflow = false;
  for (std::uint32_t i = 0; i < tensor.n_dims; ++i) {
    if (tensor.dims[i] == 0)
      return in.error("dimension " + std::to_string(i) + " of " + shape_text(tensor) + " is 0", "dimension",
                      dims_at(tensor) + 8 * i);
    overflow |= __builtin_mul_overflow(product, tensor.dims[i], &product);
  }
  if (overflow || product > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return in.error("the product of " + shape_text(tensor) + " is over 2^63-1", "dimensions", dims_at(tensor));
  return {};
}

Result<void> read_type(Cursor& in, Tensor& tensor) {
  HEARTH_TRY(const auto id, in.number<std::uint32_t>("type"));
  if (const std::string reason = refusal(id); !reason.empty()) {
    return in.error(reason, "type", type_at(tensor), "quantise the model again to a type listed in the format",
                    Status::unsupported);
  }
  tensor.type = find_tensor_type(id);
  if (tensor.dims[0] % tensor.type->block_elements != 0) {
    return in.error("row length " + std::to_string(tensor.dims[0]) + " is not a multiple of the block of " +
                        std::to_string(tensor.type->block_elements) + " of type " + std::string(tensor.type->name),
                    "dimension 0", dims_at(tensor));
  }
  if (!tensor_bytes(*tensor.type, tensor.dims)) {
    return in.error(
        "the bytes of " + shape_text(tensor) + " of type " + std::string(tensor.type->name) + " do not fit 64 bits",
        "dimensions", dims_at(tensor));
  }
  return {};
}

/// Reads one row. Until `place`, `offset` is relative to the data section, as in the file.
Result<Tensor> read_tensor_info(Cursor& in, std::uint64_t index) {
  in.enter("tensor", index);
  Tensor tensor;
  tensor.info_offset = in.position();
  HEARTH_TRY(tensor.name, in.string("name", max_tensor_name_bytes));
  if (tensor.name.empty()) return in.error("the tensor name is empty", "name", tensor.info_offset);
  in.set_name(tensor.name);
  if (tensor.name.find('\0') != std::string_view::npos)
    return in.error("the tensor name holds a NUL byte", "name", tensor.info_offset);
  HEARTH_CHECK(read_shape(in, tensor));
  HEARTH_CHECK(read_type(in, tensor));
  HEARTH_TRY(tensor.offset, in.number<std::uint64_t>("offset"));
  return tensor;
}

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// A count that is too small would shift the data section and load wrong weights without a word. So what follows the
/// table may be any padding, but not another sound row.
Result<void> check_nothing_uncounted(const Cursor& in, std::uint64_t n_tensors, const Directory& directory) {
  const auto refuse = [&](std::string_view rows, std::uint64_t count, std::string_view name) {
    return Error(Status::malformed, std::string(rows) + " count " + std::to_string(count) + " is too small, '" +
                                        escape(name) + "' follows; byte " + std::to_string(in.position()) + " of " +
                                        in.file() + "; " + std::string(damaged));
  };
  Cursor probe = in;
  if (const auto row = read_tensor_info(probe, n_tensors);
      row && row->offset % directory.alignment == 0 && is_plain_text(row->name))
    return refuse("tensor", n_tensors, row->name);
  if (n_tensors != 0) return {};
  probe = in;
  if (const auto pair = read_key_value(probe, directory.metadata.size()); pair && is_plain_text(pair->key))
    return refuse("key", directory.metadata.size(), pair->key);
  return {};
}

/// Turns the row's offset into bytes of the file, in the order GGUF.md gives the checks.
Result<void> place(Cursor& in, Tensor& tensor, std::uint64_t alignment, std::uint64_t data_start) {
  const std::uint64_t file_bytes = in.bytes().size();
  const std::uint64_t data_bytes = file_bytes - data_start;
  const std::uint64_t needed = *tensor_bytes(*tensor.type, tensor.dims);
  if (tensor.offset % alignment != 0) {
    return in.error(
        "offset " + std::to_string(tensor.offset) + " is not a multiple of the alignment " + std::to_string(alignment),
        "offset", offset_at(tensor));
  }
  if (tensor.offset > data_bytes) {
    return in.error(
        "offset " + std::to_string(tensor.offset) + " is past the data section of " + bytes_text(data_bytes), "offset",
        offset_at(tensor), cut_short);
  }
  const std::uint64_t begin = data_start + tensor.offset;
  if (needed > data_bytes - tensor.offset) {
    const std::uint64_t end = begin + needed;
    const std::string extent = end < begin ? std::to_string(needed) + " bytes from byte " + std::to_string(begin)
                                           : "bytes " + std::to_string(begin) + ".." + std::to_string(end);
    return in.error("tensor " + tensor_text(tensor) + " needs " + extent + ", file has " + std::to_string(file_bytes),
                    "offset", offset_at(tensor), cut_short);
  }
  tensor.offset = begin;
  tensor.data = in.bytes().subspan(begin, needed);
  return {};
}

/// Gaps are accepted, overlaps are refused: the format's text leaves both open (BADINPUT.md).
Result<void> check_overlaps(const Cursor& in, std::span<const Tensor> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tensors[a].offset != tensors[b].offset ? tensors[a].offset < tensors[b].offset : a < b;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Tensor& low = tensors[order[i - 1]];
    const Tensor& high = tensors[order[i]];
    if (high.offset - low.offset >= low.data.size()) continue;
    return Error(Status::malformed, "tensors " + tensor_text(low) + " and " + tensor_text(high) +
                                        " overlap, one fills bytes " + std::to_string(low.offset) + ".." +
                                        std::to_string(low.offset + low.data.size()) + ", the other starts at " +
                                        std::to_string(high.offset) + "; offsets at bytes " +
                                        std::to_string(offset_at(low)) + " and " + std::to_string(offset_at(high)) +
                                        " of " + in.file() + "; " + std::string(damaged));
  }
  return {};
}

/// A file laid out at 32 that claims a smaller alignment would load with shifted weights. It gives itself away: its end
/// is exactly where a layout at 32 ends, which a layout at the smaller alignment can never reach.
Result<void> check_alignment_is_true(const Cursor& in, const Directory& directory, std::uint64_t table_end) {
  const std::uint64_t shift = align_up(table_end, default_alignment) - align_up(table_end, directory.alignment);
  if (directory.alignment >= default_alignment || shift == 0) return {};
  std::uint64_t end = 0;
  for (const Tensor& tensor : directory.tensors) end = std::max(end, tensor.offset + tensor.data.size());
  const std::uint64_t file_bytes = in.bytes().size();
  if (file_bytes != end + shift && file_bytes != align_up(end + shift, default_alignment)) return {};
  return Error(Status::malformed, "alignment is " + std::to_string(directory.alignment) +
                                      " but the data is laid out at 32; key '" + std::string(alignment_key) +
                                      "', data at byte " + std::to_string(align_up(table_end, default_alignment)) +
                                      " of " + in.file() + "; " + std::string(damaged));
}

Result<void> check_unique_names(const Cursor& in, const Directory& directory) {
  const auto twice = first_duplicate<Tensor>(directory.tensors, directory.tensors_by_name);
  if (!twice) return {};
  const Tensor& first = directory.tensors[twice->first];
  const Tensor& second = directory.tensors[twice->second];
  return Error(Status::malformed,
               "tensor " + tensor_text(second) + " appears twice; tensors " + std::to_string(twice->first) + " and " +
                   std::to_string(twice->second) + " at bytes " + std::to_string(first.info_offset) + " and " +
                   std::to_string(second.info_offset) + " of " + in.file() + "; " + std::string(damaged));
}

}  // namespace

Result<void> read_tensor_table(Cursor& in, std::uint64_t n_tensors, Directory& out) {
  out.tensors.reserve(n_tensors);
  for (std::uint64_t i = 0; i < n_tensors; ++i) {
    HEARTH_TRY(auto tensor, read_tensor_info(in, i));
    out.tensors.push_back(tensor);
  }
  const std::uint64_t table_end = in.position();
  HEARTH_CHECK(check_nothing_uncounted(in, n_tensors, out));
  out.tensors_by_name = order_by_name<Tensor>(out.tensors);
  HEARTH_CHECK(check_unique_names(in, out));
  if (n_tensors == 0) return {};  // a file of metadata alone ends right after its last key

  const std::uint64_t data_start = align_up(table_end, out.alignment);
  if (data_start > in.bytes().size()) {
    return in.error(
        "data section starts at byte " + std::to_string(data_start) + ", file has " + std::to_string(in.bytes().size()),
        "end", table_end, cut_short);
  }
  for (std::size_t i = 0; i < out.tensors.size(); ++i) {
    in.enter("tensor", i);
    in.set_name(out.tensors[i].name);
    HEARTH_CHECK(place(in, out.tensors[i], out.alignment, data_start));
  }
  HEARTH_CHECK(check_overlaps(in, out.tensors));
  return check_alignment_is_true(in, out, table_end);
}

}  // namespace hearth::gguf
