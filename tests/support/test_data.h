// Where the shared reference data lies; tests that need it skip loudly where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace hearth::test {

inline std::filesystem::path data_folder() {
  const char* named = std::getenv("HEARTH_TEST_DATA");
  return named ? std::filesystem::path(named) : std::filesystem::path(HEARTH_SOURCE_DIR) / ".." / "shared";
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A folder of this process's own, gone when the test ends.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace hearth::test

#define HEARTH_NEEDS_TEST_DATA(path)                                                      \
  if (!std::filesystem::exists(path)) {                                                   \
    WARN("SKIPPED: " << (path) << " is absent; set HEARTH_TEST_DATA to the shared data"); \
    return;                                                                               \
  }
