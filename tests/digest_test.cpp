// A model's SHA-256: right, of the bytes in use, computed once for a file that stays as it is, and again for one that does not;
// whatever became of the file that remembers it.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <hearth/tools.hpp>
#include <thread>

#include "digest_memory.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace digest_test {

using namespace hearth;
namespace fs = std::filesystem;

namespace {

const std::string kMarker(64, '7');

std::string sha256_of(const std::string& text) {
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

std::vector<tools::FileDigest> digests(const std::string& path, const tools::DigestOptions& options = {},
                                       bool mmap = true) {
  auto model = Model::open(path, {.threads = 1, .mmap = mmap});
  if (!model) FAIL(model.error().message());
  auto files = tools::file_digests(*model, options);
  if (!files) FAIL(files.error().message());
  return *files;
}

std::string digest(const std::string& path, const std::string& memory) {
  return digests(path, {.memory = memory})[0].sha256;
}

/// Until a change of the file would show in its times.
void let_age() { std::this_thread::sleep_for(std::chrono::milliseconds(2100)); }

/// In place of the model's digest, one that nobody could have computed.
void mark(const std::string& model, const std::string& memory) {
  const auto file = MappedFile::open(model);
  REQUIRE(file);
  engine::DigestMemory known(memory);
  known.remember(file->stamp(), kMarker);
  known.save();
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

TEST_CASE("SHA-256 is the published one") {  // FIPS 180-4's examples
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  tools::Sha256 in_pieces;
  for (const char letter : {'a', 'b', 'c'}) in_pieces.update(std::as_bytes(std::span(&letter, 1)));
  CHECK(in_pieces.hex() == sha256_of("abc"));
}

TEST_CASE("each file of a model has the digest of its bytes") {
  const test::TempFolder folder;
  const std::string whole = test::write_random_model({}, folder / "m.gguf");
  for (const bool mmap : {true, false}) {
    const auto files = digests(whole, {}, mmap);
    REQUIRE(files.size() == 1);
    CHECK(files[0] == tools::FileDigest{"m.gguf", fs::file_size(whole), sha256_of(test::read_file(whole))});
  }
  auto file = gguf::File::open(whole);
  REQUIRE(file);
  std::vector<std::string> parts;
  for (std::uint16_t no = 0; no < 2; ++no) {
    gguf::Writer writer;
    if (no == 0)
      for (const gguf::KeyValue& pair : file->metadata()) writer.copy(pair);
    writer.add("split.no", no);
    writer.add("split.count", std::uint16_t{2});
    writer.add("split.tensors.count", static_cast<std::int32_t>(file->tensors().size()));
    for (std::size_t i = no; i < file->tensors().size(); i += 2) {
      const gguf::Tensor& t = file->tensors()[i];
      writer.add_tensor(t.name, t.type->id, std::span(t.dims).first(t.n_dims), t.data);
    }
    parts.push_back((folder / ("s-0000" + std::to_string(no + 1) + "-of-00002.gguf")).string());
    REQUIRE(writer.write(parts.back()));
  }
  const auto files = digests(parts[0]);
  REQUIRE(files.size() == 2);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(files[i] == tools::FileDigest{fs::path(parts[i]).filename().string(), fs::file_size(parts[i]),
                                        sha256_of(test::read_file(parts[i]))});
}

TEST_CASE("a digest is computed once, and again when the file is another") {
  const test::TempFolder folder;
  const std::string model = test::write_random_model({}, folder / "m.gguf"), memory = folder / "made/here/digests";
  const std::string bytes = test::read_file(model), right = sha256_of(bytes);
  CHECK(digest(model, memory) == right);
  CHECK_FALSE(fs::exists(memory));  // so new that it might change unseen
  let_age();
  CHECK(digest(model, memory) == right);
  REQUIRE(fs::exists(memory));
  mark(model, memory);
  CHECK(digest(model, memory) == kMarker);                    // so its bytes were not read
  fs::create_hard_link(model, folder / "another-name.gguf");  // changes when anything about the file changed last
  CHECK(digest(folder / "another-name.gguf", memory) == right);
  fs::last_write_time(model, fs::last_write_time(model) - std::chrono::seconds(5));
  CHECK(digest(model, memory) == right);

  write(folder / "b.gguf", bytes);
  let_age();
  CHECK(digest(folder / "b.gguf", memory) == right);
  mark(folder / "b.gguf", memory);
  CHECK(digest(folder / "b.gguf", memory) == kMarker);
  const auto before = fs::last_write_time(folder / "b.gguf");
  std::string other = bytes;
  other.back() = static_cast<char>(other.back() ^ 1);
  write(folder / "b.gguf", other);                 // the same inode and size …
  fs::last_write_time(folder / "b.gguf", before);  // … and the time of its bytes, which anybody may set
  CHECK(digest(folder / "b.gguf", memory) == sha256_of(other));
  write(folder / "c.gguf", bytes);
  fs::rename(folder / "c.gguf", folder / "b.gguf");  // another inode
  CHECK(digest(folder / "b.gguf", memory) == right);
}

TEST_CASE("a memory of digests that is damaged or cannot be kept is no error") {
  const test::TempFolder folder;
  const std::string model = test::write_random_model({}, folder / "m.gguf"), memory = folder / "digests";
  const std::string right = sha256_of(test::read_file(model));
  let_age();
  CHECK(digest(model, memory) == right);
  mark(model, memory);
  const std::string sound = test::read_file(memory);
  const FileStamp stamp = MappedFile::open(model)->stamp();
  REQUIRE(engine::DigestMemory(memory).find(stamp));
  for (std::size_t at = 0; at < sound.size(); at += 3)
    for (const char byte : {'\0', ' ', '\n', '0'}) {
      std::string altered = sound;
      if (altered[at] == byte) continue;
      altered[at] = byte;
      write(memory, altered);
      INFO(at << " " << static_cast<int>(byte));
      CHECK_FALSE(engine::DigestMemory(memory).find(stamp));
    }
  for (std::size_t n = 0; n + 1 < sound.size(); ++n) {
    write(memory, sound.substr(0, n));
    INFO(n);
    CHECK_FALSE(engine::DigestMemory(memory).find(stamp));
  }
  CHECK(digest(model, memory) == right);
  CHECK(test::read_file(memory).size() == sound.size());  // repaired
  write(memory, sound);
  fs::resize_file(memory, 1 << 30);
  CHECK(digest(model, memory) == right);
  CHECK(test::read_file(memory).size() == sound.size());
  fs::create_directory(folder / "folder");
  for (const std::string& nowhere :
       {std::string(folder / "folder"), std::string("/dev/null"), std::string("/dev/null/x"),
        std::string("/proc/none/digests"), std::string(model + "/digests")})
    CHECK(digest(model, nowhere) == right);
  CHECK(test::read_file(model).size() == fs::file_size(model));
  CHECK(sha256_of(test::read_file(model)) == right);
}

TEST_CASE("only so many digests are remembered, the newest") {
  const test::TempFolder folder;
  const std::string path = folder / "digests";
  engine::DigestMemory memory(path);
  const auto stamp = [](std::uint64_t inode) { return FileStamp{1, inode, 2, 3, 4}; };
  for (std::uint64_t i = 0; i < 1500; ++i) memory.remember(stamp(i), kMarker);
  memory.save();
  const engine::DigestMemory read(path);
  CHECK_FALSE(read.find(stamp(499)));
  for (const std::uint64_t i : {500, 1499}) {
    REQUIRE(read.find(stamp(i)));
    CHECK(*read.find(stamp(i)) == kMarker);
  }
  FileStamp largest{UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MIN, INT64_MIN};
  for (std::uint64_t i = 0; i < 1500; ++i, --largest.inode) memory.remember(largest, kMarker);
  memory.save();
  CHECK(engine::DigestMemory(path).find({UINT64_MAX, largest.inode + 1, UINT64_MAX, INT64_MIN, INT64_MIN}));
}

TEST_CASE("hashing tells how far it is, and ends when it is told to") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.dim = 256, m.ffn_dim = 1024;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  REQUIRE(fs::file_size(path) > 3 << 20);
  std::vector<double> told;
  REQUIRE(tools::file_digests(*model, {.on_progress = [&](double done) { return told.push_back(done), true; }}));
  CHECK(told.size() == (fs::file_size(path) + (1 << 20) - 1) >> 20);
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(told.back() == 1);
  int n_asked = 0;
  for (const tools::DigestOptions& options :
       {tools::DigestOptions{.memory = folder / "digests", .on_progress = [](double done) { return done < 0.5; }},
        tools::DigestOptions{.memory = folder / "digests", .cancelled = [&] { return ++n_asked == 2; }}}) {
    const auto cancelled = tools::file_digests(*model, options);
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().status() == Status::cancelled);
  }
  CHECK_FALSE(fs::exists(folder / "digests"));
}

}  // namespace digest_test
