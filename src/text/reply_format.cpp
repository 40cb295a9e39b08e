// Enters: a chat template's source. Leaves: how the model it belongs to writes its replies: a row of the table.
#include "reply_format.h"

#include <algorithm>

#include "reply_calls.h"

namespace hearth::text {
namespace {

using enum Part;

std::vector<Mark> with_think(std::vector<Mark> marks) {
  marks.push_back({content, "<think>", reasoning, When::before_content});
  marks.push_back({reasoning, "</think>", content});
  return marks;
}

std::vector<Mark> with_tool_call_tags(std::vector<Mark> marks = {}) {
  marks.push_back({content, "<tool_call>", call, When::with_tools});
  marks.push_back({call, "</tool_call>", content});
  return with_think(std::move(marks));
}

ReplyFormat cohere(std::string_view name, std::vector<std::string_view> found_by) {
  return {name,
          std::move(found_by),
          {{content, "<|START_THINKING|>", reasoning, When::before_content},
           {reasoning, "<|END_THINKING|>", content},
           {content, "<|START_ACTION|>", call, When::with_tools},
           {call, "<|END_ACTION|>", content},
           {content, "<|START_RESPONSE|>", content},
           {content, "<|END_RESPONSE|>", content},
           {content, "<|START_TEXT|>", content},
           {content, "<|END_TEXT|>", content}},
          read_json_calls,
          "<|START_THINKING|>",
          "<|END_THINKING|>",
          content,
          false};
}

// Sources: the models' own templates and cards; OpenAI's description of the harmony format.
std::vector<ReplyFormat> make_formats() {
  return {
      {"harmony",
       {"<|channel|>", "<|message|>"},
       {{header, "<|message|>", content},  // its header says what it really is
        {content, "<|end|>", between},
        {content, "<|return|>", between},
        {content, "<|call|>", between},
        {content, "<|channel|>", header},
        {content, "<|start|>", header},
        {reasoning, "<|end|>", between},
        {reasoning, "<|start|>", header},
        {reasoning, "<|channel|>", header},
        {call, "<|call|>", between},
        {call, "<|end|>", between},
        {call, "<|start|>", header},
        {between, "<|start|>", header},
        {between, "<|channel|>", header}},
       read_harmony_call,
       "<|channel|>analysis<|message|>",
       "<|end|>",
       header,
       false,
       {},
       {"<|channel|>final<|message|>", "<|channel|>final <|constrain|>json<|message|>"}},
      {"deepseek",
       {"<｜tool▁sep｜>"},
       with_think({{content, "<｜tool▁calls▁begin｜>", between, When::with_tools},
                   {between, "<｜tool▁call▁begin｜>", call},
                   {call, "<｜tool▁call▁end｜>", between},
                   {call, "<｜tool▁calls▁end｜>", content},
                   {between, "<｜tool▁calls▁end｜>", content}}),
       read_deepseek_call,
       "<think>",
       "</think>",
       content,
       false},
      {"kimi",
       {"<|tool_calls_section_begin|>"},
       with_think({{content, "<|tool_calls_section_begin|>", between, When::with_tools},
                   {between, "<|tool_call_begin|>", call},
                   {call, "<|tool_call_end|>", between},
                   {call, "<|tool_calls_section_end|>", content},
                   {between, "<|tool_calls_section_end|>", content}}),
       read_kimi_call,
       "<think>",
       "</think>",
       content,
       false},
      {"mistral",
       {"[TOOL_CALLS]"},
       {{content, "[TOOL_CALLS]", call, When::with_tools},
        {call, "[TOOL_CALLS]", call},
        {content, "[THINK]", reasoning, When::before_content},
        {reasoning, "[/THINK]", content}},
       read_mistral_call,
       "[THINK]",
       "[/THINK]",
       content,
       false,
       {},
       {},
       9},
      {"qwen-xml",
       {"<tool_call>", "<function="},
       // A call often begins without <tool_call>, and </tool_call> follows it all the same.
       with_tool_call_tags({{content, "<function=", call, When::with_tools, true}}),
       read_xml_call,
       "<think>",
       "</think>",
       content,
       false},
      {"glm",
       {"<tool_call>", "<arg_key>"},
       with_tool_call_tags(),
       read_glm_call,
       "<think>",
       "</think>",
       content,
       false},
      {"hermes",
       {"<tool_call>"},
       with_tool_call_tags(),
       read_json_calls,
       "<think>",
       "</think>",
       content,
       false,
       CallText{"<tool_call>", "\n{\"name\": \"", "\", \"arguments\": ", "}\n</tool_call>", "\n<tool_call>"}},
      {"function-tags",
       {"<function="},
       with_think({{content, "<function=", call, When::with_tools},
                   {call, "</function>", content},
                   {content, "<|python_tag|>", call, When::with_tools}}),
       read_function_tag,
       "<think>",
       "</think>",
       content,
       false,
       CallText{"<function=", "", ">", "</function>", "\n<function="}},
      {"granite",
       {"<|start_of_role|>"},
       with_think({{content, "<|tool_call|>", call, When::with_tools},
                   {content, "<response>", content, When::after_reasoning},
                   {content, "</response>", content, When::after_reasoning}}),
       read_json_calls,
       "<think>",
       "</think>",
       content,
       false},
      {"phi4",
       {"<|/tool|>"},
       with_think({{content, "<|tool_call|>", call, When::with_tools}, {call, "<|/tool_call|>", content}}),
       read_json_calls,
       "<think>",
       "</think>",
       content,
       true},
      cohere("cohere", {"<|START_RESPONSE|>"}),
      cohere("cohere-text", {"<|START_ACTION|>", "<|START_TEXT|>"}),
      {"llama3",
       {"<|start_header_id|>"},
       with_think({{content, "<|python_tag|>", call, When::with_tools}}),
       read_json_or_code,
       "<think>",
       "</think>",
       content,
       true},
      {"gemma",
       {"<start_of_turn>"},
       with_think({{content, "```tool_code\n", call, When::with_tools}, {call, "```", content}}),
       read_json_or_code,
       "<think>",
       "</think>",
       content,
       true},
      {"plain", {}, with_think({}), read_json_calls, "<think>", "</think>", content, true},
  };
}

}  // namespace

std::span<const ReplyFormat> reply_formats() {
  static const std::vector<ReplyFormat> formats = make_formats();
  return formats;
}

const ReplyFormat& reply_format(std::string_view template_source) {
  const auto found = std::find_if(reply_formats().begin(), reply_formats().end(), [&](const ReplyFormat& row) {
    return std::all_of(row.found_by.begin(), row.found_by.end(),
                       [&](std::string_view text) { return template_source.find(text) != std::string_view::npos; });
  });
  return *found;  // the last row asks for nothing
}

}  // namespace hearth::text
