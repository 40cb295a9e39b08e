// Enters: text. Leaves: the number that all of it spells.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace hearth {

/// False where the text holds anything else, or a number that T does not hold; the value is not to be used then.
template <class T> bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace hearth
