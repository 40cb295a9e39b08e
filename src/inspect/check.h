// Enters: a path. Leaves: what is wrong with the file there, or worth knowing about it.
#pragma once

#include <hearth/tools.hpp>
#include <string>
#include <vector>

#include "gguf_reader.h"
#include "tokenizer.h"

namespace hearth::inspect {

using Findings = std::vector<tools::Finding>;

Result<Findings> check(const std::string& path, const tools::CheckOptions& options);

/// Every value of every tensor: one finding a tensor that holds some that are not finite. `options` are heard.
Result<void> check_tensors(const gguf::File& file, const tools::CheckOptions& options, Findings& findings);

/// Texts by id, what goes around a text, and the ids of probe texts; `json` is the same model's tokenizer.json.
void compare_tokenizers(const text::Tokenizer& gguf, const text::Tokenizer& json, Findings& findings);

}  // namespace hearth::inspect
