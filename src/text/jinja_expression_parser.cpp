// Enters: a template's tokens inside a tag. Leaves: the tree of its expressions, in Jinja's order of precedence.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "escape.h"
#include "jinja_parse_depth.h"
#include "jinja_parser.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {

struct OpRow {
  std::string_view word;
  int level;
  ExprKind kind;
  Op op = {};  // of a binary one or a comparison
};

namespace {

/// Operators that bind from left to right, the loosest level first. `not` before an operand stands between `and` and the
/// comparisons.
constexpr int kNot = 2;
constexpr std::array kOperators = {
    OpRow{"or", 0, ExprKind::logical_or},
    OpRow{"and", 1, ExprKind::logical_and},
    OpRow{"==", 3, ExprKind::compare, Op::equal},
    OpRow{"!=", 3, ExprKind::compare, Op::unequal},
    OpRow{"<", 3, ExprKind::compare, Op::less},
    OpRow{"<=", 3, ExprKind::compare, Op::less_equal},
    OpRow{">", 3, ExprKind::compare, Op::greater},
    OpRow{">=", 3, ExprKind::compare, Op::greater_equal},
    OpRow{"in", 3, ExprKind::compare, Op::in},
    OpRow{"not", 3, ExprKind::compare, Op::not_in},
    OpRow{"+", 4, ExprKind::binary, Op::add},
    OpRow{"-", 4, ExprKind::binary, Op::subtract},
    OpRow{"~", 5, ExprKind::concat},
    OpRow{"*", 6, ExprKind::binary, Op::multiply},
    OpRow{"/", 6, ExprKind::binary, Op::divide},
    OpRow{"//", 6, ExprKind::binary, Op::floor_divide},
    OpRow{"%", 6, ExprKind::binary, Op::modulo},
    OpRow{"**", 7, ExprKind::binary, Op::power},
};

struct EscapeRow {
  char letter, meaning;
};
constexpr std::array<EscapeRow, 10> kEscapes = {{{'n', '\n'},
                                                 {'t', '\t'},
                                                 {'r', '\r'},
                                                 {'\\', '\\'},
                                                 {'\'', '\''},
                                                 {'"', '"'},
                                                 {'a', '\a'},
                                                 {'b', '\b'},
                                                 {'f', '\f'},
                                                 {'v', '\v'}}};

/// The digits after \x, \u or \U as a character; false where they are too few or no character.
bool append_code(std::string_view digits, std::size_t wanted, std::string& out) {
  std::uint32_t code = 0;
  if (digits.size() < wanted) return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + wanted, code, 16);
  if (error != std::errc() || end != digits.data() + wanted) return false;
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  append_char(out, code);
  return true;
}

std::size_t octal_digits(std::string_view text) {
  std::size_t n = 0;
  while (n < 3 && n < text.size() && text[n] >= '0' && text[n] <= '7') ++n;
  return n;
}

/// A literal's text with its escapes resolved, as Python does; nullopt where an escape is broken.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char letter = text[++i];  // the lexer saw to it that one follows
    const auto* row = std::find_if(kEscapes.begin(), kEscapes.end(),
                                   [letter](const EscapeRow& candidate) { return candidate.letter == letter; });
    const std::size_t n_hex = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (row != kEscapes.end()) {
      out += row->meaning;
    } else if (n_hex != 0) {
      if (!append_code(text.substr(i + 1), n_hex, out)) return std::nullopt;
      i += n_hex;
    } else if (const std::size_t n = octal_digits(text.substr(i)); n != 0) {
      std::uint32_t code = 0;
      std::from_chars(text.data() + i, text.data() + i + n, code, 8);
      append_char(out, code);
      i += n - 1;
    } else if (letter == 'N') {
      return std::nullopt;  // characters by their Unicode names are not kept here
    } else if (letter != '\n') {
      out += '\\';
      out += letter;
    }
  }
  return out;
}

}  // namespace

Result<Node> Parser::make(Expr expr) {
  if (ast_.stmts.size() + ast_.exprs.size() >= kMaxNodes) return syntax_error("the template is too large", now_.line);
  ast_.exprs.push_back(std::move(expr));
  return static_cast<Node>(ast_.exprs.size() - 1);
}

Result<Node> Parser::list_of(ExprKind kind, std::vector<Node> items, int line) {
  Expr expr{kind, line};
  expr.items = std::move(items);
  return make(std::move(expr));
}

Result<Node> Parser::expression(bool with_conditional) {
  const std::size_t n_unknown = unknown_.size();
  HEARTH_TRY(Node node, operation(0));
  while (with_conditional && now_.name("if")) {
    HEARTH_TRY(node, conditional(node));
    unknown_.resize(n_unknown);
  }
  return node;
}

