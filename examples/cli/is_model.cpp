// Enters: the path of a file to write. Leaves: whether a model is there, whose place nothing may take.
#include "is_model.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace hearth::cli {

bool is_model(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;  // a pipe would wait for who writes
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

}  // namespace hearth::cli
