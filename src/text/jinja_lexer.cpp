// Enters: a template's source. Leaves: its tokens, one at a time, white space already controlled.
#include "jinja_lexer.h"

#include <algorithm>
#include <array>

#include "escape.h"
#include "jinja_text_ops.h"

namespace hearth::text::jinja {
namespace {

constexpr std::size_t kMaxBrackets = 256;
constexpr std::array<std::string_view, 28> kSymbols = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/",
                                                       "%",  "~",  "<",  ">",  "=",  "[",  "]", "(", ")", "{",
                                                       "}",  ".",  ":",  "|",  ",",  ";",  "!", "&"};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }
bool is_digit_char(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) { return begins_name(c) || is_digit_char(c); }

/// `text` without the white space at its end, Unicode's included.
std::string_view right_stripped(std::string_view text) { return stripped(text, std::nullopt, Side::right); }

}  // namespace

Error syntax_error(const std::string& what, int line) {
  return Error(Status::malformed, what + "; template line " + std::to_string(line) + "; correct the template");
}

std::string normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') text += source[i];
    else if (i + 1 == source.size() || source[i + 1] != '\n') text += '\n';
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Token Lexer::token(TokenKind kind, std::size_t begin, std::size_t length) {
  line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                       source_.begin() + static_cast<std::ptrdiff_t>(std::max(begin, counted_)), '\n'));
  counted_ = std::max(begin, counted_);
  return {kind, source_.substr(begin, length), line_};
}

std::size_t Lexer::spaces(std::size_t from) const {
  while (from < source_.size() && is_blank(source_[from])) ++from;
  return from;
}

Result<Token> Lexer::next() { return state_ == State::data ? next_data() : next_inside(); }

/// The text between `begin` and a tag: "-" strips all white space before the tag, else a block alone on its line so far strips
/// the spaces of that line.
std::string_view Lexer::data_before(std::size_t begin, std::size_t tag, bool strips_line) {
  const std::string_view data = source_.substr(begin, tag - begin);
  const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
  if (sign == '-') return right_stripped(data);
  if (sign == '+' || !strips_line) return data;
  const std::size_t newline = data.rfind('\n');
  if (newline == std::string_view::npos && !line_starts_) return data;
  const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
  return right_stripped(data.substr(line)).empty() ? data.substr(0, line) : data;
}

/// Where the source goes on after "-%}", "+%}" or "%}", which begins at `mark`; npos where none does. Blocks eat a newline.
std::size_t Lexer::after_end_mark(std::size_t mark, bool block) const {
  const std::string_view rest = source_.substr(mark);
  const std::string_view closing = block ? "%}" : "}}";
  if (rest.starts_with('-') && rest.substr(1).starts_with(closing)) return spaces(mark + 3);
  if (block && rest.starts_with('+') && rest.substr(1).starts_with(closing)) return mark + 3;
  if (!rest.starts_with(closing)) return std::string_view::npos;
  return mark + 2 + (block && rest.substr(2).starts_with('\n') ? 1 : 0);
}

/// Where the text of {% raw %} begins, or 0 where this tag is another.
std::size_t Lexer::raw_begin(std::size_t tag) const {
  std::size_t at = tag + 2;
  if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
  at = spaces(at);
  if (source_.substr(at, 3) != "raw") return 0;
  at = spaces(at + 3);
  const std::string_view rest = source_.substr(at);
  return rest.starts_with("-%}") ? spaces(at + 3) : rest.starts_with("%}") ? at + 2 : 0;
}

bool Lexer::raw_end(std::size_t tag, std::size_t& end) const {
  std::size_t at = tag + 2;
  if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
  at = spaces(at);
  if (source_.substr(at, 6) != "endraw") return false;
  end = after_end_mark(spaces(at + 6), true);
  return end != std::string_view::npos;
}

Result<Token> Lexer::raw(std::size_t body) {
  for (std::size_t tag = source_.find("{%", body); tag != std::string_view::npos; tag = source_.find("{%", tag + 2)) {
    std::size_t end = 0;
    if (!raw_end(tag, end)) continue;
    line_starts_ = source_[body - 1] == '\n';
    const std::string_view data = data_before(body, tag, true);
    const Token made = token(TokenKind::data, body, data.size());
    at_ = end;
    line_starts_ = source_[end - 1] == '\n';
    return made;
  }
  return syntax_error("{% raw %} is not closed", token(TokenKind::data, at_, 0).line);
}

Result<void> Lexer::skip_comment() {
  const std::size_t close = source_.find("#}", at_ + 2);
  if (close == std::string_view::npos)
    return syntax_error("the comment is not closed", token(TokenKind::data, at_, 0).line);
  const char sign = close > at_ + 2 ? source_[close - 1] : ' ';
  if (sign == '-') at_ = spaces(close + 2);
  else at_ = close + 2 + (sign != '+' && source_.substr(close + 2).starts_with('\n') ? 1 : 0);
  line_starts_ = source_[at_ - 1] == '\n';
  return {};
}

