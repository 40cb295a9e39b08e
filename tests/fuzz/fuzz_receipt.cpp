// Enters: arbitrary bytes as a receipt, or as changes of a sound one. Leaves: nothing, or a crash where an error is no line, or where
// what was read is not written and read as the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "receipt_json.h"

namespace {

using namespace hearth;

std::string sound_receipt() {
  tools::Receipt r;
  r.hearth = "0", r.arithmetic = 1, r.path = "/m\xff.gguf", r.files = {{"m.gguf", 1, std::string(64, 'a')}};
  r.tokenizer_sha256 = std::string(64, 'b'), r.n_ctx = 64, r.isa = "scalar", r.threads = 1, r.chunk = 1;
  r.generate.stop = {"a", "\xc3"}, r.generate.regex = "a+", r.generate.sampling.logit_bias = {{1, -0.5f}};
  r.generate.sampling.banned = {7}, r.prompt = {1, 2}, r.tokens = {3};
  return *engine::to_json(r);
}

/// Three bytes a change: where, and what comes there; a place beyond the end cuts the text to that many bytes less.
std::string changed(std::string text, std::string_view changes) {
  for (; changes.size() >= 3 && !text.empty(); changes.remove_prefix(3)) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(changes[i])); };
    const std::size_t at = byte(0) << 8 | byte(1);
    if (at < text.size()) text[at] = changes[2];
    else text.erase(at % text.size(), byte(2));
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string sound = sound_receipt();
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto receipt = engine::read_receipt(data[0] % 2 == 0 ? std::string(input) : changed(sound, input), "receipt");
  if (!receipt) {
    if (receipt.error().message().empty() || receipt.error().message().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const auto text = engine::to_json(*receipt);
  if (!text) std::abort();
  const auto again = engine::read_receipt(*text, "receipt");
  if (!again || *engine::to_json(*again) != *text) std::abort();
  return 0;
}
