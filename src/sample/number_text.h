// Enters: a float. Leaves: its shortest text, for messages.
#pragma once

#include <charconv>
#include <string>

namespace hearth::sample {

inline std::string number_text(float value) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace hearth::sample
