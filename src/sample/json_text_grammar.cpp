// Enters: what a JSON value may be. Leaves: expressions for it: white space, strings, and values of any kind.
#include "json_text_grammar.h"

#include <algorithm>

#include "utf8.h"

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

namespace {

/// The beginnings that names have, each once, longer ones after those they go on from.
struct Beginning {
  std::size_t parent = 0;
  std::uint32_t code = 0;  // its last character
  bool is_name = false;
};

/// nullopt: more than `most`.
std::optional<std::vector<Beginning>> beginnings(const std::vector<std::string>& sorted_names, std::size_t most) {
  std::vector<Beginning> all(1);
  std::vector<std::size_t> path{0};  // of the name before: a beginning for each of its characters
  for (const std::string& name : sorted_names) {
    std::size_t n_shared = 0;
    bool shared = true;
    for (std::size_t at = 0; at < name.size();) {
      const Character next = first_character(std::string_view(name).substr(at));
      const auto code = static_cast<std::uint32_t>(next.code);
      at += next.length;
      shared = shared && n_shared + 1 < path.size() && all[path[n_shared + 1]].code == code;
      if (!shared) {
        path.resize(n_shared + 1);
        path.push_back(all.size());
        all.push_back({path[n_shared], code});
      }
      ++n_shared;
      if (all.size() > most) return {};
    }
    path.resize(n_shared + 1);
    all[path.back()].is_name = true;
  }
  return all;
}

}  // namespace

/// A character that leaves the names' common beginnings, then anything; or a name's beginning that is no name itself.
/// From the longest beginnings to the empty one, without recursion: names may be as long as the schema.
std::optional<JsonText::Expr> JsonText::string_but(std::vector<std::string> names) {
  constexpr std::size_t states_of_one = 18;  // a character and all others, at least
  std::sort(names.begin(), names.end());
  const auto all = beginnings(names, GrammarLimits::states / states_of_one);
  if (!all) return {};
  const Expr rest = builder_.shared("any characters", builder_.repeat(characters(CharacterSet::all()), 0, {}));
  std::vector<std::vector<Expr>> ways(all->size());
  std::vector<CharacterSet> taken(all->size());
  for (std::size_t i = all->size(); i-- > 0;) {
    const Beginning& here = (*all)[i];
    if (!here.is_name) ways[i].push_back(builder_.empty());
    ways[i].push_back(builder_.sequence({characters(taken[i].complement()), rest}));
    const Expr further = builder_.choice(std::move(ways[i]));
    if (i == 0) return quoted(further);
    ways[here.parent].push_back(
        builder_.sequence({characters({{here.code, here.code}}), builder_.shared("another key", further)}));
    taken[here.parent].add(here.code, here.code);
  }
  return {};
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
