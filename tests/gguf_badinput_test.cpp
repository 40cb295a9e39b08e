// Enters: malformed headers and metadata, rows G1 to G27 of BADINPUT.md. Leaves: each refused with field and byte, or
// loaded.
#include <limits>

#include "support/catch.hpp"
#include "support/raw_gguf.h"

namespace gguf_badinput_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

constexpr std::uint64_t huge_counts[] = {std::uint64_t{1} << 31,
                                         std::uint64_t{1} << 32,
                                         (std::uint64_t{1} << 63) - 1,
                                         std::uint64_t{1} << 63,
                                         std::numeric_limits<std::uint64_t>::max(),
                                         1'000'000'000,
                                         std::numeric_limits<std::uint64_t>::max() / 14 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 16 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 24 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 25 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 40 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 48 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 88 + 1,
                                         std::numeric_limits<std::uint64_t>::max() / 368 + 1};

/// One architecture key and two tensors, with counts and version as asked.
RawGguf two_tensors(std::uint64_t n_tensors = 2, std::uint64_t n_keys = 1, std::uint32_t version = 3) {
  RawGguf raw;
  raw.header(n_tensors, n_keys, version).key("general.architecture", ValueType::string).string("llama");
  raw.tensor("first", {8}, 0, 0).tensor("second", {8}, 0, 32).pad().fill(64, 0x3f);
  return raw;
}

RawGguf with_key_length(std::uint64_t length) {
  RawGguf raw;
  raw.header(0, 2).key("a", ValueType::u32).number(std::uint32_t{1});
  raw.number(length).text("name").number(std::uint32_t{4}).number(std::uint32_t{7});
  return raw;
}

RawGguf alignment_file(ValueType type, std::span<const std::byte> payload, std::size_t layout = 32) {
  RawGguf raw;
  raw.header(1, 1).key("general.alignment", type);
  for (const std::byte byte : payload) raw.number(byte);
  raw.tensor("longer_name", {8}, 0, 0).pad(layout).fill(32, 0x3f);
  return raw;
}

template <class T> RawGguf alignment_file(ValueType type, T value, std::size_t layout = 32) {
  return alignment_file(type, std::as_bytes(std::span(&value, 1)), layout);
}

}  // namespace

TEST_CASE("G1 a file shorter than its header is refused with both numbers", "[gguf]") {
  for (const std::size_t size : {0, 1, 3, 4, 7, 8, 16, 23}) {
    const auto whole = two_tensors();
    require_refused(std::span(whole.bytes()).first(size),
                    {"file is " + std::to_string(size), "header needs 24", "test.gguf"});
  }
}

TEST_CASE("G2 a wrong magic is shown escaped, with a hint where one is known", "[gguf]") {
  const auto starting = [](std::string_view start) { return RawGguf().text(start).zeros(64); };
  require_refused(starting("FUGG"), {"'FUGG' is not 'GGUF'", "magic at byte 0", "reverse"});
  require_refused(starting("gguf"), {"'gguf'", "not GGUF"});
  require_refused(starting("tjgg"), {"'tjgg'", "GGML"});
  require_refused(starting("<!DOCTYPE html><html>"), {"web page"});
  require_refused(starting("\x1f\x8b\x08"), {"\\x1f\\x8b", "gzip"});
  require_refused(starting("version https://git-lfs.github.com/spec/v1\n"), {"git lfs pull"});
  require_refused(starting(""), {"'\\x00\\x00\\x00\\x00'"});
  require_refused(starting("\x1b[2J"), {"'\\x1b[2J'"});
  require_refused(RawGguf().text("\n").header(0, 0), {"'\\nGGU'", "one stray byte"});
}

TEST_CASE("G3 G4 G5 versions 2 and 3 load, others are named", "[gguf]") {
  require_refused(two_tensors(2, 1, 0), {"version 0", "byte 4"});
  require_refused(two_tensors(2, 1, 1), {"version 1 is not supported"}, Status::unsupported);
  require_refused(two_tensors(2, 1, 4), {"version 4", "byte 4"}, Status::unsupported);
  require_refused(two_tensors(2, 1, 0xffffffff), {"version 4294967295"}, Status::unsupported);
  require_refused(two_tensors(2, 1, 0x03000000), {"big-endian"}, Status::unsupported);
  CHECK(require_loads(two_tensors(2, 1, 2)).version() == 2);
  CHECK(require_loads(two_tensors(2, 1, 3)).version() == 3);
}

TEST_CASE("G6 counts beyond the file are refused before anything is allocated", "[gguf]") {
  for (const std::uint64_t count : huge_counts) {
    require_refused(two_tensors(count, 1), {"count " + std::to_string(count), "25 bytes each", "byte 8"});
    require_refused(two_tensors(2, count), {"count " + std::to_string(count), "14 bytes each", "byte 16"});
  }
}

