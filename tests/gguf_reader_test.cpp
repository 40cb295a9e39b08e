// Enters: sound GGUF files, rows G21, G22 and G42 of BADINPUT.md. Leaves: every value and tensor read back as it was
// written.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "gguf_writer.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/raw_gguf.h"
#include "support/sanitized.h"

namespace gguf_reader_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

#ifdef HEARTH_TEST_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Peak memory that `work` adds, in bytes, measured in a child process.
template <class Work> std::uint64_t peak_growth(Work work) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto peak = [] {
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    };
    const std::uint64_t before = peak();
    work();
    const std::uint64_t growth = peak() - before;
    const bool sent = ::write(ends[1], &growth, sizeof growth) == sizeof growth;
    ::_exit(sent ? 0 : 1);
  }
  std::uint64_t growth = std::numeric_limits<std::uint64_t>::max();
  CHECK(::read(ends[0], &growth, sizeof growth) == sizeof growth);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(status == 0);
  return growth;
}

/// Loads within 64 MiB + 8 times the file.
void require_bounded(const std::vector<std::byte>& bytes) {
  require_loads(bytes);
  if (sanitized) return;
  const std::uint64_t growth = peak_growth([&] { return static_cast<bool>(File::parse(bytes)); });
  CHECK(growth <= (std::uint64_t{64} << 20) + 8 * bytes.size());
}

template <class T> void check_scalar_and_array(Writer& writer, std::string_view name, std::array<T, 2> values) {
  writer.add(std::string(name), values[0]);
  writer.add_array<T>(std::string(name) + "s", values);
}

std::vector<std::byte> all_value_types() {
  Writer writer;
  check_scalar_and_array<std::uint8_t>(writer, "u8", {255, 0});
  check_scalar_and_array<std::int8_t>(writer, "i8", {-128, 127});
  check_scalar_and_array<std::uint16_t>(writer, "u16", {65535, 1});
  check_scalar_and_array<std::int16_t>(writer, "i16", {-32768, 5});
  check_scalar_and_array<std::uint32_t>(writer, "u32", {4294967295u, 7});
  check_scalar_and_array<std::int32_t>(writer, "i32", {-5, 9});
  check_scalar_and_array<std::uint64_t>(writer, "u64", {std::uint64_t{1} << 63, 3});
  check_scalar_and_array<std::int64_t>(writer, "i64", {std::numeric_limits<std::int64_t>::min(), 3});
  check_scalar_and_array<float>(writer, "f32", {1.5f, -2.5f});
  check_scalar_and_array<double>(writer, "f64", {1e300, -1.0});
  const bool flags[] = {true, false, true};
  writer.add("bool", true);
  writer.add_array<bool>("bools", flags);
  writer.add("string", "hello");
  const std::string_view texts[] = {"", "two", std::string_view("nul\0", 4)};
  writer.add_array("strings", texts);
  writer.add_array("empty", std::span<const std::string_view>());
  return *writer.to_bytes();
}

}  // namespace

TEST_CASE("G42 every scalar type and array of it is read back", "[gguf]") {
  const auto bytes = all_value_types();
  const File file = require_loads(bytes);
  CHECK(file.metadata().size() == 25);
  CHECK(*file.get_uint("u8") == 255);
  CHECK(*file.get_uint("u16") == 65535);
  CHECK(*file.get_uint("u32") == 4294967295u);
  CHECK(*file.get_uint("u64") == std::uint64_t{1} << 63);
  CHECK(*file.get_float("f32") == 1.5);
  CHECK(*file.get_float("f64") == 1e300);
  CHECK(*file.optional_bool("bool") == true);
  CHECK(*file.get_string("string") == "hello");
  CHECK(*file.get_ints("i8s") == std::vector<std::int64_t>{-128, 127});
  CHECK(*file.get_ints("i16s") == std::vector<std::int64_t>{-32768, 5});
  CHECK(*file.get_ints("i32s") == std::vector<std::int64_t>{-5, 9});
  CHECK(*file.get_ints("i64s") == std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 3});
  CHECK(*file.get_ints("u8s") == std::vector<std::int64_t>{255, 0});
  CHECK(*file.get_floats("f32s") == std::vector<float>{1.5f, -2.5f});
  CHECK(file.find("bools")->payload.size() == 3);
  const auto strings = file.get_strings("strings");
  REQUIRE(strings);
  REQUIRE(strings->size() == 3);
  CHECK((*strings)[1] == "two");
  CHECK((*strings)[2].size() == 4);
  CHECK(file.get_strings("empty")->empty());
  CHECK(file.get_floats("empty")->empty());
  CHECK(file.find("u8")->offset == 24);
  CHECK(file.file_bytes() == bytes.size());
}

