// Enters: a parsed GGUF file. Leaves: what it holds, as tools::inspect hands it out.
#include "report.h"

#include <algorithm>

#include "json_text.h"

namespace hearth::inspect {
namespace {

using gguf::KeyValue;
using gguf::ValueType;

std::string_view characters(const KeyValue& pair) {
  return {reinterpret_cast<const char*>(pair.payload.data()), pair.payload.size()};
}

std::string element(const KeyValue& pair, std::size_t i) {
  if (pair.element_type == ValueType::string) return json_string(pair.strings[i]);
  return json_scalar(pair.element_type, pair.payload.data() + i * gguf::value_bytes(pair.element_type));
}

tools::MetadataEntry entry(const KeyValue& pair, std::size_t limit) {
  tools::MetadataEntry entry;
  entry.key = pair.key;
  entry.count = pair.count;
  entry.type = gguf::name(pair.type);
  if (pair.type == ValueType::string) {
    entry.values.push_back(json_string(characters(pair)));
  } else if (pair.type == ValueType::array) {
    entry.type = "array of " + std::string(gguf::name(pair.element_type));
    const std::uint64_t kept = std::min<std::uint64_t>(pair.count, limit);
    for (std::size_t i = 0; i < kept; ++i) entry.values.push_back(element(pair, i));
  } else {
    entry.values.push_back(json_scalar(pair.type, pair.payload.data()));
  }
  return entry;
}

tools::TensorEntry entry(const gguf::Tensor& tensor) {
  tools::TensorEntry entry;
  entry.name = tensor.name;
  entry.type = tensor.type->name;
  entry.dims.assign(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
  entry.offset = tensor.offset;
  entry.bytes = tensor.data.size();
  entry.shard = tensor.shard;
  return entry;
}

std::uint64_t elements(const gguf::Tensor& tensor) {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : tensor.dims) count *= dim;  // the reader saw to it that this fits
  return count;
}

}  // namespace

tools::FileReport report(const gguf::File& file, std::size_t limit) {
  tools::FileReport report;
  report.path = file.path();
  report.version = file.version();
  report.file_bytes = file.file_bytes();
  report.alignment = file.alignment();
  for (const KeyValue& pair : file.metadata()) report.metadata.push_back(entry(pair, limit));
  for (const gguf::Tensor& tensor : file.tensors()) {
    report.tensors.push_back(entry(tensor));
    report.n_parameters += elements(tensor);
    report.tensor_bytes += tensor.data.size();
  }
  if (report.n_parameters != 0)
    report.bits_per_weight = 8.0 * static_cast<double>(report.tensor_bytes) / static_cast<double>(report.n_parameters);
  return report;
}

}  // namespace hearth::inspect
