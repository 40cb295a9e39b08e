// Enters: bits of an element. Leaves: their value.
#include "source_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "canonical_math.h"

namespace hearth::convert {
namespace {

using kernels::Format;

template <class T> T load(const std::byte* bits) {
  T value;
  std::memcpy(&value, bits, sizeof value);
  return value;
}

/// OCP 8-bit floating point: one sign bit, then exponent, then mantissa.
template <int exponent_bits, int bias> float small_float(const std::byte* bits) {
  constexpr int mantissa_bits = 7 - exponent_bits;
  const auto byte = load<std::uint8_t>(bits);
  const int exponent = byte >> mantissa_bits & ((1 << exponent_bits) - 1), mantissa = byte & ((1 << mantissa_bits) - 1);
  const float size =
      exponent == 0 ? std::ldexp(static_cast<float>(mantissa), 1 - bias - mantissa_bits)
                    : std::ldexp(static_cast<float>(mantissa | 1 << mantissa_bits), exponent - bias - mantissa_bits);
  return byte & 0x80 ? -size : size;
}

float from_f64(const std::byte* bits) { return static_cast<float>(load<double>(bits)); }
float from_f32(const std::byte* bits) { return load<float>(bits); }
float from_f16(const std::byte* bits) { return kernels::f16_to_f32(load<std::uint16_t>(bits)); }
float from_bf16(const std::byte* bits) { return kernels::bf16_to_f32(load<std::uint16_t>(bits)); }

float from_e4m3(const std::byte* bits) {
  const auto byte = load<std::uint8_t>(bits);
  return (byte & 0x7f) == 0x7f ? std::nanf("") : small_float<4, 7>(bits);  // no infinities, one NaN
}

float from_e5m2(const std::byte* bits) {
  const auto byte = load<std::uint8_t>(bits);
  if ((byte & 0x7f) > 0x7c) return std::nanf("");
  if ((byte & 0x7f) == 0x7c) return byte & 0x80 ? -INFINITY : INFINITY;
  return small_float<5, 15>(bits);
}

/// THE table of element types: those that safetensors defines in whole bytes.
constexpr ElementType types[] = {
    {"F64", 8, from_f64, std::nullopt},      {"F32", 4, from_f32, Format::f32},
    {"F16", 2, from_f16, Format::f16},       {"BF16", 2, from_bf16, Format::bf16},
    {"F8_E4M3", 1, from_e4m3, std::nullopt}, {"F8_E5M2", 1, from_e5m2, std::nullopt},
    {"I64", 8, nullptr, std::nullopt},       {"I32", 4, nullptr, std::nullopt},
    {"I16", 2, nullptr, std::nullopt},       {"I8", 1, nullptr, std::nullopt},
    {"U64", 8, nullptr, std::nullopt},       {"U32", 4, nullptr, std::nullopt},
    {"U16", 2, nullptr, std::nullopt},       {"U8", 1, nullptr, std::nullopt},
    {"BOOL", 1, nullptr, std::nullopt},      {"F8_E8M0", 1, nullptr, std::nullopt},
};

}  // namespace

const ElementType* find_element_type(std::string_view name) {
  const auto found =
      std::find_if(std::begin(types), std::end(types), [&](const auto& row) { return row.name == name; });
  return found == std::end(types) ? nullptr : found;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t count : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(count);
  return text + "]";
}

}  // namespace hearth::convert