TEST_CASE("G7 counts off by one are refused, never read as a smaller model", "[gguf]") {
  require_refused(two_tensors(3, 1), {"tensor 2"});
  require_refused(two_tensors(1, 1), {"tensor count 1 is too small", "'second' follows"});
  require_refused(two_tensors(0, 1), {"tensor count 0 is too small", "'first' follows"});
  require_refused(two_tensors(2, 2), {"tensor 0", "at byte 87"});  // the first row reads as an i8 key
  require_refused(two_tensors(2, 0), {"tensor 0"});
  RawGguf keys_only;
  keys_only.header(0, 1).key("a", ValueType::u32).number(std::uint32_t{1}).key("b", ValueType::u32).number(1u);
  require_refused(keys_only, {"key count 1 is too small", "'b' follows"});
}

TEST_CASE("G8 a header alone is a sound container without an architecture", "[gguf]") {
  const File file = require_loads(RawGguf().header(0, 0));
  CHECK(file.metadata().empty());
  const auto architecture = file.get_string("general.architecture");
  REQUIRE_FALSE(architecture);
  CHECK(architecture.error().status() == Status::not_found);
  require_refusal(architecture.error(), {"'general.architecture' is missing", "test.gguf"});
}

TEST_CASE("G9 key lengths are compared with what remains", "[gguf]") {
  require_loads(with_key_length(4));
  const std::uint64_t at = 24 + 8 + 1 + 4 + 4;
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{5}, std::uint64_t{12}, std::uint64_t{13},
        std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - at}) {
    require_refused(with_key_length(length), {"key 1", "at byte ", "of 'test.gguf'"});
  }
  require_refused(with_key_length(13), {"length 13 is more than the 12 bytes", "at byte 41"});
}

TEST_CASE("G10 keys are 1 to 65535 bytes of anything", "[gguf]") {
  const auto with_key = [](const std::string& key) {
    return RawGguf().header(0, 1).key(key, ValueType::u8).number(std::uint8_t{1}).zeros(8);
  };
  require_refused(with_key(""), {"the key is empty", "key 0", "byte 24"});
  require_refused(with_key(std::string(65536, 'k')), {"65536", "65535"});
  require_loads(with_key(std::string(65535, 'k')));
  for (const std::string& key : {std::string("\xff"), std::string("a\0b", 3), std::string("Upper Case")})
    CHECK(require_loads(with_key(key)).find(key) != nullptr);
}

TEST_CASE("G11 a key that appears twice is refused with both offsets", "[gguf]") {
  for (const ValueType type : {ValueType::u32, ValueType::i32, ValueType::f32}) {
    RawGguf raw;
    raw.header(0, 3).key("first", ValueType::u32).number(1u).key("other", ValueType::u32).number(1u);
    const std::string second = std::to_string(raw.size());
    raw.key("first", type).number(1u);
    require_refused(raw, {"'first' appears twice", "keys 0 and 2", "bytes 24 and " + second});
  }
}

TEST_CASE("G12 unknown value types are refused", "[gguf]") {
  for (const std::uint32_t type : {13u, 14u, 255u, 1u << 31, 0xffffffffu}) {
    RawGguf raw;
    raw.header(0, 1).key("foo.bar", type).zeros(16);
    require_refused(raw, {"value type " + std::to_string(type) + " is not one of 0..12", "key 0 'foo.bar'", "byte 39"});
  }
}

TEST_CASE("G13 a value type swapped for another size ends in an error or a file", "[gguf]") {
  for (std::uint32_t type = 0; type <= 12; ++type) {
    RawGguf raw;
    raw.header(2, 1).key("some.key", type).number(7u).tensor("first", {8}, 0, 0).tensor("second", {8}, 0, 32);
    raw.pad().zeros(64);
    const auto file = File::parse(raw, "test.gguf");
    if (!file) require_refusal(file.error(), {"at byte"});
    CHECK(static_cast<bool>(file) == (type >= 4 && type <= 6));
  }
}

TEST_CASE("G14 string lengths are compared with what remains", "[gguf]") {
  for (const std::uint64_t length : {std::uint64_t{9}, std::uint64_t{1} << 30, std::uint64_t{1} << 40,
                                     std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 50}) {
    RawGguf raw;
    raw.header(0, 1).key("k", ValueType::string).number(length).zeros(8);
    require_refused(raw, {"length " + std::to_string(length), "8 bytes", "key 0 'k'", "byte 37"});
  }
}

