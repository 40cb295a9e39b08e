// Enters: arbitrary bytes as a model's reply. Leaves: nothing, or a crash where the pieces that it comes in change what it is, or
// where a part cannot be a part of a message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "jinja_runtime.h"
#include "reply_parser.h"

namespace {

using namespace hearth::text;

ReplyParts parsed(const ReplyFormat& format, ReplyParser::Situation situation, std::string_view raw, std::size_t piece,
                  std::string& shown) {
  ReplyParser parser(format, situation);
  for (std::size_t at = 0; at < raw.size(); at += piece) shown += parser.push(raw.substr(at, piece));
  shown += parser.finish();
  return parser.parts();
}

void expect_json_object(const std::string& text) {
  jinja::Runtime rt({}, {});
  const auto value = jinja::from_json(rt, text, "arguments");
  if (!value || !value->is(jinja::Kind::dict)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto formats = reply_formats();
  const ReplyFormat& format = formats[data[0] % formats.size()];
  const std::string_view tools =
      R"([{"name": "f", "parameters": {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}}])";
  const ReplyParser::Situation situation{(data[1] & 1) != 0, (data[1] & 2) != 0 ? tools : std::string_view()};
  const std::string_view raw(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string shown, shown_whole;
  const ReplyParts parts = parsed(format, situation, raw, 1 + data[1] / 32, shown);
  const ReplyParts whole = parsed(format, situation, raw, raw.size() + 1, shown_whole);
  if (parts.content != whole.content || parts.reasoning != whole.reasoning || parts.parse_error != whole.parse_error ||
      parts.tool_calls.size() != whole.tool_calls.size())
    std::abort();
  for (const hearth::ToolCall& call : parts.tool_calls) {
    if (call.name.empty()) std::abort();
    expect_json_object(call.arguments);
  }
  if (parts.parse_error && parts.parse_error->find('\n') != std::string::npos) std::abort();
  return 0;
}
