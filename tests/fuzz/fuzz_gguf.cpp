// Enters: arbitrary bytes as a GGUF file. Leaves: nothing; whatever File::parse accepts is walked to the last byte.
#include <cstddef>
#include <cstdint>
#include <span>

#include "gguf_reader.h"
#include "support/walk_gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = hearth::gguf::File::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file) {
    // An error must be one line; a trap is what a fuzzer sees.
    if (file.error().message().find('\n') != std::string::npos) __builtin_trap();
    return 0;
  }
  if (hearth::gguf::walk(*file) == 0) __builtin_trap();
  return 0;
}
