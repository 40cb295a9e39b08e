// Enters: arbitrary bytes as a template and, after a NUL, as its variables. Leaves: nothing; whatever is accepted is rendered
// within small limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "jinja_template.h"

namespace {

constexpr std::string_view variables =
    R"({"messages":[{"role":"user","content":"a<b> \u00e9\ud83d\ude42","tool_calls":[{"id":"x","function":{"name":"f","arguments":{"k":[1,2.5,null,true]}}}]},{"role":"assistant","content":null}],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"k":{"type":"string"}}}}}],"s":"Some text, to split","n":-3,"f":2.5,"l":[3,1,2],"d":{"b":1,"a":"x"}})";

void expect_one_line(const hearth::Error& error) {
  if (error.message().empty() || error.message().find('\n') != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth::text::jinja;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\0');
  const auto made = Template::parse(input.substr(0, cut));
  if (!made) {
    expect_one_line(made.error());
    return 0;
  }
  Limits limits;
  limits.steps = 20000;
  limits.output_bytes = limits.memory_bytes = std::size_t{4} << 20;
  const std::string_view given = cut == std::string_view::npos ? variables : input.substr(cut + 1);
  const auto text = made->render(given, {2026, 11, 22, 9, 30, 0}, limits);
  if (!text) expect_one_line(text.error());
  else if (text->size() > limits.output_bytes) std::abort();
  return 0;
}
