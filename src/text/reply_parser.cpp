// Enters: a reply's text, piece by piece. Leaves: what of it is content, reasoning and tool calls.
#include "reply_parser.h"

#include <algorithm>
#include <utility>

#include "jinja_unicode.h"
#include "reply_calls.h"

namespace hearth::text {

void CallStrings::take(char c) {
  switch (now_) {
    case At::begin:
      if (kBlank.find(c) != std::string_view::npos) return;
      now_ = c == '<' ? At::other : At::name;
      [[fallthrough]];
    case At::name:  // what stands before the JSON, if anything does
      if (c == '{' || c == '[') now_ = At::json;
      if (c == '(') now_ = At::other;
      if (c == '<') now_ = At::tag;
      return;
    case At::tag:  // GLM's <arg_key> is one; DeepSeek's <｜tool▁sep｜> stands before JSON
      now_ = c == 'a' ? At::other : c == '{' || c == '[' ? At::json : At::name;
      return;
    case At::json:
      if (c == '"') now_ = At::string;
      return;
    case At::string:
      if (c == '\\') now_ = At::escape;
      if (c == '"' || c == '\n') now_ = At::json;  // a line break is in no string of JSON: one that has it is broken
      return;
    case At::escape:
      now_ = At::string;
      return;
    case At::other:
      return;
  }
}

bool opens_reasoning(const ReplyFormat& format, std::string_view prompt) {
  return trimmed(prompt).ends_with(format.opens_reasoning);
}

ReplyParser::ReplyParser(const ReplyFormat& format, Situation situation)
    : format_(format), situation_(situation), now_(situation.reasoning_is_open ? Part::reasoning : format.begins) {
  split_ = now_ != Part::content;
  reasoned_ = now_ == Part::reasoning;
}

/// `before_content`: all content until the mark is white space.
bool ReplyParser::counts(const Mark& mark, bool before_content) const {
  if (mark.from != now_) return false;
  switch (mark.when) {
    case When::always:
      return true;
    case When::with_tools:
      return !situation_.tools.empty();
    case When::before_content:
      return before_content;
    case When::after_reasoning:
      return !parts_.reasoning.empty();
  }
  return false;
}

/// The first mark in `text` that ends the stretch being read, of two at one place the first in the table.
std::optional<ReplyParser::Found> ReplyParser::next_mark(std::string_view text) const {
  CallStrings strings = strings_;
  bool before_content = end_ == 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    for (const Mark& mark : format_.marks)
      if (counts(mark, before_content) && rest.starts_with(mark.text) && !strings.inside()) return Found{at, &mark};
    before_content = before_content && kBlank.find(rest.front()) != std::string_view::npos;
    if (now_ == Part::call) strings.take(rest.front());
  }
  return std::nullopt;
}

/// Bytes at the end of `text` that may become a mark.
std::size_t ReplyParser::held_back(std::string_view text) const {
  std::size_t most = 0;
  for (const Mark& mark : format_.marks) {
    if (!counts(mark, end_ == 0)) continue;
    for (std::size_t n = std::min(mark.text.size() - 1, text.size()); n > most; --n)
      if (text.ends_with(mark.text.substr(0, n))) most = n;
  }
  return most;
}

void ReplyParser::take(std::string_view text) {
  if (now_ == Part::content) {
    const bool behind_a_part = split_ && parts_.content.empty();  // white space there is nobody's
    if (behind_a_part) text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (const std::size_t last = text.find_last_not_of(kBlank); last != std::string_view::npos) {
      if (end_ == 0) begin_ = parts_.content.size() + text.find_first_not_of(kBlank);
      end_ = parts_.content.size() + last + 1;
    }
    parts_.content += text;
  }
  if (now_ == Part::reasoning) parts_.reasoning += text;
  if (now_ == Part::call) {
    call_ += text;
    for (const char c : text) strings_.take(c);
  }
  if (now_ == Part::header) header_ += text;
}

void ReplyParser::enter(const Mark& mark) {
  if (now_ == Part::call) close_call();
  Part to = mark.to;
  if (now_ == Part::header) {
    if (header_.find("to=") != std::string::npos && !situation_.tools.empty()) to = Part::call;
    else if (header_.find("analysis") != std::string::npos) to = Part::reasoning;
  } else if (to == Part::header) {
    header_.clear();
  }
  if (end_ == 0) parts_.content.clear();  // nobody's either
  split_ = true;
  now_ = to;
  if (to == Part::reasoning) reasoned_ = true;
  if (mark.kept) take(mark.text);
}

