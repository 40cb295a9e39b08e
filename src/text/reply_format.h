// Enters: a chat template's source. Leaves: how the model it belongs to writes its replies: a row of the table.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::text {

/// What a stretch of a reply is.
enum class Part : std::uint8_t { content, reasoning, call, header, between };

/// Where a mark is one.
enum class When : std::uint8_t { always, with_tools, before_content, after_reasoning };

/// In `from`, this text ends the stretch and `to` begins.
struct Mark {
  Part from;
  std::string_view text;
  Part to;
  When when = When::always;
  bool kept = false;  // the text is the first of what `to` holds
};

/// What one stretch of calls is read from.
struct CallSource {
  std::string_view header;  // what stood before it, where a format has headers
  std::string_view text;
  std::string_view tools;  // as they were offered, a JSON array; empty: none
};

/// Reads the calls in one stretch. An error says what is broken.
using ReadCalls = Result<std::vector<ToolCall>> (*)(const CallSource& source);

/// How calls are spelled around their names and arguments, both JSON without white space at the ends.
struct CallText {
  std::string_view opens;  // after it there is nothing but calls
  std::string_view before_name, before_arguments, after;
  std::string_view between;  // of one call and the next
};

struct ReplyFormat {
  std::string_view name;
  std::vector<std::string_view> found_by;  // all of these texts stand in the template
  std::vector<Mark> marks;
  ReadCalls read_calls;
  std::string_view opens_reasoning, closes_reasoning;
  Part begins;                      // a reply, where the prompt did not open its reasoning
  bool bare_json;                   // a reply that is JSON from its first character is a call, where tools were offered
  std::optional<CallText> calls{};  // none: a grammar cannot tell where a call begins, or calls are no JSON
  std::vector<std::string_view> begins_answer{};  // headers of what is for the user; none: it begins with the reply
  std::size_t id_length = 0;  // of a call, letters and digits, as its templates insist; 0: they do not
};

/// Every row; the last fits any template.
std::span<const ReplyFormat> reply_formats();
const ReplyFormat& reply_format(std::string_view template_source);

}  // namespace hearth::text
