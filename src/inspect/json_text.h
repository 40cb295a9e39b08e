// Enters: a metadata value as GGUF has it. Leaves: the same value as JSON text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gguf_reader.h"

namespace hearth::inspect {

/// A JSON string. Sound UTF-8 stays as it is but for controls and what reorders a line, which become \u escapes; a byte
/// that is no UTF-8 becomes U+FFFD. Safe on a terminal.
std::string json_string(std::string_view text);

/// The scalar of this type at `at`, unaligned; floats that JSON lacks become "nan", "inf", "-inf".
std::string json_scalar(gguf::ValueType type, const std::byte* at);

}  // namespace hearth::inspect
