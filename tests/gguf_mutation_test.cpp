// Enters: a small sound file, cut at every byte and corrupted at every byte (row G40). Leaves: a file or an error,
// never a crash or a read past the end: run under the address and undefined-behaviour sanitizers.
#include <cstring>

#include "gguf_writer.h"
#include "support/catch.hpp"
#include "support/raw_gguf.h"
#include "support/walk_gguf.h"

namespace gguf_mutation_test {

using namespace hearth;
using namespace hearth::gguf;

namespace {

std::vector<std::byte> small_file(std::uint64_t alignment) {
  Writer writer(alignment);
  writer.add("general.architecture", "llama");
  writer.add("llama.block_count", 2u);
  writer.add("flag", true);
  writer.add("rope", 10000.0f);
  const std::string_view tokens[] = {"<s>", "a", ""};
  writer.add_array("tokenizer.ggml.tokens", tokens);
  const std::int32_t types[] = {3, 1, 1};
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", types);
  static const std::vector<std::byte> data(256, std::byte{0x3c});
  const std::uint64_t row[] = {8}, matrix[] = {32, 2}, cube[] = {3, 2, 2};
  writer.add_tensor("norm", 0, row, std::span(data).first(32));
  writer.add_tensor("weight", 8, matrix, std::span(data).first(68));
  writer.add_tensor("cube", 1, cube, std::span(data).first(24));
  return *writer.to_bytes();
}

/// Parses a heap copy of exactly these bytes and touches everything the file gives.
bool survives(const std::vector<std::byte>& bytes) {
  const auto file = File::parse(bytes, "mutant.gguf");
  if (file) return walk(*file) != 0;
  const std::string& message = file.error().message();
  return message.find("mutant.gguf") != std::string::npos && message.find('\n') == std::string::npos &&
         std::count(message.begin(), message.end(), ';') >= 2;
}

}  // namespace

TEST_CASE("G40 a file cut at any byte is refused", "[gguf]") {
  for (const std::uint64_t alignment : {32, 8}) {
    const auto whole = small_file(alignment);
    const File file = require_loads(whole);
    const std::size_t end = file.tensors().back().offset + file.tensors().back().data.size();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      cut.shrink_to_fit();
      const auto result = File::parse(cut, "cut.gguf");
      INFO("cut at byte " << size);
      CHECK(static_cast<bool>(result) == (size >= end));
      if (!result) CHECK(result.error().message().find("of 'cut.gguf'") != std::string::npos);
    }
  }
}

TEST_CASE("G40 a cut in the data names the tensor and both extents", "[gguf]") {
  const auto whole = small_file(32);
  const File file = require_loads(whole);
  for (const Tensor& tensor : file.tensors()) {
    const std::uint64_t end = tensor.offset + tensor.data.size();
    for (const std::uint64_t size : {tensor.offset + 1, tensor.offset + tensor.data.size() / 2, end - 1}) {
      const std::string found = "tensor '" + std::string(tensor.name) + "' needs bytes " +
                                std::to_string(tensor.offset) + ".." + std::to_string(end) + ", file has " +
                                std::to_string(size);
      require_refused(std::span(whole).first(size), {found, "at byte "});
    }
  }
}

TEST_CASE("G40 a mapped file cut at a page boundary is refused before its data is touched", "[gguf]") {
  const TemporaryFolder folder;
  const std::vector<std::byte> data(16384, std::byte{1});
  const std::uint64_t dims[] = {4096};
  Writer writer;
  writer.add_tensor("big", 0, dims, data);
  for (const std::uintmax_t size : {4096, 4097, 8192, 8193}) {
    REQUIRE(writer.write(folder / "cut.gguf"));
    std::filesystem::resize_file(folder / "cut.gguf", size);
    const auto file = File::open(folder / "cut.gguf");
    REQUIRE_FALSE(file);
    require_refusal(file.error(), {"tensor 'big' needs bytes", "file has " + std::to_string(size)});
  }
}

TEST_CASE("every single-byte corruption ends in a file or an error", "[gguf]") {
  const auto whole = small_file(32);
  std::vector<std::byte> mutant = whole;
  const std::size_t data_start = require_loads(whole).tensors().front().offset;
  std::size_t bad = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const int step = at < data_start ? 1 : 85;  // the container gives no meaning to data bytes
    for (int value = 0; value < 256; value += step) {
      mutant[at] = static_cast<std::byte>(value);
      bad += survives(mutant) ? 0 : 1;
    }
    mutant[at] = whole[at];
  }
  CHECK(bad == 0);
}

TEST_CASE("any eight bytes set to an extreme number ends in a file or an error", "[gguf]") {
  const auto whole = small_file(32);
  std::size_t bad = 0;
  for (std::size_t at = 0; at + 8 <= whole.size(); ++at) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 62,
          std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      std::vector<std::byte> mutant = whole;
      std::memcpy(mutant.data() + at, &value, sizeof value);
      bad += survives(mutant) ? 0 : 1;
    }
  }
  CHECK(bad == 0);
}

}  // namespace gguf_mutation_test
