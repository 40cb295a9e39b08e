// Enters: a folder. Leaves: small sound GGUF files in it, from which the fuzzer starts; no binary corpus is kept in
// git.
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "gguf_writer.h"
#include "tensor_type.h"

namespace {

using hearth::gguf::Writer;

Writer empty() { return Writer(); }

Writer metadata_only() {
  Writer writer;
  writer.add("general.architecture", "llama");
  writer.add("u8", std::uint8_t{1});
  writer.add("i8", std::int8_t{-1});
  writer.add("u16", std::uint16_t{1});
  writer.add("i16", std::int16_t{-1});
  writer.add("u32", 1u);
  writer.add("i32", -1);
  writer.add("u64", std::uint64_t{1});
  writer.add("i64", std::int64_t{-1});
  writer.add("f32", 1.0f);
  writer.add("f64", 1.0);
  writer.add("bool", true);
  return writer;
}

Writer arrays() {
  Writer writer;
  const std::string tokens[] = {"<s>", "a", "", "\xff"};
  const float scores[] = {0, -1, -2, -3};
  const std::int32_t types[] = {3, 1, 1, 6};
  const bool flags[] = {true, false};
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add_array<float>("tokenizer.ggml.scores", scores);
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", types);
  writer.add_array<bool>("flags", flags);
  return writer;
}

Writer split_part() {
  Writer writer;
  writer.add("split.no", std::uint16_t{0});
  writer.add("split.count", std::uint16_t{2});
  writer.add("split.tensors.count", std::int32_t{4});
  return writer;
}

/// One tensor of each type that can be stored.
Writer every_type(std::uint64_t alignment) {
  static const std::vector<std::byte> zeros(1024);
  Writer writer(alignment);
  writer.add("general.architecture", "llama");
  for (const hearth::gguf::TensorType& type : hearth::gguf::tensor_types()) {
    if (type.block_elements == 0) continue;
    const std::uint64_t dims[] = {type.block_elements, 2};
    writer.add_tensor(type.name, type.id, dims, std::span(zeros).first(std::size_t{2} * type.block_bytes));
  }
  return writer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_corpus FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const Writer seeds[] = {empty(), metadata_only(), arrays(), split_part(), every_type(32), every_type(8)};
  int number = 0;
  for (const Writer& seed : seeds) {
    const auto written = seed.write((folder / ("seed" + std::to_string(number++) + ".gguf")).string());
    if (written) continue;
    std::cerr << written.error().message() << '\n';
    return 1;
  }
}
