// Enters: rows of floats. Leaves: a NumPy file of them under its name, whole or not at all.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <string_view>

namespace hearth::cli {

/// Format version 1.0, float32, C order. Written beside `path` and renamed by `commit`; without it nothing stays. It takes
/// an older file's place, but no model's.
class NpyFile {
 public:
  static Result<NpyFile> create(const std::string& path, std::int64_t n_rows, std::int64_t n_columns);

  NpyFile(NpyFile&& other) noexcept;
  NpyFile(const NpyFile&) = delete;
  NpyFile& operator=(const NpyFile&) = delete;
  ~NpyFile();

  Result<void> add_row(std::span<const float> row);  // [n_columns]
  Result<void> commit();

 private:
  NpyFile(std::string path, std::string temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
  Result<void> write(std::string_view bytes);

  std::string path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace hearth::cli
