// Enters: models split over several files, rows G43 and G44 of BADINPUT.md. Leaves: one model, or the file at fault
// named.
#include "gguf_writer.h"
#include "support/catch.hpp"
#include "support/raw_gguf.h"

namespace gguf_split_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

struct Part {
  std::uint16_t no = 0;
  std::uint16_t count = 2;
  std::int32_t n_tensors = 2;
  std::string tensor = "a";
  std::string architecture = "llama";
};

void write_part(const std::string& path, const Part& part) {
  static const std::vector<float> values(8, 1.0f);
  const std::uint64_t dims[] = {8};
  Writer writer;
  if (!part.architecture.empty()) writer.add("general.architecture", part.architecture);
  writer.add("split.no", part.no);
  writer.add("split.count", part.count);
  writer.add("split.tensors.count", part.n_tensors);
  writer.add_tensor(part.tensor, 0, dims, std::as_bytes(std::span(values)));
  REQUIRE(writer.write(path));
}

void require_open_refused(const std::string& path, std::initializer_list<std::string_view> fragments, Status status) {
  const auto file = File::open(path);
  REQUIRE_FALSE(file);
  require_refusal(file.error(), fragments);
  CHECK(static_cast<int>(file.error().status()) == static_cast<int>(status));
}

template <class T> std::vector<std::byte> with_key(std::string_view key, T value) {
  Writer writer;
  writer.add(key, value);
  return *writer.to_bytes();
}

}  // namespace

TEST_CASE("a split model opens as one", "[gguf]") {
  const TemporaryFolder folder;
  write_part(folder / "m-00001-of-00003.gguf", {0, 3, 3, "a", "llama"});
  write_part(folder / "m-00002-of-00003.gguf", {1, 3, 3, "b", ""});
  write_part(folder / "m-00003-of-00003.gguf", {2, 3, 3, "c", "llama"});
  for (const auto access : {MappedFile::Access::map, MappedFile::Access::read}) {
    auto opened = File::open(folder / "m-00001-of-00003.gguf", access);
    REQUIRE(opened);
    const File file = std::move(*opened);  // views must survive a move
    CHECK(file.tensors().size() == 3);
    CHECK(file.shards().size() == 3);
    CHECK(file.find_tensor("c")->shard == 2);
    CHECK(file.find_tensor("b")->data.data() == file.shards()[1].bytes().data() + file.find_tensor("b")->offset);
    std::uint64_t bytes = 0;
    for (const MappedFile& shard : file.shards()) bytes += shard.bytes().size();
    CHECK(file.file_bytes() == bytes);
    CHECK(*file.get_string("general.architecture") == "llama");
  }
}

TEST_CASE("G43 missing, misnumbered and misnamed parts are named", "[gguf]") {
  const TemporaryFolder folder;
  const std::string first = folder / "m-00001-of-00002.gguf", second = folder / "m-00002-of-00002.gguf";
  write_part(first, {});
  require_open_refused(first, {"part 2 of 2 is missing", second, first}, Status::not_found);

  write_part(second, {1, 2, 2, "b", ""});
  require_open_refused(second, {"this is part 2 of 2", "split.no", "open '" + first}, Status::invalid_argument);
  REQUIRE(File::open(first));

  write_part(folder / "other.gguf", {});
  require_open_refused(folder / "other.gguf", {"misnamed", "-00001-of-00002.gguf"}, Status::invalid_argument);

  write_part(folder / "m-00001-of-65535.gguf", {0, 65535, 2, "a", "llama"});
  require_open_refused(folder / "m-00001-of-65535.gguf", {"part 2 of 65535", "m-00002-of-65535.gguf"},
                       Status::not_found);

  write_part(first, {0, 2, -1, "a", "llama"});
  require_open_refused(first, {"value -1 is negative", "split.tensors.count"}, Status::malformed);
  write_part(first, {0, 2, 3, "a", "llama"});
  write_part(second, {1, 2, 3, "b", ""});
  require_open_refused(first, {"split.tensors.count is 3, the parts hold 2"}, Status::malformed);
}

TEST_CASE("G43 split keys out of range or of another type are refused", "[gguf]") {
  require_refused(with_key("split.count", 0x10001u), {"part count 65537", "'split.count'", "byte 24"});
  require_refused(with_key("split.count", std::uint16_t{0}), {"part count 0"});
  require_refused(with_key("split.count", "two"), {"type string is not an integer", "'split.count'"});
  require_refused(with_key("split.count", std::int16_t{-2}), {"negative"});
  require_refused(with_key("split.no", std::uint16_t{1}), {"part number 1 is not below the part count 1"});
  require_refused(with_key("split.tensors.count", 1), {"split.tensors.count is 1"});
  require_refused(with_key("split.count", std::uint16_t{2}), {"one of 2 parts"}, Status::unsupported);
  require_loads(with_key("split.count", std::uint16_t{1}));
}

TEST_CASE("G44 siblings that disagree are refused, naming both files", "[gguf]") {
  const TemporaryFolder folder;
  const std::string first = folder / "m-00001-of-00002.gguf", second = folder / "m-00002-of-00002.gguf";
  write_part(first, {});
  const auto refused = [&](const Part& part, std::string_view what) {
    write_part(second, part);
    require_open_refused(first, {what, first, second}, Status::malformed);
  };
  refused({1, 2, 2, "a", ""}, "'a' is in two parts");
  refused({1, 2, 2, "b", "qwen2"}, "general.architecture is 'llama' in one part and 'qwen2'");
  refused({1, 3, 2, "b", ""}, "split.count is 2 in one part and 3");
  refused({0, 2, 2, "b", ""}, "split.no is 0 where 1 belongs");
  refused({1, 2, 5, "b", ""}, "split.tensors.count is 2 in one part and 5");
  write_bytes(second, RawGguf().text("FUGG").zeros(32));
  require_open_refused(first, {"'FUGG' is not 'GGUF'", second}, Status::malformed);
}

}  // namespace gguf_split_test
