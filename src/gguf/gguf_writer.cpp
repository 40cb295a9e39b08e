// Enters: metadata and tensors, one after the other. Leaves: a GGUF v3 file, written whole or not at all, or its bytes.
#include "gguf_writer.h"

#include <algorithm>
#include <utility>

#include "atomic_file.h"
#include "escape.h"
#include "gguf_parse.h"
#include "try.h"

namespace hearth::gguf {
namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

template <class T> void append_number(Bytes& to, T value) { append(to, std::as_bytes(std::span(&value, 1))); }

void append_string(Bytes& to, std::string_view text) {
  append_number(to, std::uint64_t{text.size()});
  append(to, std::as_bytes(std::span(text)));
}

template <class Text> Bytes packed_strings(std::span<const Text> values) {
  Bytes packed;
  for (const Text& text : values) append_string(packed, text);
  return packed;
}

/// Why a tensor of this type and shape cannot be written; empty if it can.
std::string shape_refusal(std::uint32_t type, std::span<const std::uint64_t> dims) {
  if (std::string reason = refusal(type); !reason.empty()) return reason;
  if (dims.empty() || dims.size() > max_dims) return std::to_string(dims.size()) + " dimensions are not 1..4";
  if (std::find(dims.begin(), dims.end(), std::uint64_t{0}) != dims.end()) return "a dimension is 0";
  return {};
}

}  // namespace

Writer::Writer(std::uint64_t alignment) : alignment_(is_alignment(alignment) ? alignment : default_alignment) {
  if (!is_alignment(alignment)) mistake("alignment is not a power of two from 8 to 65536", "key", alignment_key);
  if (alignment_ == default_alignment) return;
  const auto stored = static_cast<std::uint32_t>(alignment_);
  add_value(alignment_key, ValueType::u32, std::as_bytes(std::span(&stored, 1)));
}

void Writer::mistake(std::string what, std::string_view kind, std::string_view name) {
  if (mistake_) return;
  mistake_ = Error(Status::invalid_argument, std::move(what) + "; " + std::string(kind) + " '" + escape(name) +
                                                 "'; correct what is given to the GGUF writer");
}

bool Writer::begin_key(std::string_view key, ValueType type) {
  if (key.empty() || key.size() > max_key_bytes) {
    mistake("the key has " + bytes_text(key.size()) + ", 1 to 65535 are allowed", "key", key);
    return false;
  }
  // The constructor writes general.alignment; nobody else may.
  if (!keys_.emplace(key).second || (key == alignment_key && alignment_ == default_alignment)) {
    mistake(key == alignment_key ? "the alignment is given to the constructor" : "the key is added twice", "key", key);
    return false;
  }
  append_string(metadata_, key);
  append_number(metadata_, static_cast<std::uint32_t>(type));
  ++n_keys_;
  return true;
}

void Writer::add_value(std::string_view key, ValueType type, std::span<const std::byte> payload) {
  if (begin_key(key, type)) append(metadata_, payload);
}

void Writer::add(std::string_view key, std::string_view text) {
  if (begin_key(key, ValueType::string)) append_string(metadata_, text);
}

void Writer::add_packed_array(std::string_view key, ValueType element, std::uint64_t count,
                              std::span<const std::byte> payload) {
  if (!begin_key(key, ValueType::array)) return;
  append_number(metadata_, static_cast<std::uint32_t>(element));
  append_number(metadata_, count);
  append(metadata_, payload);
}

void Writer::add_array(std::string_view key, std::span<const std::string_view> values) {
  add_packed_array(key, ValueType::string, values.size(), packed_strings(values));
}

void Writer::add_array(std::string_view key, std::span<const std::string> values) {
  add_packed_array(key, ValueType::string, values.size(), packed_strings(values));
}

void Writer::copy(const KeyValue& pair) {
  if (pair.key == alignment_key) return;
  if (pair.type == ValueType::array) return add_packed_array(pair.key, pair.element_type, pair.count, pair.payload);
  if (pair.type != ValueType::string) return add_value(pair.key, pair.type, pair.payload);
  add(pair.key, std::string_view(reinterpret_cast<const char*>(pair.payload.data()), pair.payload.size()));
}

