// Enters: a model file. Leaves: a number that tells it, or its tokenizer, from others, without reading all of it.
#include "model_identity.h"

#include <algorithm>
#include <hearth/tools.hpp>

namespace hearth::engine {
namespace {

class Digest {
 public:
  void number(std::uint64_t value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
  void bytes(std::span<const std::byte> bytes) {
    number(bytes.size());
    hash_.update(bytes);
  }
  void text(std::string_view text) { bytes(std::as_bytes(std::span(text))); }
  void pair(const gguf::KeyValue& pair) {
    text(pair.key);
    number(static_cast<std::uint64_t>(pair.type) << 32 | static_cast<std::uint64_t>(pair.element_type));
    bytes(pair.payload);
    for (const std::string_view element : pair.strings) text(element);
  }
  std::string hex() { return hash_.hex(); }

 private:
  tools::Sha256 hash_;
};

}  // namespace

std::string model_identity(const gguf::File& file) {
  constexpr std::size_t kSample = 4096;
  Digest digest;
  digest.number(kArithmetic);
  digest.number(file.file_bytes());
  for (const gguf::KeyValue& pair : file.metadata()) digest.pair(pair);
  for (const gguf::Tensor& tensor : file.tensors()) {
    digest.text(tensor.name);
    digest.number(tensor.type->id);
    for (const std::uint64_t dim : tensor.dims) digest.number(dim);
    const std::size_t n = std::min(kSample, tensor.data.size());
    digest.bytes(tensor.data.first(n));
    digest.bytes(tensor.data.last(n));
  }
  return digest.hex();
}

std::string tokenizer_identity(const gguf::File& file) {
  std::vector<const gguf::KeyValue*> pairs;
  for (const gguf::KeyValue& pair : file.metadata())
    if (pair.key.starts_with("tokenizer.ggml.")) pairs.push_back(&pair);
  std::sort(pairs.begin(), pairs.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  Digest digest;
  for (const gguf::KeyValue* pair : pairs) digest.pair(*pair);
  return digest.hex();
}

}  // namespace hearth::engine
