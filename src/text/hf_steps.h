// Enters: the "normalizer" and "pre_tokenizer" of a tokenizer.json. Leaves: their steps, ready to run.
#pragma once

#include <functional>
#include <hearth/result.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "hf_json.h"
#include "pieces.h"

namespace hearth::text {

using NormalizerStep = std::function<Result<void>(std::string& text)>;
using NormalizerSteps = std::vector<NormalizerStep>;
using SplitStep = std::function<Result<void>(Pieces& pieces)>;
using SplitSteps = std::vector<SplitStep>;

/// None where the node is null. Errors: a type that is not known here, by its name and place.
Result<NormalizerSteps> read_normalizer(const JsonNode& node);
Result<SplitSteps> read_pre_tokenizer(const JsonNode& node);

/// The steps of all nodes of an array, in order.
template <class Steps> Result<Steps> read_each(const JsonNode& array, Result<Steps> (*read)(const JsonNode& node)) {
  HEARTH_TRY(const std::vector<JsonNode> nodes, array.items());
  Steps steps;
  for (const JsonNode& node : nodes) {
    HEARTH_TRY(Steps more, read(node));
    steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return steps;
}

/// {"String": …} or {"Regex": …}.
Result<std::shared_ptr<const Pattern>> read_pattern(const JsonNode& node);

}  // namespace hearth::text