void ReplyParser::close_call() {
  const std::string header = jinja::made_sound(header_), text = jinja::made_sound(call_);  // JSON is UTF-8
  auto calls = format_.read_calls({header, text, situation_.tools});
  call_.clear();
  strings_ = {};
  if (!calls) {
    if (!parts_.parse_error) parts_.parse_error = calls.error().message();
    return;
  }
  for (ToolCall& one : *calls) parts_.tool_calls.push_back(std::move(one));
}

/// `content`: without the white space around it.
bool ReplyParser::maybe_bare_json(std::string_view content) const {
  if (!format_.bare_json || situation_.tools.empty()) return false;
  return content.empty() || content.starts_with('{') || content.starts_with('[') || content.starts_with("`");
}

/// Content not shown yet, without the white space at its end, which may turn out to stand before something else.
std::string ReplyParser::shown() {
  const std::string_view text = std::string_view(parts_.content).substr(0, end_);
  if (text.size() <= n_shown_ || maybe_bare_json(text.substr(begin_))) return {};
  return std::string(text.substr(std::exchange(n_shown_, text.size())));
}

std::string ReplyParser::push(std::string_view piece) {
  pending_ += piece;
  std::string_view rest = pending_;
  while (const auto found = next_mark(rest)) {
    take(rest.substr(0, found->at));
    rest.remove_prefix(found->at + found->mark->text.size());
    enter(*found->mark);
  }
  rest.remove_suffix(held_back(rest));
  take(rest);
  pending_.erase(0, static_cast<std::size_t>(rest.data() + rest.size() - pending_.data()));
  return shown();
}

/// A reply that is a call from its first character to its last. One that only looks like it stays content: JSON with a name and
/// nothing to call it with, {"name": "Anna"}, is what somebody asked for.
void ReplyParser::read_bare_json() {
  const std::string sound = jinja::made_sound(parts_.content);
  const std::string_view text = trimmed(sound);
  if (text.empty() || !maybe_bare_json(text)) return;
  auto calls = format_.read_calls({{}, text, situation_.tools});
  const auto says = [&](std::string_view key) { return text.find(key) != std::string_view::npos; };
  if (!calls) {
    if (says("\"name\"")) parts_.parse_error = calls.error().message();
    return;
  }
  const bool is_json = text.find('{') < text.find('(');  // and no name(a=1)
  if (is_json && !says("\"arguments\"") && !says("\"parameters\"")) return;
  parts_.tool_calls = std::move(*calls);
  parts_.content.clear();
}

void ReplyParser::trim() {
  parts_.reasoning = std::string(trimmed(parts_.reasoning));
  if (split_) parts_.content.erase(parts_.content.find_last_not_of(kBlank) + 1);
}

/// Some models close reasoning that nothing opened: it is what stands before, though it was shown as content.
void ReplyParser::split_unopened_reasoning() {
  if (reasoned_) return;
  const std::size_t close = parts_.content.find(format_.closes_reasoning);
  if (close == std::string::npos || parts_.content.find(format_.opens_reasoning) < close) return;
  parts_.reasoning = parts_.content.substr(0, close);
  parts_.content =
      std::string(trimmed(std::string_view(parts_.content).substr(close + format_.closes_reasoning.size())));
  split_ = true;
}

std::string ReplyParser::finish() {
  take(pending_);
  pending_.clear();
  if (now_ == Part::call) close_call();
  if (now_ == Part::header && format_.begins == Part::header && parts_.content.empty() && parts_.reasoning.empty() &&
      parts_.tool_calls.empty() && !parts_.parse_error) {
    parts_.content = std::string(trimmed(header_));  // a model that does not keep to its format
    parts_.parse_error = "the reply has no message; " + std::string(format_.name) + " format; read the raw text";
  }
  const bool nothing_shown = n_shown_ == 0;
  if (nothing_shown) split_unopened_reasoning();
  if (parts_.tool_calls.empty()) read_bare_json();
  // The rest of the content, its white space too where it stands at the end of an undivided reply.
  std::string rest = parts_.content.substr(std::min(n_shown_, parts_.content.size()));
  if (split_) rest.erase(rest.find_last_not_of(kBlank) + 1);
  if (!nothing_shown) split_unopened_reasoning();
  trim();
  return rest;
}

}  // namespace hearth::text
