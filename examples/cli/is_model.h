// Enters: the path of a file to write. Leaves: whether a model is there, whose place nothing may take.
#pragma once

#include <string>

namespace hearth::cli {

/// Whether what is there begins as GGUF files do: the call's own model, one of its shards, or another.
bool is_model(const std::string& path);

}  // namespace hearth::cli