TEST_CASE("typed reading refuses other types, naming key, byte and type", "[gguf]") {
  const auto bytes = all_value_types();
  const File file = require_loads(bytes);
  const auto refused = [](const auto& result, std::initializer_list<std::string_view> fragments) {
    REQUIRE_FALSE(result);
    CHECK(result.error().status() == Status::malformed);
    require_refusal(result.error(), fragments);
  };
  refused(file.get_uint("string"), {"type string is not an integer", "key 'string' at byte "});
  refused(file.get_uint("i8"), {"value -128 is negative", "'i8'"});
  refused(file.get_uint("bool"), {"type bool"});
  refused(file.get_uint("u32s"), {"type array of u32"});
  refused(file.get_float("u32"), {"type u32 is not f32 or f64"});
  refused(file.optional_bool("u8"), {"type u8 is not bool"});
  refused(file.get_string("strings"), {"type array of string is not string"});
  refused(file.get_strings("u8s"), {"type array of u8 is not array of string"});
  refused(file.get_floats("f64s"), {"type array of f64 is not array of f32"});
  refused(file.get_ints("bools"), {"type array of bool is not array of integers"});
  refused(file.get_ints("u64s"), {"element 0 is 9223372036854775808"});
  CHECK(file.get_ints("none").error().status() == Status::not_found);
  CHECK(file.get_uint("none").error().status() == Status::not_found);
  CHECK_FALSE(file.optional_uint("none")->has_value());
  CHECK_FALSE(file.optional_float("none")->has_value());
  CHECK_FALSE(file.optional_bool("none")->has_value());
  CHECK_FALSE(file.optional_string("none")->has_value());
}

TEST_CASE("G42 order of keys and tensors, unknown keys and alignment change nothing", "[gguf]") {
  const std::vector<float> a(8, 1.0f), b(24, 2.0f);
  const std::uint64_t a_dims[] = {8}, b_dims[] = {4, 3, 2};
  for (const std::uint64_t alignment : {8, 32, 64, 65536}) {
    for (const bool reversed : {false, true}) {
      Writer writer(alignment);
      if (reversed) writer.add("x.unknown", 1u);
      writer.add("general.architecture", "llama");
      if (!reversed) writer.add("x.unknown", 1u);
      if (reversed) writer.add_tensor("b", 0, b_dims, std::as_bytes(std::span(b)));
      writer.add_tensor("a", 0, a_dims, std::as_bytes(std::span(a)));
      if (!reversed) writer.add_tensor("b", 0, b_dims, std::as_bytes(std::span(b)));
      const auto bytes = writer.to_bytes();
      REQUIRE(bytes);
      const File file = require_loads(*bytes);
      CHECK(file.alignment() == alignment);
      const Tensor* found = file.find_tensor("b");
      REQUIRE(found != nullptr);
      CHECK(found->n_dims == 3);
      CHECK(found->dims == std::array<std::uint64_t, 4>{4, 3, 2, 1});
      CHECK(found->offset % alignment == 0);
      CHECK(found->data.data() == bytes->data() + found->offset);
      CHECK(std::equal(found->data.begin(), found->data.end(), std::as_bytes(std::span(b)).begin()));
      CHECK(file.find_tensor("c") == nullptr);
    }
  }
}

TEST_CASE("memory that runs out is an error value", "[gguf]") {
  // 6 GiB of claimed keys in a sparse file: the reservation exceeds what the child may map.
  if (sanitized) return;
  const TemporaryFolder folder;
  write_bytes(folder / "sparse", RawGguf().header(0, std::uint64_t{400'000'000}).zeros(64));
  std::error_code failed;
  std::filesystem::resize_file(folder / "sparse", std::uintmax_t{6} << 30, failed);
  if (failed) return;  // this file system has no sparse files
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit{rlim_t{8} << 30, rlim_t{8} << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    const auto file = File::open(folder / "sparse");
    ::_exit(!file && file.error().status() == Status::out_of_memory ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("G21 300 000 empty strings load within the bound", "[gguf]") {
  RawGguf raw;
  require_bounded(raw.header(0, 1).array("tokens", 8, 300'000).zeros(8 * 300'000).bytes());
}

TEST_CASE("G22 60 000 keys and 30 000 tensors load in time and within the bound", "[gguf]") {
  RawGguf raw;
  raw.header(30'000, 60'000);
  for (int i = 0; i < 60'000; ++i) raw.key("k" + std::to_string(i), ValueType::u8).number(std::uint8_t{1});
  for (std::uint64_t i = 0; i < 30'000; ++i) raw.tensor("t" + std::to_string(i), {8}, 0, 32 * i);
  const std::vector<std::byte> bytes = raw.pad().zeros(32 * 30'000).bytes();
  require_bounded(bytes);
  const double start = hearth::test::cpu_seconds();
  require_loads(bytes);
  if (!sanitized) CHECK(hearth::test::cpu_seconds() - start < 2);  // it takes 0.05
}

TEST_CASE("memory stays within 64 MiB + 8 x file for the smallest keys", "[gguf]") {
  const std::uint32_t n = sanitized ? 10'000 : 250'000;
  RawGguf raw;
  raw.header(0, n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const char key[] = {static_cast<char>(i), static_cast<char>(i >> 8), static_cast<char>(i >> 16)};
    raw.key(std::string_view(key, 3), ValueType::u8).number(std::uint8_t{0});
  }
  require_bounded(raw.bytes());
  if (sanitized) return;
  // The slack of 64 MiB is for small files; what grows with the file stays below 8 times by itself.
  CHECK(peak_growth([&] { return static_cast<bool>(File::parse(raw.bytes())); }) <= 8 * raw.size());
}

}  // namespace gguf_reader_test
