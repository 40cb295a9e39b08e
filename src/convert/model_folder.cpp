// Enters: the path of a model folder. Leaves: its files.
#include "model_folder.h"

#include <filesystem>
#include <system_error>

#include "escape.h"
#include "hf_json.h"
#include "try.h"

namespace hearth::convert {

std::string ModelFolder::path_of(std::string_view name) const { return (std::filesystem::path(path_) / name).string(); }

bool ModelFolder::has(std::string_view name) const {
  std::error_code ignored;
  // What cannot be followed or looked at is there all the same: opening it says what is wrong.
  return std::filesystem::symlink_status(path_of(name), ignored).type() != std::filesystem::file_type::not_found;
}

Result<MappedFile> ModelFolder::open(std::string_view name) const { return MappedFile::open(path_of(name)); }

Result<std::optional<std::string>> ModelFolder::text(std::string_view name) const {
  constexpr std::size_t most = std::size_t{256} << 20;
  if (!has(name)) return std::optional<std::string>();
  HEARTH_TRY(const MappedFile file, open(name));
  const auto bytes = file.bytes();
  if (bytes.size() > most)
    return Error(Status::malformed, "the file has " + std::to_string(bytes.size()) + " bytes, up to " +
                                        std::to_string(most) + " are read; " + quoted_path(path_of(name)) +
                                        "; fetch the file again");
  return std::optional(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Result<nlohmann::json> ModelFolder::json(std::string_view name) const {
  HEARTH_TRY(const std::optional<std::string> source, text(name));
  if (!source) return nlohmann::json();
  return text::parse_json(*source, quoted_path(path_of(name)));
}

}  // namespace hearth::convert
