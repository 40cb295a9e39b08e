// Enters: the bytes of a GGUF file (v2, v3; all shards of a split one). Leaves: metadata and the tensor directory,
// every count, length, offset and type checked, nothing copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapped_file.h"
#include "tensor_type.h"

namespace hearth::gguf {

/// Metadata value types, with the ids of the format.
enum class ValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

std::string_view name(ValueType type);

/// Bytes of one packed value; 0 for strings and arrays, whose sizes are in the file.
std::size_t value_bytes(ValueType type);

/// One key and its value, still in the file's bytes. Arrays of strings carry an index of their elements.
struct KeyValue {
  std::string_view key;
  ValueType type{};
  ValueType element_type{};               // of an array
  std::uint64_t count = 0;                // elements of an array, else 1
  std::span<const std::byte> payload;     // the packed value(s), unaligned; of a string: its characters
  std::vector<std::string_view> strings;  // the elements of an array of strings
  std::uint64_t offset = 0;               // of the key, from the start of its file
};

/// One tensor: where its checked bytes are and what they mean. Shapes as GGUF has them: dims[0] is the row.
struct Tensor {
  std::string_view name;
  const TensorType* type = nullptr;
  std::uint32_t n_dims = 0;
  std::array<std::uint64_t, 4> dims{1, 1, 1, 1};
  std::span<const std::byte> data;  // [dims[3], dims[2], dims[1], row bytes]
  std::uint64_t offset = 0;         // of data, from the start of its file
  std::uint64_t info_offset = 0;    // of its row in the tensor table, from the start of its file
  std::uint32_t shard = 0;
};

/// A model file: metadata of the first shard, tensors of all. Movable; views stay valid while it lives.
class File {
 public:
  /// Opens `path` and, when it is the first of a split model, its siblings. Errors name file, field and byte offset; of `on_read`,
  /// which hears of each file's pieces as MappedFile::open says, its own.
  static Result<File> open(const std::string& path, MappedFile::Access access = MappedFile::Access::map,
                           const OnRead& on_read = {});

  /// Parses one file's bytes that somebody else keeps alive (tests, fuzzing). Split files are refused here.
  static Result<File> parse(std::span<const std::byte> bytes, std::string label = "memory");

  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t file_bytes() const { return file_bytes_; }  // of all shards
  const std::string& path() const { return path_; }
  std::span<const KeyValue> metadata() const { return metadata_; }
  std::span<const Tensor> tensors() const { return tensors_; }
  std::span<const MappedFile> shards() const { return shards_; }

  const KeyValue* find(std::string_view key) const;
  const Tensor* find_tensor(std::string_view name) const;

  /// Typed reading. Missing key: not_found error (or nullopt for the optional_ forms). Wrong type: malformed, naming
  /// the key, its byte offset, the type found and those accepted. Unsigned reads accept every integer type that holds
  /// the value.
  Result<std::uint64_t> get_uint(std::string_view key) const;
  Result<double> get_float(std::string_view key) const;  // f32 or f64
  Result<std::string_view> get_string(std::string_view key) const;
  Result<std::optional<std::uint64_t>> optional_uint(std::string_view key) const;
  Result<std::optional<double>> optional_float(std::string_view key) const;
  Result<std::optional<bool>> optional_bool(std::string_view key) const;
  Result<std::optional<std::string_view>> optional_string(std::string_view key) const;
  Result<std::span<const std::string_view>> get_strings(std::string_view key) const;  // array of strings
  Result<std::vector<float>> get_floats(std::string_view key) const;                  // array of f32
  Result<std::vector<std::int64_t>> get_ints(std::string_view key) const;             // array of any integer type

 private:
  static Result<File> parse_bytes(std::span<const std::byte> bytes, std::string label);
  static Result<File> open_one(const std::string& path, MappedFile::Access access, const OnRead& on_read);
  static Result<File> open_all(const std::string& path, MappedFile::Access access, const OnRead& on_read);
  void add_shard(File sibling);
  Result<void> index_all_shards();
  std::string where(const KeyValue& pair) const;

  std::string path_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t file_bytes_ = 0;
  std::vector<MappedFile> shards_;
  std::vector<KeyValue> metadata_;
  std::vector<Tensor> tensors_;
  std::vector<std::size_t> keys_by_name_;     // positions in metadata_, sorted: 8 bytes a key where a hash map takes 56
  std::vector<std::size_t> tensors_by_name_;  // positions in tensors_, sorted
};

}  // namespace hearth::gguf
