// Enters: the path of a Hugging Face model folder. Leaves: the files in it, by name.
#pragma once

#include <hearth/result.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "mapped_file.h"

namespace hearth::convert {

class ModelFolder {
 public:
  explicit ModelFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const;
  bool has(std::string_view name) const;

  Result<MappedFile> open(std::string_view name) const;

  // Small files, of up to 256 MiB; nothing, or null, where there is none of that name.
  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<nlohmann::json> json(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace hearth::convert
