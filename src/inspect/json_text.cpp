// Enters: a metadata value as GGUF has it. Leaves: the same value as JSON text.
#include "json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "utf8.h"

namespace hearth::inspect {
namespace {

using gguf::ValueType;

/// The code point of one valid character.
std::uint32_t code_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i])); };
  std::uint32_t code = character.size() == 1 ? byte(0) : byte(0) & (0xffu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3f);
  return code;
}

bool acts_on_terminal(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_escape(std::string& out, std::uint32_t code) {  // every code that acts on a terminal has at most 16 bits
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[code >> shift & 15];
}

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
    const auto [state, length] = text::utf8_step(text);
    const std::string_view bytes = text.substr(0, length);
    text.remove_prefix(length);
    if (state != text::Utf8::valid) {
      out += "\xef\xbf\xbd";
      continue;
    }
    const std::uint32_t code = code_of(bytes);
    if (code == '"' || code == '\\') out += '\\';
    if (acts_on_terminal(code)) append_escape(out, code);
    else out += bytes;
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
