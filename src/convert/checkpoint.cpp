// Enters: a model folder. Leaves: its tensors.
#include "checkpoint.h"

#include <iterator>
#include <set>
#include <utility>

#include "escape.h"
#include "safetensors.h"
#include "try.h"

namespace hearth::convert {
namespace {

constexpr std::string_view single_name = "model.safetensors", index_name = "model.safetensors.index.json";

Error wrong_index(const ModelFolder& folder, const std::string& what) {
  return Error(Status::malformed, what + "; " + quoted_path(folder.path_of(index_name)) + "; fetch the folder again");
}

using WeightMap = std::map<std::string, std::string, std::less<>>;  // tensor -> file

Result<WeightMap> read_index(const ModelFolder& folder) {
  HEARTH_TRY(const auto document, folder.json(index_name));
  if (!document.is_object() || !document.contains("weight_map") || !document["weight_map"].is_object())
    return wrong_index(folder, "'weight_map' is no object");
  WeightMap map;
  for (const auto& [tensor, file] : document["weight_map"].items()) {
    const std::string* name = file.get_ptr<const std::string*>();
    // A name alone: an index must not lead out of its folder.
    if (!name || name->empty() || *name == "." || *name == ".." || name->find('/') != std::string::npos ||
        name->find('\0') != std::string::npos)
      return wrong_index(folder, "'weight_map' puts tensor '" + escape(tensor) + "' in no file of this folder");
    map.emplace(tensor, *name);
  }
  return map;
}

}  // namespace

Result<void> Checkpoint::add(const ModelFolder& folder, const std::string& file) {
  HEARTH_TRY(MappedFile mapped, folder.open(file));
  const std::string where = quoted_path(folder.path_of(file));
  HEARTH_TRY(std::vector<SourceTensor> tensors, read_safetensors(mapped.bytes(), where));
  files_.push_back(std::move(mapped));
  for (SourceTensor& tensor : tensors) {
    const auto [other, fresh] = file_of_.emplace(tensor.name, file);
    if (!fresh)
      return Error(Status::malformed, "tensor '" + escape(tensor.name) + "' is in '" + escape(other->second) +
                                          "' as well; " + where + "; fetch the folder again");
    tensors_.push_back(std::move(tensor));
  }
  return {};
}

Result<Checkpoint> Checkpoint::open(const ModelFolder& folder) {
  Checkpoint made;
  if (!folder.has(index_name)) {
    if (!folder.has(single_name))
      return Error(Status::not_found,
                   "no " + std::string(single_name) + " and no " + std::string(index_name) + "; " +
                       quoted_path(folder.path()) +
                       "; name a Hugging Face folder with safetensors, other checkpoints are not read");
    HEARTH_CHECK(made.add(folder, std::string(single_name)));
    return made;
  }
  HEARTH_TRY(const WeightMap index, read_index(folder));
  std::set<std::string> files;
  for (const auto& [tensor, file] : index) files.insert(file);
  for (const std::string& file : files) HEARTH_CHECK(made.add(folder, file));
  for (const auto& [tensor, file] : index) {
    const auto found = made.file_of_.find(tensor);
    if (found == made.file_of_.end() || found->second != file)
      return wrong_index(folder, "tensor '" + escape(tensor) + "' is not in '" + escape(file) + "'");
  }
  for (const auto& [tensor, file] : made.file_of_)
    if (!index.contains(tensor))
      return wrong_index(folder, "tensor '" + escape(tensor) + "' of '" + escape(file) + "' is not in 'weight_map'");
  return made;
}

}  // namespace hearth::convert