void Writer::add_tensor(std::string_view name, std::uint32_t type, std::span<const std::uint64_t> dims,
                        std::span<const std::byte> bytes) {
  add_tensor(name, type, dims, [bytes]() -> Result<std::span<const std::byte>> { return bytes; });
  // Bytes that are here already are compared with the shape now, not when they are written.
  if (!mistake_ && tensors_.back().bytes != bytes.size())
    mistake(bytes_text(bytes.size()) + " given, the shape needs " + std::to_string(tensors_.back().bytes), "tensor",
            name);
}

void Writer::add_tensor(std::string_view name, std::uint32_t type, std::span<const std::uint64_t> dims, Source source) {
  if (mistake_) return;
  if (name.empty() || name.size() > max_tensor_name_bytes || name.find('\0') != std::string_view::npos)
    return mistake("a tensor name has 1 to 64 bytes, none of them NUL", "tensor", name);
  if (!names_.emplace(name).second) return mistake("the tensor is added twice", "tensor", name);
  if (std::string reason = shape_refusal(type, dims); !reason.empty())
    return mistake(std::move(reason), "tensor", name);

  std::array<std::uint64_t, 4> shape{1, 1, 1, 1};
  std::copy(dims.begin(), dims.end(), shape.begin());
  const auto bytes = tensor_bytes(*find_tensor_type(type), shape);
  constexpr std::uint64_t most = std::uint64_t{1} << 62;  // so that the sums below cannot wrap
  if (!bytes || *bytes > most - std::min(most, data_bytes_))
    return mistake("the row is not a multiple of the type's block, or the sizes do not fit 63 bits", "tensor", name);

  append_string(tensor_table_, name);
  append_number(tensor_table_, static_cast<std::uint32_t>(dims.size()));
  append(tensor_table_, std::as_bytes(dims));
  append_number(tensor_table_, type);
  append_number(tensor_table_, data_bytes_);
  data_bytes_ += align_up(*bytes, alignment_);
  tensors_.push_back({std::string(name), *bytes, std::move(source)});
}

Result<void> Writer::write_to(const Sink& sink) const {
  if (mistake_) return *mistake_;
  const Bytes zeros(alignment_);
  const auto pad = [&](std::uint64_t written) {
    return sink(std::span(zeros).first(align_up(written, alignment_) - written));
  };
  Bytes head;
  append(head, std::as_bytes(std::span("GGUF", 4)));
  append_number(head, std::uint32_t{3});
  append_number(head, std::uint64_t{tensors_.size()});
  append_number(head, n_keys_);
  HEARTH_CHECK(sink(head));
  HEARTH_CHECK(sink(metadata_));
  HEARTH_CHECK(sink(tensor_table_));
  if (tensors_.empty()) return {};
  HEARTH_CHECK(pad(head.size() + metadata_.size() + tensor_table_.size()));
  for (const Entry& tensor : tensors_) {
    HEARTH_TRY(const auto bytes, tensor.source());
    if (bytes.size() != tensor.bytes) {
      return Error(Status::invalid_argument, bytes_text(bytes.size()) + " given, the shape needs " +
                                                 std::to_string(tensor.bytes) + "; tensor '" + escape(tensor.name) +
                                                 "'; correct what is given to the GGUF writer");
    }
    HEARTH_CHECK(sink(bytes));
    HEARTH_CHECK(pad(tensor.bytes));
  }
  return {};
}

Result<void> Writer::write(const std::string& path) const {
  if (mistake_) return *mistake_;
  HEARTH_TRY(AtomicFile file, AtomicFile::create(path));
  HEARTH_CHECK(write_to([&](std::span<const std::byte> bytes) { return file.write(bytes); }));
  return file.commit();
}

Result<std::vector<std::byte>> Writer::to_bytes() const {
  Bytes all;
  HEARTH_CHECK(write_to([&](std::span<const std::byte> bytes) -> Result<void> {
    append(all, bytes);
    return {};
  }));
  return all;
}

}  // namespace hearth::gguf