Result<Node> Parser::conditional(Node node) {
  const Deeper level(depth_);
  if (!level.allowed()) return syntax_error("conditions are nested too deeply", now_.line);
  Expr expr{ExprKind::conditional, now_.line, node};
  HEARTH_CHECK(advance());
  HEARTH_TRY(expr.b, operation(0));
  HEARTH_TRY(const bool has_else, skip_name("else"));
  if (has_else) {
    HEARTH_TRY(expr.c, expression());
  }
  return make(std::move(expr));
}

bool Parser::tuple_ends() const {
  return now_.kind == TokenKind::variable_end || now_.kind == TokenKind::block_end || now_.symbol(")");
}

Result<Node> Parser::tuple(bool with_conditional, bool in_parentheses) {
  const int line = now_.line;
  std::vector<Node> items;
  bool is_tuple = false;
  for (;;) {
    if (!items.empty()) HEARTH_CHECK(expect_symbol(","));
    if (tuple_ends() || (!with_conditional && now_.name("recursive"))) break;
    HEARTH_TRY(const Node item, expression(with_conditional));
    items.push_back(item);
    if (!now_.symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !in_parentheses) return unexpected("an expression");
  return list_of(ExprKind::tuple, std::move(items), line);
}

/// The operator that stands here; null where none does.
Result<const OpRow*> Parser::operator_here() {
  const bool is_word = now_.kind == TokenKind::name;
  const auto found = std::find_if(kOperators.begin(), kOperators.end(), [&](const OpRow& row) {
    return is_word ? now_.name(row.word) : now_.symbol(row.word);
  });
  if (found == kOperators.end()) return nullptr;
  if (found->op == Op::not_in) {
    HEARTH_TRY(const Token* after, peek());
    if (!after->name("in")) return nullptr;
  }
  return &*found;
}

/// An operand, and what the operators of the level `least` and of tighter ones make of it and of those behind it.
Result<Node> Parser::operation(int least) {
  const Deeper level(depth_);
  if (!level.allowed()) return syntax_error("expressions are nested too deeply", now_.line);
  const int line = now_.line;
  Node node = kNoNode;
  if (least <= kNot && now_.name("not")) {
    HEARTH_TRY(node, negation());
  } else {
    HEARTH_TRY(node, unary());
  }
  for (;;) {
    HEARTH_TRY(const OpRow* op, operator_here());
    if (!op || op->level < least) return node;
    HEARTH_TRY(node, chain(node, *op, line));
  }
}

/// All operands of one level: operators of one level bind from left to right, comparisons all at once.
Result<Node> Parser::chain(Node first, const OpRow& first_op, int line) {
  Expr expr{first_op.kind, line};
  expr.items.push_back(first);
  for (const OpRow* op = &first_op; op && op->level == first_op.level;) {
    HEARTH_CHECK(advance());
    if (op->op == Op::not_in) HEARTH_CHECK(advance());
    expr.ops.push_back(op->op);
    HEARTH_TRY(const Node operand, operation(op->level + 1));
    expr.items.push_back(operand);
    HEARTH_TRY(op, operator_here());
  }
  return make(std::move(expr));
}

Result<Node> Parser::negation() {
  int n_nots = 0;
  const int line = now_.line;
  for (; now_.name("not"); ++n_nots) HEARTH_CHECK(advance());
  HEARTH_TRY(Node node, operation(kNot + 1));
  if (n_nots > kMaxDepth) return syntax_error("'not' is repeated too often", line);
  for (; n_nots > 0; --n_nots) {
    HEARTH_TRY(node, make({ExprKind::logical_not, line, node}));
  }
  return node;
}

Result<Node> Parser::unary() {
  const int line = now_.line;
  std::vector<ExprKind> signs;
  while (now_.symbol("-") || now_.symbol("+")) {
    signs.push_back(now_.symbol("-") ? ExprKind::negate : ExprKind::plus);
    HEARTH_CHECK(advance());
  }
  HEARTH_TRY(Node node, primary());
  HEARTH_TRY(node, postfix(node));
  if (signs.size() > kMaxDepth) return syntax_error("signs are repeated too often", line);
  for (; !signs.empty(); signs.pop_back()) {
    HEARTH_TRY(node, make({signs.back(), line, node}));
  }
  return filters(node);
}

Result<Node> Parser::primary() {
  if (now_.kind == TokenKind::name) return named_primary();
  if (now_.kind == TokenKind::string) return string_constant();
  if (now_.kind == TokenKind::integer || now_.kind == TokenKind::real) return number_constant();
  if (now_.symbol("[")) return list_display();
  if (now_.symbol("{")) return dict_display();
  if (!now_.symbol("(")) return unexpected("an expression");
  HEARTH_CHECK(advance());
  HEARTH_TRY(const Node node, tuple(true, true));
  HEARTH_CHECK(expect_symbol(")"));
  return node;
}

Result<Node> Parser::named_primary() {
  Expr expr{ExprKind::constant, now_.line};
  const std::string_view name = now_.text;
  if (name == "true" || name == "True") {
    expr.value = Value::boolean(true);
  } else if (name == "false" || name == "False") {
    expr.value = Value::boolean(false);
  } else if (name == "none" || name == "None") {
    expr.value = Value::none();
  } else {
    expr.kind = ExprKind::name;
    expr.text = std::string(name);
    note_name(name);
  }
  HEARTH_CHECK(advance());
  return make(std::move(expr));
}

Result<Node> Parser::string_constant() {
  Expr expr{ExprKind::constant, now_.line};
  std::string text;
  while (now_.kind == TokenKind::string) {
    const auto part = unescaped(now_.text);
    if (!part) return syntax_error("a string has a broken escape", now_.line);
    text += *part;
    HEARTH_CHECK(advance());
  }
  expr.value = constant_text(std::move(text));
  return make(std::move(expr));
}

Result<Node> Parser::number_constant() {
  Expr expr{ExprKind::constant, now_.line};
  std::string digits(now_.text);
  std::erase(digits, '_');
  const char* begin = digits.data();
  const char* const end = digits.data() + digits.size();
  std::from_chars_result read{begin, std::errc()};
  if (now_.kind == TokenKind::real) {
    double value = 0;
    read = std::from_chars(begin, end, value);
    expr.value = Value::real(value);
  } else {
    constexpr std::string_view marks = "xXoObB";
    const std::size_t mark = digits.size() > 1 ? marks.find(digits[1]) : std::string_view::npos;
    const int base = mark == std::string_view::npos ? 10 : mark < 2 ? 16 : mark < 4 ? 8 : 2;
    std::int64_t value = 0;
    read = std::from_chars(base == 10 ? begin : begin + 2, end, value, base);
    expr.value = Value::integer(value);
  }
  if (read.ec != std::errc() || read.ptr != end)
    return syntax_error("the number '" + escape(digits) + "' is broken or needs more than 64 bits", now_.line);
  HEARTH_CHECK(advance());
  return make(std::move(expr));
}

Result<Node> Parser::list_display() {
  const int line = now_.line;
  HEARTH_CHECK(advance());
  std::vector<Node> items;
  while (!now_.symbol("]")) {
    if (!items.empty()) HEARTH_CHECK(expect_symbol(","));
    if (now_.symbol("]")) break;
    HEARTH_TRY(const Node item, expression());
    items.push_back(item);
  }
  HEARTH_CHECK(advance());
  return list_of(ExprKind::list, std::move(items), line);
}

Result<Node> Parser::dict_display() {
  const int line = now_.line;
  HEARTH_CHECK(advance());
  std::vector<Node> items;
  while (!now_.symbol("}")) {
    if (!items.empty()) HEARTH_CHECK(expect_symbol(","));
    if (now_.symbol("}")) break;
    HEARTH_TRY(const Node key, expression());
    HEARTH_CHECK(expect_symbol(":"));
    HEARTH_TRY(const Node value, expression());
    items.push_back(key);
    items.push_back(value);
  }
  HEARTH_CHECK(advance());
  return list_of(ExprKind::dict, std::move(items), line);
}

Result<Node> Parser::postfix(Node node) {
  for (;;) {
    if (now_.symbol(".")) {
      HEARTH_TRY(node, dotted(node));
    } else if (now_.symbol("[")) {
      HEARTH_TRY(node, subscript(node));
    } else if (now_.symbol("(")) {
      HEARTH_TRY(node, call(node));
    } else {
      return node;
    }
  }
}

Result<Node> Parser::dotted(Node node) {
  Expr expr{ExprKind::attribute, now_.line, node};
  HEARTH_CHECK(advance());
  if (now_.kind == TokenKind::integer) {
    expr.kind = ExprKind::item;
    HEARTH_TRY(expr.b, number_constant());
    return make(std::move(expr));
  }
  HEARTH_TRY(expr.text, any_name());
  return make(std::move(expr));
}

Result<Node> Parser::subscript(Node node) {
  Expr expr{ExprKind::item, now_.line, node};
  HEARTH_CHECK(advance());
  std::vector<Node> indices;
  while (!now_.symbol("]")) {
    if (!indices.empty()) HEARTH_CHECK(expect_symbol(","));
    HEARTH_TRY(const Node index, subscript_index());
    indices.push_back(index);
  }
  HEARTH_CHECK(advance());
  if (indices.size() == 1) {
    expr.b = indices[0];
  } else {
    HEARTH_TRY(expr.b, list_of(ExprKind::tuple, std::move(indices), expr.line));
  }
  return make(std::move(expr));
}

Result<Node> Parser::subscript_index() {
  Expr slice{ExprKind::slice, now_.line};
  const auto has_part = [&] { return !now_.symbol(":") && !now_.symbol("]") && !now_.symbol(","); };
  if (!now_.symbol(":")) {
    HEARTH_TRY(slice.a, expression());
    if (!now_.symbol(":")) return slice.a;
  }
  HEARTH_CHECK(advance());
  if (has_part()) {
    HEARTH_TRY(slice.b, expression());
  }
  HEARTH_TRY(const bool stepped, skip_symbol(":"));
  if (stepped && has_part()) {
    HEARTH_TRY(slice.c, expression());
  }
  return make(std::move(slice));
}

Result<Node> Parser::filters(Node node) {
  for (;;) {
    if (now_.symbol("|")) {
      HEARTH_CHECK(advance());
      HEARTH_TRY(node, filter(node));
    } else if (now_.name("is")) {
      HEARTH_TRY(node, test(node));
    } else if (now_.symbol("(")) {
      HEARTH_TRY(node, call(node));
    } else {
      return node;
    }
  }
}

Result<Node> Parser::filter(Node node) {
  Expr expr{ExprKind::filter, now_.line, node};
  HEARTH_TRY(expr.text, any_name());
  while (now_.symbol(".")) {
    HEARTH_CHECK(advance());
    HEARTH_TRY(const std::string more, any_name());
    expr.text += "." + more;
  }
  if (now_.symbol("(")) {
    HEARTH_TRY(expr.arguments, call_arguments());
  }
  expr.native = find_filter(expr.text);
  const bool is_unknown = !expr.native;
  HEARTH_TRY(const Node made, make(std::move(expr)));
  if (is_unknown && !unlikely_) unknown_.push_back(made);
  return made;
}

Result<Node> Parser::test(Node node) {
  Expr expr{ExprKind::test, now_.line, node};
  HEARTH_CHECK(advance());
  HEARTH_TRY(const bool negated, skip_name("not"));
  HEARTH_TRY(expr.text, any_name());
  const bool takes_word =
      (now_.kind == TokenKind::name && !now_.name("else") && !now_.name("or") && !now_.name("and") &&
       !now_.name("if") && !now_.name("recursive") && !now_.name("in") && !now_.name("not")) ||
      now_.kind == TokenKind::string || now_.kind == TokenKind::integer || now_.kind == TokenKind::real ||
      now_.symbol("[") || now_.symbol("{");
  if (now_.symbol("(")) {
    HEARTH_TRY(expr.arguments, call_arguments());
  } else if (takes_word) {
    if (now_.name("is")) return syntax_error("tests cannot be chained with 'is'", now_.line);
    HEARTH_TRY(Node argument, primary());
    HEARTH_TRY(argument, postfix(argument));
    expr.arguments.push_back({Argument::Kind::positional, "", argument});
  }
  const int line = expr.line;
  expr.native = find_test(expr.text);
  const bool is_unknown = !expr.native;
  HEARTH_TRY(const Node made, make(std::move(expr)));
  if (is_unknown && !unlikely_) unknown_.push_back(made);
  if (!negated) return made;
  return make({ExprKind::logical_not, line, made});
}

Result<Node> Parser::call(Node node) {
  Expr expr{ExprKind::call, now_.line, node};
  HEARTH_TRY(expr.arguments, call_arguments());
  return make(std::move(expr));
}

Result<std::vector<Argument>> Parser::call_arguments() {
  using Is = Argument::Kind;
  std::vector<Argument> arguments;
  HEARTH_CHECK(advance());
  Is latest = Is::positional;  // kinds come in the order that the enum has
  while (!now_.symbol(")")) {
    if (!arguments.empty()) HEARTH_CHECK(expect_symbol(","));
    if (now_.symbol(")")) break;
    Argument argument;
    if (now_.kind == TokenKind::name) {
      HEARTH_TRY(const Token* after, peek());
      if (after->symbol("=")) argument.kind = Is::named;
    }
    if (now_.symbol("*")) argument.kind = Is::star;
    if (now_.symbol("**")) argument.kind = Is::star_star;
    const bool again = argument.kind == latest && (latest == Is::star || latest == Is::star_star);
    const bool late = argument.kind < latest && !(argument.kind == Is::named && latest == Is::star);
    if (again || late) return syntax_error("the arguments of a call are in the wrong order", now_.line);
    latest = std::max(latest, argument.kind);
    if (argument.kind == Is::named) {
      HEARTH_TRY(argument.name, any_name());
    }
    if (argument.kind != Is::positional) HEARTH_CHECK(advance());
    HEARTH_TRY(argument.value, expression());
    arguments.push_back(std::move(argument));
  }
  HEARTH_CHECK(advance());
  return arguments;
}

}  // namespace hearth::text::jinja
