// Enters: a template's source. Leaves: the tree of its statements.
#include "jinja_parser.h"

#include <algorithm>
#include <span>

#include "escape.h"
#include "jinja_parse_depth.h"
#include "try.h"

namespace hearth::text::jinja {

struct Parser::Row {
  std::string_view name;
  Result<void> (Parser::*parse)(Stmt, Body&);
};

const Parser::Row Parser::kStatements[] = {
    {"for", &Parser::for_statement},       {"if", &Parser::if_statement},
    {"set", &Parser::set_statement},       {"with", &Parser::with_statement},
    {"macro", &Parser::macro_statement},   {"call", &Parser::call_statement},
    {"filter", &Parser::filter_statement}, {"generation", &Parser::generation_statement},
    {"block", &Parser::block_statement},   {"autoescape", &Parser::autoescape_statement},
    {"break", &Parser::break_statement},   {"continue", &Parser::continue_statement},
    {"include", &Parser::file_statement},  {"import", &Parser::file_statement},
    {"from", &Parser::file_statement},     {"extends", &Parser::file_statement},
};

Error Parser::unexpected(const std::string& wanted) const {
  const std::string found = now_.kind == TokenKind::end         ? "the end of the template"
                            : now_.kind == TokenKind::block_end ? "the end of the tag"
                                                                : "'" + escape(now_.text) + "'";
  return syntax_error("expected " + wanted + ", found " + found, now_.line);
}

Result<void> Parser::advance() {
  if (ahead_) {
    now_ = *ahead_;
    ahead_.reset();
    return {};
  }
  HEARTH_TRY(now_, lexer_.next());
  return {};
}

Result<const Token*> Parser::peek() {
  if (!ahead_) {
    HEARTH_TRY(ahead_, lexer_.next());
  }
  return &*ahead_;
}

Result<bool> Parser::skip_name(std::string_view name) {
  if (!now_.name(name)) return false;
  HEARTH_CHECK(advance());
  return true;
}

Result<bool> Parser::skip_symbol(std::string_view symbol) {
  if (!now_.symbol(symbol)) return false;
  HEARTH_CHECK(advance());
  return true;
}

Result<void> Parser::expect_symbol(std::string_view symbol) {
  if (!now_.symbol(symbol)) return unexpected("'" + std::string(symbol) + "'");
  return advance();
}

Result<void> Parser::expect_name(std::string_view name) {
  if (!now_.name(name)) return unexpected("'" + std::string(name) + "'");
  return advance();
}

Result<std::string> Parser::any_name() {
  if (now_.kind != TokenKind::name) return unexpected("a name");
  const std::string name(now_.text);
  HEARTH_CHECK(advance());
  return name;
}

Result<void> Parser::expect_end_of_tag() {
  if (now_.kind != TokenKind::block_end) return unexpected("the end of the tag");
  return advance();
}

Result<Ast> Parser::parse() {
  HEARTH_CHECK(advance());
  std::string ended_by;
  HEARTH_TRY(ast_.body, body({}, ended_by));
  if (!unknown_.empty()) {
    const Expr& expr = ast_.expr(unknown_.front());
    return syntax_error((expr.kind == ExprKind::test ? "unknown test '" : "unknown filter '") + escape(expr.text) + "'",
                        expr.line);
  }
  return std::move(ast_);
}

Result<void> Parser::add(Body& into, Stmt stmt) {
  if (ast_.stmts.size() + ast_.exprs.size() >= kMaxNodes) return syntax_error("the template is too large", now_.line);
  into.push_back(static_cast<Node>(ast_.stmts.size()));
  ast_.stmts.push_back(std::move(stmt));
  return {};
}

/// Statements up to a tag that begins with one of `ends`, whose name is consumed, or to the end of the source if there are none.
Result<Body> Parser::body(Names ends, std::string& ended_by) {
  const Deeper level(depth_);
  if (!level.allowed()) return syntax_error("tags are nested too deeply", now_.line);
  Body statements;
  const int first_line = now_.line;
  for (;;) {
    if (now_.kind == TokenKind::end) {
      if (ends.size() == 0) return statements;
      return syntax_error("a tag before here has no '" + std::string(*(ends.end() - 1)) + "'", first_line);
    }
    if (now_.kind == TokenKind::data) {
      Stmt data{StmtKind::data, now_.line};
      data.text = std::string(now_.text);
      HEARTH_CHECK(advance());
      if (!data.text.empty()) HEARTH_CHECK(add(statements, std::move(data)));
    } else if (now_.kind == TokenKind::variable_begin) {
      HEARTH_CHECK(print_statement(statements));
    } else {
      HEARTH_CHECK(advance());
      if (now_.kind == TokenKind::name && std::find(ends.begin(), ends.end(), now_.text) != ends.end()) {
        ended_by = std::string(now_.text);
        HEARTH_CHECK(advance());
        return statements;
      }
      HEARTH_CHECK(statement(statements));
    }
  }
}

Result<Body> Parser::body_until(std::string_view end) {
  HEARTH_CHECK(expect_end_of_tag());
  std::string ended_by;
  HEARTH_TRY(Body statements, body({end}, ended_by));
  return statements;
}

Result<void> Parser::statement(Body& into) {
  if (now_.kind != TokenKind::name) return unexpected("a tag's name");
  for (const Row& row : kStatements) {
    if (now_.text != row.name) continue;
    Stmt stmt;
    stmt.line = now_.line;
    stmt.text = std::string(now_.text);
    HEARTH_CHECK(advance());
    HEARTH_CHECK((this->*row.parse)(std::move(stmt), into));
    return expect_end_of_tag();
  }
  return syntax_error("unknown tag '" + escape(now_.text) + "'", now_.line);
}

Result<void> Parser::print_statement(Body& into) {
  Stmt stmt{StmtKind::print, now_.line};
  HEARTH_CHECK(advance());
  HEARTH_TRY(stmt.expr, tuple());
  if (now_.kind != TokenKind::variable_end) return unexpected("'}}'");
  HEARTH_CHECK(advance());
  return add(into, std::move(stmt));
}

Result<Target> Parser::target_part(bool with_namespace) {
  Target part;
  if (now_.symbol("(")) {
    HEARTH_CHECK(advance());
    HEARTH_TRY(part, target(with_namespace));
    HEARTH_CHECK(expect_symbol(")"));
    return part;
  }
  constexpr std::string_view constants[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(constants), std::end(constants), now_.text) != std::end(constants))
    return unexpected("a name to set");
  HEARTH_TRY(part.name, any_name());
  HEARTH_TRY(const bool dotted, with_namespace ? skip_symbol(".") : Result<bool>(false));
  if (dotted) {
    HEARTH_TRY(part.attribute, any_name());
  }
  return part;
}

