// Enters: a key's name. Leaves: its value as the type the caller needs, or an error naming the key, its byte and its
// type.
#include <cstring>
#include <limits>

#include "escape.h"
#include "gguf_index.h"
#include "gguf_reader.h"
#include "try.h"

namespace hearth::gguf {
namespace {

template <class T> T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

bool is_signed(ValueType type) {
  return type == ValueType::i8 || type == ValueType::i16 || type == ValueType::i32 || type == ValueType::i64;
}

bool is_integer(ValueType type) {
  return is_signed(type) || type == ValueType::u8 || type == ValueType::u16 || type == ValueType::u32 ||
         type == ValueType::u64;
}

/// Any integer in 64 bits, sign-extended when its type is signed.
std::uint64_t load_integer(ValueType type, const std::byte* at) {
  const auto widen = [](auto value) { return static_cast<std::uint64_t>(std::int64_t{value}); };
  switch (type) {
    case ValueType::u8:
      return load<std::uint8_t>(at);
    case ValueType::u16:
      return load<std::uint16_t>(at);
    case ValueType::u32:
      return load<std::uint32_t>(at);
    case ValueType::i8:
      return widen(load<std::int8_t>(at));
    case ValueType::i16:
      return widen(load<std::int16_t>(at));
    case ValueType::i32:
      return widen(load<std::int32_t>(at));
    default:
      return load<std::uint64_t>(at);
  }
}

std::string type_text(const KeyValue& pair) {
  if (pair.type != ValueType::array) return std::string(name(pair.type));
  return "array of " + std::string(name(pair.element_type));
}

constexpr std::string_view convert_again = "convert the model again or correct the key";

Error refuse(const std::string& what, const std::string& where) {
  return {Status::malformed, what + "; " + where + "; " + std::string(convert_again)};
}

Error wrong_type(const KeyValue& pair, std::string_view accepted, const std::string& where) {
  return refuse("type " + type_text(pair) + " is not " + std::string(accepted), where);
}

/// Writers disagree about the element type of an array without elements, so any is taken.
bool is_array_of(const KeyValue& pair, ValueType element) {
  return pair.type == ValueType::array && (pair.count == 0 || pair.element_type == element);
}

Error missing(std::string_view key, const std::string& path) {
  return {Status::not_found, "key '" + escape(key) + "' is missing; metadata of " + quoted_path(path) +
                                 "; the model needs it, convert it again"};
}

/// The value that an optional_ form found, or the error that a missing key is to the others.
template <class T> Result<T> required(Result<std::optional<T>> found, std::string_view key, const std::string& path) {
  if (!found) return std::move(found).error();
  if (!*found) return missing(key, path);
  return **found;
}

}  // namespace

std::string File::where(const KeyValue& pair) const {
  return "key '" + escape(pair.key) + "' at byte " + std::to_string(pair.offset) + " of " + quoted_path(path_);
}

const KeyValue* File::find(std::string_view key) const { return find_by_name<KeyValue>(metadata_, keys_by_name_, key); }

const Tensor* File::find_tensor(std::string_view tensor) const {
  return find_by_name<Tensor>(tensors_, tensors_by_name_, tensor);
}

Result<std::optional<std::uint64_t>> File::optional_uint(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return std::optional<std::uint64_t>();
  if (!is_integer(pair->type)) return wrong_type(*pair, "an integer", where(*pair));
  const std::uint64_t value = load_integer(pair->type, pair->payload.data());
  const auto as_signed = static_cast<std::int64_t>(value);
  if (is_signed(pair->type) && as_signed < 0)
    return refuse("value " + std::to_string(as_signed) + " is negative", where(*pair));
  return std::optional(value);
}

Result<std::optional<double>> File::optional_float(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return std::optional<double>();
  if (pair->type == ValueType::f32) return std::optional<double>(load<float>(pair->payload.data()));
  if (pair->type == ValueType::f64) return std::optional(load<double>(pair->payload.data()));
  return wrong_type(*pair, "f32 or f64", where(*pair));
}

Result<std::optional<bool>> File::optional_bool(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return std::optional<bool>();
  if (pair->type != ValueType::boolean) return wrong_type(*pair, "bool", where(*pair));
  return std::optional(pair->payload[0] == std::byte{1});
}

Result<std::optional<std::string_view>> File::optional_string(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return std::optional<std::string_view>();
  if (pair->type != ValueType::string) return wrong_type(*pair, "string", where(*pair));
  return std::optional(std::string_view(reinterpret_cast<const char*>(pair->payload.data()), pair->payload.size()));
}

Result<std::uint64_t> File::get_uint(std::string_view key) const { return required(optional_uint(key), key, path_); }

Result<double> File::get_float(std::string_view key) const { return required(optional_float(key), key, path_); }

Result<std::string_view> File::get_string(std::string_view key) const {
  return required(optional_string(key), key, path_);
}

Result<std::span<const std::string_view>> File::get_strings(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return missing(key, path_);
  if (!is_array_of(*pair, ValueType::string)) return wrong_type(*pair, "array of string", where(*pair));
  return std::span<const std::string_view>(pair->strings);
}

Result<std::vector<float>> File::get_floats(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return missing(key, path_);
  if (!is_array_of(*pair, ValueType::f32)) return wrong_type(*pair, "array of f32", where(*pair));
  std::vector<float> values(pair->count);
  if (!values.empty()) std::memcpy(values.data(), pair->payload.data(), values.size() * sizeof(float));
  return values;
}

Result<std::vector<std::int64_t>> File::get_ints(std::string_view key) const {
  const KeyValue* pair = find(key);
  if (pair == nullptr) return missing(key, path_);
  const bool integers = pair->type == ValueType::array && (pair->count == 0 || is_integer(pair->element_type));
  if (!integers) return wrong_type(*pair, "array of integers", where(*pair));
  std::vector<std::int64_t> values(pair->count);
  const std::size_t each = value_bytes(pair->element_type);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t value = load_integer(pair->element_type, pair->payload.data() + i * each);
    if (pair->element_type == ValueType::u64 && value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      return refuse("element " + std::to_string(i) + " is " + std::to_string(value) + ", over 2^63-1", where(*pair));
    }
    values[i] = static_cast<std::int64_t>(value);
  }
  return values;
}

}  // namespace hearth::gguf
