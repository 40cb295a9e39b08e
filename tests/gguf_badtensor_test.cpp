// Enters: malformed tensor tables, rows G28 to G39 and G41 of BADINPUT.md. Leaves: each refused with tensor and byte,
// or loaded.
#include "support/catch.hpp"
#include "support/raw_gguf.h"
#include "tensor_type.h"

namespace gguf_badtensor_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

constexpr std::uint32_t f32 = 0, q8_0 = 8, i8 = 24;
constexpr std::uint64_t top = std::uint64_t{1} << 63;

/// One tensor "t" and `data` bytes after it.
RawGguf one_tensor(std::initializer_list<std::uint64_t> dims, std::uint32_t type, std::uint64_t offset = 0,
                   std::size_t data = 4096) {
  return RawGguf().header(1, 0).tensor("t", dims, type, offset).pad().zeros(data);
}

RawGguf named(const std::string& name) { return RawGguf().header(1, 0).tensor(name, {8}, f32, 0).pad().zeros(32); }

RawGguf pair_at(std::uint64_t first, std::uint64_t second, std::size_t data = 64) {
  return RawGguf().header(2, 0).tensor("a", {8}, f32, first).tensor("b", {8}, f32, second).pad().zeros(data);
}

}  // namespace

TEST_CASE("G28 tensor names are 1 to 64 bytes without NUL", "[gguf]") {
  CHECK(require_loads(named(std::string(64, 'n'))).find_tensor(std::string(64, 'n')) != nullptr);
  require_loads(named("\xff"));
  require_refused(named(""), {"name is empty", "tensor 0", "byte 24"});
  require_refused(named(std::string(65, 'n')), {"length 65", "limit of 64", "tensor 0", "byte 24"});
  require_refused(named(std::string(1 << 20, 'n')), {"length 1048576", "limit of 64"});
  require_refused(named(std::string("output\0x", 8)), {"NUL", "output\\x00x"});
  for (const std::uint64_t length : {std::uint64_t{1} << 32, top, ~std::uint64_t{0}})
    require_refused(RawGguf().header(1, 0).number(length).zeros(64), {"length " + std::to_string(length), "tensor 0"});
}

TEST_CASE("G29 G30 a tensor has 1 to 4 dimensions", "[gguf]") {
  for (const std::uint32_t n : {0u, 5u, 255u, 1u << 31, 0xffffffffu}) {
    const auto raw = RawGguf().header(1, 0).string("t").number(n).zeros(64);
    require_refused(raw, {"dimension count " + std::to_string(n) + " is not one of 1..4", "'t'", "byte 33"});
  }
  RawGguf five;
  five.header(1, 0).string("t").number(2u);
  for (int i = 0; i < 5; ++i) five.number(std::uint64_t{8});
  require_refused(five.number(f32).number(std::uint64_t{0}).pad().zeros(4096), {"tensor 0 't'"});
}

TEST_CASE("G31 a dimension of 0 is refused in each position", "[gguf]") {
  require_refused(one_tensor({0}, f32), {"dimension 0 of [0] is 0", "'t'", "byte 37"});
  require_refused(one_tensor({8, 0, 8, 8}, f32), {"dimension 1 of [8, 0, 8, 8] is 0", "byte 45"});
  require_refused(one_tensor({8, 8, 0, 8}, f32), {"dimension 2"});
  require_refused(one_tensor({8, 8, 8, 0}, f32), {"dimension 3"});
  require_refused(one_tensor({0, top / 2, top / 2}, f32), {"is 0"});
}

TEST_CASE("G32 a product over 2^63-1 is refused with all dimensions shown", "[gguf]") {
  const std::uint64_t p32 = std::uint64_t{1} << 32, p31 = p32 / 2, p16 = 65536, p21 = 1 << 21;
  require_refused(one_tensor({p32, p32}, i8), {"[4294967296, 4294967296]", "2^63-1", "byte 37"});
  require_refused(one_tensor({p31, p31, 4}, i8), {"[2147483648, 2147483648, 4]"});
  require_refused(one_tensor({p16, p16, p16, p16}, i8), {"[65536, 65536, 65536, 65536]"});
  require_refused(one_tensor({p21, p21, p21}, i8), {"[2097152, 2097152, 2097152]"});
  require_refused(one_tensor({top / 2, 4}, i8), {"2^63-1"});
  require_refused(one_tensor({top, 2}, i8), {"2^63-1"});
  require_refused(one_tensor({top}, i8), {"2^63-1"});
  require_refused(one_tensor({~std::uint64_t{0}, ~std::uint64_t{0}}, i8), {"2^63-1"});
}

TEST_CASE("G33 bytes that overflow or exceed the file are refused", "[gguf]") {
  require_refused(one_tensor({top / 4}, f32), {"needs", "file has"});
  require_refused(one_tensor({top / 2 - 1}, f32), {"needs"});
  require_refused(one_tensor({top - 1}, f32), {"do not fit 64 bits"});
  require_refused(one_tensor({top / 32, 16, 1, 1}, q8_0), {"needs"});
  require_refused(one_tensor({top / 4, 1, 1, 3}, f32), {"do not fit 64 bits"});
  RawGguf many;
  many.header(8, 0);
  for (int i = 0; i < 8; ++i)
    many.tensor("t" + std::to_string(i), {top / 4}, i8, static_cast<std::uint64_t>(i) * (top / 4));
  require_refused(many.pad().zeros(4096), {"tensor 't0' needs"});
}

