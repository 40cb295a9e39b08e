// Enters: a metadata value as GGUF has it. Leaves: the same value as JSON text.
#include "json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "escape.h"
#include "utf8.h"

namespace hearth::inspect {
namespace {

using gguf::ValueType;

template <class T> std::string number(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return "\"nan\"";
    if (std::isinf(value)) return value < 0 ? "\"-inf\"" : "\"inf\"";
  }
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    const std::string_view bytes = text.substr(0, length);
    text.remove_prefix(length);
    if (code == Character::no_code) {
      out += "\xef\xbf\xbd";
      continue;
    }
    if (code == '"' || code == '\\') out += '\\';
    if (acts_on_terminal(static_cast<std::uint32_t>(code))) {  // all of these have at most 16 bits
      append_hex(out.append("\\u"), static_cast<std::uint32_t>(code), 4);
    } else {
      out += bytes;
    }
  }
  return out + '"';
}

std::string json_scalar(ValueType type, const std::byte* at) {
  switch (type) {
    case ValueType::u8:
      return number<std::uint8_t>(at);
    case ValueType::i8:
      return number<std::int8_t>(at);
    case ValueType::u16:
      return number<std::uint16_t>(at);
    case ValueType::i16:
      return number<std::int16_t>(at);
    case ValueType::u32:
      return number<std::uint32_t>(at);
    case ValueType::i32:
      return number<std::int32_t>(at);
    case ValueType::u64:
      return number<std::uint64_t>(at);
    case ValueType::i64:
      return number<std::int64_t>(at);
    case ValueType::f32:
      return number<float>(at);
    case ValueType::f64:
      return number<double>(at);
    case ValueType::boolean:
      return *at == std::byte{0} ? "false" : "true";
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return "null";
}

}  // namespace hearth::inspect
