// Enters: the bytes of a GGUF file (v2, v3; all shards of a split one). Leaves: metadata and the tensor directory,
// every count, length, offset and type checked, nothing copied.
#include "gguf_reader.h"

#include <new>
#include <stdexcept>
#include <utility>

#include "escape.h"
#include "gguf_index.h"
#include "gguf_parse.h"
#include "gguf_split.h"
#include "try.h"

namespace hearth::gguf {
namespace {

/// The one place where the standard library's exceptions of failed allocation become an error value.
template <class Read> Result<File> without_exceptions(const std::string& path, Read read) {
  constexpr std::string_view advice = "; free memory or raise the limit of this process";
  try {
    return read();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  return Error(Status::out_of_memory,
               "no memory for the directory; reading " + quoted_path(path) + std::string(advice));
}

Error not_the_first(const File& part, const SplitKeys& split) {
  const auto prefix = split_prefix(part.path(), split.no, split.count);
  const std::string first = prefix ? quoted_path(split_path(*prefix, 0, split.count))
                                   : "the file that ends in '" + split_path("", 0, split.count) + "'";
  return {Status::invalid_argument, "this is part " + std::to_string(split.no + 1) + " of " +
                                        std::to_string(split.count) + " of a split model; split.no of " +
                                        quoted_path(part.path()) + "; open " + first};
}

/// Bytes in memory have no folder in which siblings could lie.
Error unaccompanied(const File& part, const SplitKeys& split) {
  return {Status::unsupported, "this is one of " + std::to_string(split.count) +
                                   " parts of a split model; split.count of " + quoted_path(part.path()) +
                                   "; open the first part by its path"};
}

Error misnamed(const File& first, const SplitKeys& split) {
  return {Status::invalid_argument,
          "the first of " + std::to_string(split.count) + " parts is misnamed, so the others cannot be found; " +
              quoted_path(first.path()) + "; rename it to end in '" + split_path("", 0, split.count) + "'"};
}

Error missing_part(const std::string& path, const File& first, const SplitKeys& split, std::uint64_t no) {
  return {Status::not_found, "part " + std::to_string(no + 1) + " of " + std::to_string(split.count) +
                                 " is missing; expected " + quoted_path(path) + " beside " + quoted_path(first.path()) +
                                 "; put all parts into one folder"};
}

}  // namespace

Result<File> File::parse_bytes(std::span<const std::byte> bytes, std::string label) {
  HEARTH_TRY(Directory directory, parse_directory(bytes, label));
  File file;
  file.path_ = std::move(label);
  file.version_ = directory.version;
  file.alignment_ = directory.alignment;
  file.file_bytes_ = bytes.size();
  file.metadata_ = std::move(directory.metadata);
  file.tensors_ = std::move(directory.tensors);
  file.keys_by_name_ = std::move(directory.keys_by_name);
  file.tensors_by_name_ = std::move(directory.tensors_by_name);
  return file;
}

Result<File> File::parse(std::span<const std::byte> bytes, std::string label) {
  const std::string path = label;
  return without_exceptions(path, [&]() -> Result<File> {
    HEARTH_TRY(File file, parse_bytes(bytes, std::move(label)));
    HEARTH_TRY(const SplitKeys split, read_split_keys(file));
    if (split.count > 1) return unaccompanied(file, split);
    HEARTH_CHECK(check_tensor_total(file, split));
    return file;
  });
}

Result<File> File::open(const std::string& path, MappedFile::Access access, const OnRead& on_read) {
  return without_exceptions(path, [&] { return open_all(path, access, on_read); });
}

Result<File> File::open_one(const std::string& path, MappedFile::Access access, const OnRead& on_read) {
  HEARTH_TRY(MappedFile mapped, MappedFile::open(path, access, on_read));
  HEARTH_TRY(File file, parse_bytes(mapped.bytes(), path));
  file.shards_.push_back(std::move(mapped));
  return file;
}

Result<File> File::open_all(const std::string& path, MappedFile::Access access, const OnRead& on_read) {
  HEARTH_TRY(File file, open_one(path, access, on_read));
  HEARTH_TRY(const SplitKeys split, read_split_keys(file));
  if (split.no != 0) return not_the_first(file, split);
  if (split.count > 1) {
    HEARTH_CHECK(file.get_uint("split.tensors.count"));
    const auto prefix = split_prefix(path, 0, split.count);
    if (!prefix) return misnamed(file, split);
    for (std::uint64_t no = 1; no < split.count; ++no) {
      const std::string sibling_path = split_path(*prefix, no, split.count);
      auto sibling = open_one(sibling_path, access, on_read);
      if (!sibling && sibling.error().status() == Status::not_found) return missing_part(sibling_path, file, split, no);
      if (!sibling) return std::move(sibling).error();
      HEARTH_CHECK(check_sibling(file, split, *sibling, no));
      file.add_shard(std::move(*sibling));
    }
    HEARTH_CHECK(file.index_all_shards());
  }
  HEARTH_CHECK(check_tensor_total(file, split));
  return file;
}

void File::add_shard(File sibling) {
  const auto shard = static_cast<std::uint32_t>(shards_.size());
  for (Tensor& tensor : sibling.tensors_) tensor.shard = shard;
  tensors_.insert(tensors_.end(), sibling.tensors_.begin(), sibling.tensors_.end());
  shards_.push_back(std::move(sibling.shards_.front()));
  file_bytes_ += sibling.file_bytes_;
}

Result<void> File::index_all_shards() {
  tensors_by_name_ = order_by_name<Tensor>(tensors_);
  const auto twice = first_duplicate<Tensor>(tensors_, tensors_by_name_);
  if (!twice) return {};
  const auto place = [&](const Tensor& tensor) {
    return "byte " + std::to_string(tensor.info_offset) + " of " + quoted_path(shards_[tensor.shard].path());
  };
  return Error(Status::malformed, "tensor '" + escape(tensors_[twice->second].name) + "' is in two parts; " +
                                      place(tensors_[twice->first]) + " and " + place(tensors_[twice->second]) +
                                      "; fetch all parts again");
}

}  // namespace hearth::gguf
