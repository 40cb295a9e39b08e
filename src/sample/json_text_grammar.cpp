// Enters: what a JSON value may be. Leaves: expressions for it: white space, strings, and values of any kind.
#include "json_text_grammar.h"

#include <algorithm>

namespace hearth::sample {
namespace {

const CharacterSet must_escape{{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};

}  // namespace

JsonText::Expr JsonText::white_space() {
  constexpr std::uint32_t widest_indent = 32;
  if (!white_space_) {
    const Expr indent = builder_.repeat(builder_.characters({{'\t', '\t'}, {' ', ' '}}), 0, widest_indent);
    white_space_ =
        builder_.shared("white space", builder_.choice({builder_.empty(), builder_.literal(" "),
                                                        builder_.sequence({builder_.literal("\n"), indent})}));
  }
  return *white_space_;
}

JsonText::Expr JsonText::string_character() {
  const CharacterSet hex{{'0', '9'}, {'A', 'F'}, {'a', 'f'}};
  const auto digits = [&](std::uint32_t n) { return builder_.repeat(builder_.characters(hex), n, n); };
  const auto d = [&](CharacterSet second) {
    return builder_.sequence(
        {builder_.characters({{'D', 'D'}, {'d', 'd'}}), builder_.characters(std::move(second)), digits(2)});
  };
  const Expr no_surrogate = builder_.choice(
      {builder_.sequence({builder_.characters(hex.minus({{'D', 'D'}, {'d', 'd'}})), digits(3)}), d({{'0', '7'}})});
  const Expr pair = builder_.sequence(
      {d({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), builder_.literal("\\u"), d({{'C', 'F'}, {'c', 'f'}})});
  const Expr letter = builder_.characters(
      {{'"', '"'}, {'/', '/'}, {'\\', '\\'}, {'b', 'b'}, {'f', 'f'}, {'n', 'n'}, {'r', 'r'}, {'t', 't'}});
  const Expr code = builder_.sequence({builder_.literal("u"), builder_.choice({no_surrogate, pair})});
  return builder_.choice({builder_.characters(must_escape.complement()),
                          builder_.sequence({builder_.literal("\\"), builder_.choice({letter, code})})});
}

JsonText::Expr JsonText::string(std::uint32_t least, std::optional<std::uint32_t> most) {
  const bool any = least == 0 && !most;
  if (any && string_) return *string_;
  const Expr made = builder_.shared("string", quoted(builder_.repeat(string_character(), least, most)));
  if (any) string_ = made;
  return made;
}

JsonText::Expr JsonText::characters(const CharacterSet& set) {
  std::vector<std::string> escapes;
  for (std::uint32_t code = 0; code < 0x80; ++code) {
    if (!must_escape.contains(code) || !set.contains(code)) continue;
    const std::string spelled = json_quoted(std::string(1, static_cast<char>(code)));
    escapes.push_back(spelled.substr(1, spelled.size() - 2));
  }
  const Expr plain = builder_.characters(set.minus(must_escape));
  return escapes.empty() ? plain : builder_.choice({plain, builder_.one_of(std::move(escapes))});
}

/// A character that leaves the names' common beginnings, then anything; or a name's beginning that is no name itself.
JsonText::Expr JsonText::string_but(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const Expr rest = builder_.shared("any characters", builder_.repeat(characters(CharacterSet::all()), 0, {}));
  const auto other = [&](auto&& self, std::size_t begin, std::size_t end, std::size_t depth) -> Expr {
    std::vector<Expr> ways;
    if (begin < end && names[begin].size() == depth) ++begin;
    else ways.push_back(builder_.empty());
    CharacterSet taken;
    while (begin < end) {
      const Character first = first_character(std::string_view(names[begin]).substr(depth)).value_or(Character{0, 1});
      std::size_t group = begin;
      const std::string_view prefix = std::string_view(names[begin]).substr(0, depth + first.length);
      while (group < end && std::string_view(names[group]).substr(0, prefix.size()) == prefix) ++group;
      taken.add(first.code, first.code);
      const Expr further = builder_.shared("another key", self(self, begin, group, prefix.size()));
      ways.push_back(builder_.sequence({characters({{first.code, first.code}}), further}));
      begin = group;
    }
    ways.push_back(builder_.sequence({characters(taken.complement()), rest}));
    return builder_.choice(std::move(ways));
  };
  return quoted(other(other, 0, names.size(), 0));
}

JsonText::Expr JsonText::enclosed(const char* open, Expr inside, const char* close) {
  return builder_.sequence({builder_.literal(open), white_space(), inside, builder_.literal(close)});
}

JsonText::Expr JsonText::any_value() {
  if (value_) return *value_;
  const RuleId value = builder_.declare("value"), object = builder_.declare("object"),
               array = builder_.declare("array");
  value_ = builder_.call(value), call_object_ = builder_.call(object), call_array_ = builder_.call(array);
  const auto list = [&](Expr item) {
    const Expr more = builder_.repeat(builder_.sequence({comma(), item}), 0, {});
    return builder_.optional(builder_.sequence({item, more, white_space()}));
  };
  const Expr member =
      builder_.shared("member", builder_.sequence({string(), builder_.literal(":"), white_space(), *value_}));
  builder_.define(object, enclosed("{", list(member), "}"));
  builder_.define(array, enclosed("[", list(*value_), "]"));
  builder_.define(value, builder_.choice({call_object_, call_array_, string(), any_number(),
                                          builder_.one_of({"true", "false", "null"})}));
  return *value_;
}

JsonText::Expr JsonText::constant(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  if (!value.is(Kind::array) && !value.is(Kind::object)) return builder_.literal(json_scalar(value));
  const bool object = value.is(Kind::object);
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) parts.push_back(comma());
    if (object) parts.insert(parts.end(), {builder_.literal(json_quoted(value.keys[i]) + ":"), white_space()});
    parts.push_back(constant(value.items[i]));
  }
  if (!parts.empty()) parts.push_back(white_space());
  const Expr inside = builder_.sequence(std::move(parts));
  return object ? enclosed("{", inside, "}") : enclosed("[", inside, "]");
}

}  // namespace hearth::sample
