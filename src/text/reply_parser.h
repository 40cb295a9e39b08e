// Enters: a reply's text, piece by piece. Leaves: what of it is content, reasoning and tool calls. Nothing is ever lost: what
// cannot be read is said, and the raw text stays with the caller.
#pragma once

#include <cstdint>
#include <hearth/hearth.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reply_format.h"

namespace hearth::text {

struct ReplyParts {
  std::string content, reasoning;
  std::vector<ToolCall> tool_calls;
  std::optional<std::string> parse_error;
};

/// Follows a call as it is written: whether it stands in a string of its JSON, where a mark is text like any other. Tags
/// and code have no such strings, nor have tags behind a name.
class CallStrings {
 public:
  void take(char c);
  bool inside() const { return now_ == At::string || now_ == At::escape; }

 private:
  enum class At : std::uint8_t { begin, name, tag, json, string, escape, other };
  At now_ = At::begin;
};

class ReplyParser {
 public:
  struct Situation {
    bool reasoning_is_open = false;  // the prompt ended inside of it
    std::string_view tools{};        // that were offered, a JSON array; empty: none
  };
  ReplyParser(const ReplyFormat& format, Situation situation);

  /// More of the raw text; gives the content that is certain by now.
  std::string push(std::string_view piece);
  /// After the last piece: the content that was held back.
  std::string finish();
  /// After finish().
  const ReplyParts& parts() const { return parts_; }

 private:
  struct Found {
    std::size_t at;
    const Mark* mark;
  };
  bool counts(const Mark& mark, bool before_content) const;
  std::optional<Found> next_mark(std::string_view text) const;
  std::size_t held_back(std::string_view text) const;
  void take(std::string_view text);
  void enter(const Mark& mark);
  void close_call();
  bool maybe_bare_json(std::string_view content) const;
  std::string shown();
  void read_bare_json();
  void split_unopened_reasoning();
  void trim();

  const ReplyFormat& format_;
  Situation situation_;
  Part now_;
  std::string pending_;  // not yet in any part
  std::string header_, call_;
  CallStrings strings_;  // of call_
  // Of parts_.content: where what is not white space begins and ends, and what was shown. Looked for in each piece once: white space
  // may go on for as long as the reply.
  std::size_t begin_ = 0, end_ = 0, n_shown_ = 0;
  bool split_ = false;     // something was taken out of the content
  bool reasoned_ = false;  // there was reasoning, if only an empty one
  ReplyParts parts_;
};

/// Whether a prompt's end leaves the reasoning open.
bool opens_reasoning(const ReplyFormat& format, std::string_view prompt);

}  // namespace hearth::text
