// Enters: the "post_processor" of a tokenizer.json. Leaves: the ids that go before and after a text.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <vector>

#include "hf_json.h"

namespace hearth::text {

struct HfTemplate {
  std::vector<std::int32_t> before, after;
};

Result<HfTemplate> read_template(const JsonNode& node);

}  // namespace hearth::text