Result<Token> Lexer::next_data() {
  const std::size_t begin = at_;
  std::size_t tag = source_.find('{', begin);
  while (tag != std::string_view::npos &&
         (tag + 1 == source_.size() || std::string_view("{%#").find(source_[tag + 1]) == std::string_view::npos))
    tag = source_.find('{', tag + 1);
  if (tag == std::string_view::npos) {
    at_ = source_.size();
    return begin == at_ ? token(TokenKind::end, at_, 0) : token(TokenKind::data, begin, at_ - begin);
  }
  const char kind = source_[tag + 1];
  if (!pending_begin_) {
    const std::string_view data = data_before(begin, tag, kind != '{');
    at_ = tag;
    pending_begin_ = true;
    if (!data.empty()) return token(TokenKind::data, begin, data.size());
  }
  pending_begin_ = false;
  if (kind == '#') {
    if (auto done = skip_comment(); !done) return done.error();
    return token(TokenKind::data, at_, 0);
  }
  if (kind == '%')
    if (const std::size_t body = raw_begin(tag)) return raw(body);
  state_ = kind == '%' ? State::block : State::variable;
  at_ = tag + 2;
  if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
  return token(kind == '%' ? TokenKind::block_begin : TokenKind::variable_begin, tag, 2);
}

bool Lexer::ends_here(std::size_t& length) const {
  if (!brackets_.empty()) return false;
  const std::size_t after = after_end_mark(at_, state_ == State::block);
  if (after == std::string_view::npos) return false;
  length = after - at_;
  return true;
}

void Lexer::leave(std::size_t length) {
  at_ += length;
  line_starts_ = source_[at_ - 1] == '\n';
  state_ = State::data;
}

Result<Token> Lexer::next_inside() {
  at_ = spaces(at_);
  if (at_ == source_.size()) return syntax_error("the template ends inside a tag", token(TokenKind::end, at_, 0).line);
  std::size_t length = 0;
  if (ends_here(length)) {
    const Token made = token(state_ == State::block ? TokenKind::block_end : TokenKind::variable_end, at_, 2);
    leave(length);
    return made;
  }
  const char c = source_[at_];
  if (c == '\'' || c == '"') return string_token();
  if (is_digit_char(c)) return number_token();
  if (!begins_name(c)) return symbol_token();
  std::size_t end = at_;
  while (end < source_.size() && in_name(source_[end])) ++end;
  const Token made = token(TokenKind::name, at_, end - at_);
  at_ = end;
  return made;
}

Result<Token> Lexer::string_token() {
  const char quote = source_[at_];
  for (std::size_t i = at_ + 1; i < source_.size(); ++i) {
    if (source_[i] == '\\') {
      ++i;
    } else if (source_[i] == quote) {
      const Token made = token(TokenKind::string, at_ + 1, i - at_ - 1);
      at_ = i + 1;
      return made;
    }
  }
  return syntax_error("the string is not closed", token(TokenKind::end, at_, 0).line);
}

Token Lexer::number_token() {
  const auto digits = [&](std::size_t from, auto is_one) {
    while (from < source_.size() &&
           (is_one(source_[from]) || (source_[from] == '_' && from + 1 < source_.size() && is_one(source_[from + 1]))))
      ++from;
    return from;
  };
  const auto hexadecimal = [](char c) { return is_digit_char(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  const std::string_view prefix = source_.substr(at_, 2);
  std::size_t end = at_;
  TokenKind kind = TokenKind::integer;
  if (prefix == "0x" || prefix == "0X" || prefix == "0b" || prefix == "0B" || prefix == "0o" || prefix == "0O") {
    end = digits(at_ + 2, hexadecimal);
  } else {
    end = digits(at_, is_digit_char);
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit_char(source_[end + 1])) {
      end = digits(end + 1, is_digit_char);
      kind = TokenKind::real;
    }
    std::size_t exponent = end;
    if (exponent < source_.size() && (source_[exponent] == 'e' || source_[exponent] == 'E')) {
      ++exponent;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      const std::size_t after = digits(exponent, is_digit_char);
      if (after > exponent) end = after, kind = TokenKind::real;
    }
  }
  const Token made = token(kind, at_, end - at_);
  at_ = end;
  return made;
}

Result<Token> Lexer::symbol_token() {
  const std::string_view rest = source_.substr(at_);
  const auto* found =
      std::find_if(kSymbols.begin(), kSymbols.end(), [&](std::string_view symbol) { return rest.starts_with(symbol); });
  const Token made = token(TokenKind::symbol, at_, found == kSymbols.end() ? 1 : found->size());
  if (found == kSymbols.end())
    return syntax_error("a tag holds the character '" + escape(rest.substr(0, 1)) + "'", made.line);
  const char c = made.text[0];
  if (made.text.size() == 1 && (c == '(' || c == '[' || c == '{')) {
    if (brackets_.size() == kMaxBrackets) return syntax_error("brackets are nested too deeply", made.line);
    brackets_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
  } else if (made.text.size() == 1 && (c == ')' || c == ']' || c == '}')) {
    if (brackets_.empty() || brackets_.back() != c)
      return syntax_error("'" + std::string(1, c) + "' closes no bracket", made.line);
    brackets_.pop_back();
  }
  at_ += made.text.size();
  return made;
}

}  // namespace hearth::text::jinja
