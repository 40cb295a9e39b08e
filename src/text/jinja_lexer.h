// Enters: a template's source. Leaves: its tokens, one at a time, white space already controlled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::text::jinja {

enum class TokenKind : std::uint8_t {
  data,
  block_begin,
  block_end,
  variable_begin,
  variable_end,
  name,
  string,
  integer,
  real,
  symbol,  // an operator or bracket
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // of the source; of a string what stands between its quotes
  int line = 1;

  bool is(TokenKind wanted, std::string_view spelled) const { return kind == wanted && text == spelled; }
  bool symbol(std::string_view spelled) const { return is(TokenKind::symbol, spelled); }
  bool name(std::string_view spelled) const { return is(TokenKind::name, spelled); }
};

/// The error of a template that breaks the language: "WHAT; template line N; WHAT TO DO".
Error syntax_error(const std::string& what, int line);

/// Line ends become \n and one at the very end is dropped, as Jinja reads a source.
std::string normalized(std::string_view source);

/// With trim_blocks and lstrip_blocks, as chat templates are made for. `source` is normalized and outlives the tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}
  Result<Token> next();

 private:
  enum class State : std::uint8_t { data, block, variable };
  struct Tag;

  Result<Token> next_data();
  Result<Token> next_inside();
  Result<void> skip_comment();
  Result<Token> raw(std::size_t body);
  std::string_view data_before(std::size_t begin, std::size_t tag, bool strips_line);
  bool ends_here(std::size_t& length) const;
  void leave(std::size_t length);
  Result<Token> string_token();
  Token number_token();
  Result<Token> symbol_token();
  Token token(TokenKind kind, std::size_t begin, std::size_t length);
  std::size_t spaces(std::size_t from) const;
  std::size_t raw_begin(std::size_t tag) const;
  bool raw_end(std::size_t tag, std::size_t& end) const;
  std::size_t after_end_mark(std::size_t mark, bool block) const;

  std::string_view source_;
  std::size_t at_ = 0, counted_ = 0;
  int line_ = 1;
  State state_ = State::data;
  bool line_starts_ = true;  // the last thing read ended with a newline
  bool pending_begin_ = false;
  std::vector<char> brackets_;
};

}  // namespace hearth::text::jinja
