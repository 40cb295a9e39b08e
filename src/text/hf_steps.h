// Enters: the "normalizer" and "pre_tokenizer" of a tokenizer.json. Leaves: their steps, ready to run.
#pragma once

#include <functional>
#include <hearth/result.hpp>
#include <limits>
#include <string>
#include <vector>

#include "hf_json.h"
#include "pieces.h"

namespace hearth::text {

/// Bytes of a text that a step may leave; one that makes more may stop there, and encode refuses.
inline constexpr std::size_t max_normalized = std::numeric_limits<std::int32_t>::max();

using NormalizerSteps = std::vector<std::function<Result<void>(std::string& text)>>;
using SplitSteps = std::vector<std::function<Result<void>(Pieces& pieces)>>;

/// None where the node is null. Errors: a type that is not known here, by its name and place.
Result<NormalizerSteps> read_normalizer(const JsonNode& node);
Result<SplitSteps> read_pre_tokenizer(const JsonNode& node);

/// {"String": …} or {"Regex": …}.
Result<std::shared_ptr<const Pattern>> read_pattern(const JsonNode& node);

}  // namespace hearth::text
