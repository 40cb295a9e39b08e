// Enters: the text of a tool call as a model wrote it. Leaves: the call's name and arguments as JSON, or what is broken.
#pragma once

#include <hearth/hearth.hpp>
#include <string_view>
#include <vector>

#include "reply_format.h"

namespace hearth::text {

using Calls = Result<std::vector<ToolCall>>;

/// {"name" or "tool_name": …, "arguments" or "parameters": {…}}, one or several, in an array or with ; , or white space between.
Calls read_json_calls(const CallSource& source);
/// The same, or name(a=1, b="x"), print(…) and name.call(…) around it too.
Calls read_json_or_code(const CallSource& source);
/// [{…}], or name[ARGS]{…}, or name[CALL_ID]id[ARGS]{…}.
Calls read_mistral_call(const CallSource& source);
/// function<｜tool▁sep｜>name and a fenced JSON block, or name<｜tool▁sep｜>{…}.
Calls read_deepseek_call(const CallSource& source);
/// functions.name:N<|tool_call_argument_begin|>{…}, what stands before that mark being the call's id.
Calls read_kimi_call(const CallSource& source);
/// The header has to=functions.name, the stretch is JSON.
Calls read_harmony_call(const CallSource& source);
/// <function=name><parameter=key>value</parameter>…</function>, one or several. A value of a parameter that is a string by its
/// tool's schema is that text; of others, one that is JSON is taken as such, and the rest are strings.
Calls read_xml_call(const CallSource& source);
/// name<arg_key>key</arg_key><arg_value>value</arg_value>…, and values as above.
Calls read_glm_call(const CallSource& source);
/// name>{…}, what stands between <function= and </function>.
Calls read_function_tag(const CallSource& source);

/// White space around the parts of a reply, and a text without it at its ends.
inline constexpr std::string_view kBlank = " \t\r\n";
std::string_view trimmed(std::string_view text);

/// The first JSON value of a text, which begins with it; empty where it is not closed.
std::string_view json_extent(std::string_view text);

}  // namespace hearth::text
