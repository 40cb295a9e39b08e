// Enters: the MODEL of a call, or none. Leaves: the path of the file meant, or an error.
#include "bundled_model.h"

#include <filesystem>
#include <system_error>

#include "printable.h"

namespace hearth::cli {

namespace fs = std::filesystem;

Result<std::string> bundled_model() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path model = program.parent_path() / HEARTH_DATA_FROM_BIN / "hearth-stories.gguf";
  if (!failed && fs::exists(model, failed)) return model.lexically_normal().string();
  return Error(Status::not_found, "the bundled model is missing; " + in_quotes(model.lexically_normal().string()) +
                                      "; name a .gguf file, or install Hearth again");
}

Result<std::string> find_model(const std::string& model) {
  std::error_code ignored;
  const bool bare = model.find('/') == std::string::npos && fs::path(model).extension() != ".gguf";
  if (!bare || model.empty() || fs::exists(model, ignored)) return model;
  return Error(Status::not_found,
               "no file is called " + in_quotes(model) +
                   "; MODEL; give the path of a .gguf file, names come with `hearth models`, which this version lacks");
}

}  // namespace hearth::cli
