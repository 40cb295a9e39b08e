// Enters: the MODEL of a call, or none. Leaves: the path of the file meant, or an error.
#pragma once

#include <hearth/result.hpp>
#include <string>

namespace hearth::cli {

/// The model that Hearth brings, found beside this program: the same relative place in the build and the installed tree.
Result<std::string> bundled_model();

/// A path is taken as it is; a bare word that is no file is a name, and names are not known yet.
Result<std::string> find_model(const std::string& model);

}  // namespace hearth::cli