Result<Target> Parser::target(bool with_namespace) {
  const Deeper level(depth_);
  if (!level.allowed()) return syntax_error("names are nested too deeply", now_.line);
  HEARTH_TRY(Target first, target_part(with_namespace));
  if (!now_.symbol(",")) return first;
  Target all;
  all.is_tuple = true;
  all.parts.push_back(std::move(first));
  while (now_.symbol(",")) {
    HEARTH_CHECK(advance());
    if (tuple_ends() || now_.name("in") || now_.symbol("=")) break;
    HEARTH_TRY(Target part, target_part(with_namespace));
    all.parts.push_back(std::move(part));
  }
  return all;
}

Result<void> Parser::for_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::loop;
  HEARTH_TRY(Target item, target(false));
  stmt.targets.push_back(std::move(item));
  HEARTH_CHECK(expect_name("in"));
  HEARTH_TRY(stmt.expr, tuple(false));
  HEARTH_TRY(const bool filtered, skip_name("if"));
  if (filtered) {
    HEARTH_TRY(stmt.test, expression());
  }
  HEARTH_TRY(stmt.recursive, skip_name("recursive"));
  HEARTH_CHECK(expect_end_of_tag());
  const bool was_unlikely = std::exchange(unlikely_, false);
  std::string ended_by;
  ++loops_;
  HEARTH_TRY(stmt.body, body({"else", "endfor"}, ended_by));
  --loops_;
  if (ended_by == "else") {
    HEARTH_TRY(stmt.otherwise, body_until("endfor"));
  }
  unlikely_ = was_unlikely;
  return add(into, std::move(stmt));
}

Result<void> Parser::if_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::branch;
  const bool was_unlikely = std::exchange(unlikely_, true);
  std::string ended_by = "elif";
  while (ended_by == "elif") {
    HEARTH_TRY(const Node condition, tuple(false));
    HEARTH_CHECK(expect_end_of_tag());
    HEARTH_TRY(Body statements, body({"elif", "else", "endif"}, ended_by));
    stmt.branches.emplace_back(condition, std::move(statements));
  }
  if (ended_by == "else") {
    HEARTH_TRY(stmt.otherwise, body_until("endif"));
  }
  unlikely_ = was_unlikely;
  return add(into, std::move(stmt));
}

Result<void> Parser::set_statement(Stmt stmt, Body& into) {
  HEARTH_TRY(Target name, target(true));
  stmt.targets.push_back(std::move(name));
  HEARTH_TRY(const bool assigned, skip_symbol("="));
  if (assigned) {
    stmt.kind = StmtKind::set;
    HEARTH_TRY(stmt.expr, tuple());
    return add(into, std::move(stmt));
  }
  stmt.kind = StmtKind::set_block;
  HEARTH_TRY(const bool filtered, skip_symbol("|"));
  if (filtered) {
    HEARTH_TRY(stmt.expr, filter(kNoNode));
    while (now_.symbol("|")) {
      HEARTH_CHECK(advance());
      HEARTH_TRY(stmt.expr, filter(stmt.expr));
    }
  }
  HEARTH_TRY(stmt.body, body_until("endset"));
  return add(into, std::move(stmt));
}

