// Enters: a tokenizer.json of byte-level BPE. Leaves: the name that GGUF has for the way it cuts texts.
#pragma once

#include <hearth/result.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hearth::convert {

/// Found by what the steps do to a text that tells all rows of the pre-tokenizer table apart, not by how they are written.
/// `preferred`: the name to use where it means the same. Error: no row cuts so.
Result<std::string> pre_tokenizer_name(const nlohmann::json& tokenizer, std::string_view preferred,
                                       const std::string& where);

/// The text; for the test that no two rows cut it alike.
std::string_view pre_tokenizer_probe();

}  // namespace hearth::convert
