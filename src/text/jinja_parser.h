// Enters: a template's source. Leaves: its tree, or the error that says at which line it breaks the language.
#pragma once

#include <hearth/result.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja_ast.h"
#include "jinja_lexer.h"

namespace hearth::text::jinja {

struct OpRow;

class Parser {
 public:
  /// Tags, brackets, operators that bind tighter: how deep they may stand inside each other. Each takes up to two KB of a
  /// thread's stack, of which musl gives 128; templates in use go 13 deep.
  static constexpr int kMaxDepth = 40;
  static constexpr std::size_t kMaxNodes = 1 << 18;

  /// `source` is normalized and sound UTF-8.
  explicit Parser(std::string_view source) : lexer_(source) {}
  Result<Ast> parse();

 private:
  using Names = std::initializer_list<std::string_view>;

  // Tokens.
  Result<void> advance();
  Result<const Token*> peek();
  Result<bool> skip_name(std::string_view name);
  Result<bool> skip_symbol(std::string_view symbol);
  Result<void> expect_symbol(std::string_view symbol);
  Result<void> expect_name(std::string_view name);
  Result<std::string> any_name();
  Result<void> expect_end_of_tag();
  Error unexpected(const std::string& wanted) const;

  // Statements: jinja_parser.cpp.
  Result<Body> body(Names ends, std::string& ended_by);
  Result<Body> body_until(std::string_view end);
  Result<void> statement(Body& into);
  Result<void> print_statement(Body& into);
  Result<void> for_statement(Stmt stmt, Body& into);
  Result<void> if_statement(Stmt stmt, Body& into);
  Result<void> set_statement(Stmt stmt, Body& into);
  Result<void> with_statement(Stmt stmt, Body& into);
  Result<void> macro_statement(Stmt stmt, Body& into);
  Result<void> call_statement(Stmt stmt, Body& into);
  Result<void> filter_statement(Stmt stmt, Body& into);
  Result<void> generation_statement(Stmt stmt, Body& into);
  Result<void> block_statement(Stmt stmt, Body& into);
  Result<void> autoescape_statement(Stmt stmt, Body& into);
  Result<void> break_statement(Stmt stmt, Body& into);
  Result<void> continue_statement(Stmt stmt, Body& into);
  Result<void> file_statement(Stmt stmt, Body& into);
  Result<void> loop_control(Stmt stmt, Body& into);
  Result<void> macro_body(MacroNode macro, std::string_view end, Stmt& stmt);
  Result<std::vector<Parameter>> signature();
  Result<Target> target(bool with_namespace);
  Result<Target> target_part(bool with_namespace);
  Result<void> add(Body& into, Stmt stmt);
  void note_name(std::string_view name);

  // Expressions: jinja_expression_parser.cpp.
  Result<Node> expression(bool with_conditional = true);
  Result<Node> conditional(Node node);
  Result<Node> tuple(bool with_conditional = true, bool in_parentheses = false);
  bool tuple_ends() const;
  Result<const OpRow*> operator_here();
  Result<Node> operation(int least);
  Result<Node> chain(Node first, const OpRow& first_op, int line);
  Result<Node> negation();
  Result<Node> unary();
  Result<Node> primary();
  Result<Node> named_primary();
  Result<Node> string_constant();
  Result<Node> number_constant();
  Result<Node> list_display();
  Result<Node> dict_display();
  Result<Node> postfix(Node node);
  Result<Node> filters(Node node);
  Result<Node> filter(Node node);
  Result<Node> test(Node node);
  Result<Node> call(Node node);
  Result<Node> dotted(Node node);
  Result<Node> subscript(Node node);
  Result<Node> subscript_index();
  Result<std::vector<Argument>> call_arguments();
  Result<Node> make(Expr expr);
  Result<Node> list_of(ExprKind kind, std::vector<Node> items, int line);

  struct Row;
  static const Row kStatements[];
  class Deeper;

  Lexer lexer_;
  Token now_;
  std::optional<Token> ahead_;
  Ast ast_;
  int depth_ = 0;
  int loops_ = 0;               // around what is being parsed, up to the next macro
  bool unlikely_ = false;       // inside an if: an unknown filter is an error only when it is reached
  std::vector<Node> unknown_;   // filters and tests that no table has
  MacroNode* macro_ = nullptr;  // being parsed
};

}  // namespace hearth::text::jinja