Result<void> Parser::with_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::with;
  while (now_.kind != TokenKind::block_end) {
    if (!stmt.targets.empty()) HEARTH_CHECK(expect_symbol(","));
    HEARTH_TRY(Target name, target_part(false));
    stmt.targets.push_back(std::move(name));
    HEARTH_CHECK(expect_symbol("="));
    HEARTH_TRY(const Node value, expression());
    stmt.values.push_back(value);
  }
  HEARTH_TRY(stmt.body, body_until("endwith"));
  return add(into, std::move(stmt));
}

Result<std::vector<Parameter>> Parser::signature() {
  std::vector<Parameter> parameters;
  HEARTH_CHECK(expect_symbol("("));
  while (!now_.symbol(")")) {
    if (!parameters.empty()) HEARTH_CHECK(expect_symbol(","));
    Parameter parameter;
    HEARTH_TRY(parameter.name, any_name());
    HEARTH_TRY(const bool has_fallback, skip_symbol("="));
    if (has_fallback) {
      HEARTH_TRY(parameter.fallback, expression());
    } else if (!parameters.empty() && parameters.back().fallback != kNoNode) {
      return syntax_error("parameter '" + escape(parameter.name) + "' without a default follows one that has one",
                          now_.line);
    }
    parameters.push_back(std::move(parameter));
  }
  HEARTH_CHECK(advance());
  return parameters;
}

Result<void> Parser::macro_body(MacroNode macro, std::string_view end, Stmt& stmt) {
  const bool was_unlikely = std::exchange(unlikely_, false);
  const int loops = std::exchange(loops_, 0);
  MacroNode* const outer = std::exchange(macro_, &macro);
  HEARTH_TRY(macro.body, body_until(end));
  macro_ = outer;
  loops_ = loops;
  unlikely_ = was_unlikely;
  stmt.macro = static_cast<std::int32_t>(ast_.macros.size());
  ast_.macros.push_back(std::move(macro));
  return {};
}

Result<void> Parser::macro_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::macro;
  MacroNode macro;
  macro.line = stmt.line;
  HEARTH_TRY(macro.name, any_name());
  HEARTH_TRY(macro.parameters, signature());
  HEARTH_CHECK(macro_body(std::move(macro), "endmacro", stmt));
  return add(into, std::move(stmt));
}

Result<void> Parser::call_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::call_block;
  MacroNode macro;
  macro.name = "caller";
  macro.line = stmt.line;
  if (now_.symbol("(")) {
    HEARTH_TRY(macro.parameters, signature());
  }
  HEARTH_TRY(stmt.expr, expression());
  if (ast_.expr(stmt.expr).kind != ExprKind::call) return syntax_error("{% call %} needs a call", stmt.line);
  HEARTH_CHECK(macro_body(std::move(macro), "endcall", stmt));
  return add(into, std::move(stmt));
}

Result<void> Parser::filter_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::filter_block;
  HEARTH_TRY(stmt.expr, filter(kNoNode));
  while (now_.symbol("|")) {
    HEARTH_CHECK(advance());
    HEARTH_TRY(stmt.expr, filter(stmt.expr));
  }
  HEARTH_TRY(stmt.body, body_until("endfilter"));
  return add(into, std::move(stmt));
}

Result<void> Parser::generation_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::scope;
  HEARTH_TRY(stmt.body, body_until("endgeneration"));
  return add(into, std::move(stmt));
}

/// No template extends another here, so a block is what stands in it.
Result<void> Parser::block_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::scope;
  HEARTH_TRY(const std::string name, any_name());
  while (now_.name("scoped") || now_.name("required")) HEARTH_CHECK(advance());
  HEARTH_TRY(stmt.body, body_until("endblock"));
  if (now_.name(name)) HEARTH_CHECK(advance());
  return add(into, std::move(stmt));
}

Result<void> Parser::autoescape_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::scope;
  if (!now_.name("false") && !now_.name("False"))
    return Error(Status::unsupported, "a prompt is never escaped as HTML; template line " + std::to_string(stmt.line) +
                                          "; remove {% autoescape %}");
  HEARTH_CHECK(advance());
  HEARTH_TRY(stmt.body, body_until("endautoescape"));
  return add(into, std::move(stmt));
}

Result<void> Parser::loop_control(Stmt stmt, Body& into) {
  if (loops_ == 0) return syntax_error("{% " + stmt.text + " %} stands outside of a loop", stmt.line);
  return add(into, std::move(stmt));
}

Result<void> Parser::break_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::break_loop;
  return loop_control(std::move(stmt), into);
}

Result<void> Parser::continue_statement(Stmt stmt, Body& into) {
  stmt.kind = StmtKind::continue_loop;
  return loop_control(std::move(stmt), into);
}

Result<void> Parser::file_statement(Stmt stmt, Body&) {
  return Error(Status::unsupported, "a chat template reads no other file, this one has {% " + stmt.text +
                                        " %}; template line " + std::to_string(stmt.line) +
                                        "; put everything into one template");
}

/// A macro takes any arguments where its body speaks of them.
void Parser::note_name(std::string_view name) {
  if (!macro_) return;
  macro_->uses_varargs |= name == "varargs";
  macro_->uses_kwargs |= name == "kwargs";
  macro_->uses_caller |= name == "caller";
}

}  // namespace hearth::text::jinja