TEST_CASE("G34 rows are whole blocks, for every type", "[gguf]") {
  require_refused(one_tensor({33}, q8_0), {"33 is not a multiple of the block of 32 of type Q8_0", "'t'"});
  for (const TensorType& type : tensor_types()) {
    if (type.block_elements <= 1) continue;
    require_refused(one_tensor({type.block_elements + 1}, type.id), {"block of", std::string(type.name)});
    CHECK(require_loads(one_tensor({type.block_elements, 2}, type.id)).tensors()[0].data.size() ==
          type.block_bytes * 2);
  }
}

TEST_CASE("G35 removed, foreign and unknown types are told apart", "[gguf]") {
  const auto refused = [](std::uint32_t id, std::initializer_list<std::string_view> fragments) {
    require_refused(one_tensor({256}, id), fragments, Status::unsupported);
  };
  refused(4, {"type 4 (Q4_2) was removed", "'t'", "byte 45"});
  refused(5, {"type 5 (Q4_3) was removed"});
  refused(31, {"type 31 (Q4_0_4_4) was removed"});
  refused(36, {"type 36 (IQ4_NL_4_4) was removed", "I2_S", "ik_llama.cpp extension"});
  refused(38, {"type 38 (IQ4_NL_8_8) was removed"});
  refused(43, {"type 43 is unknown"});
  refused(99, {"type 99 is an ik_llama.cpp extension"});
  refused(139, {"ik_llama.cpp extension"});
  refused(202, {"ik_llama.cpp extension"});
  refused(1000, {"type 1000 is unknown"});
  refused(1u << 31, {"type 2147483648 is unknown"});
  refused(0xffffffffu, {"type 4294967295 is unknown"});
}

TEST_CASE("G36 a type that needs more bytes is refused by extent or overlap", "[gguf]") {
  const auto raw = [](std::uint32_t type) {
    return RawGguf().header(2, 0).tensor("a", {32}, type, 0).tensor("b", {32}, type, 64).pad().zeros(64 + 34);
  };
  require_loads(raw(q8_0));
  require_refused(raw(f32), {"tensor 'a' needs", "file has"});
}

TEST_CASE("G37 offsets are aligned and inside the data section", "[gguf]") {
  require_refused(one_tensor({8}, f32, 1), {"offset 1 is not a multiple of the alignment 32", "'t'", "byte 49"});
  require_refused(one_tensor({8}, f32, 4096), {"needs bytes 4160..4192, file has 4160"});
  require_refused(one_tensor({8}, f32, 4128), {"offset 4128 is past the data section"});
  for (const std::uint64_t offset : {top, ~std::uint64_t{0} - 31, ~std::uint64_t{63}})
    require_refused(one_tensor({8}, f32, offset), {"offset " + std::to_string(offset), "'t'"});
  require_refused(one_tensor({8}, f32, ~std::uint64_t{0}), {"offset 18446744073709551615"});
}

TEST_CASE("G38 overlaps are refused; gaps and any order are accepted", "[gguf]") {
  require_refused(pair_at(0, 0), {"'a' and 'b' overlap", "bytes 96..128", "at 96"});
  require_refused(RawGguf().header(2, 0).tensor("a", {16}, f32, 0).tensor("b", {8}, f32, 32).pad().zeros(64),
                  {"'a' and 'b' overlap"});
  CHECK(require_loads(pair_at(32, 0)).find_tensor("a")->offset == 96 + 32);
  CHECK(require_loads(pair_at(0, 64, 96)).find_tensor("b")->offset == 96 + 64);
}

TEST_CASE("G39 a tensor name that appears twice is refused with both offsets", "[gguf]") {
  RawGguf raw;
  raw.header(2, 0).tensor("same", {8}, f32, 0);
  const std::string second = std::to_string(raw.size());
  raw.tensor("same", {8}, f32, 32).pad().zeros(64);
  require_refused(raw, {"'same' appears twice", "tensors 0 and 1", "bytes 24 and " + second});
}

TEST_CASE("G41 trailing bytes and padding that is not zero load", "[gguf]") {
  RawGguf raw;
  raw.header(2, 0).tensor("a", {1}, f32, 0).tensor("b", {1}, f32, 32).pad(32, 0xaa);
  raw.number(1.5f).fill(28, 0xbb).number(2.5f).fill(100, 0xcc);
  const File file = require_loads(raw);
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[1].data.size() == 4);
  CHECK(file.tensors()[1].data[3] == std::byte{0x40});
  require_loads(RawGguf().header(0, 0).fill(100, 0xcc));
}

TEST_CASE("the type table is dense, in order, and every usable row has a size", "[gguf]") {
  std::uint32_t id = 0;
  for (const TensorType& type : tensor_types()) {
    CHECK(type.id == id++);
    CHECK(find_tensor_type(type.id) == &type);
    CHECK((type.block_elements == 0) == (type.block_bytes == 0));
    CHECK(refusal(type.id).empty() == (type.block_elements != 0));
  }
  CHECK(id == 43);
  CHECK(find_tensor_type(43) == nullptr);
  CHECK(find_tensor_type(9)->block_bytes == 36);
  CHECK(find_tensor_type(14)->name == "Q6_K");
}

}  // namespace gguf_badtensor_test
