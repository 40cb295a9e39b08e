// Enters: the name of a string format of JSON Schema. Leaves: a regular expression for its texts.
#pragma once

#include <span>
#include <string_view>

namespace hearth::sample {

struct JsonFormat {
  std::string_view name, regex;
};

/// Texts that every reader of the format takes: dates that exist, no leap second, host names of up to three labels.
std::span<const JsonFormat> json_formats();

}  // namespace hearth::sample
