// Enters: the path of a Hugging Face model folder. Leaves: the model as a GGUF file, or an error and no file.
#pragma once

#include <hearth/tools.hpp>
#include <string>

namespace hearth::convert {

/// As tools::convert promises. A tensor is made when its turn comes, so memory holds one of them, with all its experts.
Result<tools::ConvertReport> convert(const std::string& folder, const std::string& out,
                                     const tools::ConvertOptions& options);

}  // namespace hearth::convert
