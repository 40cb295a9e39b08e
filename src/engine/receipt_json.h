// Enters: a receipt, or its JSON. Leaves: the other.
#pragma once

#include <cstdint>
#include <hearth/tools.hpp>
#include <span>
#include <string>
#include <string_view>

namespace hearth::engine {

/// An error where no receipt can hold what it says.
Result<std::string> to_json(const tools::Receipt& receipt);

/// `where`: the receipt's name in errors.
Result<tools::Receipt> read_receipt(std::string_view json, const std::string& where);

std::string sha256_of(std::string_view text);
/// Of their 4 bytes each, little-endian.
std::string sha256_of_ids(std::span<const std::int32_t> ids);

// Lower-case hexadecimal: two digits a byte, or 16 of a number.
std::string hex_of(std::string_view bytes);
std::string hex_of(std::uint64_t number);

}  // namespace hearth::engine
