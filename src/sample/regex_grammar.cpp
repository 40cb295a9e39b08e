// Enters: a regular expression. Leaves: an expression over characters that has the same texts.
#include "regex_grammar.h"

#include "open_groups.h"
#include "pattern_reader.h"
#include "try.h"

namespace hearth::sample {
namespace {

using Expr = GrammarBuilder::Expr;

const CharacterSet digit_set{{'0', '9'}};
const CharacterSet word_set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CharacterSet ascii_set{{0, 0x7f}};
const CharacterSet space_set{{'\t', '\r'}, {' ', ' '}};
// What some dialect calls a space: Unicode's, ASCII's separators, the BOM.
const CharacterSet any_space_set{{'\t', '\r'},     {0x1c, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
                                 {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f},
                                 {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const CharacterSet line_break_set{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class RegexParser {
 public:
  enum class Anchors { implied, searched };

  RegexParser(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell, std::string_view where,
              Anchors anchors)
      : in_(text, where), where_(where), builder_(builder), spell_(spell), anchors_(anchors) {}

  Result<Expr> parse() {
    begin_alternative();
    for (;;) {
      HEARTH_CHECK(builder_.fits(where_));
      if (in_.peek() == '(') {
        HEARTH_CHECK(open_group());
      } else if (!ends_alternative()) {
        HEARTH_TRY(const Expr part, element());
        HEARTH_CHECK(add_repeated(part));
      } else {
        end_alternative();
        if (in_.skip("|")) {
          begin_alternative();
        } else if (groups_.depth() == 0) {
          if (!in_.at_end()) return in_.error("')' closes no group", "write \\) for the character");
          return groups_.close();
        } else {
          if (!in_.skip(")")) return in_.error_at(groups_.begin(), "the group is not closed", "add )");
          HEARTH_CHECK(add_repeated(groups_.close()));
        }
      }
    }
  }

 private:
  /// Outside of all groups an alternative may be anchored at either end; where it is not, anything may stand there.
  void begin_alternative() {
    if (groups_.depth() == 0 && !in_.skip("^")) add_anything();
  }
  void end_alternative() {
    if (groups_.depth() == 0 && !in_.skip("$")) add_anything();
    groups_.end_alternative();
  }
  void add_anything() {
    if (anchors_ != Anchors::searched) return;
    if (!anything_) anything_ = builder_.repeat(spell_(CharacterSet::all()), 0, {});
    groups_.add(*anything_);
  }

  bool ends_alternative() const {
    if (in_.at_end() || in_.peek() == '|' || in_.peek() == ')') return true;
    return groups_.depth() == 0 && in_.peek() == '$' && (in_.peek(1) == '|' || in_.position() + 1 == in_.size());
  }

  Result<void> add_repeated(Expr part) {
    while (!in_.at_end() && std::string_view("?*+{").find(in_.peek()) != std::string_view::npos) {
      HEARTH_TRY(const Repetition times, in_.repetition());
      part = builder_.repeat(part, times.least, times.most);
      in_.skip("?");  // which match comes first is nothing to a set of texts
      if (in_.peek() == '+')
        return in_.error("possessive repetitions are not supported", "use a grammar for what they exclude");
    }
    groups_.add(part);
    return {};
  }

  Result<void> open_group() {
    HEARTH_CHECK(groups_.open(in_, "use fewer"));
    in_.next();
    if (in_.peek() == '?') return group_kind(groups_.begin());
    return {};
  }

  Result<Expr> element() {
    const std::size_t begin = in_.position();
    switch (in_.peek()) {
      case '[':
        return character_class();
      case '\\':
        return escaped();
      case '.':
        in_.next();
        return spell_(line_break_set.complement());
      case '^':
      case '$':
        return in_.error("an anchor inside the expression is not supported", "put ^ first and $ last, or escape it");
      case '?':
      case '*':
      case '+':
      case '{':
        return in_.error("there is nothing before '" + std::string(in_.slice_of(begin, 1)) + "' to repeat",
                         "escape it to mean the character");
      default:
        HEARTH_TRY(const std::uint32_t code, in_.character());
        return spell_({{code, code}});
    }
  }

  Result<void> group_kind(std::size_t begin) {
    struct Kind {
      std::string_view text, unsupported;
    };
    constexpr Kind kinds[] = {{"?:", ""},
                              {"?<=", "look-behind"},
                              {"?<!", "negative look-behind"},
                              {"?=", "look-ahead"},
                              {"?!", "negative look-ahead"},
                              {"?>", "an atomic group"},
                              {"?P=", "a back reference"},
                              {"?P<", ""},
                              {"?<", ""}};
    for (const Kind& kind : kinds) {
      if (!in_.skip(kind.text)) continue;
      if (!kind.unsupported.empty())
        return in_.error_at(begin, std::string(kind.unsupported) + " is not supported", "say it without");
      if (kind.text.back() != '<') return {};
      while (!in_.at_end() && in_.peek() != '>') in_.next();
      if (in_.skip(">")) return {};
    }
    return in_.error_at(begin, "this kind of group is not supported", "use ( or (?:");
  }

  /// \d and the like.
  static const CharacterSet* named_set(char letter) {
    static const CharacterSet not_digits = ascii_set.minus(digit_set), not_word = ascii_set.minus(word_set),
                              not_space = any_space_set.complement();
    struct Row {
      char letter;
      const CharacterSet* set;
    };
    static const Row rows[] = {{'d', &digit_set},  {'w', &word_set}, {'s', &space_set},
                               {'D', &not_digits}, {'W', &not_word}, {'S', &not_space}};
    for (const Row& row : rows)
      if (row.letter == letter) return row.set;
    return nullptr;
  }

  Result<Expr> escaped() {
    if (const CharacterSet* set = named_set(in_.peek(1))) {
      in_.next(), in_.next();
      return spell_(*set);
    }
    HEARTH_TRY(const std::uint32_t code, escaped_character(false));
    return spell_({{code, code}});
  }

  Result<std::uint32_t> escaped_character(bool in_class) {
    struct Row {
      char letter;
      std::uint32_t code;
      int n_digits;
    };
    constexpr Row rows[] = {{'n', '\n', 0}, {'r', '\r', 0}, {'t', '\t', 0}, {'f', '\f', 0},
                            {'v', '\v', 0}, {'x', 0, 2},    {'u', 0, 4},    {'U', 0, 8}};
    const std::size_t begin = in_.position();
    in_.next();
    if (in_.at_end()) return in_.error_at(begin, "the expression ends in the middle of an escape", "complete it");
    const char letter = in_.peek();
    for (const Row& row : rows) {
      if (letter != row.letter) continue;
      in_.next();
      return row.n_digits == 0 ? Result<std::uint32_t>(row.code) : in_.hexadecimal(row.n_digits, begin);
    }
    if (letter == 'b' && in_class) return in_.next(), std::uint32_t{'\b'};
    if (letter == '0' && (in_.peek(1) < '0' || in_.peek(1) > '9')) return in_.next(), std::uint32_t{0};
    const bool alphanumeric = word_set.contains(static_cast<unsigned char>(letter)) && letter != '_';
    if (!alphanumeric) return in_.character();
    const std::string shown = "'\\" + std::string(1, letter) + "'";
    const bool back_reference = (letter >= '0' && letter <= '9') || letter == 'k';
    return in_.error_at(begin, (back_reference ? "the back reference " : "the escape ") + shown + " is not supported",
                        "say it without");
  }

  Result<Expr> character_class() {
    const std::size_t begin = in_.position();
    in_.next();
    const bool negated = in_.skip("^");
    CharacterSet set, outside;  // of a negated class: what is surely not meant
    for (;;) {
      if (in_.at_end()) return in_.error_at(begin, "the character class is not closed", "add ]");
      if (in_.skip("]")) break;
      if (in_.peek() == '\\' && named_set(in_.peek(1))) {
        const char letter = in_.peek(1);
        set.add(*named_set(letter));
        outside.add(widest(letter));
        in_.next(), in_.next();
        continue;
      }
      HEARTH_CHECK(range(set));
    }
    if (!negated) {
      if (set.empty()) return in_.error_at(begin, "the character class is empty", "name a character");
      return spell_(set);
    }
    set.add(outside);
    if (set.complement().empty()) return in_.error_at(begin, "the character class is empty", "name fewer characters");
    return spell_(set.complement());
  }

  /// All that a dialect may take \d, \w, … for: a negated class keeps away from it.
  static CharacterSet widest(char letter) {
    CharacterSet set;
    const CharacterSet beyond_ascii = ascii_set.complement();
    switch (letter) {
      case 's':
        return any_space_set;
      case 'S':
        return space_set.complement();
      case 'd':
        set = digit_set;
        break;
      case 'w':
        set = word_set;
        break;
      case 'D':
        set = digit_set.complement();
        break;
      default:
        set = word_set.complement();
    }
    set.add(beyond_ascii);
    return set;
  }

  Result<void> range(CharacterSet& set) {
    const std::size_t begin = in_.position();
    HEARTH_TRY(const std::uint32_t first, class_character());
    std::uint32_t last = first;
    if (in_.peek() == '-' && in_.peek(1) != ']' && in_.position() + 1 < in_.size()) {
      in_.next();
      if (in_.peek() == '\\' && named_set(in_.peek(1)))
        return in_.error_at(begin, "a range ends in a class", "escape the -");
      HEARTH_TRY(last, class_character());
    }
    if (last < first) return in_.error_at(begin, "the range runs backwards", "put the lower character first");
    set.add(first, last);
    return {};
  }

  Result<std::uint32_t> class_character() { return in_.peek() == '\\' ? escaped_character(true) : in_.character(); }

  PatternReader in_;
  std::string_view where_;
  GrammarBuilder& builder_;
  OpenGroups groups_{builder_};
  const SpellCharacters& spell_;
  Anchors anchors_;
  std::optional<Expr> anything_;
};

Result<Expr> parsed(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell,
                    std::string_view where, RegexParser::Anchors anchors) {
  if (text.size() > GrammarLimits::text_bytes)
    return too_complex(where, "it has " + std::to_string(text.size()) + " bytes, " +
                                  std::to_string(GrammarLimits::text_bytes) + " are allowed");
  return RegexParser(builder, text, spell, where, anchors).parse();
}

}  // namespace

Result<Expr> regex_search(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell,
                          std::string_view where) {
  return parsed(builder, text, spell, where, RegexParser::Anchors::searched);
}

Result<Expr> regex_match(GrammarBuilder& builder, std::string_view text, const SpellCharacters& spell,
                         std::string_view where) {
  return parsed(builder, text, spell, where, RegexParser::Anchors::implied);
}

Result<std::shared_ptr<const Grammar>> parse_regex(std::string_view text) {
  GrammarBuilder builder;
  const SpellCharacters as_they_are = [&](const CharacterSet& set) { return builder.characters(set); };
  HEARTH_TRY(const Expr whole, regex_match(builder, text, as_they_are, "regular expression"));
  const RuleId root = builder.declare("regular expression");
  builder.define(root, whole);
  return builder.build(root);
}

}  // namespace hearth::sample
