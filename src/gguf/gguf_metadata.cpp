// Enters: the key-value part of a file. Leaves: its pairs, every length and type checked, and the alignment they set.
#include <array>
#include <limits>

#include "escape.h"
#include "gguf_index.h"
#include "gguf_parse.h"
#include "try.h"

namespace hearth::gguf {
namespace {

struct ValueRow {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<ValueRow, 13> value_rows{{
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
}};

constexpr std::uint64_t smallest_string = 8;  // its length alone

Result<ValueType> read_value_type(Cursor& in, std::string_view field) {
  const std::uint64_t at = in.position();
  HEARTH_TRY(const auto id, in.number<std::uint32_t>(field));
  if (id >= value_rows.size()) return in.error("value type " + std::to_string(id) + " is not one of 0..12", field, at);
  return static_cast<ValueType>(id);
}

/// A bool is one byte, 0 or 1; anything else would mean different things to different readers.
Result<void> check_bools(const Cursor& in, const KeyValue& pair) {
  const std::uint64_t start = in.position() - pair.payload.size();
  for (std::size_t i = 0; i < pair.payload.size(); ++i) {
    if (pair.payload[i] <= std::byte{1}) continue;
    return in.error("bool " + std::to_string(std::to_integer<int>(pair.payload[i])) + " is not 0 or 1",
                    pair.type == ValueType::array ? "element " + std::to_string(i) : "value", start + i);
  }
  return {};
}

Result<void> read_strings(Cursor& in, KeyValue& pair) {
  const std::uint64_t start = in.position();
  pair.strings.reserve(pair.count);
  for (std::uint64_t i = 0; i < pair.count; ++i) {
    in.enter_element(i);
    HEARTH_TRY(const auto text, in.string("string", std::numeric_limits<std::uint64_t>::max()));
    pair.strings.push_back(text);
  }
  in.leave_element();
  pair.payload = in.bytes().subspan(start, in.position() - start);
  return {};
}

Result<void> read_array(Cursor& in, KeyValue& pair) {
  const std::uint64_t type_at = in.position();
  HEARTH_TRY(pair.element_type, read_value_type(in, "element type"));
  if (pair.element_type == ValueType::array) {
    return in.error("an array holds arrays", "element type", type_at,
                    "nested arrays are not supported, write this key as a flat array", Status::unsupported);
  }
  const std::uint64_t count_at = in.position();
  HEARTH_TRY(pair.count, in.number<std::uint64_t>("element count"));
  const bool of_strings = pair.element_type == ValueType::string;
  const std::uint64_t each = of_strings ? smallest_string : value_bytes(pair.element_type);
  if (pair.count > in.remaining() / each) {
    return in.error("element count " + std::to_string(pair.count) + " needs at least " + bytes_text(each) + " each, " +
                        bytes_text(in.remaining()) + " remain",
                    "element count", count_at);
  }
  if (of_strings) return read_strings(in, pair);
  HEARTH_TRY(pair.payload, in.take(pair.count * each, "elements"));
  if (pair.element_type == ValueType::boolean) return check_bools(in, pair);
  return {};
}

Result<void> read_value(Cursor& in, KeyValue& pair) {
  if (pair.type == ValueType::array) return read_array(in, pair);
  pair.count = 1;
  if (pair.type == ValueType::string) {
    HEARTH_TRY(const auto text, in.string("string", std::numeric_limits<std::uint64_t>::max()));
    pair.payload = std::as_bytes(std::span(text));
    return {};
  }
  HEARTH_TRY(pair.payload, in.take(value_bytes(pair.type), "value"));
  if (pair.type == ValueType::boolean) return check_bools(in, pair);
  return {};
}

Result<void> check_unique_keys(const Cursor& in, const Directory& directory) {
  const auto twice = first_duplicate<KeyValue>(directory.metadata, directory.keys_by_name);
  if (!twice) return {};
  const KeyValue& first = directory.metadata[twice->first];
  const KeyValue& second = directory.metadata[twice->second];
  return Error(Status::malformed, "key '" + escape(second.key) + "' appears twice; keys " +
                                      std::to_string(twice->first) + " and " + std::to_string(twice->second) +
                                      " at bytes " + std::to_string(first.offset) + " and " +
                                      std::to_string(second.offset) + " of " + in.file() + "; remove one of them");
}

/// general.alignment is u32 by the text; writers that use u64 are understood, everything else is refused.
Result<std::uint64_t> read_alignment(const Cursor& in, const Directory& directory) {
  const KeyValue* pair = find_by_name<KeyValue>(directory.metadata, directory.keys_by_name, alignment_key);
  if (pair == nullptr) return default_alignment;
  const auto refuse = [&](const std::string& what) {
    return Error(Status::malformed, what + "; key '" + std::string(alignment_key) + "' at byte " +
                                        std::to_string(pair->offset) + " of " + in.file() +
                                        "; it must be a power of two from 8 to 65536 of type u32 (u64 is accepted)");
  };
  if (pair->type != ValueType::u32 && pair->type != ValueType::u64)
    return refuse("type " + std::string(name(pair->type)) + " is not u32 or u64");
  std::uint64_t alignment = 0;
  std::memcpy(&alignment, pair->payload.data(), pair->payload.size());  // little-endian: 4 bytes widen by themselves
  if (!is_alignment(alignment)) return refuse("alignment " + std::to_string(alignment) + " is not usable");
  return alignment;
}

}  // namespace

std::string_view name(ValueType type) {
  const auto id = static_cast<std::size_t>(type);
  return id < value_rows.size() ? value_rows[id].name : "unknown";
}

std::size_t value_bytes(ValueType type) {
  const auto id = static_cast<std::size_t>(type);
  return id < value_rows.size() ? value_rows[id].bytes : 0;
}

Result<KeyValue> read_key_value(Cursor& in, std::uint64_t index) {
  in.enter("key", index);
  KeyValue pair;
  pair.offset = in.position();
  HEARTH_TRY(pair.key, in.string("name", max_key_bytes));
  if (pair.key.empty()) return in.error("the key is empty", "name", pair.offset);
  in.set_name(pair.key);
  HEARTH_TRY(pair.type, read_value_type(in, "value type"));
  HEARTH_CHECK(read_value(in, pair));
  return pair;
}

Result<void> read_metadata(Cursor& in, std::uint64_t n_keys, Directory& out) {
  out.metadata.reserve(n_keys);
  for (std::uint64_t i = 0; i < n_keys; ++i) {
    HEARTH_TRY(auto pair, read_key_value(in, i));
    out.metadata.push_back(std::move(pair));
  }
  out.keys_by_name = order_by_name<KeyValue>(out.metadata);
  HEARTH_CHECK(check_unique_keys(in, out));
  HEARTH_TRY(out.alignment, read_alignment(in, out));
  return {};
}

}  // namespace hearth::gguf
