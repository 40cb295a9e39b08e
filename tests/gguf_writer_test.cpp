// Enters: what callers give the GGUF writer, sound or mistaken. Leaves: a file that reads back, or nothing and one
// error.
#include "gguf_writer.h"

#include <sys/stat.h>

#include "support/catch.hpp"
#include "support/raw_gguf.h"

namespace gguf_writer_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

const std::uint64_t eight[] = {8};
const std::vector<float> ones(8, 1.0f);
const std::span<const std::byte> one_bytes = std::as_bytes(std::span(ones));

template <class Mistake> void require_mistake(Mistake mistake, std::initializer_list<std::string_view> fragments) {
  Writer writer;
  mistake(writer);
  const auto bytes = writer.to_bytes();
  REQUIRE_FALSE(bytes);
  CHECK(bytes.error().status() == Status::invalid_argument);
  require_refusal(bytes.error(), fragments);
}

std::size_t files_in(const TemporaryFolder& folder) {
  const auto files = std::filesystem::directory_iterator(folder.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace

TEST_CASE("the writer's bytes are the format's bytes", "[gguf]") {
  Writer writer;
  writer.add("general.architecture", "llama");
  writer.add_tensor("first", 0, eight, one_bytes);
  writer.add_tensor("second", 0, eight, one_bytes);
  RawGguf raw;
  raw.header(2, 1).key("general.architecture", ValueType::string).string("llama");
  raw.tensor("first", {8}, 0, 0).tensor("second", {8}, 0, 32).pad();
  for (int i = 0; i < 16; ++i) raw.number(1.0f);
  CHECK(*writer.to_bytes() == raw.bytes());
}

TEST_CASE("copying every pair and tensor of a file gives the same file", "[gguf]") {
  for (const std::uint64_t alignment : {32, 64}) {
    Writer original(alignment);
    original.add("name", "x");
    const std::string texts[] = {"a", "", "c"};
    original.add_array("texts", texts);
    original.add_array<float>("floats", ones);
    original.add("flag", true);
    original.add_tensor("t", 0, eight, one_bytes);
    const auto bytes = original.to_bytes();
    REQUIRE(bytes);
    const File file = require_loads(*bytes);
    Writer again(file.alignment());
    for (const KeyValue& pair : file.metadata()) again.copy(pair);
    for (const Tensor& tensor : file.tensors())
      again.add_tensor(tensor.name, tensor.type->id, std::span(tensor.dims).first(tensor.n_dims), tensor.data);
    CHECK(*again.to_bytes() == *bytes);
  }
}

TEST_CASE("the writer keeps the first mistake", "[gguf]") {
  require_mistake([](Writer& w) { w.add("k", 1u), w.add("k", 2u); }, {"the key is added twice", "'k'"});
  require_mistake([](Writer& w) { w.add("", 1u); }, {"the key has 0 bytes"});
  require_mistake([](Writer& w) { w.add(std::string(65536, 'k'), 1u); }, {"65536 bytes"});
  require_mistake([](Writer& w) { w.add("general.alignment", 64u); }, {"given to the constructor"});
  require_mistake([](Writer& w) { w = Writer(33); }, {"alignment is not a power of two"});
  require_mistake([](Writer& w) { w.add_tensor("", 0, eight, one_bytes); }, {"tensor name"});
  require_mistake([](Writer& w) { w.add_tensor(std::string(65, 'n'), 0, eight, one_bytes); }, {"tensor name"});
  require_mistake([](Writer& w) { w.add_tensor("t", 4, eight, one_bytes); }, {"Q4_2", "'t'"});
  require_mistake([](Writer& w) { w.add_tensor("t", 8, eight, one_bytes); }, {"block"});
  require_mistake([](Writer& w) { w.add_tensor("t", 0, {}, one_bytes); }, {"0 dimensions"});
  require_mistake([](Writer& w) { w.add_tensor("t", 0, eight, one_bytes.first(31)); }, {"31 bytes given", "needs 32"});
  require_mistake([](Writer& w) { w.add_tensor("t", 0, eight, one_bytes), w.add_tensor("t", 0, eight, one_bytes); },
                  {"added twice"});
  const std::uint64_t wide[] = {std::uint64_t{1} << 61, 4};
  require_mistake([&](Writer& w) { w.add_tensor("t", 0, wide, one_bytes); }, {"63 bits"});
  const std::uint64_t none[] = {8, 0};
  require_mistake([&](Writer& w) { w.add_tensor("t", 0, none, one_bytes); }, {"a dimension is 0"});
}

TEST_CASE("a file appears whole or not at all, and an old one survives", "[gguf]") {
  const TemporaryFolder folder;
  const std::string path = folder / "out.gguf";
  Writer sound;
  sound.add_tensor("t", 0, eight, one_bytes);
  REQUIRE(sound.write(path));
  CHECK(File::open(path)->tensors().size() == 1);
  CHECK(std::filesystem::file_size(path) == sound.to_bytes()->size());

  Writer broken;
  broken.add_tensor("t", 0, eight, one_bytes);
  broken.add_tensor("u", 0, eight, []() -> Result<std::span<const std::byte>> {
    return Error(Status::cancelled, "stopped; test; none");
  });
  const auto written = broken.write(path);
  REQUIRE_FALSE(written);
  CHECK(written.error().status() == Status::cancelled);
  CHECK(files_in(folder) == 1);
  CHECK(File::open(path)->tensors().size() == 1);

  Writer short_source;
  short_source.add_tensor("u", 0, eight, []() -> Result<std::span<const std::byte>> { return one_bytes.first(8); });
  require_refusal(short_source.write(path).error(), {"8 bytes given", "needs 32", "'u'"});
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a file that takes another's place keeps who may read it; a new one is as the umask says", "[gguf]") {
  const TemporaryFolder folder;
  const std::string path = folder / "out.gguf";
  Writer writer;
  writer.add_tensor("t", 0, eight, one_bytes);
  const auto mode = [&] {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777;
  };
  const mode_t before = ::umask(027);
  const bool is_new = static_cast<bool>(writer.write(path));
  ::umask(before);
  REQUIRE(is_new);
  CHECK(mode() == 0640);
  for (const mode_t given : {0600u, 0644u, 0666u, 0400u}) {  // the umask takes nothing from these
    REQUIRE(::chmod(path.c_str(), given) == 0);
    REQUIRE(writer.write(path));
    CHECK(mode() == given);
  }
}

TEST_CASE("the writer refuses paths it cannot write, leaving nothing", "[gguf]") {
  const TemporaryFolder folder;
  const Writer writer;
  const auto refused = [&](const std::string& path, std::initializer_list<std::string_view> fragments) {
    const auto written = writer.write(path);
    REQUIRE_FALSE(written);
    require_refusal(written.error(), fragments);
  };
  refused("", {"the path is empty"});
  refused(std::string("a\0b", 3), {"NUL", "a\\x00b"});
  refused(folder.path().string(), {"not a regular file"});
  refused(folder / "no/such/folder.gguf", {"No such file", "create the folder first"});
  refused("/dev/full", {"not a regular file"});
  CHECK(files_in(folder) == 0);
}

}  // namespace gguf_writer_test
