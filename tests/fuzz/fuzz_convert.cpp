// Enters: arbitrary bytes, the first of which says as what: a safetensors file, a SentencePiece model, a pre-tokenizer, or a
// config.json, a line end and a safetensors file. Leaves: nothing, or a crash where a tensor reaches beyond the file or an
// error has more than one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "family.h"
#include "hf_json.h"
#include "output_type.h"
#include "pre_tokenizer_name.h"
#include "safetensors.h"
#include "sentencepiece.h"
#include "tensor_bytes.h"
#include "tensor_plan.h"

namespace {

using namespace hearth;
using namespace hearth::convert;

template <class T> bool sound(const Result<T>& result) {
  if (!result && result.error().message().find('\n') != std::string::npos) std::abort();
  return static_cast<bool>(result);
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

void plan_all(std::string_view input) {
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) return;
  auto document = text::parse_json(input.substr(0, line), "'fuzz'");
  if (!sound(document)) return;
  auto config = HfConfig::from(std::move(*document), "'fuzz'");
  if (!sound(config)) return;
  const auto architecture = config->architecture();
  if (!sound(architecture)) return;
  const auto family = find_family(*architecture);
  if (!sound(family)) return;
  config->add_defaults((*family)->defaults);
  if ((*family)->settle && !sound((*family)->settle(*config))) return;
  Metadata metadata;
  KeySink keys(metadata, (*family)->arch);
  if ((*family)->more_keys) static_cast<void>(sound((*family)->more_keys(*config, keys)));
  const auto tensors = read_safetensors(bytes(input.substr(line + 1)), "'fuzz'");
  if (!sound(tensors)) return;
  const auto plan = plan_tensors(*tensors, **family, *config);
  if (!sound(plan)) return;
  const auto team = Team::start(1);
  if (!sound(team)) return;
  for (const char* type : {"", "q8_0"}) {
    const auto types = OutputTypes::choose(type, *plan);
    if (!sound(types)) std::abort();
    std::vector<std::byte> buffer;
    for (const PlannedTensor& tensor : plan->tensors)
      static_cast<void>(sound(tensor_bytes(tensor, types->of(tensor), buffer, **team)));
  }
}

void name_pre_tokenizer(std::string_view input) {
  const auto document = text::parse_json(input, "'fuzz'");
  if (sound(document) && document->is_object()) static_cast<void>(sound(pre_tokenizer_name(*document, "", "'fuzz'")));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const std::string_view rest = input.substr(1);
  if (input[0] == 's') static_cast<void>(sound(read_safetensors(bytes(rest), "'fuzz'")));
  if (input[0] == 'm') static_cast<void>(sound(read_sentencepiece(bytes(rest), "'fuzz'")));
  if (input[0] == 't') name_pre_tokenizer(rest);
  if (input[0] == 'c') plan_all(rest);
  return 0;
}
