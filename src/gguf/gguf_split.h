// Enters: the split.* keys and the path of one part. Leaves: which part it is and what its siblings are called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gguf_reader.h"

namespace hearth::gguf {

/// A file without split keys is part 0 of 1.
struct SplitKeys {
  std::uint64_t no = 0;  // 0-based
  std::uint64_t count = 1;
  std::optional<std::uint64_t> n_tensors;  // of all parts together
};

Result<SplitKeys> read_split_keys(const File& part);

/// "<prefix>-00001-of-00003.gguf" for part 0 of 3.
std::string split_path(const std::string& prefix, std::uint64_t no, std::uint64_t count);

/// The prefix, when `path` is what part `no` of `count` is called.
std::optional<std::string> split_prefix(const std::string& path, std::uint64_t no, std::uint64_t count);

/// Refuses a part that is not number `no` of the model that `first` begins; the error names both files.
Result<void> check_sibling(const File& first, const SplitKeys& split, const File& sibling, std::uint64_t no);

/// Refuses a model whose parts together hold another number of tensors than split.tensors.count says.
Result<void> check_tensor_total(const File& model, const SplitKeys& split);

}  // namespace hearth::gguf
