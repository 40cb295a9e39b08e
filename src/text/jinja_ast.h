// Enters: nothing. Leaves: what a parsed template is: nodes that name each other by number, so that depth costs no stack.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "jinja_native.h"
#include "jinja_value.h"

namespace hearth::text::jinja {

using Node = std::int32_t;
inline constexpr Node kNoNode = -1;

enum class Op : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

enum class ExprKind : std::uint8_t {
  constant,   // value
  name,       // text
  list,       // items
  tuple,      // items
  dict,       // items: key, value, key, value
  attribute,  // a . text
  item,       // a [ b ]
  slice,      // [ a : b : c ], only as the b of an item
  call,       // a ( arguments )
  filter,     // a | text ( arguments ); a is absent in a filter block
  test,       // a is text ( arguments )
  negate,
  plus,
  logical_not,
  logical_and,  // items
  logical_or,   // items
  binary,       // items[0] ops[0] items[1] ops[1] …, from left to right
  compare,      // items[0] ops[0] items[1] ops[1] …, chained
  concat,       // items
  conditional,  // a if b else c
};

struct Argument {
  enum class Kind : std::uint8_t { positional, named, star, star_star };
  Kind kind = Kind::positional;
  std::string name;
  Node value = kNoNode;
};

struct Expr {
  ExprKind kind = ExprKind::constant;
  int line = 0;
  Node a = kNoNode, b = kNoNode, c = kNoNode;
  std::string text;
  Value value;
  std::vector<Node> items;
  std::vector<Op> ops;
  std::vector<Argument> arguments;
  const Native* native = nullptr;  // of a filter or test; null: unknown, an error when it is reached
};

using Body = std::vector<Node>;  // statements

struct Target {
  std::string name, attribute;  // attribute: of a namespace
  std::vector<Target> parts;    // of a tuple
  bool is_tuple = false;
};

struct Parameter {
  std::string name;
  Node fallback = kNoNode;
};

struct MacroNode {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  int line = 0;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

enum class StmtKind : std::uint8_t {
  data,          // text
  print,         // expr
  branch,        // branches, otherwise
  loop,          // targets[0] in expr, if test; body, otherwise
  set,           // targets[0] = expr
  set_block,     // targets[0] = body, through the filter expr
  with,          // targets = values; body
  macro,         // macro
  call_block,    // expr is the call, macro the caller
  filter_block,  // body through expr
  scope,         // body, with names of its own
  break_loop,
  continue_loop,
};

struct Stmt {
  StmtKind kind = StmtKind::data;
  int line = 0;
  Node expr = kNoNode, test = kNoNode;
  bool recursive = false;
  std::string text;
  std::vector<Target> targets;
  std::vector<Node> values;
  std::vector<std::pair<Node, Body>> branches;
  Body body, otherwise;
  std::int32_t macro = -1;
};

struct Ast {
  std::deque<Expr> exprs;
  std::deque<Stmt> stmts;
  std::deque<MacroNode> macros;
  Body body;

  const Expr& expr(Node node) const { return exprs[static_cast<std::size_t>(node)]; }
  const Stmt& stmt(Node node) const { return stmts[static_cast<std::size_t>(node)]; }
};

}  // namespace hearth::text::jinja