TEST_CASE("G15 G18 G19 array element types: unknown and nested are refused by name", "[gguf]") {
  for (const std::uint32_t type : {13u, 255u, 1u << 31, 0xffffffffu})
    require_refused(RawGguf().header(0, 1).array("list", type, 1).zeros(64), {"value type", "element type", "'list'"});
  require_refused(RawGguf().header(0, 1).array("list", 9, 1).number(4u).number(std::uint64_t{0}),
                  {"array holds arrays", "key 0 'list'", "byte 40"}, Status::unsupported);
  for (const int depth : {64, 5'000, 200'000}) {
    RawGguf raw;
    raw.header(0, 1).array("deep", 9, std::uint64_t{1} << 40);
    for (int i = 0; i < depth; ++i) raw.number(9u).number(std::uint64_t{1} << 40);
    require_refused(raw, {"array holds arrays", "'deep'"}, Status::unsupported);
  }
}

TEST_CASE("G16 G17 array counts are refused with the bytes they need", "[gguf]") {
  constexpr std::uint64_t counts[] = {std::uint64_t{1} << 30,      1'000'000'000,          (std::uint64_t{1} << 61) + 1,
                                      std::uint64_t{1} << 62,      std::uint64_t{1} << 63, ~std::uint64_t{0},
                                      (~std::uint64_t{0}) / 8 + 1, std::uint64_t{1} << 60};
  for (const std::uint64_t count : counts)
    for (const std::uint32_t type : {0u, 3u, 4u, 7u, 8u, 10u, 12u}) {
      const auto raw = RawGguf().header(0, 1).array("unknown.key", type, count).zeros(64);
      require_refused(raw, {"element count " + std::to_string(count), "64 bytes remain", "'unknown.key'"});
    }
}

TEST_CASE("G20 a bad element of a string array is named", "[gguf]") {
  RawGguf raw;
  raw.header(0, 1).array("tokenizer.ggml.tokens", 8, 2).string("a").number(~std::uint64_t{0}).zeros(8);
  require_refused(raw, {"length 18446744073709551615", "element 1 of key 0 'tokenizer.ggml.tokens'"});
}

TEST_CASE("G23 a bool is 0 or 1, alone and in arrays", "[gguf]") {
  for (const std::uint8_t value : {std::uint8_t{2}, std::uint8_t{255}}) {
    const std::string found = "bool " + std::to_string(value);
    require_refused(RawGguf().header(0, 1).key("flag", ValueType::boolean).number(value), {found, "'flag'", "byte 40"});
    RawGguf flags;
    flags.header(0, 1).array("flags", 7, 3).number(std::uint8_t{1}).number(value).number(std::uint8_t{0});
    require_refused(flags, {found, "element 1", "'flags'", "byte 54"});
  }
}

TEST_CASE("G24 hostile text loads, and messages show it escaped", "[gguf]") {
  const std::string hostile = "\x1b[31m%n%s\xff\n\xc0\x80";
  RawGguf raw;
  raw.header(0, 1).key(hostile, ValueType::string).string(hostile);
  const File file = require_loads(raw);
  CHECK(*file.get_string(hostile) == hostile);
  const auto wrong = file.get_uint(hostile);
  REQUIRE_FALSE(wrong);
  require_refusal(wrong.error(), {"'\\x1b[31m%n%s\\xff\\n\\xc0\\x80'", "byte 24"});
}

TEST_CASE("G25 G26 the alignment is a power of two from 8 to 65536 and must be true", "[gguf]") {
  for (const std::uint32_t value : {0u, 1u, 2u, 3u, 4u, 24u, 33u, 131072u, 0xffffffffu})
    require_refused(alignment_file(ValueType::u32, value),
                    {"alignment " + std::to_string(value), "'general.alignment'", "byte 24", "power of two"});
  for (const std::uint32_t value : {8u, 16u, 32u, 64u, 4096u, 65536u})
    CHECK(require_loads(alignment_file(ValueType::u32, value, value)).alignment() == value);
  require_refused(alignment_file(ValueType::u32, 65536u), {"data section starts at byte 65536"});
  // The table ends at 100: a layout at 32 starts at 128, one at 8 would start at 104.
  require_refused(alignment_file(ValueType::u32, 8u), {"alignment is 8 but the data is laid out at 32", "byte 128"});
  require_refused(alignment_file(ValueType::u32, 16u), {"alignment is 16 but the data is laid out at 32"});
}

TEST_CASE("G27 the alignment is u32, u64 is understood, other types are named", "[gguf]") {
  CHECK(require_loads(alignment_file(ValueType::u64, std::uint64_t{32})).alignment() == 32);
  require_refused(alignment_file(ValueType::u64, (std::uint64_t{1} << 32) + 32), {"alignment 4294967328"});
  require_refused(alignment_file(ValueType::i32, -32), {"type i32 is not u32 or u64", "'general.alignment'"});
  require_refused(alignment_file(ValueType::f32, 32.0f), {"type f32 is not u32 or u64"});
  require_refused(RawGguf().header(0, 1).key("general.alignment", ValueType::string).string("32"), {"type string"});
  require_refused(RawGguf().header(0, 1).array("general.alignment", 4, 1).number(32u), {"type array"});
}

}  // namespace gguf_badinput_test
